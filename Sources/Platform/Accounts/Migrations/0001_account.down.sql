-- The extensions stay: they are of the database, and other modules may use them.
DROP TABLE account_role;
DROP TABLE account;
