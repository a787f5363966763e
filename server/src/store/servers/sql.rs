//! Statements: which servers run on this database.

use crate::store::db::dialect::statements;

/// Columns of a server.
macro_rules! server_columns {
    () => {
        "id, name, agreement, settings, version, revocation_list_age_ms, seen_at, own_url"
    };
}

statements! {
    OTHER_SERVERS = concat!(
        "SELECT ",
        server_columns!(),
        " FROM servers WHERE seen_at > $2 AND id <> $1 ORDER BY seen_at, id"
    );
    LIVE_SERVERS = concat!("SELECT ", server_columns!(), " FROM servers WHERE seen_at > $1 ORDER BY name, id");
    SEE_SERVER = concat!(
        "INSERT INTO servers (",
        server_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, \
         revocation_list_age_ms = excluded.revocation_list_age_ms"
    );
    FORGET_SERVERS = "DELETE FROM servers WHERE seen_at < $1";
    DELETE_SERVER = "DELETE FROM servers WHERE id = $1";
}
