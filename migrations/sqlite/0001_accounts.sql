-- People, what they may do, and the codes and mails that prove their addresses.
-- Columns: ids are 16-byte UUIDs, moments are milliseconds since 1970, digests are 32 bytes, booleans are 0 or 1.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE users (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email               TEXT    NOT NULL UNIQUE CHECK (email <> ''),
    name                TEXT    NOT NULL CHECK (name <> ''),
    account_type        TEXT    NOT NULL CHECK (account_type IN ('INDIVIDUAL', 'BUSINESS')),
    password_hash       TEXT    NOT NULL CHECK (password_hash <> ''),
    password_changed_at INTEGER NOT NULL,
    email_verified_at   INTEGER,
    disabled_at         INTEGER,
    epoch               INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    last_logout         INTEGER,
    code_failures       INTEGER NOT NULL DEFAULT 0 CHECK (code_failures >= 0),
    created_at          INTEGER NOT NULL
) STRICT;

-- A comma separates roles where several are read at once.
CREATE TABLE user_roles (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role    TEXT NOT NULL CHECK (role <> '' AND role NOT LIKE '%,%'),
    PRIMARY KEY (user_id, role)
) STRICT;

CREATE TABLE one_time_codes (
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('verify_email')),
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    PRIMARY KEY (user_id, purpose)
) STRICT;

CREATE INDEX one_time_codes_by_end ON one_time_codes (expires_at);

CREATE TABLE mail (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    recipient       TEXT    NOT NULL CHECK (recipient <> ''),
    subject         TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    queued_at       INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at INTEGER NOT NULL,
    sent_at         INTEGER
) STRICT;

CREATE INDEX mail_due ON mail (next_attempt_at) WHERE sent_at IS NULL;
CREATE INDEX mail_by_time ON mail (queued_at);
