-- Sessions in which somebody acts for the user, for support: who does, by which name, and why the user is told. No
-- reference to whoever acts: the session is the user's, and goes with the user. Kept in step with the PostgreSQL file
-- of the same name.

ALTER TABLE sessions ADD COLUMN actor_id BLOB CHECK (length(actor_id) = 16);
ALTER TABLE sessions ADD COLUMN actor_name TEXT;
ALTER TABLE sessions ADD COLUMN support_reason TEXT;
