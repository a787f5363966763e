-- When the database that answers has last changed: another server of it took over, or it was started again. What was
-- committed just before that may be lost.
-- Kept in step with the SQLite file of the same name.

ALTER TABLE revocation_head ADD COLUMN database_started BIGINT;
ALTER TABLE revocation_head ADD COLUMN restarted_at BIGINT;
