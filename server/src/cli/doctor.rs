//! `latchkey doctor`: checks a running installation from outside, and says what to do.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use console::Term;
use secrecy::SecretString;
use types::domain::Email;

use super::CliError;
use super::installation::Installation;
use super::output::Output;
use crate::accounts::known_address;
use crate::config::{Config, PublicUrl};
use crate::doctor::{Check, Outcome, Wanted, examine};
use crate::lifecycle::{Stop, Tasks};
use crate::terminal;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// A server's own address beside `PUBLIC_URL` and those that servers have set (`LATCHKEY_SERVER_URL`), such as
    /// `http://10.0.0.11:3000`; may be given several times
    #[arg(long = "url", value_name = "URL", value_parser = PublicUrl::parse)]
    urls: Vec<PublicUrl>,
    /// Sign in with this account, whose password is asked for, instead of one that is made and deleted again
    #[arg(long, value_parser = known_address)]
    email: Option<Email>,
    /// Send a mail to this address
    #[arg(long, value_name = "EMAIL", value_parser = known_address)]
    mail_to: Option<Email>,
}

impl Doctor {
    pub async fn run(self, config: &Config, output: Output) -> Result<(), CliError> {
        let Self { urls, email, mail_to } = self;
        let login = match email {
            Some(email) => Some((email.to_string(), password()?)),
            None => None,
        };
        let installation = Installation::open(config).await?;
        let Installation { context, administration, .. } = &installation;
        // From here on a signal does not end it before its user is deleted.
        let stop = Stop::on_signals(&Tasks::new()).map_err(CliError::Serve)?.soft;
        let wanted = Wanted { urls, login, mail_to };
        let checks = Box::pin(examine(config, context, administration, wanted, &stop)).await;
        installation.close().await;
        if stop.is_cancelled() {
            return Err(CliError::CutShort);
        }
        output.answer(&in_words(&checks), &checks)?;
        let failed = checks.iter().filter(|check| check.outcome == Outcome::Failed).count();
        if failed == 0 { Ok(()) } else { Err(CliError::Unwell { failed, checks: checks.len() }) }
    }
}

/// Asked for on a terminal, or the first line of standard input.
fn password() -> Result<SecretString, CliError> {
    if io::stdin().is_terminal() {
        let terminal = Term::stderr();
        let asked = terminal.write_str("Password: ").and_then(|()| terminal.read_secure_line());
        return asked.map(SecretString::from).map_err(CliError::Input);
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(CliError::Input)?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n'])))
}

/// A line each, and what to do below it.
fn in_words(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    checks.iter().fold(String::new(), |mut text, check| {
        let mark = match check.outcome {
            Outcome::Passed => '✓',
            Outcome::Failed => '✗',
            Outcome::NotApplicable => '–',
        };
        let _ = writeln!(text, "{mark} {:width$}  {}", check.name, terminal::line(&check.found));
        if let Some(next) = &check.next {
            let _ = writeln!(text, "  {:width$}  next: {}", "", terminal::line(next));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_a_line_with_what_to_do_below_it() {
        let check = |name, outcome, found: &str, next: Option<&str>| Check {
            name,
            outcome,
            found: found.to_owned(),
            next: next.map(str::to_owned),
        };
        let text = in_words(&[
            check("health", Outcome::Passed, "one is well\u{7}", None),
            check("bus", Outcome::Failed, "Redis is away", Some("start it")),
            check("mail", Outcome::NotApplicable, "none", None),
        ]);
        let expected =
            "✓ health  one is well\u{fffd}\n✗ bus     Redis is away\n          next: start it\n– mail    none\n";
        assert_eq!(text, expected);
    }
}
