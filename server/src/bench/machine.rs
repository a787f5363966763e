//! What everything was measured on.

use std::fs::{File, read_to_string};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::services::{MEMORY, Postgres};
use super::statistics::{Millis, Percentiles};
use super::{BenchError, failed};

/// How often the disk is asked to keep something.
const WRITES: usize = 100;

/// Names and values.
pub fn describe(folder: &Path, postgres: &Postgres) -> Result<Vec<(&'static str, String)>, BenchError> {
    let disk = disk(folder)?;
    Ok(vec![
        (
            "Processor",
            format!("{}, {} cores", processor(), std::thread::available_parallelism().map_or(1, usize::from)),
        ),
        ("Memory", memory()),
        ("System", format!("Linux {}", first_line("/proc/sys/kernel/osrelease"))),
        (
            "Disk",
            format!(
                "{}; a write of 8 kB that must stay takes {} (p99 {})",
                file_system(folder),
                Millis(disk.p50),
                Millis(disk.p99)
            ),
        ),
        ("Latchkey", env!("CARGO_PKG_VERSION").to_owned()),
        ("Compiler", version_of("rustc")),
        (
            "PostgreSQL",
            format!(
                "{}, as installed, with {}: what is committed is on the disk",
                postgres.version()?,
                MEMORY.join(" and ")
            ),
        ),
        ("Redis", version_of("redis-server")),
    ])
}

fn processor() -> String {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), str::to_owned)
}

fn memory() -> String {
    let text = read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    format!("{:.0} GiB", kibibytes.map_or(f64::NAN, |kibibytes: u32| f64::from(kibibytes) / 1024.0 / 1024.0))
}

/// The kind of the file system that holds `folder`: the mount whose path is the longest above it.
fn file_system(folder: &Path) -> String {
    let text = read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = mounts.filter(|(place, _)| folder.starts_with(place));
    above.max_by_key(|(place, _)| place.len()).map_or("unknown", |(_, kind)| kind).to_owned()
}

/// How long the disk takes until it has what it is given.
fn disk(folder: &Path) -> Result<Percentiles, BenchError> {
    let path = folder.join("disk");
    let mut file = File::options().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let started = Instant::now();
        file.write_all(&[7; 8192]).and_then(|()| file.sync_data()).map_err(failed)?;
        times.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(1));
    }
    std::fs::remove_file(path).map_err(failed)?;
    Ok(Percentiles::of(times))
}

/// What a program says when it is asked for its version.
fn version_of(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    let version =
        output.map(|output| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned());
    let version = version.unwrap_or_else(|_| "unknown".to_owned());
    // Redis adds half a dozen facts about its build.
    version.split(" sha=").next().unwrap_or_default().to_owned()
}

fn first_line(path: &str) -> String {
    read_to_string(path).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
