-- The history of a session under the name that it has in the API, and its kinds as `HistoryKind` names them.
-- Kept in step with the PostgreSQL file of the same name.

ALTER TABLE session_biography RENAME TO session_history;
ALTER TABLE session_history RENAME COLUMN what TO kind;

DROP INDEX session_biography_in_order;
DROP INDEX session_biography_with_origin;
CREATE INDEX session_history_in_order ON session_history (session_id, at, id);
CREATE INDEX session_history_with_origin ON session_history (at) WHERE ip <> '';

UPDATE session_history SET kind = 'signed_in' WHERE kind = 'began';
UPDATE session_history SET kind = 'refreshed' WHERE kind = 'renewed';
