DROP TABLE audit_log;
DROP FUNCTION audit_log_prepare(integer);
DROP FUNCTION audit_log_refuse();
