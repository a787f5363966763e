-- Where a session was last seen, approximately and in words; wiped together with the address it was found by.
-- Kept in step with the SQLite file of the same name.

ALTER TABLE sessions ADD COLUMN place TEXT;
