-- What may not pass any more. Positions come from the one head row, so they commit in order and without gaps.
-- Kept in step with the SQLite file of the same name.

CREATE TABLE revocation_head (
    id       BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    position BIGINT  NOT NULL CHECK (position >= 0)
);

INSERT INTO revocation_head (id, position) VALUES (1, 0);

CREATE TABLE revocation_log (
    position        BIGINT  NOT NULL PRIMARY KEY,
    user_id         UUID    NOT NULL,
    session_id      UUID,
    epoch           BIGINT,
    reason          TEXT,
    ended_by        UUID,
    ended_by_device TEXT,
    at              BIGINT  NOT NULL,
    remember_until  BIGINT  NOT NULL,
    CHECK ((session_id IS NULL) <> (epoch IS NULL))
);

CREATE INDEX revocation_log_by_end ON revocation_log (remember_until);
