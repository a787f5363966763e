//! The file of a pending log: lines from its beginning, and behind them space that was set aside when the disk had
//! some. What lines mean is not known here.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use uuid::Uuid;

/// The most bytes in a file: several times what may wait at once takes.
const LARGEST: u64 = 128 * 1024 * 1024;
/// The space that is set aside: some four thousand pending ends.
const RESERVE: u64 = 4 * 1024 * 1024;
/// The least space that is worth setting aside.
const LEAST_RESERVE: u64 = 64 * 1024;
/// On a small disk, no more than this part of what is free.
const PART_OF_WHAT_IS_FREE: u64 = 4;
const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

/// A file, locked for as long as it is open.
pub struct Disk {
    path: PathBuf,
    file: File,
    /// Device and number: by them it is found out whether the file is still where it is looked for.
    identity: (u64, u64),
    /// Where the lines end.
    end: u64,
    /// How long the file is, all of it set aside on the disk.
    reserved: u64,
    number: u64,
    /// The lines without a commit mark.
    open: BTreeMap<u64, String>,
}

impl Disk {
    /// A file that is locked, and has its space, before it can be found.
    pub fn create(folder: &Path, path: PathBuf, id: Uuid) -> io::Result<Self> {
        let unfinished = folder.join(format!(".{id}"));
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.lock()?;
        let made = set_aside(&file).and_then(|reserved| {
            fs::rename(&unfinished, &path)?;
            Ok(reserved)
        });
        let reserved = made.inspect_err(|_| {
            // Left there, it is written over the next time.
            let _ = fs::remove_file(&unfinished);
        })?;
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { path, file, identity, end: 0, reserved, number: 0, open: BTreeMap::new() })
    }

    /// Takes over what is open in another file.
    pub fn goes_on_from(&mut self, before: &Self) -> io::Result<()> {
        self.write(before.open.clone())?;
        self.number = before.number;
        Ok(())
    }

    /// Whether the file is where the next process will look for it.
    pub fn is_in_place(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == self.identity)
    }

    /// Fails where a further line could not be written.
    pub fn check(&mut self) -> io::Result<()> {
        self.reserve(LEAST_RESERVE.min(LARGEST - self.end))?;
        self.file.write_all_at(&[0], self.end)
    }

    /// The number of the next line.
    pub const fn next_number(&self) -> u64 {
        self.number + 1
    }

    /// Whether any of these has no commit mark yet.
    pub fn has_any(&self, numbers: &[u64]) -> bool {
        numbers.iter().any(|number| self.open.contains_key(number))
    }

    /// Writes lines; they are on the disk when it returns.
    pub fn write(&mut self, lines: BTreeMap<u64, String>) -> io::Result<()> {
        let text: String = lines.values().map(String::as_str).collect();
        let before = self.end;
        self.append(&text)?;
        if let Err(error) = self.file.sync_data() {
            self.end = before;
            return Err(error);
        }
        self.number = lines.keys().next_back().copied().unwrap_or_default().max(self.number);
        self.open.extend(lines);
        Ok(())
    }

    /// Marks lines as committed, by a further line; where no other is left, all are removed. Need not be on the disk
    /// when it returns.
    pub fn mark_committed(&mut self, numbers: &[u64], line: &str) -> io::Result<()> {
        for number in numbers {
            self.open.remove(number);
        }
        if self.open.is_empty() { self.empty() } else { self.append(line) }
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        self.reserve(text.len() as u64)?;
        // The end of what counts is always marked: something longer may have stood here, or half of it.
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        if let Err(error) = self.file.write_all_at(&bytes, self.end) {
            let _ = self.file.write_all_at(&[0], self.end);
            return Err(error);
        }
        self.end += text.len() as u64;
        Ok(())
    }

    /// Reserves space for so many bytes more and the mark behind them.
    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        let wanted = self.end + bytes + 1;
        if wanted > LARGEST + 1 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if wanted > self.reserved {
            let more = wanted.next_multiple_of(RESERVE);
            let reserved = match allocate(&self.file, self.reserved, more - self.reserved) {
                Ok(()) => more,
                Err(_) => allocate(&self.file, self.reserved, wanted - self.reserved).map(|()| wanted)?,
            };
            self.reserved = reserved;
        }
        Ok(())
    }

    /// Removes all lines; the space stays.
    fn empty(&mut self) -> io::Result<()> {
        if self.reserved > RESERVE {
            self.file.set_len(RESERVE)?;
            self.reserved = RESERVE;
        }
        let mut place = 0;
        while place < self.end.min(self.reserved) {
            let zeros =
                usize::try_from((self.end - place).min(self.reserved - place)).unwrap_or(usize::MAX).min(ZEROS.len());
            self.file.write_all_at(&ZEROS[..zeros], place)?;
            place += zeros as u64;
        }
        self.end = 0;
        Ok(())
    }

    /// Gives its file up: another one has what is open in it.
    pub fn give_up(mut self) {
        self.open.clear();
        // The other has its name.
        self.path = PathBuf::new();
    }

    /// What the kernel does when a process is killed, without what a drop would do.
    #[cfg(test)]
    pub fn leave_behind(self) {
        self.file.unlock().expect("the lock");
        std::mem::forget(self);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.open.is_empty() && self.is_in_place() {
            // An empty file left behind does no harm either.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Sets space aside, less on a small disk, and returns how much.
fn set_aside(file: &File) -> io::Result<u64> {
    let disk = fstatvfs(file)?;
    let decent = disk.f_bavail.saturating_mul(disk.f_frsize) / PART_OF_WHAT_IS_FREE;
    let reserved = RESERVE.min(decent).max(LEAST_RESERVE);
    allocate(file, 0, reserved)?;
    file.sync_all()?;
    Ok(reserved)
}

/// Makes a file longer, in a way that needs nothing more of the disk when it is written.
fn allocate(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), from, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        allocated => return Ok(allocated?),
    }
    let mut place = from;
    while place < from + bytes {
        let zeros = usize::try_from(from + bytes - place).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(&ZEROS[..zeros], place)?;
        place += zeros as u64;
    }
    Ok(())
}
