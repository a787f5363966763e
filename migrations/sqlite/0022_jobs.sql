-- Work that must happen: a job is run by one server at a time, tried again where it failed, and dead where trying is
-- of no use. `lease` is the token of whoever runs it until `leased_until`; then it is due again. Jobs of one lane
-- share places. Mail is the first kind: what waits to be sent, and what was sent, moves here. Kept in step with the
-- PostgreSQL file of the same name.

CREATE TABLE jobs (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind         TEXT    NOT NULL CHECK (kind <> ''),
    -- JSON, as the kind reads it.
    payload      TEXT    NOT NULL,
    -- Whom it is about: an address or an id, by which it is found again.
    concerns     TEXT,
    lane         TEXT    NOT NULL DEFAULT '',
    -- 0: somebody waits for it.
    priority     INTEGER NOT NULL DEFAULT 1 CHECK (priority IN (0, 1)),
    attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    -- When it is of no use any more.
    expires_at   INTEGER,
    lease        BLOB    CHECK (length(lease) = 16),
    leased_until INTEGER,
    last_error   TEXT,
    done_at      INTEGER,
    dead_at      INTEGER,
    CHECK ((lease IS NULL) = (leased_until IS NULL)),
    CHECK (done_at IS NULL OR dead_at IS NULL)
) STRICT;

CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX jobs_leased ON jobs (kind, lane, leased_until) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX jobs_by_state ON jobs (kind, dead_at, leased_until) WHERE done_at IS NULL;
CREATE INDEX jobs_done ON jobs (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX jobs_recent ON jobs (kind, created_at, id);
CREATE INDEX jobs_concerning ON jobs (concerns);

INSERT INTO jobs (id, kind, payload, concerns, lane, priority, attempts, created_at, due_at, done_at)
SELECT id, 'mail',
    json_object('subject', subject, 'text', body, 'forget', json(CASE forget WHEN 1 THEN 'true' ELSE 'false' END)),
    recipient, domain, priority, attempts, queued_at, next_attempt_at, sent_at
FROM mail;

DROP TABLE mail;
