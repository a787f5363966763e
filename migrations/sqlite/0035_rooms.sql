-- Rooms: small chats, and who is in them. A membership is a row of `room_members`, and lasts as long as one of the
-- user's sessions is present in the room: presence is a session, the server that holds its connection, and until when
-- it counts. Messages have numbers of their own in each room, and commit in their order. Kept in step with the
-- PostgreSQL file of the same name.

CREATE TABLE rooms (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name            TEXT    NOT NULL CHECK (name <> ''),
    created_at      INTEGER NOT NULL,
    -- The number of its last message.
    last_number     INTEGER NOT NULL DEFAULT 0 CHECK (last_number >= 0),
    last_message_at INTEGER NOT NULL
) STRICT;

CREATE INDEX rooms_by_activity ON rooms (last_message_at DESC, id DESC);

CREATE TABLE room_members (
    room_id    BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    is_creator INTEGER NOT NULL DEFAULT 0 CHECK (is_creator IN (0, 1)),
    joined_at  INTEGER NOT NULL,
    left_at    INTEGER,
    -- When a moderator removed the user, unless they have joined again.
    removed_at INTEGER,
    PRIMARY KEY (room_id, user_id),
    CHECK (removed_at IS NULL OR left_at IS NOT NULL)
) STRICT;

CREATE INDEX room_members_now ON room_members (room_id, joined_at) WHERE left_at IS NULL;
CREATE INDEX room_members_of_user ON room_members (user_id);
CREATE INDEX room_members_gone ON room_members (left_at) WHERE left_at IS NOT NULL;

CREATE TABLE room_presence (
    room_id      BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    session_id   BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id      BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Its `SERVER_ID`.
    server       TEXT    NOT NULL,
    is_away      INTEGER NOT NULL DEFAULT 0 CHECK (is_away IN (0, 1)),
    entered_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    PRIMARY KEY (room_id, session_id)
) STRICT;

CREATE INDEX room_presence_of_session ON room_presence (session_id);
CREATE INDEX room_presence_of_user ON room_presence (user_id, room_id);
CREATE INDEX room_presence_on_server ON room_presence (server);
CREATE INDEX room_presence_by_end ON room_presence (until);

CREATE TABLE room_messages (
    room_id     BLOB    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL CHECK (number > 0),
    -- Who wrote it, or whom it is about, with the name as it was.
    sender_id   BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sender_name TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    text        TEXT    NOT NULL,
    sent_at     INTEGER NOT NULL,
    removed_at  INTEGER,
    -- No reference: what was removed stays so without whoever did it.
    removed_by  BLOB    CHECK (length(removed_by) = 16),
    PRIMARY KEY (room_id, number),
    CHECK ((removed_at IS NULL) = (removed_by IS NULL)),
    CHECK (removed_at IS NULL OR text = '')
) STRICT;

CREATE INDEX room_messages_of_sender ON room_messages (sender_id, sent_at);
CREATE INDEX room_messages_by_age ON room_messages (sent_at);
