DROP TABLE inbox_event;
DROP TABLE consumed;
DROP TABLE outbox;
