//! `latchkey completions` and `latchkey man`: what shells and `man` know of these commands, made from the commands
//! themselves.

use std::io;
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use super::output::{Output, say_bytes};
use super::{Cli, CliError};

/// For which shell.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<(), CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "latchkey", &mut script);
        say_bytes(&script)
    }
}

/// Which manual pages, and where to.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub fn run(self, output: Output) -> Result<(), CliError> {
        let Some(folder) = self.out else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(CliError::Output)?;
            return say_bytes(&page);
        };
        let write = || -> io::Result<usize> {
            std::fs::create_dir_all(&folder)?;
            clap_mangen::generate_to(Cli::command(), &folder)?;
            Ok(std::fs::read_dir(&folder)?.count())
        };
        let pages = write().map_err(CliError::Output)?;
        output.done(
            &format!("{pages} pages are in {}: `man -l {0}/latchkey.1` shows the first.", folder.display()),
            &json!({ "folder": folder, "pages": pages }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const DOCUMENTATION: &str = include_str!("../../../docs/command-line.md");

    /// Each command by its words, with the names of its options. What all of them take is left out.
    fn commands() -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![("latchkey".to_owned(), Cli::command())];
        while let Some((name, command)) = waiting.pop() {
            let options: BTreeSet<String> = command
                .get_arguments()
                .filter(|option| !option.is_hide_set() && !option.is_global_set())
                .filter_map(|option| option.get_long().map(|long| format!("--{long}")))
                .filter(|option| option != "--help" && option != "--version")
                .collect();
            for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
                waiting.push((format!("{name} {}", inner.get_name()), inner.clone()));
            }
            if !command.is_subcommand_required_set() && !command.is_arg_required_else_help_set() {
                found.insert(name, options);
            }
        }
        found
    }

    /// The same as the documentation has it: a heading each, and the options in the text below.
    fn documented() -> BTreeMap<String, BTreeSet<String>> {
        let sections = DOCUMENTATION.split("\n### `").skip(1);
        let section = |text: &str| {
            let (heading, body) = text.split_once('`').expect("a heading");
            let body = body.split("\n## ").next().unwrap_or_default();
            let words = body.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
            let is_option = |word: &str| word.trim_start_matches('-').len() + 2 == word.len() && word.len() > 2;
            let options = words.filter(|word| is_option(word) && !["--json", "--quiet"].contains(word));
            (heading.to_owned(), options.map(str::to_owned).collect())
        };
        sections.map(section).collect()
    }

    #[test]
    fn the_documentation_has_every_command_with_every_option_and_no_other() {
        assert_eq!(documented(), commands());
    }

    #[test]
    fn shells_and_man_know_the_commands() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), "latchkey", &mut script);
        assert!(String::from_utf8(script).unwrap().contains("older-than"));
        let folder = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(Cli::command(), folder.path()).unwrap();
        let page = std::fs::read_to_string(folder.path().join("latchkey-session-end.1")).unwrap();
        assert!(page.replace('\\', "").contains("--older-than"), "{page}");
    }
}
