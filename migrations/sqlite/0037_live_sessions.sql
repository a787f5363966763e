-- That a session has not ended is said by each of these indexes in words of its own: a plan that PostgreSQL keeps from
-- when almost nobody was signed in must not read one of them for what another one, or a key, finds. Why is in
-- docs/decisions/0058. Kept in step with the PostgreSQL file of the same name.

DROP INDEX sessions_live_of_user;
CREATE INDEX sessions_live_of_user ON sessions (user_id, last_active DESC, id DESC) WHERE COALESCE(ended_at, -1) = -1;

DROP INDEX sessions_past_their_time;
CREATE INDEX sessions_past_their_time ON sessions (expires_at) WHERE COALESCE(ended_at, -2) = -2;

DROP INDEX sessions_live_by_address;
CREATE INDEX sessions_live_by_address ON sessions (ip, id) WHERE COALESCE(ended_at, -3) = -3;

DROP INDEX sessions_live_by_start;
CREATE INDEX sessions_live_by_start ON sessions (created_at, id) WHERE COALESCE(ended_at, -4) = -4;
