-- What the admin API needs: who must set a new password, what servers say of themselves, ends of
-- sessions by rule, and the audit log by action, actor and address.
-- Kept in step with the SQLite file of the same name.

-- Since when the user must set a new password before signing in.
ALTER TABLE users ADD COLUMN password_reset_required_at BIGINT;

-- The newest of those who are disabled or not proved, however few there are.
CREATE INDEX users_disabled_by_age ON users (id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_unverified_by_age ON users (id) WHERE email_verified_at IS NULL;

-- Empty for a server of an earlier version, and for one that has no list yet.
ALTER TABLE servers ADD COLUMN version TEXT;
ALTER TABLE servers ADD COLUMN revocation_list_age_ms BIGINT;

-- An end of sessions by rule, which a job carries out. The rule is JSON.
CREATE TABLE end_runs (
    id             UUID   NOT NULL PRIMARY KEY,
    actor_id       UUID   NOT NULL,
    -- The session that asked, which stays.
    session_id     UUID   NOT NULL,
    rule           TEXT   NOT NULL,
    client_reason  TEXT,
    ip             TEXT   NOT NULL,
    user_agent     TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    begun_at       BIGINT,
    finished_at    BIGINT,
    total_sessions BIGINT CHECK (total_sessions >= 0),
    ended_sessions BIGINT NOT NULL DEFAULT 0 CHECK (ended_sessions >= 0)
);

CREATE INDEX end_runs_by_time ON end_runs (created_at);

-- How many entries of an action the audit log has of an hour that is over, so that nobody counts them again.
CREATE TABLE audit_counts (
    action  TEXT   NOT NULL CHECK (action <> ''),
    hour    BIGINT NOT NULL,
    entries BIGINT NOT NULL CHECK (entries >= 0),
    PRIMARY KEY (action, hour)
);

CREATE INDEX audit_log_by_action ON audit_log (action, at, id);
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, at, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_log_by_address ON audit_log (ip, at, id) WHERE ip <> '';
