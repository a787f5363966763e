-- "Was this you?", asked until somebody answers: about a device that signed in, or a session that may have been copied. An alert
-- lives as long as what is known of its session. Kept in step with the SQLite file of the same name.

CREATE TABLE alerts (
    id          UUID    NOT NULL PRIMARY KEY,
    user_id     UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id  UUID    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL CHECK (kind IN ('new_sign_in', 'refresh_reuse')),
    created_at  BIGINT  NOT NULL,
    ip          TEXT    NOT NULL,
    place       TEXT,
    answer      TEXT    CHECK (answer IN ('me', 'not_me', 'end_session')),
    answered_at BIGINT,
    answered_by UUID,
    -- Whether whoever answered was beyond question themselves.
    vouched     BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (session_id, kind),
    CHECK ((answer IS NULL) = (answered_at IS NULL))
);

CREATE INDEX alerts_of_user ON alerts (user_id);
CREATE INDEX alerts_open_of_user ON alerts (user_id, created_at DESC, id DESC) WHERE answer IS NULL;
CREATE INDEX alerts_with_origin ON alerts (created_at) WHERE ip <> '';
