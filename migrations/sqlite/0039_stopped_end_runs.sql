-- When an end by rule was stopped, because whoever asked for it lost the permission meanwhile. Kept in step with the
-- PostgreSQL file of the same name.

ALTER TABLE end_runs ADD COLUMN stopped_at INTEGER;
