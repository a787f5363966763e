-- Browsers (and native clients) that people have signed in with: by a token of their own, apart from any session. They tell a person's own tries
-- from those of strangers, and keep a browser to one session. Kept in step with the PostgreSQL file of the same name.

CREATE TABLE browsers (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX browsers_by_end ON browsers (expires_at);

-- Several, because the answer that brought the newest may have been lost, or overtaken by another tab's.
CREATE TABLE browser_tokens (
    digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    browser_id BLOB    NOT NULL REFERENCES browsers (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX browser_tokens_of_browser ON browser_tokens (browser_id);
CREATE INDEX browser_tokens_by_end ON browser_tokens (expires_at);

CREATE TABLE browser_users (
    browser_id BLOB    NOT NULL REFERENCES browsers (id) ON DELETE CASCADE,
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (browser_id, user_id)
) STRICT;

CREATE INDEX browser_users_of_user ON browser_users (user_id);

-- Networks from which a password was just reset: whoever did so must get in, however many strangers try.
CREATE TABLE reset_grants (
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network    BLOB    NOT NULL CHECK (length(network) = 32),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, network)
) STRICT;

CREATE INDEX reset_grants_by_end ON reset_grants (expires_at);

ALTER TABLE sessions ADD COLUMN browser_id BLOB CHECK (length(browser_id) = 16);
-- One browser, one session.
CREATE UNIQUE INDEX sessions_live_in_browser ON sessions (browser_id) WHERE ended_at IS NULL AND browser_id IS NOT NULL;
