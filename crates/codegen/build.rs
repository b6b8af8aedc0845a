//! Looks for LLVM's `llvm-mc`, which tests check encodings against. Where there is none,
//! they are compiled as ignored, so that nobody counts them as passed.

use std::path::PathBuf;

const NAMES: [&str; 3] = ["llvm-mc-22", "llvm-mc", "llvm-mc-14"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(llvm_mc)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_dir()).collect();
    let places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    if let Some(program) = places.into_iter().find(|place| place.is_file()) {
        println!("cargo::rustc-cfg=llvm_mc");
        println!("cargo::rustc-env=LLVM_MC={}", program.display());
        println!("cargo::rerun-if-changed={}", program.display());
        return;
    }
    // It may be installed later.
    for folder in folders {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
}
