//! Why a command failed: a sentence for people, one JSON object for programs, and a code for the shell.

use std::env;
use std::error::Error as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::Serialize;

use super::output::Output;
use super::{Cli, CliError};
use crate::accounts::AccountError;
use crate::admin::AdminError;
use crate::config::ConfigError;
use crate::terminal;

/// Where a command was called wrongly.
const INVALID_CALL: &str = "invalid-call";
/// Where a value is none of those that there are.
const UNKNOWN_VALUE: &str = "unknown-value";

/// What programs are told.
#[derive(Serialize)]
struct ErrorDocument {
    /// Stable, in kebab-case.
    code: &'static str,
    message: String,
    /// The option, argument or setting at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What to do, where the message does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'static str>,
    /// Each of several that are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What is wrong with one of several.
#[derive(Serialize)]
struct FieldError {
    field: String,
    message: String,
}

/// Reads the command line, and does what it asks for.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report_call(&error),
    };
    let output = cli.output;
    match Box::pin(cli.run()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error, output),
    }
}

/// Tells why a command failed, cause by cause.
fn report(error: &CliError, output: Output) -> ExitCode {
    if output.is_json() {
        say_document(&document(error));
    } else {
        let mut text = format!("latchkey: {}", with_causes(error, "\n  because "));
        if let Some(advice) = error.advice() {
            text.push_str("\n  next: ");
            text.push_str(advice);
        }
        // File names and answers of others stand in them.
        eprintln!("{}", terminal::lines(&text));
    }
    ExitCode::from(error.exit_code())
}

/// Tells what is wrong with a command line; or helps, where that was asked for.
fn report_call(error: &clap::Error) -> ExitCode {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !is_help && env::args_os().any(|argument| argument == "--json") {
        say_document(&document_of_call(error));
    } else {
        // Nobody may read it.
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn say_document(document: &ErrorDocument) {
    eprintln!("{}", terminal::json(&serde_json::json!(document).to_string()));
}

fn document(error: &CliError) -> ErrorDocument {
    ErrorDocument {
        code: error.code(),
        message: with_causes(error, ", because "),
        field: error.field().map(str::to_owned),
        next: error.advice(),
        errors: error.errors(),
    }
}

fn document_of_call(error: &clap::Error) -> ErrorDocument {
    let text = error.render().to_string();
    // What follows is the usage.
    let message = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .fold(text.as_str(), |text, end| text.split_once(end).map_or(text, |(message, _)| message));
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => Some(argument),
        Some(ContextValue::Strings(arguments)) => arguments.first(),
        _ => None,
    };
    ErrorDocument {
        code: if error.kind() == ErrorKind::InvalidValue { UNKNOWN_VALUE } else { INVALID_CALL },
        message: message.split_whitespace().collect::<Vec<_>>().join(" "),
        field: argument.and_then(|argument| argument.split_whitespace().next()).map(str::to_owned),
        next: None,
        errors: Vec::new(),
    }
}

/// What it says, and the causes that it does not repeat in its own words.
fn with_causes(error: &CliError, because: &str) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(because);
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl CliError {
    /// What programs know it by.
    const fn code(&self) -> &'static str {
        match self {
            Self::Config(_) | Self::WrongSecret => "invalid-settings",
            Self::NoDatabase(_) => "no-database",
            Self::MigrationsPending => "migrations-pending",
            Self::Usage(_) => INVALID_CALL,
            Self::UnknownValue { .. } | Self::Admin(AdminError::NoSuchRole(_)) => UNKNOWN_VALUE,
            Self::Unconfirmed(_) => "unconfirmed",
            Self::NotAsSealed => "not-as-sealed",
            Self::Unwell { .. } => "checks-failed",
            Self::CutShort => "interrupted",
            _ => match self.exit_code() {
                super::EXIT_NOT_FOUND => "not-found",
                super::EXIT_REFUSED => "refused",
                _ => "failed",
            },
        }
    }

    /// All settings at fault, each with what is wrong with it.
    fn errors(&self) -> Vec<FieldError> {
        let Self::Config(errors) = self else { return Vec::new() };
        let error_of =
            |error: &ConfigError| FieldError { field: error.setting.clone(), message: error.message.clone() };
        errors.0.iter().map(error_of).collect()
    }

    /// The option or setting at fault, the first of several.
    fn field(&self) -> Option<&str> {
        match self {
            Self::Config(errors) => errors.0.first().map(|error| error.setting.as_str()),
            Self::NoDatabase(_) => Some("DATABASE_URL"),
            Self::WrongSecret => Some("LATCHKEY_SECRET"),
            // That of an account is a field of a request: `password` is read from the terminal or from standard input.
            Self::UnknownValue { field, .. } | Self::Admin(AdminError::Account(AccountError::Field { field, .. })) => {
                Some(*field)
            }
            Self::Admin(AdminError::EmailTaken(_)) => Some("--email"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigErrors, SettingOrigin};
    use serde_json::{Value, json};

    fn as_json(document: &ErrorDocument) -> Value {
        json!(document)
    }

    #[test]
    fn programs_are_told_a_code_a_message_and_what_is_at_fault() {
        let unknown = CliError::UnknownValue {
            field: "--role",
            value: "nope".to_owned(),
            known: ["owner", "user"].map(str::to_owned).to_vec(),
        };
        let expected = json!({
            "code": "unknown-value",
            "message": "--role: `nope` is not known; there are owner, user",
            "field": "--role",
        });
        assert_eq!(as_json(&document(&unknown)), expected);
        let wrong = ["JWT_EXPIRE", "SESSION_MAX_AGE"].map(|setting| ConfigError {
            setting: setting.to_owned(),
            origin: SettingOrigin::Environment,
            message: "must be a duration".to_owned(),
        });
        let document = as_json(&document(&CliError::Config(ConfigErrors(wrong.to_vec()))));
        assert_eq!((&document["code"], &document["field"]), (&json!("invalid-settings"), &json!("JWT_EXPIRE")));
        let each = |field| json!({ "field": field, "message": "must be a duration" });
        assert_eq!(document["errors"], json!([each("JWT_EXPIRE"), each("SESSION_MAX_AGE")]));
        assert!(document["next"].is_string(), "{document}");
    }

    #[test]
    fn a_wrong_call_is_told_without_the_usage() {
        let of = |arguments: &[&str]| {
            let error = Cli::try_parse_from([&["latchkey"][..], arguments].concat()).unwrap_err();
            as_json(&document_of_call(&error))
        };
        let unknown = of(&["audit", "export", "--action", "nonsense"]);
        assert_eq!((&unknown["code"], &unknown["field"]), (&json!("unknown-value"), &json!("--action")));
        assert!(unknown["message"].as_str().is_some_and(|text| text.contains("sign_in_failed")), "{unknown}");
        let missing = of(&["user", "create"]);
        assert_eq!((&missing["code"], &missing["field"]), (&json!("invalid-call"), &json!("--email")));
        assert!(missing["message"].as_str().is_some_and(|text| !text.contains("Usage")), "{missing}");
    }
}
