DROP TABLE mail_delivery;
