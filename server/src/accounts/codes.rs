//! One-time codes by e-mail: six digits, ten minutes, five attempts.

use std::time::Duration;

use types::domain::{OneTimeCode, UserId};

use crate::auth::secrets::Keys;
use crate::random::Random;
use crate::store::Digest;

/// How long a code can be used (NIST SP 800-63B-4, 3.1.3.2: ten minutes at most).
pub const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// How often one code may be tried (ASVS 6.6.3).
pub const CODE_ATTEMPTS: i64 = 5;
/// How many failures in a row, over all codes, disable the way in (NIST SP 800-63B-4, 3.2.2).
pub const CODE_FAILURES: i64 = 100;
/// How long a registration waits to be proved.
pub const REGISTRATION_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// How soon another code may be asked for.
pub const RESEND_INTERVAL: Duration = Duration::from_secs(30);

/// Draws a code; every one of the million is equally likely.
pub fn draw_code(random: &dyn Random) -> String {
    // Numbers above the last full million are drawn again, so that none is likelier than another.
    const LIMIT: u32 = u32::MAX - u32::MAX % 1_000_000;
    loop {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        if number < LIMIT {
            return format!("{:06}", number % 1_000_000);
        }
    }
}

/// What is stored of a code: bound to its registration, so that it is worth nothing for another one, of the same
/// address neither.
pub fn code_digest(keys: &Keys, registration: UserId, code: &OneTimeCode) -> Digest {
    keys.code_digest(registration.0.as_bytes(), code.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn codes_have_six_digits_and_differ() {
        let codes: std::collections::HashSet<String> = (0..200).map(|_| draw_code(&OsRandom)).collect();
        assert!(codes.iter().all(|code| code.len() == 6 && OneTimeCode::parse(code).is_ok()));
        assert!(codes.len() > 190);
    }
}
