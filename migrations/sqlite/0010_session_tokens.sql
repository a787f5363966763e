-- Until when the end of a session must be remembered, by the access tokens that were made for it: servers may differ in how long those
-- live, and so may settings from one day to the next. Kept in step with the PostgreSQL file of the same name.

ALTER TABLE sessions ADD COLUMN remember_until INTEGER NOT NULL DEFAULT 0;
