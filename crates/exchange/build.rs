//! Embeds every `exchanges/<id>/exchange.toml`: a new exchange is a new folder and no edited list.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("exchanges");
    let out = Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("builtin.rs");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut files = Vec::new();
    for folder in fs::read_dir(&root)? {
        let file = folder?.path().join("exchange.toml");
        println!("cargo::rerun-if-changed={}", file.display());
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let items: String = files.iter().map(|file| format!("    include_str!({file:?}),\n")).collect();
    fs::write(out, format!("const BUILTIN: &[&str] = &[\n{items}];\n"))
}
