//! What is asked about users.

use super::{Connection, Database, Result, Transaction, query, query_as};

pub(in crate::store) mod browsers;
pub(in crate::store) mod changes;
pub(in crate::store) mod export_data;
pub(in crate::store) mod recovery;
pub(in crate::store) mod registrations;
pub(in crate::store) mod users;
