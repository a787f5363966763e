-- What must not outlive an account: its last letter once it has left, and clients' own words in the audit log.
-- Kept in step with the PostgreSQL file of the same name.

-- A letter that is deleted when it was handed over, rather than kept without its text.
ALTER TABLE mail ADD COLUMN forget INTEGER NOT NULL DEFAULT 0 CHECK (forget IN (0, 1));

DROP TRIGGER audit_log_wipes_origins_only;

CREATE TRIGGER audit_log_wipes_origins_only BEFORE UPDATE ON audit_log
WHEN NOT (
    NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.user_id IS OLD.user_id AND NEW.actor_id IS OLD.actor_id
    AND NEW.session_id IS OLD.session_id AND NEW.action IS OLD.action AND NEW.reason IS OLD.reason
    AND (NEW.client_reason IS OLD.client_reason OR NEW.client_reason IS NULL)
    AND NEW.ip = '' AND NEW.user_agent = ''
)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

-- How what is forgotten is found.
CREATE INDEX revocation_log_naming_devices ON revocation_log (user_id) WHERE ended_by_device IS NOT NULL;
CREATE INDEX stream_tickets_of_user ON stream_tickets (user_id);
