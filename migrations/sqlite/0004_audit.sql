-- What happened, for the person and the operator. Nothing in it changes but that addresses are wiped in time.
-- No foreign keys: entries outlive what they are about. Kept in step with the PostgreSQL file of the same name.

CREATE TABLE audit_log (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at            INTEGER NOT NULL,
    user_id       BLOB    CHECK (length(user_id) = 16),
    actor_id      BLOB    CHECK (length(actor_id) = 16),
    session_id    BLOB    CHECK (length(session_id) = 16),
    action        TEXT    NOT NULL CHECK (action <> ''),
    reason        TEXT,
    client_reason TEXT,
    ip            TEXT    NOT NULL,
    user_agent    TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_log_of_user ON audit_log (user_id, at DESC, id DESC);
CREATE INDEX audit_log_with_origin ON audit_log (at) WHERE ip <> '' OR user_agent <> '';

CREATE TRIGGER audit_log_keeps_entries BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

CREATE TRIGGER audit_log_wipes_origins_only BEFORE UPDATE ON audit_log
WHEN NOT (
    NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.user_id IS OLD.user_id AND NEW.actor_id IS OLD.actor_id
    AND NEW.session_id IS OLD.session_id AND NEW.action IS OLD.action AND NEW.reason IS OLD.reason
    AND NEW.client_reason IS OLD.client_reason AND NEW.ip = '' AND NEW.user_agent = ''
)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
