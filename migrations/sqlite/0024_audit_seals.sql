-- The audit log proves itself: entries get a position and a mark when they are sealed, and each seal vouches for those
-- before it (docs/decisions/0043). Kept in step with the PostgreSQL file of the same name.

-- All of these are empty until the entry is sealed. What may be wiped is sealed as a commitment with a salt, and the
-- salt is wiped with it.
ALTER TABLE audit_log ADD COLUMN position INTEGER;
ALTER TABLE audit_log ADD COLUMN origin_salt BLOB;
ALTER TABLE audit_log ADD COLUMN origin_commitment BLOB;
ALTER TABLE audit_log ADD COLUMN client_reason_salt BLOB;
ALTER TABLE audit_log ADD COLUMN client_reason_commitment BLOB;
ALTER TABLE audit_log ADD COLUMN mark BLOB;

CREATE UNIQUE INDEX audit_log_positions ON audit_log (position) WHERE position IS NOT NULL;
CREATE INDEX audit_log_unsealed ON audit_log (at, id) WHERE position IS NULL;
CREATE INDEX audit_log_in_time ON audit_log (at, id);

CREATE TABLE audit_seals (
    number         INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    -- Of the format, which says what is hashed and signed.
    version        INTEGER NOT NULL,
    sealed_at      INTEGER NOT NULL,
    -- The positions of the entries that it seals.
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    root           BLOB    NOT NULL,
    -- The hash of the seal before it.
    previous       BLOB    NOT NULL,
    public_key     BLOB    NOT NULL,
    signature      BLOB    NOT NULL,
    CHECK (last_position >= first_position)
) STRICT;

CREATE TRIGGER audit_log_is_sealed_by_update BEFORE INSERT ON audit_log
WHEN NEW.position IS NOT NULL OR NEW.mark IS NOT NULL OR NEW.origin_salt IS NOT NULL
    OR NEW.origin_commitment IS NOT NULL OR NEW.client_reason_salt IS NOT NULL
    OR NEW.client_reason_commitment IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

DROP TRIGGER audit_log_wipes_origins_only;

-- Two changes are let through. Sealing fills in what is empty, once. Wiping takes `ip` and `user_agent` with
-- `origin_salt`, and `client_reason` with `client_reason_salt`.
CREATE TRIGGER audit_log_is_sealed_or_wiped_only BEFORE UPDATE ON audit_log
WHEN NOT (
    NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.user_id IS OLD.user_id AND NEW.actor_id IS OLD.actor_id
    AND NEW.session_id IS OLD.session_id AND NEW.action IS OLD.action AND NEW.reason IS OLD.reason
    AND NEW.detail IS OLD.detail
    AND ((
        OLD.position IS NULL AND NEW.position IS NOT NULL AND NEW.mark IS NOT NULL
        AND NEW.ip IS OLD.ip AND NEW.user_agent IS OLD.user_agent AND NEW.client_reason IS OLD.client_reason
    ) OR (
        NEW.position IS OLD.position AND NEW.mark IS OLD.mark
        AND NEW.origin_commitment IS OLD.origin_commitment
        AND NEW.client_reason_commitment IS OLD.client_reason_commitment
        AND (
            (NEW.ip IS OLD.ip AND NEW.user_agent IS OLD.user_agent AND NEW.origin_salt IS OLD.origin_salt)
            OR (NEW.ip = '' AND NEW.user_agent = '' AND NEW.origin_salt IS NULL)
        )
        AND (
            (NEW.client_reason IS OLD.client_reason AND NEW.client_reason_salt IS OLD.client_reason_salt)
            OR (NEW.client_reason IS NULL AND NEW.client_reason_salt IS NULL)
        )
    ))
)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

CREATE TRIGGER audit_seals_keep_seals BEFORE DELETE ON audit_seals
BEGIN
    SELECT RAISE(ABORT, 'audit_seals is append-only');
END;

CREATE TRIGGER audit_seals_never_change BEFORE UPDATE ON audit_seals
BEGIN
    SELECT RAISE(ABORT, 'audit_seals is append-only');
END;
