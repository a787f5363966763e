//! Who may know whom. The compiler holds most of it: what a crate does not depend on, it cannot use. This holds the
//! rest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files below `folder`, with their text, by their path from there.
pub fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let path = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((path, fs::read_to_string(&entry).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {}", folder.display());
    found
}

/// Whether a text names a crate by its path, as in `use app::shell` or `app::shell()`.
fn names_crate(text: &str, name: &str) -> bool {
    let path = format!("{name}::");
    text.match_indices(&path).any(|(at, _)| {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_' && before != ':'
    })
}

/// The areas of the server, each with a folder of its name.
fn areas() -> impl Iterator<Item = &'static str> {
    latchkey::AREAS.iter().map(|area| area.name)
}

/// Whether a text names a module of the server by its path, alone or in a group.
fn names_module(text: &str, name: &str) -> bool {
    let begins_with_it = |path: &str| {
        let rest = path.trim_start().strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    };
    text.split("crate::").skip(1).any(|path| match path.strip_prefix('{') {
        Some(group) => group.split(';').next().unwrap_or_default().split(',').any(begins_with_it),
        None => begins_with_it(path),
    })
}

/// What a crate's manifest says it depends on whatever features are on.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let is_optional =
        |entry: &toml::Value| entry.get("optional").is_some_and(|optional| optional.as_bool() == Some(true));
    let all = manifest["dependencies"].as_table().unwrap().iter();
    all.filter(|(_, entry)| !is_optional(entry)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn only_what_serves_pages_knows_the_pages() {
    let strangers: Vec<_> = sources(&root().join("server/src"))
        .into_iter()
        .filter(|(path, _)| !path.starts_with("pages/"))
        .filter(|(_, text)| ["app", "client", "leptos"].iter().any(|name| names_crate(text, name)))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn what_server_and_browser_share_knows_serde_and_nothing_else() {
    let allowed = ["serde", "thiserror", "uuid"];
    let others: Vec<_> =
        dependencies("app/types/Cargo.toml").into_iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn the_state_machines_of_the_client_know_no_pages_and_no_browser() {
    let allowed = ["futures", "serde", "thiserror", "types"];
    let others: Vec<_> =
        dependencies("app/client/Cargo.toml").into_iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn the_registry_of_metrics_knows_none_of_the_parts_that_declare_them() {
    let parts = ["auth", "events", "http", "jobs", "mail", "sessions", "store", "traces"];
    let strangers: Vec<_> = sources(&root().join("server/src/metrics"))
        .into_iter()
        .filter(|(_, text)| parts.iter().any(|part| text.contains(&format!("crate::{part}::"))))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn only_the_store_names_the_driver_and_its_shared_part_knows_no_area() {
    let server = sources(&root().join("server/src"));
    let strangers: Vec<_> = server
        .iter()
        .filter(|(path, _)| !path.starts_with("store/"))
        .filter(|(_, text)| ["sqlx", "sqlx_sqlite", "sqlx_postgres"].iter().any(|name| names_crate(text, name)))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(strangers, Vec::<&String>::new());

    let areas: Vec<_> = fs::read_dir(root().join("server/src/store"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("db"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(areas.len() > 5, "the areas of the store are {areas:?}");
    // The test of a full disk writes something.
    let shared = server.iter().filter(|(path, _)| path.starts_with("store/db/") && !path.ends_with("/full_disk.rs"));
    for (path, text) in shared {
        for area in &areas {
            assert!(!text.contains(&format!("store::{area}")), "{path} knows {area}");
        }
    }
}

/// `rustfmt` finds files by the declarations of modules, and looks into no macro; the queries are declared by one.
#[test]
fn every_file_of_the_store_is_declared_where_the_formatter_looks() {
    let files = sources(&root().join("server/src/store"));
    let is_declared = |folder: &Path, name: &str| {
        let declaration = format!("mod {name};");
        let beside = files.iter().filter(|(path, _)| Path::new(path).parent() == Some(folder));
        beside.flat_map(|(_, text)| text.lines()).any(|line| line.ends_with(&declaration) && !line.starts_with("//"))
    };
    let mut undeclared = Vec::new();
    for (path, _) in files.iter().filter(|(path, _)| path != "mod.rs") {
        let file = Path::new(path);
        let module = if file.ends_with("mod.rs") { file.parent().unwrap() } else { file };
        if !is_declared(module.parent().unwrap(), module.file_stem().unwrap().to_str().unwrap()) {
            undeclared.push(path);
        }
    }
    assert_eq!(undeclared, Vec::<&String>::new(), "put `#[cfg(rustfmt)] mod queries;` into the area's mod.rs");
}

/// The names in the first column of the picture of `server/src` in `docs/architecture.md`: indented by two.
fn pictured(picture: &str) -> BTreeSet<String> {
    let below =
        picture.lines().skip_while(|line| *line != "server/src").skip(1).take_while(|line| line.starts_with(' '));
    let first_columns = below.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names = first_columns.flat_map(|line| line.split("  ").next().unwrap().split(", ").map(str::to_owned));
    names.filter(|name| name != "<area>").collect()
}

#[test]
fn the_picture_of_the_server_has_all_that_is_no_area_and_nothing_else() {
    let documentation = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let entries = fs::read_dir(root().join("server/src")).unwrap().map(|entry| entry.unwrap().path());
    let names = entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let is_area = |name: &String| latchkey::AREAS.iter().any(|area| area.name == name);
    let expected: BTreeSet<String> = names.filter(|name| !is_area(name)).collect();
    assert_eq!(pictured(&documentation), expected);
}

#[test]
fn a_new_area_touches_eight_files_and_all_of_them_are_there() {
    let documentation = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, section) = documentation.split_once("## Adding an area\n").unwrap();
    let rows = section.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let files: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert_eq!(files.len(), 8, "{files:?}");
    let missing: Vec<_> = files.into_iter().filter(|file| !root().join(file).is_file()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// Excerpts of files, each with where it is from. `// …` stands for what was left out.
fn excerpts(documentation: &str) -> Vec<(&str, &str)> {
    let blocks = documentation.split("\n```rust ").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap().split_once('\n').unwrap());
    blocks.flat_map(|(path, code)| code.split("// …\n").map(move |piece| (path, piece.trim_end()))).collect()
}

#[test]
fn what_is_shown_of_rooms_is_theirs() {
    let documentation = fs::read_to_string(root().join("docs/build-on-it.md")).unwrap();
    let excerpts = excerpts(&documentation);
    assert!(excerpts.len() > 5, "{excerpts:?}");
    for (path, piece) in excerpts {
        let text = fs::read_to_string(root().join(path)).unwrap();
        assert!(text.contains(piece), "docs/build-on-it.md shows of {path} what is not there:\n{piece}");
    }
}

#[test]
fn every_route_goes_through_the_table() {
    // What puts an answer at an address, and where it may stand.
    let by_hand: [(&str, &[&str]); 7] = [
        ("routing::", &["http/routes.rs"]),
        ("Router::new", &["http/routes.rs", "pages/site.rs"]),
        ("Router::default", &[]),
        ("route_service", &[]),
        ("fallback_service", &[]),
        // What is answered where there is no route.
        (".fallback(", &["http/exposition.rs", "pages/site.rs"]),
        // Pages, which are in the table too.
        ("leptos_routes", &["pages/site.rs"]),
    ];
    let server = sources(&root().join("server/src"));
    // The servers that ours is compared with, and those that the accept loop is tried with.
    let ours = server.iter().filter(|(path, _)| !path.starts_with("bench/") && !path.ends_with("/tests.rs"));
    for (path, text) in ours {
        for (word, places) in &by_hand {
            assert!(!text.contains(word) || places.contains(&path.as_str()), "{path} has {word}: use http/routes.rs");
        }
    }
    // The server of pages would add a route for each of these by itself.
    for (path, text) in sources(&root().join("app/src")) {
        assert!(!text.contains("#[server"), "{path} has a server function: the API is calls in the table of routes");
    }
}

#[test]
fn what_all_areas_stand_on_knows_none_of_them() {
    let below = ["auth/", "config/", "events/", "http/", "jobs/", "metrics/", "store/", "telemetry/", "registry.rs"];
    let strangers: Vec<_> = sources(&root().join("server/src"))
        .into_iter()
        .filter(|(path, _)| below.iter().any(|part| path.starts_with(part)))
        .filter(|(_, text)| areas().chain(["pages"]).any(|area| names_module(text, area)))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn what_puts_the_server_together_names_no_area() {
    for file in ["application.rs", "areas.rs"] {
        let text = fs::read_to_string(root().join("server/src").join(file)).unwrap();
        let reaches_into = |area: &str| text.contains(&format!("state.{area}()"));
        let named: Vec<_> = areas().filter(|area| names_module(&text, area) || reaches_into(area)).collect();
        assert_eq!(named, Vec::<&str>::new(), "{file}");
    }
}

#[test]
fn no_area_knows_the_list_of_areas() {
    let mut count = 0;
    for (path, text) in sources(&root().join("server/src")) {
        let folder = path.split('/').next().unwrap();
        if areas().any(|area| area == folder) && !path.ends_with("/tests.rs") {
            count += 1;
            let outside_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let names_list = ["areas", "AREAS"].iter().any(|list| names_module(outside_tests, list));
            assert!(!names_list, "{path} points back: what all areas bring is in `Parts` (`AllAreas`)");
        }
    }
    assert!(count > 100, "{count} files of areas");
}

#[test]
fn what_is_stored_and_ends_with_sessions_is_one_list() {
    let callers: Vec<_> = sources(&root().join("server/src/store"))
        .into_iter()
        .filter(|(path, text)| !path.starts_with("rooms/") && text.contains("leave_with_sessions"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(callers, ["sessions/queries/ends_with_session.rs"]);
}

#[test]
fn sessions_use_mail_and_no_other_area() {
    let others: Vec<&str> = areas().filter(|area| !["sessions", "mail"].contains(area)).collect();
    assert!(others.contains(&"rooms") && others.contains(&"legacy"), "{others:?}");
    for (path, text) in sources(&root().join("server/src/sessions")) {
        let reaches_into = |area: &str| text.contains(&format!("state.{area}()"));
        let named: Vec<_> = others.iter().filter(|area| names_module(&text, area) || reaches_into(area)).collect();
        assert_eq!(named, Vec::<&&str>::new(), "{path}");
    }
}

#[test]
fn a_module_is_named_by_its_path_alone_or_in_a_group() {
    let text = "use crate::mail::Mail;\nuse crate::{AREAS, pages};\nuse crate::store::accounts;";
    assert!(names_module(text, "mail") && names_module(text, "pages") && names_module(text, "AREAS"));
    assert!(!names_module(text, "mails") && !names_module(text, "page") && !names_module(text, "accounts"));
}

#[test]
fn a_problem_that_a_single_area_throws_is_declared_there() {
    let server = sources(&root().join("server/src"));
    let (_, problems) = server.iter().find(|(path, _)| path == "http/problem.rs").unwrap();
    let functions = problems.split("/// The status of a problem").next().unwrap().split("    pub fn ").skip(1);
    let mut declared = 0;
    for function in functions.filter(|function| function.contains("ProblemCode::")) {
        let name = function.split('(').next().unwrap();
        let call = format!("::{name}");
        let throwers: BTreeSet<&str> = server
            .iter()
            .filter(|(path, text)| path != "http/problem.rs" && text.contains(&call))
            .map(|(path, _)| path.split('/').next().unwrap())
            .collect();
        assert!(throwers.contains("http") || throwers.len() > 1, "{name} is thrown by {throwers:?} only");
        declared += 1;
    }
    assert!(declared > 10, "the functions are found no more");
}

#[test]
fn nobody_reaches_through_sessions_for_the_clock_or_the_store() {
    let parts = ["sessions", "revocations", "terminations", "refreshes", "devices", "alerts"];
    let reaches =
        |text: &str, part: &str| ["", "()"].iter().any(|call| text.contains(&format!("{part}{call}.context")));
    let strangers: Vec<_> = sources(&root().join("server/src"))
        .into_iter()
        .filter(|(_, text)| parts.iter().any(|part| reaches(text, part)))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}
