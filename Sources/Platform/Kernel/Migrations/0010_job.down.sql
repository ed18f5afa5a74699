DROP TABLE job_schedule;
DROP TABLE job;
