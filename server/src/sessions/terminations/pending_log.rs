//! The pending log: ends that were acknowledged and are not committed yet, on the disk of this machine, so that they
//! outlive the process.
//!
//! A file is a process's own, and locked for as long as that lives. What a dead one has left behind is taken over by
//! the next that starts in the same folder. Each line is sealed with a key of the installation: nobody reads in it who
//! wanted to end what, and nobody adds to it. The file has its space from the beginning, so that a disk that fills up
//! prevents no sign-out. How lines look is known to `format`, where they stand to `disk`.

mod disk;
mod format;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use types::domain::SessionId;
use uuid::Uuid;

use self::disk::Disk;
use self::format::{Line, Unread};
use super::pending_ends::Force;
use crate::auth::secrets::Keys;
use crate::random::Random;
use crate::store::{EndCommand, Origin};

/// A pending end of sessions of one user.
#[derive(Clone)]
pub struct End {
    /// As it is carried out.
    pub command: EndCommand,
    /// Epoch of the token that asked.
    pub epoch: Option<i64>,
    /// How long after its commit it must be remembered.
    pub remembered_for: Duration,
    /// What it does before it is committed.
    pub force: Force,
}

/// A pending end of a session whose user is not known.
#[derive(Clone)]
pub struct UnresolvedEnd {
    pub session_id: SessionId,
    /// The client's own words.
    pub client_reason: Option<String>,
    pub origin: Origin,
}

#[derive(Clone)]
pub enum Entry {
    /// To end sessions of a user.
    End(Box<End>),
    /// To end a session.
    UnresolvedEnd(UnresolvedEnd),
}

/// A pending end with its place in the log, if it could be written.
pub struct Written<T> {
    pub pending_end: T,
    /// Its place in the pending log.
    pub number: Option<u64>,
}

/// Why a file of a dead process was not taken over as a whole.
#[derive(Debug, thiserror::Error)]
enum TakeOverError {
    /// Another version of the server has written it, and will find it where it is.
    #[error("its format is version {0}, which is newer than this server")]
    Newer(u32),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The pending log of one process.
pub struct PendingLog {
    keys: Arc<Keys>,
    random: Arc<dyn Random>,
    folder: PathBuf,
    /// The name of the file.
    name: String,
    id: Uuid,
    /// None while there is no place for it. It is tried again whenever something is to be written.
    disk: Mutex<Option<Disk>>,
    failing: AtomicBool,
}

/// What was found when a pending log was opened, written down anew.
#[derive(Default)]
pub struct Found {
    /// Ends of sessions of users.
    pub ends: Vec<Written<End>>,
    /// Ends of sessions whose users are not known.
    pub unresolved: Vec<Written<UnresolvedEnd>>,
}

impl Found {
    /// How many pending ends.
    pub const fn len(&self) -> usize {
        self.ends.len() + self.unresolved.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(&mut self, entry: Entry, number: Option<u64>) {
        match entry {
            Entry::End(end) => self.ends.push(Written { pending_end: *end, number }),
            Entry::UnresolvedEnd(unresolved) => self.unresolved.push(Written { pending_end: unresolved, number }),
        }
    }
}

impl PendingLog {
    /// Begins a pending log, with what dead processes of this installation have left in the folder. Where nothing can
    /// be written the log says so, and [`Self::is_writable`].
    pub fn open(folder: &Path, id: Uuid, keys: Arc<Keys>, random: Arc<dyn Random>) -> (Self, Found) {
        let prefix = format!("{}-", keys.installation());
        let (disk, failing) = (Mutex::default(), AtomicBool::new(false));
        let pending_log =
            Self { keys, random, folder: folder.to_owned(), name: format!("{prefix}{id}"), id, disk, failing };
        pending_log.is_writable();
        let mut found = Found::default();
        // A folder that cannot be made has nothing in it.
        for path in left_behind(folder, &prefix, id).unwrap_or_default() {
            let taken_over = pending_log.take_over(&path, &mut found);
            let path = path.display();
            match taken_over {
                Ok(()) => {}
                Err(TakeOverError::Newer(version)) => {
                    tracing::error!(version, %path, "pending log left alone: written by a newer version of the server");
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, %path, "pending log read incomplete");
                }
            }
        }
        (pending_log, found)
    }

    /// Takes over what is in a file of a dead process. What cannot be written anew stays there, and is carried out all
    /// the same.
    fn take_over(&self, path: &Path, found: &mut Found) -> Result<(), TakeOverError> {
        let Some(mut orphan) = adopt(path)? else { return Ok(()) };
        let (entries, is_whole) = self.read(&mut orphan)?;
        let written = self.write(&entries);
        for (index, entry) in entries.into_iter().enumerate() {
            found.add(entry, written.as_ref().ok().and_then(|numbers| numbers.get(index).copied()));
        }
        written?;
        if is_whole {
            fs::remove_file(path)?;
        } else {
            fs::rename(path, path.with_extension("unreadable"))?;
        }
        Ok(File::open(&self.folder)?.sync_all()?)
    }

