-- Links that make the first owner, of each start of a server for which there was none: used once, and none of them is
-- good once there is an owner. Kept in step with the SQLite file of the same name.

CREATE TABLE first_owner_links (
    digest     BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    expires_at BIGINT NOT NULL
);

CREATE INDEX first_owner_links_by_end ON first_owner_links (expires_at);
