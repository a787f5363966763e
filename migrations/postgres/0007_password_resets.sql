-- Links that set a new password, at most one a person; and how everything that is held on a person is found, to be handed out or deleted.
-- Kept in step with the SQLite file of the same name.

CREATE TABLE password_resets (
    user_id    UUID    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    digest     BYTEA   NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE INDEX password_resets_by_end ON password_resets (expires_at);

-- Ended ones too. Without it the end of a person would read the sessions of everybody.
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX mail_of_recipient ON mail (recipient);
