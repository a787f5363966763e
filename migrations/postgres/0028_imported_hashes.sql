-- Hashes that our own hasher did not write: brought along from another system, and not replaced yet by a sign-in. Few,
-- or none. By the hash itself, so that no other index can be taken for finding one. Kept in step with the SQLite
-- file of the same name.

CREATE INDEX users_with_imported_hash ON users (password_hash)
WHERE substr(password_hash, 1, 31) <> '$argon2id$v=19$m=19456,t=2,p=1$';
