//! What the documentation names is there: pages and their sections, tests, and journeys in the browser.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::architecture::{root, sources};

/// Where pages stand.
const FOLDERS: [&str; 4] = ["", "deploy", "docs", "docs/decisions"];

/// All pages, with their text.
fn pages() -> Vec<(PathBuf, String)> {
    let entries = FOLDERS.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let files = entries.map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.canonicalize().unwrap(), fs::read_to_string(path).unwrap())).collect()
}

/// Where links in a page lead to, but for other sites.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("\n```").step_by(2);
    let targets = prose.flat_map(|prose| prose.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://"))
}

/// The file that a link of a page leads to, and the section.
fn target<'l>(page: &Path, link: &'l str) -> (PathBuf, Option<&'l str>) {
    let (path, section) = link.split_once('#').map_or((link, None), |(path, section)| (path, Some(section)));
    let file = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
    (file, section)
}

/// What the section under a heading is called in links.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(*letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
}

fn has_section(page: &str, section: &str) -> bool {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).any(|found| found == section)
}

/// The last cell of each row of the tables that name tests.
fn cells_with_tests(page: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut names_tests = None;
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|') else {
            names_tests = None;
            continue;
        };
        let last = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap().trim();
        match names_tests {
            None => names_tests = Some(last == "test"),
            Some(true) => cells.push(last),
            Some(false) => {}
        }
    }
    cells
}

/// What stands between backticks in a cell, each with what is said after it.
fn named(cell: &str) -> Vec<(&str, &str)> {
    let pieces: Vec<&str> = cell.split('`').skip(1).collect();
    pieces.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default())).collect()
}

/// The titles of journeys that are said after the name of a file, or how they begin.
fn titles(said: &str) -> impl Iterator<Item = &str> {
    let said = said.strip_prefix(": ").unwrap_or_default().split(';').next().unwrap();
    said.split('…').map(|title| title.trim_matches([',', ' '])).filter(|title| !title.is_empty())
}

#[test]
fn every_link_leads_to_a_file_and_a_section_that_are_there() {
    let mut broken = Vec::new();
    for (page, text) in pages() {
        for link in links(&text) {
            let (file, section) = target(&page, link);
            let has_it = |section: &str| fs::read_to_string(&file).is_ok_and(|text| has_section(&text, section));
            if !section.map_or_else(|| file.exists(), has_it) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn another_page_leads_to_every_page_of_the_documentation() {
    let pages = pages();
    let mut reached = BTreeSet::new();
    for (page, text) in &pages {
        let files = links(text).filter_map(|link| target(page, link).0.canonicalize().ok());
        reached.extend(files.filter(|file| file != page));
    }
    let documentation = root().join("docs").canonicalize().unwrap();
    let of_documentation = pages.iter().map(|(page, _)| page).filter(|page| page.parent() == Some(&*documentation));
    let unreached: Vec<_> = of_documentation.filter(|page| !reached.contains(*page)).collect();
    assert_eq!(unreached, Vec::<&PathBuf>::new());
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let files: Vec<_> = ["server", "app"].iter().flat_map(|folder| sources(&root().join(folder))).collect();
    let functions = files.iter().flat_map(|(_, text)| text.split("fn ").skip(1));
    let functions: HashSet<&str> = functions.filter_map(|rest| rest.split('(').next()).collect();
    let (mut count, mut missing) = (0, Vec::new());
    for (page, text) in pages() {
        for (name, said) in cells_with_tests(&text).into_iter().flat_map(named) {
            count += 1;
            let is_there = if name.ends_with(".spec.ts") {
                let journeys = fs::read_to_string(root().join("end2end/tests").join(name)).unwrap_or_default();
                !journeys.is_empty() && titles(said).all(|title| journeys.contains(title))
            } else if name.contains('/') {
                root().join(name).exists()
            } else {
                functions.contains(name)
            };
            if !is_there {
                missing.push(format!("{}: {name}{said}", page.display()));
            }
        }
    }
    assert!(count > 400, "only {count} tests are named");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn what_is_missing_is_found() {
    let page = "# Title\n\n[a](b.md#c-d), [e](https://example.com) and [f](#title)\n\n\
                ```sh\n[g](h)\n```\n\n[i](j.md)\n";
    assert_eq!(links(page).collect::<Vec<_>>(), ["b.md#c-d", "#title", "j.md"]);
    assert!(has_section(page, "title") && !has_section(page, "c-d"));
    assert_eq!(anchor("What `GET /health` says, and *why*"), "what-get-health-says-and-why");
    let tables = "| a | b |\n| --- | --- |\n| `c` | `d` |\n\n\
                  | what | test |\n| --- | --- |\n| `e` | `f`, `g.spec.ts`: h …, i …; j |\n";
    let cells = cells_with_tests(tables);
    let found = cells.into_iter().flat_map(named).collect::<Vec<_>>();
    assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["f", "g.spec.ts"]);
    assert_eq!(titles(found[1].1).collect::<Vec<_>>(), ["h", "i"]);
}
