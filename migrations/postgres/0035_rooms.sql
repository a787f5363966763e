-- Rooms: small chats, and who is in them. A membership is a row of `room_members`, and lasts as long as one of the
-- user's sessions is present in the room: presence is a session, the server that holds its connection, and until when
-- it counts. Messages have numbers of their own in each room, and commit in their order. Kept in step with the
-- SQLite file of the same name.

CREATE TABLE rooms (
    id              UUID    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL CHECK (name <> ''),
    created_at      BIGINT  NOT NULL,
    -- The number of its last message.
    last_number     BIGINT  NOT NULL DEFAULT 0 CHECK (last_number >= 0),
    last_message_at BIGINT  NOT NULL
);

CREATE INDEX rooms_by_activity ON rooms (last_message_at DESC, id DESC);

CREATE TABLE room_members (
    room_id    UUID    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id    UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    is_creator BOOLEAN NOT NULL DEFAULT FALSE,
    joined_at  BIGINT  NOT NULL,
    left_at    BIGINT,
    -- When a moderator removed the user, unless they have joined again.
    removed_at BIGINT,
    PRIMARY KEY (room_id, user_id),
    CHECK (removed_at IS NULL OR left_at IS NOT NULL)
);

CREATE INDEX room_members_now ON room_members (room_id, joined_at) WHERE left_at IS NULL;
CREATE INDEX room_members_of_user ON room_members (user_id);
CREATE INDEX room_members_gone ON room_members (left_at) WHERE left_at IS NOT NULL;

CREATE TABLE room_presence (
    room_id      UUID    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    session_id   UUID    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id      UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Its `SERVER_ID`.
    server       TEXT    NOT NULL,
    is_away      BOOLEAN NOT NULL DEFAULT FALSE,
    entered_at   BIGINT  NOT NULL,
    heartbeat_at BIGINT  NOT NULL,
    until        BIGINT  NOT NULL,
    PRIMARY KEY (room_id, session_id)
);

CREATE INDEX room_presence_of_session ON room_presence (session_id);
CREATE INDEX room_presence_of_user ON room_presence (user_id, room_id);
CREATE INDEX room_presence_on_server ON room_presence (server);
CREATE INDEX room_presence_by_end ON room_presence (until);

CREATE TABLE room_messages (
    room_id     UUID    NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    number      BIGINT  NOT NULL CHECK (number > 0),
    -- Who wrote it, or whom it is about, with the name as it was.
    sender_id   UUID    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sender_name TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    text        TEXT    NOT NULL,
    sent_at     BIGINT  NOT NULL,
    removed_at  BIGINT,
    -- No reference: what was removed stays so without whoever did it.
    removed_by  UUID,
    PRIMARY KEY (room_id, number),
    CHECK ((removed_at IS NULL) = (removed_by IS NULL)),
    CHECK (removed_at IS NULL OR text = '')
);

CREATE INDEX room_messages_of_sender ON room_messages (sender_id, sent_at);
CREATE INDEX room_messages_by_age ON room_messages (sent_at);
