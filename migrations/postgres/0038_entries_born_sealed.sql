-- Whoever writes many entries at once may seal them as they are written: each is written once then, in place of twice.
-- An entry is inserted with all of a seal or with nothing of it (docs/decisions/0060). Kept in step with the SQLite
-- file of the same name.

DROP TRIGGER audit_log_is_sealed_by_update ON audit_log;

CREATE TRIGGER audit_log_is_sealed_as_a_whole BEFORE INSERT ON audit_log
FOR EACH ROW WHEN (
    (NEW.position IS NULL) <> (NEW.mark IS NULL)
    OR (NEW.origin_salt IS NULL) <> (NEW.origin_commitment IS NULL)
    OR (NEW.client_reason_salt IS NULL) <> (NEW.client_reason_commitment IS NULL)
    OR (NEW.position IS NULL AND (NEW.origin_salt IS NOT NULL OR NEW.client_reason_salt IS NOT NULL))
    OR (NEW.position IS NOT NULL AND (NEW.origin_salt IS NULL) <> (NEW.ip = '' AND NEW.user_agent = ''))
    OR (NEW.position IS NOT NULL AND (NEW.client_reason_salt IS NULL) <> (NEW.client_reason IS NULL))
)
EXECUTE FUNCTION audit_log_is_append_only();
