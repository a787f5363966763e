//! What the style sheet keeps to. Layers say who wins, and not the order of files. The look comes from few values:
//! sizes of type and radii are those of `style/tokens.css`, and nothing in between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../style")
}

/// All files of `style/` with their texts, by their paths from there, without the one that puts them together.
fn files() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(below) = folders.pop() {
        for entry in std::fs::read_dir(folder().join(&below)).expect("the styles") {
            let entry = entry.expect("a file");
            let name = format!("{below}{}", entry.file_name().to_str().expect("a name in plain letters"));
            if entry.path().is_dir() {
                folders.push(format!("{name}/"));
            } else if name != "main.css" {
                found.insert(name, std::fs::read_to_string(entry.path()).expect("a text"));
            }
        }
    }
    found
}

/// The layers in their order, and the layer of each file, as `main.css` says them: of a file, or of all in a folder.
fn layers() -> (Vec<String>, BTreeMap<String, String>) {
    let text = without_comments(&std::fs::read_to_string(folder().join("main.css")).expect("a text"));
    let mut statements = text.split(';').map(str::trim).filter(|statement| !statement.is_empty());
    let order = statements.next().and_then(|statement| statement.strip_prefix("@layer "));
    let order = order.expect("the order of the layers, before all").split(", ").map(str::to_owned).collect();
    let mut layer_of = BTreeMap::new();
    for statement in statements {
        let import = statement.strip_prefix("@import \"").and_then(|import| import.strip_suffix(')'));
        let Some((file, layer)) = import.and_then(|import| import.split_once("\" layer(")) else {
            panic!("this stands in no layer: {statement}");
        };
        let is_file = Path::new(file).extension().is_some();
        let imported = files().into_keys().filter(|name| if is_file { name == file } else { is_in(file, name) });
        let imported: Vec<_> = imported.collect();
        assert!(!imported.is_empty(), "{file} is not there");
        for name in imported {
            let before = layer_of.insert(name.clone(), layer.to_owned());
            assert_eq!(before, None, "{name} is imported twice");
        }
    }
    (order, layer_of)
}

fn is_in(folder: &str, name: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        code.push_str(before);
        rest = after.split_once("*/").expect("the end of a comment").1;
    }
    code + rest
}

/// The selectors of a file, without what they say in brackets.
fn selectors(text: &str) -> Vec<String> {
    let text = without_comments(text);
    let mut depth = 0_u32;
    let outside_brackets: String = text
        .chars()
        .filter(|sign| {
            match sign {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => return depth == 0,
            }
            false
        })
        .collect();
    let mut blocks: Vec<&str> = outside_brackets.split('{').collect();
    // What follows the last bracket begins no block.
    blocks.pop();
    let heads = blocks.into_iter().map(|block| block.rsplit(['}', ';']).next().unwrap_or(block).trim());
    heads
        .filter(|head| !head.starts_with('@'))
        .flat_map(|head| head.split(','))
        .map(|one| one.trim().to_owned())
        .collect()
}

/// The classes of a selector that speaks of one element by itself, and of nothing around it.
fn own_classes(selector: &str) -> Vec<&str> {
    if selector.contains(|sign: char| sign.is_whitespace() || ">+~".contains(sign)) {
        return Vec::new();
    }
    selector.split('.').skip(1).map(|part| part.split([':', '[']).next().unwrap_or(part)).collect()
}

#[test]
fn every_file_stands_in_one_layer_of_the_declared_order() {
    let (order, layer_of) = layers();
    let files = files();
    assert_eq!(layer_of.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());

    let declared: BTreeSet<_> = order.iter().collect();
    assert_eq!(declared.len(), order.len(), "a layer is declared twice: {order:?}");
    assert_eq!(layer_of.values().collect::<BTreeSet<_>>(), declared);
    for layer in &order {
        let own_file = layer_of.get(&format!("{layer}.css"));
        assert!(own_file.is_none_or(|named| named == layer), "{layer}.css stands in another layer");
    }

    for (name, text) in &files {
        let text = without_comments(text);
        assert!(
            !text.contains("@layer") && !text.contains("@import"),
            "{name}: main.css says what stands in which layer"
        );
        // Among important declarations the earlier layer wins.
        assert!(name == "base.css" || !text.contains("!important"), "{name}: a later layer wins without it");
    }
}

/// Two files of a layer that describe the same class would be ranked by their order.
#[test]
fn a_class_is_described_by_one_file_of_a_layer() {
    let (_, layer_of) = layers();
    let mut homes: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (name, text) in files() {
        for selector in selectors(&text) {
            for class in own_classes(&selector) {
                homes.entry((layer_of[&name].clone(), class.to_owned())).or_default().insert(name.clone());
            }
        }
    }
    assert!(homes.len() > 150, "only {} classes were found", homes.len());
    homes.retain(|_, files| files.len() > 1);
    assert!(homes.is_empty(), "{homes:#?}");
}

#[test]
fn sizes_of_type_and_radii_are_tokens() {
    let mut strays = Vec::new();
    let mut seen = 0;
    for (name, text) in files() {
        if name == "tokens.css" {
            continue;
        }
        for (line, number) in text.lines().zip(1..) {
            let Some((property, value)) = line.trim().trim_end_matches(';').split_once(": ") else { continue };
            let is_ours = property == "font-size" || property.starts_with("border-") && property.ends_with("radius");
            if is_ours {
                seen += 1;
                // A circle and a corner are no sizes.
                if !value.starts_with("var(--") && !["0", "50%", "inherit"].contains(&value) {
                    strays.push(format!("{name}:{number}: {line}"));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} declarations were found");
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}
