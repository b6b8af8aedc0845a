//! Every module in `tests/wat` is translated, verified, and its sites are checked. Where
//! a `.clif` file of the same name stands beside it, the functions must be what it says,
//! without sites; those with sites must be as in the file that ends in `.sites.clif`, or
//! `.blocks.clif` for sites at all block heads. With `SIDETRACK_BLESS=1` they are written. Modules in `tests/invalid` are refused with
//! the message that their first line (`;; error: …`) has a part of.

mod common;

use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder can be read");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn valid_modules() {
    let bless = std::env::var_os("SIDETRACK_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in files("wat") {
        let bytes = wat::parse_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for options in common::OPTIONS {
            let functions = common::translate(&bytes, &options)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let extension = match options {
                common::PLAIN => "clif",
                common::SITES => "sites.clif",
                common::BLOCKS => "blocks.clif",
                _ => continue,
            };
            let expected = path.with_extension(extension);
            if !expected.exists() {
                continue;
            }
            let text: Vec<String> = functions.iter().map(|func| func.to_string()).collect();
            let text = text.join("\n");
            if bless {
                std::fs::write(&expected, &text).expect("the expectation can be written");
            } else if std::fs::read_to_string(&expected).expect("the expectation can be read") != text {
                wrong.push(format!("{} is not what comes out:\n{text}", expected.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn invalid_modules() {
    for path in files("invalid") {
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let expected = text.lines().next().and_then(|line| line.strip_prefix(";; error: "));
        let expected = expected.unwrap_or_else(|| panic!("{}: no expected error", path.display()));
        let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match common::translate(&bytes, &common::OPTIONS[0]) {
            Ok(_) => panic!("{} is accepted", path.display()),
            Err(error) => {
                assert!(error.to_string().contains(expected), "{}: {error}", path.display());
                assert!(error.offset.is_some(), "{}: {error}", path.display());
            }
        }
    }
}
