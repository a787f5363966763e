-- The master secret of development on a database server, where no folder belongs to the database. Empty in production, always.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE development_secret (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    secret TEXT NOT NULL CHECK (secret <> '')
) STRICT;
