//! What was promised and is not committed yet, on the disk of this machine, so that a promise outlives the process that made it.
//!
//! A file is a process's own, and locked for as long as that lives. What a dead one has left behind is taken over by the next that
//! starts in the same folder. Each line is sealed with a key of the installation: nobody reads in it who wanted to end what, and nobody
//! adds to it.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::domain::SessionId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::secrets::Keys;
use crate::random::Random;
use crate::store::{EndCommand, Origin};

/// What the lines are sealed for.
const PURPOSE: &str = "promised end";
/// The most bytes in a file: several times what may wait at once takes.
const LARGEST: u64 = 128 * 1024 * 1024;

/// A promise to end sessions of a person.
#[derive(Clone, Serialize, Deserialize)]
pub struct End {
    /// As it is carried out.
    pub command: EndCommand,
    /// Epoch of the token that asked.
    pub epoch: Option<i64>,
    /// How long after its commit it must be remembered.
    pub remembered_for: Duration,
}

/// A promise to end a session, of whoever's it is.
#[derive(Clone, Serialize, Deserialize)]
pub struct LateEnd {
    /// Which.
    pub session_id: SessionId,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// Where from.
    pub origin: Origin,
}

/// One promise.
#[derive(Clone, Serialize, Deserialize)]
pub enum Entry {
    /// To end sessions of a person.
    End(Box<End>),
    /// To end a session.
    LateEnd(LateEnd),
}

/// A promise that is written down, or would have been if it could: with where.
pub struct Written<T> {
    /// What was promised.
    pub promise: T,
    /// Its place in the journal.
    pub number: Option<u64>,
}

#[derive(Serialize, Deserialize)]
enum Line {
    Promised(u64, Entry),
    Kept(Vec<u64>),
}

/// The journal of one process.
pub struct Journal {
    keys: Arc<Keys>,
    random: Arc<dyn Random>,
    /// None where there is no place for it: promises are as short-lived as the process then.
    disk: Option<Mutex<Disk>>,
}

struct Disk {
    path: PathBuf,
    file: File,
    bytes: u64,
    number: u64,
    /// Promises that have not been kept.
    open: HashSet<u64>,
}

/// What was found when a journal was opened, written down anew.
#[derive(Default)]
pub struct Found {
    /// Ends of sessions of people.
    pub ends: Vec<Written<End>>,
    /// Ends of sessions of whoever's they are.
    pub late: Vec<Written<LateEnd>>,
}

impl Found {
    /// How many promises.
    pub const fn len(&self) -> usize {
        self.ends.len() + self.late.len()
    }

    /// Whether nothing was promised.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(&mut self, entry: Entry, number: Option<u64>) {
        match entry {
            Entry::End(end) => self.ends.push(Written { promise: *end, number }),
            Entry::LateEnd(late) => self.late.push(Written { promise: late, number }),
        }
    }
}

impl Journal {
    /// One that keeps nothing.
    pub fn nowhere(keys: Arc<Keys>, random: Arc<dyn Random>) -> Self {
        Self { keys, random, disk: None }
    }

