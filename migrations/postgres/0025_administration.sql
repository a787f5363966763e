-- How administrators find users and sessions, however many there are: users by the beginning of their address or name,
-- those of a role, those who are disabled or not proved; live sessions by when they began and by their address.
-- What is searched by its beginning is compared byte by byte, as SQLite does. Kept in step with the SQLite file of the
-- same name.

-- Only the indexes are made again; the tables stay as they are.
ALTER TABLE users ALTER COLUMN email TYPE TEXT COLLATE "C", ALTER COLUMN name TYPE TEXT COLLATE "C";
-- Compared with the addresses of users.
ALTER TABLE registrations ALTER COLUMN email TYPE TEXT COLLATE "C";
ALTER TABLE sessions ALTER COLUMN ip TYPE TEXT COLLATE "C";

CREATE INDEX users_by_name ON users (lower(name), id);
CREATE INDEX users_disabled ON users (email) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_unverified ON users (email) WHERE email_verified_at IS NULL;
CREATE INDEX sessions_live_by_start ON sessions (created_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_live_by_address ON sessions (ip, id) WHERE ended_at IS NULL;
