-- Browsers (and native clients) that people have signed in with: by a token of their own, apart from any session. They tell a person's own tries
-- from those of strangers, and keep a browser to one session. Kept in step with the SQLite file of the same name.

CREATE TABLE browsers (
    id         UUID    NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX browsers_by_end ON browsers (expires_at);

-- Several, because the answer that brought the newest may have been lost, or overtaken by another tab's.
CREATE TABLE browser_tokens (
    digest     BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    browser_id UUID    NOT NULL REFERENCES browsers (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX browser_tokens_of_browser ON browser_tokens (browser_id);
CREATE INDEX browser_tokens_by_end ON browser_tokens (expires_at);

CREATE TABLE browser_users (
    browser_id UUID    NOT NULL REFERENCES browsers (id) ON DELETE CASCADE,
    user_id    UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (browser_id, user_id)
);

CREATE INDEX browser_users_of_user ON browser_users (user_id);

-- Networks from which a password was just reset: whoever did so must get in, however many strangers try.
CREATE TABLE reset_grants (
    user_id    UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network    BYTEA   NOT NULL CHECK (octet_length(network) = 32),
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, network)
);

CREATE INDEX reset_grants_by_end ON reset_grants (expires_at);

ALTER TABLE sessions ADD COLUMN browser_id UUID;
-- One browser, one session.
CREATE UNIQUE INDEX sessions_live_in_browser ON sessions (browser_id) WHERE ended_at IS NULL AND browser_id IS NOT NULL;
