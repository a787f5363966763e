-- Links that set a new password, at most one a person; and how everything that is held on a person is found, to be handed out or deleted.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE password_resets (
    user_id    BLOB    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    digest     BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX password_resets_by_end ON password_resets (expires_at);

-- Ended ones too. Without it the end of a person would read the sessions of everybody.
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX mail_of_recipient ON mail (recipient);
