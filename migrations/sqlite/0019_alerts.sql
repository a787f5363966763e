-- "Was this you?", asked until somebody answers: about a device that signed in, or a session that may have been copied. An alert
-- lives as long as what is known of its session. Kept in step with the PostgreSQL file of the same name.

CREATE TABLE alerts (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id  BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL CHECK (kind IN ('new_sign_in', 'refresh_reuse')),
    created_at  INTEGER NOT NULL,
    ip          TEXT    NOT NULL,
    place       TEXT,
    answer      TEXT    CHECK (answer IN ('me', 'not_me', 'end_session')),
    answered_at INTEGER,
    answered_by BLOB    CHECK (length(answered_by) = 16),
    -- Whether whoever answered was beyond question themselves.
    vouched     INTEGER NOT NULL DEFAULT 0 CHECK (vouched IN (0, 1)),
    UNIQUE (session_id, kind),
    CHECK ((answer IS NULL) = (answered_at IS NULL))
) STRICT;

CREATE INDEX alerts_of_user ON alerts (user_id);
CREATE INDEX alerts_open_of_user ON alerts (user_id, created_at DESC, id DESC) WHERE answer IS NULL;
CREATE INDEX alerts_with_origin ON alerts (created_at) WHERE ip <> '';
