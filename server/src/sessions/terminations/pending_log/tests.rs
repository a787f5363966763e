//! A pending log that is found by the next process, whatever has become of its folder and its disk.

use std::os::unix::fs::FileExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::random::SeededRandom;

const SECRET: &str = "only-for-tests-0123456789-abcdefghijkl";

/// The lines of a file, without the space behind them.
fn written(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split('\0').next().unwrap().to_owned()
}

fn keys(secret: &str) -> Arc<Keys> {
    Arc::new(Keys::derive(secret).unwrap())
}

fn open(folder: &Path, id: u128) -> (Arc<PendingLog>, Vec<u128>) {
    open_with(folder, id, SECRET)
}

fn open_with(folder: &Path, id: u128, secret: &str) -> (Arc<PendingLog>, Vec<u128>) {
    let random = Arc::new(SeededRandom::new(u64::try_from(id).unwrap()));
    let (pending_log, found) = PendingLog::open(folder, Uuid::from_u128(id), keys(secret), random);
    (
        Arc::new(pending_log),
        found.unresolved.iter().map(|unresolved| unresolved.pending_end.session_id.0.as_u128()).collect(),
    )
}

fn entry(session: u128) -> Entry {
    let origin = Origin { ip: "203.0.113.7".to_owned(), user_agent: "a browser".to_owned() };
    Entry::UnresolvedEnd(UnresolvedEnd { session_id: SessionId(Uuid::from_u128(session)), client_reason: None, origin })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A process that is killed tidies up nothing; its lock goes with it.
fn is_killed(pending_log: Arc<PendingLog>) {
    let pending_log = Arc::into_inner(pending_log).unwrap();
    let disk = pending_log.disk.into_inner().unwrap().expect("it is there");
    disk.leave_behind();
}

#[tokio::test]
async fn what_is_pending_is_found_by_the_next_once() {
    let folder = tempfile::tempdir().unwrap();
    let (first, found) = open(folder.path(), 1);
    assert!(found.is_empty() && first.is_writable());
    let numbers = first.pending_end(vec![entry(10), entry(11), entry(12)]).await;
    first.committed(&[numbers[1].unwrap()]);
    is_killed(first);
    let (second, found) = open(folder.path(), 2);
    assert_eq!(found, [10, 12]);
    // Written down anew: it may be killed as well.
    is_killed(second);
    let (third, found) = open(folder.path(), 3);
    assert_eq!(found, [10, 12]);
    assert_eq!(files(folder.path()).len(), 1);
    third.committed(&[1, 2]);
    is_killed(third);
    let (fourth, found) = open(folder.path(), 4);
    assert!(found.is_empty());
    drop(fourth);
    assert!(files(folder.path()).is_empty(), "nothing is left when nothing is open");
}

#[tokio::test]
async fn what_a_living_server_or_another_installation_has_pending_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (living, _) = open(folder.path(), 1);
    living.pending_end(vec![entry(10)]).await;
    let (foreign, _) = open_with(folder.path(), 2, "another-installation-0123456789-abcdef");
    foreign.pending_end(vec![entry(11)]).await;
    is_killed(foreign);
    assert!(open(folder.path(), 3).1.is_empty());
    assert_eq!(open_with(folder.path(), 4, "another-installation-0123456789-abcdef").1, [11]);
}

#[tokio::test]
async fn a_torn_line_spoils_no_other_and_nobody_can_add_one_or_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = open(folder.path(), 1);
    first.pending_end(vec![entry(10)]).await;
    let path = files(folder.path()).remove(0);
    let text = written(&path);
    assert!(!text.contains("203.0.113.7") && text.lines().count() == 1);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let forged = r#"{"unresolved_end":{"number":2,"end":{"session_id":"00000000-0000-0000-0000-00000000000b"}}}"#;
    let line = text.lines().next().unwrap();
    let added = format!("v2.{}\n{}", URL_SAFE_NO_PAD.encode(forged), &line[..line.len() / 2]);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(added.as_bytes(), text.len() as u64).unwrap();
    is_killed(first);
    assert_eq!(open(folder.path(), 2).1, [10]);
}

