-- What happened, for the person and the operator. Nothing in it changes but that addresses are wiped in time.
-- No foreign keys: entries outlive what they are about. Kept in step with the SQLite file of the same name.

CREATE TABLE audit_log (
    id            UUID    NOT NULL PRIMARY KEY,
    at            BIGINT  NOT NULL,
    user_id       UUID,
    actor_id      UUID,
    session_id    UUID,
    action        TEXT    NOT NULL CHECK (action <> ''),
    reason        TEXT,
    client_reason TEXT,
    ip            TEXT    NOT NULL,
    user_agent    TEXT    NOT NULL
);

CREATE INDEX audit_log_of_user ON audit_log (user_id, at DESC, id DESC);
CREATE INDEX audit_log_with_origin ON audit_log (at) WHERE ip <> '' OR user_agent <> '';

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END;
$$;

CREATE TRIGGER audit_log_keeps_entries BEFORE DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();

CREATE TRIGGER audit_log_wipes_origins_only BEFORE UPDATE ON audit_log
FOR EACH ROW WHEN (NOT (
    (NEW.id, NEW.at, NEW.user_id, NEW.actor_id, NEW.session_id, NEW.action, NEW.reason, NEW.client_reason)
    IS NOT DISTINCT FROM
    (OLD.id, OLD.at, OLD.user_id, OLD.actor_id, OLD.session_id, OLD.action, OLD.reason, OLD.client_reason)
    AND NEW.ip = '' AND NEW.user_agent = ''
))
EXECUTE FUNCTION audit_log_is_append_only();
