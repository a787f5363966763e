-- What has not ended is said in another way by the index of a user's live sessions than by those of all live sessions:
-- a plan that is kept from when almost nobody was signed in must not read one of the latter for one user
-- (docs/decisions/0058). Kept in step with the PostgreSQL file of the same name.

DROP INDEX sessions_live_of_user;
CREATE INDEX sessions_live_of_user ON sessions (user_id, last_active DESC, id DESC) WHERE COALESCE(ended_at, -1) = -1;
