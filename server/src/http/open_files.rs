//! How many files this process may have open: every connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as the system allows, and returns it. Most systems start programs with about a thousand.
pub fn raise() -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limits.maximum, ..limits });
    let limit = if raised.is_ok() { limits.maximum } else { limits.current };
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let raised = raise();
        let limits = getrlimit(Resource::Nofile);
        assert_eq!(limits.current, limits.maximum);
        assert_eq!(raised, limits.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap()));
    }
}
