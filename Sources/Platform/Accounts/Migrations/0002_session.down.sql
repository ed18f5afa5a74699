DROP TABLE sign_in_failure;
DROP TABLE known_device;
DROP TABLE session;
