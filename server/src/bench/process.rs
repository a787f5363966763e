//! Programs that run beside the benchmark and go with it: what they use of the machine, and their end.

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{BenchError, failed};

/// How long a program may take to stop before it is killed.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
/// How long a program may take to listen. A server that loads a million revocations takes its time.
const LISTENS_WITHIN: Duration = Duration::from_mins(1);
/// The unit of CPU times in `/proc`: the same on every Linux that runs on today's processors.
const TICK: Duration = Duration::from_millis(10);

/// A program that runs. It is stopped when this is dropped.
pub struct Process {
    child: Child,
    name: &'static str,
    signal: Signal,
}

/// A command whose program the kernel ends when ours dies without having been able to clean up.
///
/// To be started from the main thread: the kernel means the thread that started it.
pub fn bound_to_us(program: impl AsRef<OsStr>, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=TERM");
    if let Some(user) = user {
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
    }
    command.arg("--").arg(program);
    command
}

impl Process {
    /// Starts it, without input and output. `signal` is the one that stops it in good order.
    pub fn start(name: &'static str, signal: Signal, command: &mut Command) -> Result<Self, BenchError> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| failed(format!("{name} cannot be started: {error}")))?;
        Ok(Self { child, name, signal })
    }

    /// Waits until it takes connections.
    pub fn listening(mut self, address: SocketAddr) -> Result<Self, BenchError> {
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(failed(format!("{} ended at once: {status}", self.name)));
            }
            if begun.elapsed() > LISTENS_WITHIN {
                return Err(failed(format!("{} does not listen on {address}", self.name)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(self)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The CPU time it has used, in user and kernel mode, in steps of 10 ms.
    pub fn cpu(&self) -> Result<Duration, BenchError> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).map_err(failed)?;
        // The name in brackets may hold spaces; `utime` and `stime` are the 14th and 15th of proc(5), the 12th and 13th
        // after it.
        let (_, fields) = stat.rsplit_once(')').ok_or_else(|| failed("proc(5) has changed"))?;
        let ticks =
            fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum::<u32>();
        Ok(TICK * ticks)
    }

    /// Stops its work, without its end, until what is given is dropped.
    pub fn pause(&self) -> Result<Paused, BenchError> {
        let process = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let process = process.ok_or_else(|| failed(format!("{} has no id", self.name)))?;
        kill_process(process, Signal::STOP).map_err(failed)?;
        Ok(Paused(process))
    }

    /// The memory that is its own, in bytes: what is shared with other processes counts in part.
    pub fn memory(&self) -> Result<f64, BenchError> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id())).map_err(failed)?;
        let kibibytes =
            text.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok());
        kibibytes.map(|kibibytes: u32| f64::from(kibibytes) * 1024.0).ok_or_else(|| failed("proc(5) has changed"))
    }
}

/// A program that is paused; it goes on when this is dropped.
pub struct Paused(Pid);

impl Drop for Paused {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(process) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) else { return };
        // Not yet waited for, so the id is still that of our child.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process(process, self.signal);
        }
        let begun = Instant::now();
        while begun.elapsed() < STOPS_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody uses now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// On loopback.
pub fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
