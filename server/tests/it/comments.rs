//! Comments are read in narrow windows and beside each other in reviews: none is longer than 120 columns.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::architecture::root;

const COLUMNS: usize = 120;
const FOLDERS: [&str; 8] = ["app", "deploy", "end2end", "frontend", "migrations", "scripts", "server", "style"];
/// What tools leave among the sources.
const LEFT_OUT: [&str; 4] = ["node_modules", "playwright-report", "target", "test-results"];
/// Migrations up to this one stay as they are: databases hold a checksum of their text, comments and all.
const LAST_UNCHANGEABLE_MIGRATION: u32 = 21;

/// How comments are marked in a file.
struct Marks {
    line: Option<&'static str>,
    /// Whether they may also stand between `/*` and `*/`.
    block: bool,
}

/// The marks in a file with such a name and text; none where comments are not looked at.
fn marks(path: &Path, text: &str) -> Option<Marks> {
    let (line, block) = match path.extension().and_then(OsStr::to_str) {
        Some("rs") => (Some("//"), false),
        Some("js" | "mjs" | "ts") => (Some("//"), true),
        Some("css") => (None, true),
        Some("sql") => (Some("--"), false),
        Some("sh" | "toml" | "yml") => (Some("#"), false),
        None if text.starts_with("#!") => (Some("#"), false),
        _ => return None,
    };
    Some(Marks { line, block })
}

/// The numbers of the lines that are nothing but comment, and too long.
fn long_comments(text: &str, marks: &Marks) -> Vec<usize> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let bare = line.trim_start();
        let is_block = is_inside || (marks.block && bare.starts_with("/*"));
        is_inside = is_block && !line.contains("*/");
        let is_comment = is_block || marks.line.is_some_and(|mark| bare.starts_with(mark));
        if is_comment && line.chars().count() > COLUMNS {
            found.push(number);
        }
    }
    found
}

fn is_unchangeable(path: &Path) -> bool {
    let is_migration = path.extension().is_some_and(|extension| extension == "sql");
    let number = path.file_name().and_then(OsStr::to_str).and_then(|name| name.split('_').next()?.parse::<u32>().ok());
    is_migration && number.is_some_and(|number| number <= LAST_UNCHANGEABLE_MIGRATION)
}

fn files() -> Vec<PathBuf> {
    let mut folders: Vec<_> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() && !LEFT_OUT.iter().any(|name| path.ends_with(name)) {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn comments_keep_to_120_columns() {
    let mut looked_at = 0;
    let mut found = Vec::new();
    for path in files().into_iter().filter(|path| !is_unchangeable(path)) {
        // What is no text has no comments.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let Some(marks) = marks(&path, &text) else { continue };
        looked_at += 1;
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        found.extend(long_comments(&text, &marks).into_iter().map(|line| format!("{name}:{line}")));
    }
    found.sort();
    assert!(looked_at > 400, "only {looked_at} files were looked at");
    assert!(found.is_empty(), "longer than {COLUMNS} columns:\n{}", found.join("\n"));
}

#[test]
fn a_long_comment_is_found_where_long_code_is_not() {
    let long = "x".repeat(COLUMNS);
    let found = |name: &str, text: &str| {
        let marks = marks(Path::new(name), text).unwrap();
        long_comments(text, &marks)
    };
    assert_eq!(found("a.rs", &format!("let {long} = 1;\n    /// {long}\n/// short")), [2]);
    assert_eq!(found("a.css", &format!("/* short\n{long} */\n.{long} {{}}")), [2]);
    assert_eq!(found("a.ts", &format!("/** {long} */\n// {long}\nlet {long};")), [1, 2]);
    assert_eq!(found("1_a.sql", &format!("-- {long}\nSELECT {long};")), [1]);
    assert_eq!(found("run", &format!("#!/bin/sh\n# {long}\n{long}")), [2]);
    assert!(marks(Path::new("a.md"), "text").is_none());
}
