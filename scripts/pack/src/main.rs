//! `latchkey-pack <compiled.wasm> <folder> <name>`: writes `<name>.js` and `<name>_bg.wasm` into the folder.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [compiled, folder, name] = arguments.as_slice() else {
        eprintln!("usage: latchkey-pack <compiled.wasm> <folder> <name>");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let packed = bindgen
        .input_path(compiled)
        .out_name(name)
        .typescript(false)
        // The page says where the program lies.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder));
    match packed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}
