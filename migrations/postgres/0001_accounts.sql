-- People, what they may do, and the codes and mails that prove their addresses.
-- Columns: ids are 16-byte UUIDs, moments are milliseconds since 1970, digests are 32 bytes.
-- Kept in step with the SQLite file of the same name.

CREATE TABLE users (
    id                  UUID    NOT NULL PRIMARY KEY,
    email               TEXT    NOT NULL UNIQUE CHECK (email <> ''),
    name                TEXT    NOT NULL CHECK (name <> ''),
    account_type        TEXT    NOT NULL CHECK (account_type IN ('INDIVIDUAL', 'BUSINESS')),
    password_hash       TEXT    NOT NULL CHECK (password_hash <> ''),
    password_changed_at BIGINT  NOT NULL,
    email_verified_at   BIGINT,
    disabled_at         BIGINT,
    epoch               BIGINT  NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    last_logout         BIGINT,
    code_failures       BIGINT  NOT NULL DEFAULT 0 CHECK (code_failures >= 0),
    created_at          BIGINT  NOT NULL
);

-- A comma separates roles where several are read at once.
CREATE TABLE user_roles (
    user_id UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role    TEXT    NOT NULL CHECK (role <> '' AND role NOT LIKE '%,%'),
    PRIMARY KEY (user_id, role)
);

CREATE TABLE one_time_codes (
    user_id    UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('verify_email')),
    digest     BYTEA   NOT NULL CHECK (octet_length(digest) = 32),
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    attempts   BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    PRIMARY KEY (user_id, purpose)
);

CREATE INDEX one_time_codes_by_end ON one_time_codes (expires_at);

CREATE TABLE mail (
    id              UUID    NOT NULL PRIMARY KEY,
    recipient       TEXT    NOT NULL CHECK (recipient <> ''),
    subject         TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    queued_at       BIGINT  NOT NULL,
    attempts        BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at BIGINT  NOT NULL,
    sent_at         BIGINT
);

CREATE INDEX mail_due ON mail (next_attempt_at) WHERE sent_at IS NULL;
CREATE INDEX mail_by_time ON mail (queued_at);
