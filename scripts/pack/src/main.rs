//! `latchkey-pack <compiled.wasm> <folder> <name>`: cuts the program into the file that is loaded first and those that
//! follow, and writes `<name>.js`, `<name>_bg.wasm`, `split.js` and a `.wasm` for each further file into the folder.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::{Options, transform};

/// What the first file imports the fetching of further ones from.
const LOADER: &str = "./split.js";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [compiled, folder, name] = arguments.as_slice() else {
        eprintln!("usage: latchkey-pack <compiled.wasm> <folder> <name>");
        return ExitCode::from(2);
    };
    match pack(compiled, Path::new(folder), name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn pack(compiled: &str, folder: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let program = std::fs::read(compiled)?;
    let first = folder.join("first.wasm");
    let script = format!("./{name}.js");
    let mut options = Options::new(&program);
    options.output_dir = folder;
    options.main_out_path = &first;
    options.link_name = LOADER;
    options.main_module = &script;
    transform(options)?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&first)
        .out_name(name)
        .typescript(false)
        // The page says where the program lies.
        .omit_default_module_path(true)
        // The further files find what they call by its name.
        .keep_lld_exports(true)
        .demangle(false)
        // By them `scripts/build` puts functions that are alike beside each other, and leaves them out.
        .remove_name_section(false)
        .remove_producers_section(true)
        .web(true)?
        .generate(folder)?;
    std::fs::remove_file(first)?;
    Ok(())
}
