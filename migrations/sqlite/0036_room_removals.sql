-- Removals of messages have numbers of their own in each room, as messages have, and commit in their order: a server to
-- which the bus has not brought a removal finds it by that. What was removed before this has none.
-- Kept in step with the PostgreSQL file of the same name.

-- The number of its last removal.
ALTER TABLE rooms ADD COLUMN last_removal INTEGER NOT NULL DEFAULT 0 CHECK (last_removal >= 0);
-- The number of its removal.
ALTER TABLE room_messages ADD COLUMN removal INTEGER CHECK (removal > 0);

CREATE UNIQUE INDEX room_messages_by_removal ON room_messages (room_id, removal) WHERE removal IS NOT NULL;
