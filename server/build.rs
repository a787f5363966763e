//! Gathers the words of the documentation, so that no secret is taken that was copied from it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![root.join("README.md")];
    for folder in ["docs", "docs/decisions"] {
        add_documents(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut text = String::new();
    for file in files.iter().filter(|file| file.is_file()) {
        println!("cargo::rerun-if-changed={}", file.display());
        text.push_str(&fs::read_to_string(file)?);
        text.push('\n');
    }
    println!("cargo::rerun-if-changed={}", root.join("docs").display());
    // As `config::secret` compares: letters and digits, whatever stands between them.
    let squeezed: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo says where to write"))?;
    fs::write(Path::new(&out).join("documentation.txt"), squeezed)
}

fn add_documents(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "md") {
            files.push(path);
        }
    }
    Ok(())
}
