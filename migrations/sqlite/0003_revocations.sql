-- What may not pass any more. Positions come from the one head row, so they commit in order and without gaps.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE revocation_head (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL CHECK (position >= 0)
) STRICT;

INSERT INTO revocation_head (id, position) VALUES (1, 0);

CREATE TABLE revocation_log (
    position        INTEGER NOT NULL PRIMARY KEY,
    user_id         BLOB    NOT NULL CHECK (length(user_id) = 16),
    session_id      BLOB    CHECK (length(session_id) = 16),
    epoch           INTEGER,
    reason          TEXT,
    ended_by        BLOB    CHECK (length(ended_by) = 16),
    ended_by_device TEXT,
    at              INTEGER NOT NULL,
    remember_until  INTEGER NOT NULL,
    CHECK ((session_id IS NULL) <> (epoch IS NULL))
) STRICT;

CREATE INDEX revocation_log_by_end ON revocation_log (remember_until);
