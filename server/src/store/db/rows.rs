//! From rows of a database to values.

use types::domain::Timestamp;
use types::words::EndReason;

use crate::store::{Digest, StoreError};

/// What reading a row gives: a value, or that the row cannot be read.
pub(in crate::store) type RowResult<T> = Result<T, StoreError>;

/// Reads all rows of a query.
pub fn read_all<R, T>(rows: Vec<R>) -> RowResult<Vec<T>>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

/// Reads the row of a query, if there was one.
pub fn read_one<R, T>(row: Option<R>) -> RowResult<Option<T>>
where
    T: TryFrom<R, Error = StoreError>,
{
    row.map(T::try_from).transpose()
}

pub fn digest(bytes: &[u8]) -> RowResult<Digest> {
    bytes.try_into().map_err(|_| StoreError::Unreadable("digest"))
}

pub(in crate::store) fn moment(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

pub(in crate::store) fn reason(name: Option<&str>) -> RowResult<Option<EndReason>> {
    name.map(|name| EndReason::parse(name).ok_or(StoreError::Unreadable("end reason"))).transpose()
}
