//! Statements: which servers run on this database.

use crate::store::db::dialect::statements;

statements! {
    OTHER_SERVERS = "SELECT id, name, agreement, settings, seen_at FROM servers WHERE seen_at > $2 AND id <> $1 ORDER BY seen_at, id";
    LIVE_SERVERS = "SELECT id, name, agreement, settings, seen_at FROM servers WHERE seen_at > $1 ORDER BY name, id";
    SEE_SERVER = "INSERT INTO servers (id, name, agreement, settings, seen_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
    FORGET_SERVERS = "DELETE FROM servers WHERE seen_at < $1";
    DELETE_SERVER = "DELETE FROM servers WHERE id = $1";
}
