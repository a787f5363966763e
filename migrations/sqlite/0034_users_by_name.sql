-- Those who are disabled or not proved in the order of their names, however few there are.
-- Kept in step with the PostgreSQL file of the same name.

CREATE INDEX users_disabled_by_name ON users (lower(name), id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_unverified_by_name ON users (lower(name), id) WHERE email_verified_at IS NULL;
