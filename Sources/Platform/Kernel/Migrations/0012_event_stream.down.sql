DROP TABLE stream_event;
DROP TABLE event_stream;
