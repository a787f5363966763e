-- The history of a session under the name that it has in the API, and its kinds as `HistoryKind` names them.
-- Kept in step with the SQLite file of the same name.

ALTER TABLE session_biography RENAME TO session_history;
ALTER TABLE session_history RENAME COLUMN what TO kind;

ALTER INDEX session_biography_in_order RENAME TO session_history_in_order;
ALTER INDEX session_biography_with_origin RENAME TO session_history_with_origin;

UPDATE session_history SET kind = 'signed_in' WHERE kind = 'began';
UPDATE session_history SET kind = 'refreshed' WHERE kind = 'renewed';
