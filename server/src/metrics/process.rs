//! What the operating system says of this process, where it has `/proc`.

use std::fs;

use super::table::{CPU, MAX_FILES, MEMORY, OPEN_FILES};
use super::text::Exposition;

/// Units of processor time in a second: Linux promises programs a hundred, whatever the kernel counts in.
const TICKS_A_SECOND: u64 = 100;

/// Writes what can be found out.
pub fn write(text: &mut Exposition) {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    if let Some(ticks) = cpu_ticks(&read("stat")) {
        text.sample(&CPU, &[], seconds(ticks));
    }
    if let Some(kibibytes) = number_after(&read("status"), "VmRSS:") {
        text.sample(&MEMORY, &[], kibibytes * 1024);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // The folder itself is open while it is being read.
        text.sample(&OPEN_FILES, &[], files.count().saturating_sub(1));
    }
    if let Some(most) = number_after(&read("limits"), "Max open files") {
        text.sample(&MAX_FILES, &[], most);
    }
}

fn seconds(ticks: u64) -> f64 {
    std::time::Duration::from_millis(ticks * 1000 / TICKS_A_SECOND).as_secs_f64()
}

/// Time in user and in kernel mode: fields 14 and 15 of `proc_pid_stat(5)`, counted after the program's name, which may hold
/// anything.
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
