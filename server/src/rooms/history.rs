//! Deleting what was said long ago, and who was in a room then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::actions::Rooms;
use crate::jobs::{Schedule, every, pause};
use crate::store::StoreError;

const PERIOD: Duration = Duration::from_hours(1);
/// The most rows in one transaction, so that nobody waits long for it.
const BATCH: i64 = 500;
/// A breath between two batches.
const PAUSE: Duration = Duration::from_millis(50);

impl Rooms {
    /// Deletes what is older than `ROOM_RETENTION` every so often until `stop`.
    pub async fn forget_until(&self, stop: &CancellationToken) {
        every(Schedule::every("room history", PERIOD), stop, || self.forget(stop)).await;
    }

    async fn forget(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let before = self.context.now().minus(self.retention);
        let rooms = self.context.store.rooms();
        loop {
            let messages = rooms.delete_messages(before, BATCH).await?;
            let members = rooms.forget_former_members(before, BATCH).await?;
            if messages + members == 0 || !pause(stop, PAUSE).await {
                return Ok(());
            }
        }
    }
}
