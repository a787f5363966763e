//! Which servers run on this database.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::Timestamp;
use uuid::Uuid;

use crate::store::db::verbs;

verbs! {
    /// Which servers run on this database.
    ServersStore = servers;

    /// Notes that a server runs, unless one runs already that has been seen since `live_since` and does not agree with
    /// it. Gives the others that do, or those that do not.
    join_servers(server: &ServerRow, live_since: Timestamp) -> Joined;
    /// Notes that a server runs still, forgets those that were not seen since `forget_before`, and gives the others
    /// seen since `live_since`.
    renew_server(server: &ServerRow, live_since: Timestamp, forget_before: Timestamp) -> Vec<ServerRow>;
    /// The servers seen since `live_since`, in the order of their names.
    live_servers(live_since: Timestamp) -> Vec<ServerRow>;
    /// A server has stopped.
    leave_servers(id: Uuid) -> ();
}