    /// Begins a journal, with what dead processes of this installation have left in the folder.
    ///
    /// # Errors
    /// Where the folder cannot be made or nothing can be written in it.
    pub fn open(folder: &Path, id: Uuid, keys: Arc<Keys>, random: Arc<dyn Random>) -> io::Result<(Self, Found)> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let prefix = format!("{}-", keys.installation());
        let path = folder.join(format!("{prefix}{id}"));
        let disk = Disk::create(folder, path, id)?;
        let journal = Self { keys, random, disk: Some(Mutex::new(disk)) };
        let mut found = Found::default();
        for path in left_behind(folder, &prefix, id)? {
            if let Err(error) = journal.take_over(&path, &mut found) {
                let (error, path) = (&error as &dyn std::error::Error, path.display());
                tracing::warn!(error, %path, "what a server that is gone has promised cannot be taken over whole");
            }
        }
        File::open(folder)?.sync_all()?;
        Ok((journal, found))
    }

    /// Takes over what is in a file of a dead process. What cannot be written anew stays there, and is carried out all the same.
    fn take_over(&self, path: &Path, found: &mut Found) -> io::Result<()> {
        let Some(mut orphan) = adopt(path)? else { return Ok(()) };
        let (entries, is_whole) = self.read(&mut orphan)?;
        let written = self.write(&entries);
        for (index, entry) in entries.into_iter().enumerate() {
            found.add(entry, written.as_ref().ok().and_then(|numbers| numbers.get(index).copied()));
        }
        written?;
        if is_whole { fs::remove_file(path) } else { fs::rename(path, path.with_extension("unreadable")) }
    }

    /// Whether promises outlive the process.
    pub const fn is_kept(&self) -> bool {
        self.disk.is_some()
    }

    /// Writes promises down. When it has answered they are on the disk, but for those that got no number: they could not be written.
    pub async fn promise(self: &Arc<Self>, entries: Vec<Entry>) -> Vec<Option<u64>> {
        let count = entries.len();
        if self.disk.is_none() || count == 0 {
            return vec![None; count];
        }
        let this = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || this.write(&entries)).await;
        match written.map_err(io::Error::other).flatten() {
            Ok(numbers) => numbers.into_iter().map(Some).collect(),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    count,
                    "promised ends are kept in memory only"
                );
                vec![None; count]
            }
        }
    }

    /// These have been kept. Should that be forgotten, they are carried out once more, which changes nothing.
    pub fn kept(&self, numbers: &[u64]) {
        let Some(disk) = &self.disk else { return };
        let mut disk = lock(disk);
        let before = disk.open.len();
        for number in numbers {
            disk.open.remove(number);
        }
        if disk.open.len() == before {
            return;
        }
        let done = if disk.open.is_empty() {
            disk.empty()
        } else {
            self.seal(&Line::Kept(numbers.to_vec())).and_then(|line| disk.append(line.as_bytes()))
        };
        if let Err(error) = done {
            tracing::warn!(error = &error as &dyn std::error::Error, "kept promises cannot be crossed out");
        }
    }

    fn write(&self, entries: &[Entry]) -> io::Result<Vec<u64>> {
        let Some(disk) = &self.disk else { return Ok(Vec::new()) };
        let mut disk = lock(disk);
        let numbers: Vec<u64> = (disk.number + 1..).take(entries.len()).collect();
        let mut text = String::new();
        for (number, entry) in numbers.iter().zip(entries) {
            text.push_str(&self.seal(&Line::Promised(*number, entry.clone()))?);
        }
        disk.append(text.as_bytes())?;
        disk.file.sync_data()?;
        disk.number += numbers.len() as u64;
        disk.open.extend(&numbers);
        Ok(numbers)
    }

    fn seal(&self, line: &Line) -> io::Result<String> {
        let plain = serde_json::to_vec(line)?;
        let sealed = self.keys.seal(&*self.random, PURPOSE, &plain).map_err(io::Error::other)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed) + "\n")
    }

    fn unseal(&self, line: &str) -> Option<Line> {
        let sealed = URL_SAFE_NO_PAD.decode(line).ok()?;
        serde_json::from_slice(&self.keys.unseal(PURPOSE, &sealed).ok()?).ok()
    }

    /// What is open in a file, and whether every line could be read but a torn one, whose promise was never answered.
    fn read(&self, file: &mut File) -> io::Result<(Vec<Entry>, bool)> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (mut open, mut is_whole) = (BTreeMap::new(), true);
        for line in String::from_utf8_lossy(&bytes).split_inclusive('\n') {
            match line.strip_suffix('\n').map(|line| self.unseal(line)) {
                Some(Some(Line::Promised(number, entry))) => drop(open.insert(number, entry)),
                Some(Some(Line::Kept(numbers))) => numbers.iter().for_each(|number| drop(open.remove(number))),
                Some(None) => is_whole = false,
                None => {}
            }
        }
        Ok((open.into_values().collect(), is_whole))
    }
}

