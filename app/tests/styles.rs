//! The look comes from few values: sizes of type and radii are those of `style/tokens.css`, and nothing in between.

use std::path::Path;

#[test]
fn sizes_of_type_and_radii_are_tokens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../style");
    let mut strays = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the styles") {
        let path = entry.expect("a file").path();
        if path.ends_with("tokens.css") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a text");
        for (line, number) in text.lines().zip(1..) {
            let Some((property, value)) = line.trim().trim_end_matches(';').split_once(": ") else { continue };
            let is_ours = property == "font-size" || property.starts_with("border-") && property.ends_with("radius");
            if is_ours {
                seen += 1;
                // A circle and a corner are no sizes.
                if !value.starts_with("var(--") && !["0", "50%", "inherit"].contains(&value) {
                    strays.push(format!("{}:{number}: {line}", path.display()));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} declarations were found");
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}
