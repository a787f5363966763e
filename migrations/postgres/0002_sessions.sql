-- Signed-in devices, the story of each, and single-use tickets for the event stream.
-- Kept in step with the SQLite file of the same name.

CREATE TABLE sessions (
    id              UUID    NOT NULL PRIMARY KEY,
    user_id         UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at      BIGINT  NOT NULL,
    last_active     BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,
    max_expires_at  BIGINT  NOT NULL,
    device_name     TEXT    NOT NULL CHECK (device_name <> ''),
    platform        TEXT    NOT NULL,
    browser         TEXT,
    os              TEXT,
    kind            TEXT    NOT NULL CHECK (kind IN ('phone', 'tablet', 'laptop', 'terminal', 'app', 'unknown')),
    app_version     TEXT,
    ip              TEXT    NOT NULL,
    user_agent      TEXT    NOT NULL,
    signed_in_with  TEXT    NOT NULL CHECK (signed_in_with IN ('password', 'passkey', 'provider', 'code')),
    delivery        TEXT    NOT NULL CHECK (delivery IN ('cookie', 'body')),
    remember        BOOLEAN NOT NULL,
    refresh_digest  BYTEA   NOT NULL CHECK (octet_length(refresh_digest) = 32),
    previous_digest BYTEA   CHECK (octet_length(previous_digest) = 32),
    rotated_at      BIGINT  NOT NULL,
    ended_at        BIGINT,
    end_reason      TEXT    CHECK (end_reason IN (
        'user_initiated_logout', 'logout_all', 'revoked_from_other_device', 'session_expired', 'idle_timeout',
        'password_changed', 'password_reset', 'refresh_reuse', 'admin_revoked', 'account_disabled',
        'account_deleted', 'replaced'
    )),
    ended_by        UUID,
    ended_by_device TEXT,
    receipt         BYTEA   CHECK (octet_length(receipt) = 32),
    told_at         BIGINT,
    confirmed_at    BIGINT,
    CHECK (expires_at <= max_expires_at),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

-- The list of a person's devices comes out of this in its order, however many sessions there are.
CREATE INDEX sessions_live_of_user ON sessions (user_id, last_active DESC, id DESC) WHERE ended_at IS NULL;
CREATE INDEX sessions_past_their_time ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_history ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_of_receipt ON sessions (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX sessions_with_origin ON sessions (last_active) WHERE ip <> '' OR user_agent <> '';

CREATE TABLE session_biography (
    id         UUID    NOT NULL PRIMARY KEY,
    session_id UUID    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    at         BIGINT  NOT NULL,
    what       TEXT    NOT NULL CHECK (what <> ''),
    detail     TEXT,
    ip         TEXT    NOT NULL
);

CREATE INDEX session_biography_in_order ON session_biography (session_id, at, id);
CREATE INDEX session_biography_with_origin ON session_biography (at) WHERE ip <> '';

CREATE TABLE stream_tickets (
    digest             BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id         UUID    NOT NULL,
    user_id            UUID    NOT NULL,
    epoch              BIGINT  NOT NULL,
    session_expires_at BIGINT  NOT NULL,
    expires_at         BIGINT  NOT NULL
);

CREATE INDEX stream_tickets_by_end ON stream_tickets (expires_at);
