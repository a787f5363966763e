-- The proofs of identity that a session rests on, each with its time, as JSON. Sessions from before rest on the one of `signed_in_with`.
-- Kept in step with the PostgreSQL file of the same name.

ALTER TABLE sessions ADD COLUMN proofs TEXT NOT NULL DEFAULT '[]';
