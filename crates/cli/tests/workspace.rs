//! What the documents promise about the workspace: the crate graph, where unsafe
//! code is, and the paths that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const PREFIX: &str = "sidetrack-";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The spans in backquotes.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The table of docs/architecture.md: each row is a crate and what it may import.
fn documented() -> Graph {
    let text = read(&root().join("docs/architecture.md"));
    let rows = text.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        let names = |cell: &str| code_spans(cell).into_iter().map(str::to_string).collect::<Vec<_>>();
        (names(cells[1]).remove(0), names(cells[3]).into_iter().collect())
    };
    rows.map(row).collect()
}

/// What the manifests say; dependencies for tests are not part of it.
fn actual() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let ours = |value: &serde_json::Value| {
        value["name"].as_str().and_then(|name| name.strip_prefix(PREFIX)).map(str::to_string)
    };
    let packages = json["packages"].as_array().expect("there are packages");
    let imports = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().expect("there are dependencies");
        all.iter().filter(|dependency| dependency["kind"].as_str() != Some("dev")).filter_map(ours).collect()
    };
    packages.iter().map(|package| (ours(package).expect("our prefix"), imports(package))).collect()
}

#[test]
fn crate_graph_is_the_documented_one() {
    let (documented, actual) = (documented(), actual());
    assert_eq!(
        documented.keys().collect::<Vec<_>>(),
        actual.keys().collect::<Vec<_>>(),
        "crates in docs/architecture.md and in the workspace"
    );
    for (name, imports) in &actual {
        let forbidden: Vec<_> = imports.difference(&documented[name]).collect();
        assert!(forbidden.is_empty(), "{name} must not import {forbidden:?}");
        let unused: Vec<_> = documented[name].difference(imports).collect();
        assert!(unused.is_empty(), "the table says that {name} imports {unused:?}; it does not");
    }
}

/// The Rust files under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The files of crates other than `patch` that allow unsafe code: there, and in modules of theirs,
/// it is.
const UNSAFE: [(&str, &str); 3] =
    [("engine", "vm/mod.rs"), ("filetests", "loaded.rs"), ("cli", "precompiled.rs")];

#[test]
fn unsafe_code_is_where_it_is_said_to_be() {
    for name in actual().keys().filter(|name| *name != "patch") {
        let folder = root().join("crates").join(name).join("src");
        let file = ["lib.rs", "main.rs"].map(|file| folder.join(file)).into_iter().find(|file| file.exists());
        let text = read(&file.expect("a crate has a root"));
        let exception = UNSAFE.iter().find(|(krate, _)| krate == name);
        let lint = if exception.is_some() { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        assert!(text.contains(lint), "{name} does not say {lint}");
        for file in sources(&folder) {
            let lifts = read(&file).contains("allow(unsafe_code)");
            let may = exception.is_some_and(|(_, path)| file == folder.join(path));
            assert_eq!(lifts, may, "{}", file.display());
        }
    }
}

#[test]
fn the_inventory_of_unsafe_code_has_every_file() {
    let inventory = read(&root().join("docs/unsafe.md"));
    let is_listed = |path: &Path| {
        path.ancestors().take_while(|path| path.starts_with("crates") || path.starts_with("bench")).any(
            |path| {
                inventory
                    .lines()
                    .any(|line| line.starts_with('|') && line.contains(&format!("`{}`", path.display())))
            },
        )
    };
    for folder in ["crates", "bench"] {
        for file in sources(&root().join(folder)) {
            let path = file.strip_prefix(root()).expect("it is in the repository");
            let in_src = path.components().any(|part| part.as_os_str() == "src");
            let text = read(&file);
            let uses = ["unsafe {", "unsafe fn ", "unsafe impl ", "unsafe extern "];
            if in_src && uses.iter().any(|used| text.contains(used)) {
                assert!(is_listed(path), "docs/unsafe.md has no row for {}", path.display());
            }
        }
    }
}

#[test]
fn the_engine_compiles_in_one_file_only() {
    let engine = root().join("crates/engine/src");
    for file in sources(&engine).iter().filter(|file| **file != engine.join("compile.rs")) {
        let text = read(file);
        for name in ["sidetrack_wasm", "sidetrack_codegen"] {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}

#[test]
fn paths_in_documents_exist() {
    let root = root();
    let mut documents = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    let docs = std::fs::read_dir(root.join("docs")).expect("there is a docs folder");
    documents.extend(docs.map(|entry| entry.expect("the folder can be read").path()));
    let top = [".ci/", "bench/", "crates/", "docs/", "examples/", "fuzz/", "tests/"];
    let mut count = 0;
    for document in documents {
        for span in code_spans(&read(&document)) {
            if top.iter().any(|folder| span.starts_with(folder)) {
                count += 1;
                assert!(root.join(span).exists(), "{} names {span}, which is not there", document.display());
            }
        }
    }
    assert!(count > 20, "the documents name only {count} paths");
}
