-- Where each server is reached past the load balancer, so that `latchkey doctor` asks it there.
-- Kept in step with the SQLite file of the same name.

ALTER TABLE servers ADD COLUMN own_url TEXT;
