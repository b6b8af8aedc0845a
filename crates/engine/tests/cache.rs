//! The folder of compiled modules.

mod common;

use common::Folder;
use sidetrack_engine::{Cache, CacheUsage, Config, Engine, Instance, Module, OptLevel, Result, Store};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder of its own with a key beside it.
fn cache(folder: &Folder) -> Cache {
    Cache::new(folder.0.join("modules")).key_file(folder.0.join("key"))
}

fn engine(cache: &Cache) -> Result<Engine> {
    Engine::new(Config::new().cache(Some(cache.clone())))
}

/// A module that returns a number.
fn module(engine: &Engine, number: u32) -> Result<Module> {
    Module::new(engine, format!(r#"(module (func (export "f") (result i32) i32.const {number}))"#))
}

fn call(engine: &Engine, module: &Module) -> Result<i32> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<(), i32>(&mut store, "f")?.call(&mut store, ())
}

fn files(cache: &Cache) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cache.folder()).expect("the folder is there");
    entries.map(|entry| entry.expect("it can be read").path()).collect()
}

/// Makes the file look as if it was used last so long ago.
fn age(file: &PathBuf, age: Duration) {
    let file = File::options().write(true).open(file).expect("it can be opened");
    file.set_modified(SystemTime::now() - age).expect("the time can be set");
}

#[test]
fn it_is_used_and_not_trusted() -> Result<()> {
    let folder = Folder::new("cache");
    let cache = cache(&folder);
    let engine = engine(&cache)?;
    assert!(!module(&engine, 42)?.is_cached());
    assert!(module(&engine, 42)?.is_cached());
    let file = files(&cache).remove(0);
    let good = std::fs::read(&file)?;
    let other = {
        module(&engine, 43)?;
        let file = files(&cache).into_iter().find(|path| *path != file).expect("another one");
        std::fs::read(file)?
    };
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let last = good.len() - 1;
    let mut lies =
        vec![good[..good.len() / 2].to_vec(), vec![0; 100], Vec::new(), other, good[..last - 31].to_vec()];
    // In the head, the contents, and the MAC.
    lies.extend([0, 10, 60, good.len() / 2, last - 40, last - 10, last].map(flipped));
    for lie in lies {
        std::fs::write(&file, lie)?;
        let module = module(&engine, 42)?;
        assert!(!module.is_cached());
        assert_eq!(call(&engine, &module)?, 42);
        assert_eq!(std::fs::read(&file)?, good, "the bad entry is replaced");
    }
    let other = Engine::new(Config::new().opt_level(OptLevel::None).cache(Some(cache.clone())))?;
    assert!(!module(&other, 42)?.is_cached());
    assert_eq!(files(&cache).len(), 3, "no temporary files are left");
    // A good module whose MAC is another key's.
    let theirs = cache.clone().key_file(folder.0.join("other key"));
    let theirs = Engine::new(Config::new().cache(Some(theirs)))?;
    assert!(!module(&theirs, 42)?.is_cached());
    assert!(module(&theirs, 42)?.is_cached());
    assert!(!module(&engine, 42)?.is_cached());
    Ok(())
}

#[test]
fn one_that_cannot_be_written_is_no_reason_to_fail() -> Result<()> {
    let folder = Folder::new("no-cache");
    let file = folder.0.join("file");
    std::fs::write(&file, "in the way")?;
    for cache in [
        Cache::new(file.join("folder")).key_file(folder.0.join("key")),
        Cache::new(folder.0.join("modules")).key_file(file.join("key")),
        cache(&folder).max_bytes(100),
    ] {
        let engine = Engine::new(Config::new().cache(Some(cache)))?;
        let module = module(&engine, 42)?;
        assert!(module.cache_error().is_some());
        assert_eq!(call(&engine, &module)?, 42);
    }
    Ok(())
}

#[test]
fn the_least_recently_used_goes_first() -> Result<()> {
    let folder = Folder::new("cache-limits");
    let cache = cache(&folder);
    let engine = engine(&cache)?;
    let mut names = Vec::new();
    for number in 0..4 {
        let before = if number == 0 { Vec::new() } else { files(&cache) };
        module(&engine, number)?;
        names.extend(files(&cache).into_iter().filter(|file| !before.contains(file)));
    }
    let one = names[0].metadata()?.len();
    assert_eq!(
        cache.usage()?,
        CacheUsage { modules: 4, bytes: names.iter().map(|name| name.metadata().unwrap().len()).sum() }
    );
    for (name, days) in names.iter().zip([2, 4, 3, 1]) {
        age(name, DAY * days);
    }
    // Being used makes young.
    assert!(module(&engine, 1)?.is_cached());
    // Room for three and a bit: the new one, and two of those before.
    let small = Engine::new(Config::new().cache(Some(cache.clone().max_bytes(3 * one + one / 2))))?;
    module(&small, 4)?;
    let left: Vec<bool> = names.iter().map(|name| name.exists()).collect();
    assert_eq!(left, [false, true, false, true]);
    // What nobody has used for long goes, however much room there is.
    age(&names[3], DAY * 29);
    age(&names[1], DAY * 31);
    module(&engine, 5)?;
    assert!(!names[1].exists() && names[3].exists());
    // So does what a process has left that was killed, but nothing that may be under way.
    let name = |end: &str| cache.folder().join(format!("{}.{end}.tmp", "a".repeat(64)));
    for (end, hours) in [("1.0", 2), ("2.0", 0)] {
        std::fs::write(name(end), "half of it")?;
        age(&name(end), Duration::from_secs(3600) * hours);
    }
    std::fs::write(cache.folder().join("somebody's.tmp"), "")?;
    module(&engine, 6)?;
    assert!(!name("1.0").exists() && name("2.0").exists());
    assert_eq!(cache.clear()?.modules, 4);
    assert_eq!(files(&cache), [cache.folder().join("somebody's.tmp")]);
    assert_eq!(cache.usage()?, CacheUsage::default());
    Ok(())
}
