-- Registrations that wait to be proved, at most one an address: the newest. Only proof makes an account of one, with the name and password of
-- that registration. One for an address that has an account is kept just the same, so that nobody can tell.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE registrations (
    email             TEXT    NOT NULL PRIMARY KEY CHECK (email <> ''),
    -- What the account will be called by; the code is bound to it.
    id                BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    name              TEXT    NOT NULL CHECK (name <> ''),
    account_type      TEXT    NOT NULL CHECK (account_type IN ('INDIVIDUAL', 'BUSINESS')),
    password_hash     TEXT    NOT NULL CHECK (password_hash <> ''),
    -- Who registered, by digests: theirs are other tries than those of strangers.
    network           BLOB    NOT NULL CHECK (length(network) = 32),
    browser           BLOB    CHECK (length(browser) = 32),
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    code_digest       BLOB    NOT NULL CHECK (length(code_digest) = 32),
    code_sent_at      INTEGER NOT NULL,
    code_expires_at   INTEGER NOT NULL,
    attempts          INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    failures          INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    stranger_attempts INTEGER NOT NULL DEFAULT 0 CHECK (stranger_attempts >= 0),
    stranger_failures INTEGER NOT NULL DEFAULT 0 CHECK (stranger_failures >= 0),
    reset_digest      BLOB    UNIQUE CHECK (length(reset_digest) = 32),
    reset_sent_at     INTEGER,
    reset_expires_at  INTEGER
) STRICT;

CREATE INDEX registrations_by_end ON registrations (expires_at);

DROP TABLE one_time_codes;
ALTER TABLE users DROP COLUMN code_failures;
