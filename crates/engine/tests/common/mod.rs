//! What the engine's tests share.

use sidetrack_engine::{Config, Engine, Instance, Module, OptLevel, Result, Store, Target};
use std::fmt::Write as _;
use std::path::PathBuf;

/// An engine for each target at each level.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    for target in Target::supported() {
        for level in [OptLevel::None, OptLevel::Speed] {
            engines.push(Engine::new(Config::new().target(target).opt_level(level)).expect("targets exist"));
        }
    }
    engines
}

#[allow(dead_code, reason = "not every test file needs it")]
/// An instance of a module without imports in a store of its own.
pub fn instantiate(engine: &Engine, text: &str) -> Result<(Store<()>, Instance)> {
    let module = Module::new(engine, text)?;
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    Ok((store, instance))
}

/// A folder that is removed at the end.
#[allow(dead_code, reason = "not every test file needs it")]
pub struct Folder(pub PathBuf);

#[allow(dead_code, reason = "not every test file needs it")]
impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sidetrack-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A function that calls itself, with so many vectors alive over the call.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn recursion(vectors: usize) -> String {
    let mut text = String::from(
        "(module (memory 1) (global $depth (export \"depth\") (mut i32) (i32.const 0))
        (func $f (export \"f\") (param $n i32) (result i32)",
    );
    for n in 0..vectors {
        let _ = write!(text, " (local $v{n} v128)");
    }
    text += "(global.set $depth (i32.add (global.get $depth) (i32.const 1)))
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))\n";
    for n in 0..vectors {
        let _ = writeln!(text, "(local.set $v{n} (v128.load offset={} (local.get $n)))", n % 60_000);
    }
    text += "(call $f (i32.sub (local.get $n) (i32.const 1)))\n";
    for n in 0..vectors {
        let _ = writeln!(text, "(i32x4.extract_lane 1 (local.get $v{n})) i32.add");
    }
    text + "))"
}
