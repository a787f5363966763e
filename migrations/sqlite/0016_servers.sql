-- The servers that run on this database, and the settings in which they must agree or had better. A row is renewed every few seconds, and
-- goes when its server stops. Settings are a JSON object of names and values, without secrets; the agreement is a digest of those that must be one.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE servers (
    id        BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name      TEXT NOT NULL,
    agreement BLOB    NOT NULL CHECK (length(agreement) = 32),
    settings  TEXT NOT NULL,
    seen_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX servers_by_sight ON servers (seen_at);
