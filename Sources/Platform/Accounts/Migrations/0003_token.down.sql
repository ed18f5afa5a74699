DROP TABLE one_time_token;
DROP TABLE api_token;