impl Disk {
    /// A file that is locked before it can be found.
    fn create(folder: &Path, path: PathBuf, id: Uuid) -> io::Result<Self> {
        let unfinished = folder.join(format!(".{id}"));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.lock()?;
        fs::rename(&unfinished, &path)?;
        Ok(Self { path, file, bytes: 0, number: 0, open: HashSet::new() })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let after = self.bytes + bytes.len() as u64;
        if after > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Err(error) = self.file.write_all(bytes) {
            // Half a line would spoil the next.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes = after;
        Ok(())
    }

    fn empty(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.open.is_empty() {
            // An empty file left behind does no harm either.
            let _ = fs::remove_file(&self.path);
        }
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

fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn keys(secret: &str) -> Arc<Keys> {
        Arc::new(Keys::derive(secret).unwrap())
    }

    fn open(folder: &Path, id: u128) -> (Arc<Journal>, Vec<u128>) {
        open_with(folder, id, "only-for-tests-0123456789-abcdefghijkl")
    }

    fn open_with(folder: &Path, id: u128, secret: &str) -> (Arc<Journal>, Vec<u128>) {
        let random = Arc::new(SeededRandom::new(u64::try_from(id).unwrap()));
        let (journal, found) = Journal::open(folder, Uuid::from_u128(id), keys(secret), random).unwrap();
        (Arc::new(journal), found.late.iter().map(|late| late.promise.session_id.0.as_u128()).collect())
    }

    fn entry(session: u128) -> Entry {
        let origin = Origin { ip: "203.0.113.7".to_owned(), user_agent: "a browser".to_owned() };
        Entry::LateEnd(LateEnd { session_id: SessionId(Uuid::from_u128(session)), client_reason: None, origin })
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// A process that is killed tidies up nothing; its lock goes with it.
    fn is_killed(journal: Arc<Journal>) {
        let mut journal = Arc::into_inner(journal).unwrap();
        let Some(disk) = journal.disk.take() else { panic!("it is kept") };
        let disk = disk.into_inner().unwrap();
        // As the kernel does, without what a drop would do.
        disk.file.unlock().unwrap();
        std::mem::forget(disk);
    }

    #[tokio::test]
    async fn what_was_promised_and_not_kept_is_found_by_the_next_once() {
        let folder = tempfile::tempdir().unwrap();
        let (first, found) = open(folder.path(), 1);
        assert!(found.is_empty() && first.is_kept());
        let numbers = first.promise(vec![entry(10), entry(11), entry(12)]).await;
        first.kept(&[numbers[1].unwrap()]);
        is_killed(first);
        let (second, found) = open(folder.path(), 2);
        assert_eq!(found, [10, 12]);
        // Written down anew: it may be killed as well.
        is_killed(second);
        let (third, found) = open(folder.path(), 3);
        assert_eq!(found, [10, 12]);
        assert_eq!(files(folder.path()).len(), 1);
        third.kept(&[1, 2]);
        is_killed(third);
        let (fourth, found) = open(folder.path(), 4);
        assert!(found.is_empty());
        drop(fourth);
        assert!(files(folder.path()).is_empty(), "nothing is left when nothing is open");
    }

    #[tokio::test]
    async fn what_a_living_server_or_another_installation_has_promised_is_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let (living, _) = open(folder.path(), 1);
        living.promise(vec![entry(10)]).await;
        let (foreign, _) = open_with(folder.path(), 2, "another-installation-0123456789-abcdef");
        foreign.promise(vec![entry(11)]).await;
        is_killed(foreign);
        assert!(open(folder.path(), 3).1.is_empty());
        assert_eq!(open_with(folder.path(), 4, "another-installation-0123456789-abcdef").1, [11]);
    }

    #[tokio::test]
    async fn a_torn_line_spoils_no_other_and_nobody_can_add_one_or_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = open(folder.path(), 1);
        first.promise(vec![entry(10)]).await;
        let path = files(folder.path()).remove(0);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("203.0.113.7") && text.lines().count() == 1);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let forged = serde_json::to_vec(&Line::Promised(2, entry(11))).unwrap();
        let line = text.lines().next().unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        write!(file, "{}\n{}", URL_SAFE_NO_PAD.encode(forged), &line[..line.len() / 2]).unwrap();
        is_killed(first);
        assert_eq!(open(folder.path(), 2).1, [10]);
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_promises_are_made_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no-folder");
        fs::write(&file, "").unwrap();
        let random = Arc::new(SeededRandom::new(1));
        let keys = keys("only-for-tests-0123456789-abcdefghijkl");
        assert!(Journal::open(&file, Uuid::nil(), Arc::clone(&keys), Arc::clone(&random) as _).is_err());
        let nowhere = Arc::new(Journal::nowhere(keys, random));
        assert_eq!(nowhere.promise(vec![entry(1)]).await, [None]);
        nowhere.kept(&[1]);
    }
}
