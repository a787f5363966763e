-- Sessions in which somebody acts for the user, for support: who does, by which name, and why the user is told. No
-- reference to whoever acts: the session is the user's, and goes with the user. Kept in step with the SQLite file of
-- the same name.

ALTER TABLE sessions
    ADD COLUMN actor_id     UUID,
    ADD COLUMN actor_name   TEXT,
    ADD COLUMN support_reason TEXT;
