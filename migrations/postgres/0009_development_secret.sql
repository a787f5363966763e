-- The master secret of development on a database server, where no folder belongs to the database. Empty in production, always.
-- Kept in step with the SQLite file of the same name.

CREATE TABLE development_secret (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    secret TEXT NOT NULL CHECK (secret <> '')
);
