-- What must not outlive an account: its last letter once it has left, and clients' own words in the audit log.
-- Kept in step with the SQLite file of the same name.

-- A letter that is deleted when it was handed over, rather than kept without its text.
ALTER TABLE mail ADD COLUMN forget BOOLEAN NOT NULL DEFAULT FALSE;

DROP TRIGGER audit_log_wipes_origins_only ON audit_log;

CREATE TRIGGER audit_log_wipes_origins_only BEFORE UPDATE ON audit_log
FOR EACH ROW WHEN (NOT (
    (NEW.id, NEW.at, NEW.user_id, NEW.actor_id, NEW.session_id, NEW.action, NEW.reason)
    IS NOT DISTINCT FROM
    (OLD.id, OLD.at, OLD.user_id, OLD.actor_id, OLD.session_id, OLD.action, OLD.reason)
    AND (NEW.client_reason IS NOT DISTINCT FROM OLD.client_reason OR NEW.client_reason IS NULL)
    AND NEW.ip = '' AND NEW.user_agent = ''
))
EXECUTE FUNCTION audit_log_is_append_only();

-- How what is forgotten is found.
CREATE INDEX revocation_log_naming_devices ON revocation_log (user_id) WHERE ended_by_device IS NOT NULL;
CREATE INDEX stream_tickets_of_user ON stream_tickets (user_id);