#[tokio::test]
async fn what_cannot_be_written_gets_no_number_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("no-folder");
    fs::write(&place, "").unwrap();
    let (pending_log, found) = open(&place, 1);
    assert!(found.is_empty() && !pending_log.is_writable());
    assert_eq!(pending_log.pending_end(vec![entry(10)]).await, [None]);
    pending_log.committed(&[1]);
    fs::remove_file(&place).unwrap();
    assert!(pending_log.is_writable());
    assert_eq!(pending_log.pending_end(vec![entry(11)]).await, [Some(1)]);
    is_killed(pending_log);
    assert_eq!(open(&place, 2).1, [11]);
}

#[tokio::test]
async fn a_folder_that_is_taken_away_is_made_anew_with_what_is_pending() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pending");
    let (pending_log, _) = open(&place, 1);
    let first = pending_log.pending_end(vec![entry(10), entry(11)]).await;
    pending_log.committed(&[first[0].unwrap()]);
    fs::remove_dir_all(&place).unwrap();
    // A file in its place: nothing can be written, and it says so.
    fs::write(&place, "").unwrap();
    assert_eq!(pending_log.pending_end(vec![entry(12)]).await, [None]);
    assert!(!pending_log.is_writable());
    fs::remove_file(&place).unwrap();
    assert_eq!(pending_log.pending_end(vec![entry(13)]).await.len(), 1);
    is_killed(pending_log);
    assert_eq!(open(&place, 2).1, [11, 13]);
}

#[tokio::test]
async fn space_is_reserved_before_it_is_needed_and_is_not_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let (pending_log, _) = open(folder.path(), 1);
    let path = files(folder.path()).remove(0);
    let space = || {
        let file = fs::metadata(&path).unwrap();
        (file.len(), file.blocks() * 512 >= file.len())
    };
    let before = space();
    assert!(before.0 >= 64 * 1024 && before.1, "{before:?}");
    let numbers = pending_log.pending_end((0..50).map(entry).collect()).await;
    assert_eq!(space(), before);
    let numbers: Vec<u64> = numbers.into_iter().flatten().collect();
    pending_log.committed(&numbers);
    assert_eq!((space(), written(&path).len()), (before, 0));
}

/// Puts a file there that another process has left behind.
fn leaves_behind(folder: &Path, lines: &str) -> PathBuf {
    let installation = keys(SECRET).installation();
    let path = folder.join(format!("{installation}-{}", Uuid::from_u128(7)));
    fs::write(&path, lines).unwrap();
    path
}

#[tokio::test]
async fn a_file_from_before_lines_had_a_version_is_taken_over_and_written_anew_as_of_now() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"Promised":[1,{"LateEnd":{"session_id":"00000000-0000-0000-0000-00000000000a","client_reason":null,"#
            .to_owned()
            + r#""origin":{"ip":"203.0.113.7","user_agent":"a browser"}}}]}"#,
        r#"{"Promised":[2,{"LateEnd":{"session_id":"00000000-0000-0000-0000-00000000000b","client_reason":null,"#
            .to_owned()
            + r#""origin":{"ip":"203.0.113.7","user_agent":"a browser"}}}]}"#,
        r#"{"Kept":[1]}"#.to_owned(),
    ];
    let seal = |line: String| keys(SECRET).seal(&SeededRandom::new(7), "promised end", line.as_bytes()).unwrap();
    // Without space behind the lines, too.
    let text: String = lines.into_iter().map(|line| URL_SAFE_NO_PAD.encode(seal(line)) + "\n").collect();
    let path = leaves_behind(folder.path(), &text);
    let (pending_log, found) = open(folder.path(), 1);
    assert_eq!(found, [11]);
    assert!(!path.exists());
    let text = written(&files(folder.path()).remove(0));
    assert!(text.lines().count() == 1 && text.starts_with("v2."));
    is_killed(pending_log);
    assert_eq!(open(folder.path(), 2).1, [11]);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = leaves_behind(folder.path(), "v3.what-this-says-nobody-knows-yet\n");
    let (pending_log, found) = open(folder.path(), 1);
    assert!(found.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "v3.what-this-says-nobody-knows-yet\n");
    let refused = pending_log.take_over(&path, &mut Found::default()).unwrap_err();
    assert_eq!(refused.to_string(), "its format is version 3, which is newer than this server");
    // What is written meanwhile is not held up by it.
    pending_log.pending_end(vec![entry(10)]).await;
    is_killed(pending_log);
    assert_eq!(open(folder.path(), 2).1, [10]);
    assert!(path.exists());
}
