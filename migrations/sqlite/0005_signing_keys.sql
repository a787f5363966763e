-- The keys that sign access tokens. Private parts are sealed with a key that is not in the database.
-- Kept in step with the PostgreSQL file of the same name.

CREATE TABLE signing_keys (
    kid                TEXT    NOT NULL PRIMARY KEY CHECK (kid <> ''),
    public_key         BLOB    NOT NULL,
    sealed_private_key BLOB    NOT NULL,
    created_at         INTEGER NOT NULL,
    signs_from         INTEGER NOT NULL,
    retires_at         INTEGER
) STRICT;
