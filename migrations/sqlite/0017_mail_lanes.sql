-- Which domain a letter goes to, how soon it must leave (0: a code or a link that somebody waits for, 1: a notice), and until when a server is
-- at it: a slow domain holds up its own letters only, and notices no codes. Kept in step with the PostgreSQL file of the same name.

ALTER TABLE mail ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE mail ADD COLUMN priority INTEGER NOT NULL DEFAULT 1 CHECK (priority IN (0, 1));
ALTER TABLE mail ADD COLUMN claimed_until INTEGER;

UPDATE mail SET domain = lower(substr(recipient, instr(recipient, '@') + 1));

CREATE INDEX mail_waiting ON mail (priority, next_attempt_at) WHERE sent_at IS NULL;
CREATE INDEX mail_claimed ON mail (domain, claimed_until) WHERE sent_at IS NULL;
