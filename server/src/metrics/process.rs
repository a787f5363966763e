//! Which program runs, and what the clock, the runtime and the operating system, where it has `/proc`, say of it.

use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::Handle;
use types::domain::Timestamp;

use super::table::{Family, Kind, LabelNames};
use super::text::Exposition;
use super::{Gauge, Instrument, SecondsCounter, SecondsGauge, metrics};
use crate::clock::Clock;

/// Units of processor time in a second: Linux promises programs a hundred, whatever the kernel counts in.
const TICKS_A_SECOND: u64 = 100;

metrics! {
    /// How the process is.
    pub struct ProcessMetrics {
        /// Always 1; its labels say which version runs, on which kind of database and bus.
        build: BuildInfo = "latchkey_build_info",
        /// How far the clock of this machine is ahead of the database's, whose time is used; negative where it is
        /// behind.
        clock_offset: SecondsGauge = "latchkey_clock_offset_seconds",
        /// Tasks that the runtime looks after, each connection and stream among them.
        tasks: Gauge = "latchkey_tasks",
        /// Tasks that are ready and wait for a thread.
        tasks_queued: Gauge = "latchkey_tasks_queued",
        /// When the server started, in seconds since 1970.
        started: SecondsGauge = "process_start_time_seconds",
        /// Processor time used.
        cpu: SecondsCounter = "process_cpu_seconds_total",
        /// Memory that the process really occupies.
        memory: Gauge = "process_resident_memory_bytes",
        /// Open file descriptors, connections among them.
        open_files: Gauge = "process_open_fds",
        /// File descriptors that may be open.
        max_files: Gauge = "process_max_fds",
    }
}

impl ProcessMetrics {
    /// Sets what can be found out now.
    pub fn read(&self, clock: &dyn Clock, started_at: Timestamp) {
        self.clock_offset.set(milliseconds(clock.offset_ms()));
        self.started.set(milliseconds(started_at.as_millis()));
        if let Ok(runtime) = Handle::try_current() {
            let runtime = runtime.metrics();
            self.tasks.set(runtime.num_alive_tasks());
            self.tasks_queued.set(runtime.global_queue_depth());
        }
        self.read_proc();
    }

    fn read_proc(&self) {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        if let Some(ticks) = cpu_ticks(&read("stat")) {
            self.cpu.set(seconds(ticks));
        }
        if let Some(kibibytes) = number_after(&read("status"), "VmRSS:") {
            self.memory.set(kibibytes * 1024);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // The folder itself is open while it is being read.
            self.open_files.set(files.count().saturating_sub(1));
        }
        if let Some(most) = number_after(&read("limits"), "Max open files") {
            self.max_files.set(most);
        }
    }
}

/// Which program runs on what: a metric that is all labels.
#[derive(Default)]
pub struct BuildInfo(OnceLock<[&'static str; 2]>);

impl BuildInfo {
    /// Says on which kind of database and bus it runs. That does not change: what is said first counts.
    pub fn set(&self, database: &'static str, bus: &'static str) {
        self.0.get_or_init(|| [database, bus]);
    }
}

impl Instrument for BuildInfo {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [LabelNames] = &[
        LabelNames { name: "version", values: &[] },
        LabelNames { name: "database", values: &["sqlite", "postgres"] },
        LabelNames { name: "bus", values: &["in-process", "postgres", "redis"] },
    ];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        if let Some([database, bus]) = self.0.get() {
            let version = ("version", env!("CARGO_PKG_VERSION"));
            text.sample(family, &[version, ("database", database), ("bus", bus)], 1);
        }
    }
}

/// Seconds, exactly as far as Prometheus can tell.
fn milliseconds(millis: i64) -> f64 {
    let seconds = Duration::from_millis(millis.unsigned_abs()).as_secs_f64();
    if millis < 0 { -seconds } else { seconds }
}

fn seconds(ticks: u64) -> f64 {
    Duration::from_millis(ticks * 1000 / TICKS_A_SECOND).as_secs_f64()
}

/// Time in user and in kernel mode: fields 14 and 15 of `proc_pid_stat(5)`, counted after the program's name, which may
/// hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The first number on the line that begins so.
fn number_after(text: &str, beginning: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(beginning))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_seconds_on_either_side_of_zero() {
        assert_eq!([0, 1, -1500].map(milliseconds).map(|seconds| seconds.to_string()), ["0", "0.001", "-1.5"]);
    }

    #[test]
    fn what_proc_says_is_read_whatever_the_program_is_called() {
        let stat = "17 (latch) key) S 1 17 17 0 -1 4194560 9000 0 3 0 250 75 0 0 20 0 5 0 100 1 2";
        assert_eq!(cpu_ticks(stat), Some(325));
        assert_eq!(cpu_ticks(""), None);
        assert_eq!(number_after("VmHWM:\t 9 kB\nVmRSS:\t  4096 kB\n", "VmRSS:"), Some(4096));
        let limits = "Max open files            1024                 524288               files     \n";
        assert_eq!(number_after(limits, "Max open files"), Some(1024));
        assert_eq!(number_after("Max open files            unlimited\n", "Max open files"), None);
    }
}
