-- The mails that were handed to the next hop: a retry of a job does not send one twice.
CREATE TABLE mail_delivery (
    message_id text PRIMARY KEY CHECK (length(message_id) BETWEEN 1 AND 200),
    sent_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mail_delivery_sent ON mail_delivery (sent_at);