    /// Whether pending ends outlive the process: the file is where it is looked for, can be written, and has space.
    /// Mends what can be mended. Asks the disk.
    pub fn is_writable(&self) -> bool {
        let mut slot = lock(&self.disk);
        let checked = self.in_place(&mut slot).and_then(Disk::check);
        self.notes(checked.as_ref().err());
        checked.is_ok()
    }

    /// The same as of the last time that anybody tried.
    pub fn was_writable(&self) -> bool {
        !self.failing.load(Ordering::Acquire)
    }

    /// Writes pending ends. When it has answered they are on the disk, but for those that got no number: they could not
    /// be written.
    pub async fn pending_end(self: &Arc<Self>, entries: Vec<Entry>) -> Vec<Option<u64>> {
        let count = entries.len();
        if count == 0 {
            return Vec::new();
        }
        let this = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || this.write(&entries)).await;
        match written.map_err(io::Error::other).flatten() {
            Ok(numbers) => numbers.into_iter().map(Some).collect(),
            Err(_) => vec![None; count],
        }
    }

    /// These are committed. Should that be forgotten, they are carried out once more, which changes nothing.
    pub fn committed(&self, numbers: &[u64]) {
        let mut slot = lock(&self.disk);
        let Some(disk) = slot.as_mut().filter(|disk| disk.has_any(numbers)) else { return };
        let done = self.seal(&Line::Committed(numbers.to_vec())).and_then(|line| disk.mark_committed(numbers, &line));
        if let Err(error) = done {
            tracing::warn!(error = &error as &dyn std::error::Error, "pending log commit mark failed");
        }
    }

    fn write(&self, entries: &[Entry]) -> io::Result<Vec<u64>> {
        let mut slot = lock(&self.disk);
        let written = self.in_place(&mut slot).and_then(|disk| {
            let numbers: Vec<u64> = (disk.next_number()..).take(entries.len()).collect();
            let lines = numbers
                .iter()
                .zip(entries)
                .map(|(number, entry)| Ok((*number, self.seal(&Line::Pending(*number, entry.clone()))?)));
            disk.write(lines.collect::<io::Result<_>>()?)?;
            Ok(numbers)
        });
        self.notes(written.as_ref().err());
        written
    }

    /// The file, in its place: somebody may have taken the folder away, or there was none yet. What is open goes with
    /// it.
    fn in_place<'d>(&self, slot: &'d mut Option<Disk>) -> io::Result<&'d mut Disk> {
        if slot.as_ref().is_none_or(|disk| !disk.is_in_place()) {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let mut disk = Disk::create(&self.folder, self.folder.join(&self.name), self.id)?;
            if let Some(before) = slot.take() {
                if let Err(error) = disk.goes_on_from(&before) {
                    *slot = Some(before);
                    return Err(error);
                }
                before.give_up();
            }
            File::open(&self.folder)?.sync_all()?;
            *slot = Some(disk);
        }
        slot.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Says once that nothing can be written, and once that it can again.
    fn notes(&self, failure: Option<&io::Error>) {
        let before = self.failing.swap(failure.is_some(), Ordering::AcqRel);
        match failure {
            Some(error) if !before => {
                let (error, folder) = (error as &dyn std::error::Error, self.folder.display());
                tracing::error!(
                    error,
                    %folder,
                    "pending log write failed: sign-outs that the database does not take are not acknowledged"
                );
            }
            None if before => tracing::info!("pending log writable again"),
            _ => {}
        }
    }

    fn seal(&self, line: &Line) -> io::Result<String> {
        format::seal(&self.keys, &*self.random, line)
    }

    /// What is open in a file, and whether every line could be read but a torn one, which was never acknowledged.
    fn read(&self, file: &mut File) -> Result<(Vec<Entry>, bool), TakeOverError> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // Behind the last line is the space that was set aside.
        let lines = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let (mut open, mut is_whole) = (BTreeMap::new(), true);
        for line in String::from_utf8_lossy(lines).split_inclusive('\n') {
            match line.strip_suffix('\n').map(|line| format::unseal(&self.keys, line)) {
                Some(Ok(Line::Pending(number, entry))) => drop(open.insert(number, entry)),
                Some(Ok(Line::Committed(numbers))) => numbers.iter().for_each(|number| drop(open.remove(number))),
                Some(Err(Unread::Newer(version))) => return Err(TakeOverError::Newer(version)),
                Some(Err(Unread::Damaged)) => is_whole = false,
                None => {}
            }
        }
        Ok((open.into_values().collect(), is_whole))
    }
}

fn left_behind(folder: &Path, prefix: &str, me: Uuid) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| Uuid::try_parse(name.strip_prefix(prefix)?).ok());
        if id.is_some_and(|id| id != me) {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// The file, locked, unless its process lives or another one was faster.
fn adopt(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => Ok((file.metadata()?.nlink() > 0).then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lock(disk: &Mutex<Option<Disk>>) -> MutexGuard<'_, Option<Disk>> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
