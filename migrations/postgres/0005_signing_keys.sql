-- The keys that sign access tokens. Private parts are sealed with a key that is not in the database.
-- Kept in step with the SQLite file of the same name.

CREATE TABLE signing_keys (
    kid                TEXT    NOT NULL PRIMARY KEY CHECK (kid <> ''),
    public_key         BYTEA   NOT NULL,
    sealed_private_key BYTEA   NOT NULL,
    created_at         BIGINT  NOT NULL,
    signs_from         BIGINT  NOT NULL,
    retires_at         BIGINT
);
