-- How full the buckets are that limit tries, for all servers together. A key is a digest: no address and no e-mail is kept here.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE try_limits (
    bucket  BLOB    NOT NULL PRIMARY KEY CHECK (length(bucket) = 32),
    -- When it will be full again if nobody takes from it.
    full_at INTEGER NOT NULL
) STRICT;

CREATE INDEX try_limits_by_time ON try_limits (full_at);
