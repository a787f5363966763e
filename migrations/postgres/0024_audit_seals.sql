-- The audit log proves itself: entries get a position and a mark when they are sealed, and each seal vouches for those
-- before it (docs/decisions/0043). Kept in step with the SQLite file of the same name.

-- All of these are empty until the entry is sealed. What may be wiped is sealed as a commitment with a salt, and the
-- salt is wiped with it.
ALTER TABLE audit_log
    ADD COLUMN position BIGINT,
    ADD COLUMN origin_salt BYTEA,
    ADD COLUMN origin_commitment BYTEA,
    ADD COLUMN client_reason_salt BYTEA,
    ADD COLUMN client_reason_commitment BYTEA,
    ADD COLUMN mark BYTEA;

CREATE UNIQUE INDEX audit_log_positions ON audit_log (position) WHERE position IS NOT NULL;
CREATE INDEX audit_log_unsealed ON audit_log (at, id) WHERE position IS NULL;
CREATE INDEX audit_log_in_time ON audit_log (at, id);

CREATE TABLE audit_seals (
    number         BIGINT NOT NULL PRIMARY KEY CHECK (number > 0),
    -- Of the format, which says what is hashed and signed.
    version        BIGINT NOT NULL,
    sealed_at      BIGINT NOT NULL,
    -- The positions of the entries that it seals.
    first_position BIGINT NOT NULL,
    last_position  BIGINT NOT NULL,
    root           BYTEA  NOT NULL,
    -- The hash of the seal before it.
    previous       BYTEA  NOT NULL,
    public_key     BYTEA  NOT NULL,
    signature      BYTEA  NOT NULL,
    CHECK (last_position >= first_position)
);

CREATE TRIGGER audit_log_is_sealed_by_update BEFORE INSERT ON audit_log
FOR EACH ROW WHEN (
    NEW.position IS NOT NULL OR NEW.mark IS NOT NULL OR NEW.origin_salt IS NOT NULL
    OR NEW.origin_commitment IS NOT NULL OR NEW.client_reason_salt IS NOT NULL
    OR NEW.client_reason_commitment IS NOT NULL
)
EXECUTE FUNCTION audit_log_is_append_only();

DROP TRIGGER audit_log_wipes_origins_only ON audit_log;

-- Two changes are let through. Sealing fills in what is empty, once. Wiping takes `ip` and `user_agent` with
-- `origin_salt`, and `client_reason` with `client_reason_salt`.
CREATE TRIGGER audit_log_is_sealed_or_wiped_only BEFORE UPDATE ON audit_log
FOR EACH ROW WHEN (NOT (
    (NEW.id, NEW.at, NEW.user_id, NEW.actor_id, NEW.session_id, NEW.action, NEW.reason, NEW.detail)
    IS NOT DISTINCT FROM
    (OLD.id, OLD.at, OLD.user_id, OLD.actor_id, OLD.session_id, OLD.action, OLD.reason, OLD.detail)
    AND ((
        OLD.position IS NULL AND NEW.position IS NOT NULL AND NEW.mark IS NOT NULL
        AND (NEW.ip, NEW.user_agent, NEW.client_reason)
        IS NOT DISTINCT FROM (OLD.ip, OLD.user_agent, OLD.client_reason)
    ) OR (
        (NEW.position, NEW.mark, NEW.origin_commitment, NEW.client_reason_commitment)
        IS NOT DISTINCT FROM
        (OLD.position, OLD.mark, OLD.origin_commitment, OLD.client_reason_commitment)
        AND (
            (NEW.ip, NEW.user_agent, NEW.origin_salt)
            IS NOT DISTINCT FROM (OLD.ip, OLD.user_agent, OLD.origin_salt)
            OR (NEW.ip = '' AND NEW.user_agent = '' AND NEW.origin_salt IS NULL)
        )
        AND (
            (NEW.client_reason, NEW.client_reason_salt)
            IS NOT DISTINCT FROM (OLD.client_reason, OLD.client_reason_salt)
            OR (NEW.client_reason IS NULL AND NEW.client_reason_salt IS NULL)
        )
    ))
))
EXECUTE FUNCTION audit_log_is_append_only();

CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

CREATE FUNCTION audit_seals_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_seals is append-only';
END;
$$;

CREATE TRIGGER audit_seals_keep_seals BEFORE DELETE ON audit_seals
FOR EACH ROW EXECUTE FUNCTION audit_seals_is_append_only();

CREATE TRIGGER audit_seals_never_change BEFORE UPDATE ON audit_seals
FOR EACH ROW EXECUTE FUNCTION audit_seals_is_append_only();

CREATE TRIGGER audit_seals_are_not_emptied BEFORE TRUNCATE ON audit_seals
FOR EACH STATEMENT EXECUTE FUNCTION audit_seals_is_append_only();
