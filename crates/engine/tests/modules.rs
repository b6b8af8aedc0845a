//! Modules: bytes, text, serialised, cached.

mod common;

use common::{Folder, engines};
use sidetrack_artifact::SectionKind;
use sidetrack_engine::{
    Config, Engine, Features, Func, Instance, InvalidModule, Module, OptLevel, Result, Store, Trap,
    UnsupportedFeature, WasmBacktrace,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ANSWER: &str = r#"(module (func (export "answer") (result i32) i32.const 42))"#;

fn answer(engine: &Engine, module: &Module) -> Result<i32> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<(), i32>(&mut store, "answer")?.call(&mut store, ())
}

fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Module> {
    // SAFETY: this test has made the bytes, and those that it has damaged have a wrong hash.
    unsafe { Module::deserialize(engine, bytes) }
}

#[test]
fn serialised_modules_run_where_they_fit() -> Result<()> {
    for engine in engines() {
        let bytes = Module::new(&engine, ANSWER)?.serialize()?;
        assert!(Module::is_serialized(&bytes));
        assert_eq!(answer(&engine, &deserialize(&engine, &bytes)?)?, 42);
        for position in [0, 9, 40, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            assert!(deserialize(&engine, &damaged).is_err(), "byte {position}");
        }
        // The header, and some of what follows it.
        for len in (0..2000.min(bytes.len())).chain([bytes.len() - 1]) {
            let error = deserialize(&engine, &bytes[..len]).expect_err("it is cut off").to_string();
            assert_eq!(error, "the compiled module is cut off", "to {len} bytes");
            assert!(len < 2 || Module::is_serialized(&bytes[..len]), "{len}");
        }
        // A length that is damaged as well.
        let mut damaged = bytes[..600].to_vec();
        let settings = u32::from_le_bytes(damaged[8..12].try_into()?) as usize;
        damaged.truncate(12 + settings);
        damaged[8] += 1;
        let error = deserialize(&engine, &damaged).expect_err("it is cut off").to_string();
        assert_eq!(error, "the compiled module is cut off");
        let longer = [&bytes[..], b"x"].concat();
        let error = deserialize(&engine, &longer).expect_err("it is too long").to_string();
        assert!(error.contains("damaged"), "{error}");
    }
    let none = Engine::new(Config::new().opt_level(OptLevel::None))?;
    let bytes = Module::new(&none, ANSWER)?.serialize()?;
    let error = deserialize(&Engine::default(), &bytes).unwrap_err();
    assert!(error.to_string().starts_with("the module was compiled "), "{error}");
    Ok(())
}

/// With names, data, tables, traps and exceptions: something in every section.
const MANY: &str = r#"
    (module $many
        (memory (export "memory") 1)
        (table (export "table") 3 funcref)
        (elem (i32.const 0) $divide $catch $grow)
        (data (i32.const 16) "first")
        (data $second "second")
        (tag $tag (param i32))
        (func $divide (export "divide") (param i32 i32) (result i32)
            local.get 0 local.get 1 i32.div_s)
        (func $thrower (param i32) local.get 0 throw $tag)
        (func $catch (export "catch") (param i32) (result i32)
            (block $caught (result i32)
                (try_table (catch $tag $caught) (call $thrower (local.get 0)))
                unreachable))
        (func $grow (export "grow") (result i32)
            (memory.init $second (i32.const 0) (i32.const 0) (i32.const 6))
            (memory.grow (i32.const 1))))"#;

/// What a module made of [`MANY`] does.
fn run_many(engine: &Engine, module: &Module) -> Result<()> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    let divide = instance.get_typed_func::<(i32, i32), i32>(&mut store, "divide")?;
    assert_eq!(divide.call(&mut store, (7, 2))?, 3);
    let error = divide.call(&mut store, (7, 0)).expect_err("a division by zero");
    let Some(trap) = error.downcast_ref::<Trap>() else { return Err(error) };
    assert_eq!(*trap, Trap::IntegerDivisionByZero);
    let backtrace = error.downcast_ref::<WasmBacktrace>().expect("it has a backtrace");
    assert_eq!(backtrace.frames()[0].func_name(), Some("divide"));
    let catch = instance.get_typed_func::<i32, i32>(&mut store, "catch")?;
    assert_eq!(catch.call(&mut store, 9)?, 9);
    assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "grow")?.call(&mut store, ())?, 1);
    let memory = instance.get_memory(&mut store, "memory").expect("it is exported");
    assert_eq!(&memory.data(&store)[..21], b"second\0\0\0\0\0\0\0\0\0\0first");
    Ok(())
}

/// Opens a compiled module as a file.
#[allow(unsafe_code)]
fn open(engine: &Engine, path: &Path) -> Result<Module> {
    // SAFETY: the file has what `serialize` made, or that with damage that does not get run.
    unsafe { Module::deserialize_file(engine, path) }
}

#[test]
fn a_file_is_the_module_that_was_serialised() -> Result<()> {
    let folder = Folder::new("file");
    let path = folder.0.join("many.cwasm");
    for engine in engines() {
        let module = Module::new(&engine, MANY)?;
        std::fs::write(&path, module.serialize()?)?;
        let loaded = open(&engine, &path)?;
        // What is there of the file from now on is another one.
        std::fs::remove_file(&path)?;
        assert_eq!(loaded.info(), module.info());
        assert_eq!(loaded.image(), module.image());
        assert_eq!(loaded.wasm(), module.wasm());
        assert_eq!(loaded.code_size(), module.code_size());
        // The second store copies the code that the first one has.
        let first = Store::new(&engine, ());
        run_many(&engine, &loaded)?;
        drop(first);
        let mut kept = Store::new(&engine, ());
        Instance::new(&mut kept, &loaded, &[])?;
        run_many(&engine, &loaded)?;
        assert_eq!(loaded.serialize()?, module.serialize()?);
    }
    Ok(())
}

#[test]
fn a_large_module_has_its_bytes_all_the_same() -> Result<()> {
    let engine = Engine::default();
    // More than what is kept as it is, between data segments and behind them.
    let text = |n: usize| "0123456789abcdef".repeat(n);
    let wat = format!(
        r#"(module (memory 20) (data (i32.const 5) "{}") (func (export "f")) (data "{}") (@custom "x" "{}"))"#,
        text(1000),
        text(10),
        text(80_000),
    );
    let bytes = wat::parse_str(&wat)?;
    assert!(bytes.len() > 1 << 20);
    let module = Module::new(&engine, &bytes)?;
    let mut written = Vec::new();
    module.serialize_to(&mut written)?;
    assert_eq!(written.len(), module.serialized_size()?);
    assert!(written.len() < bytes.len() / 2, "it is compressed");
    assert_eq!(written, module.serialize()?);
    assert!(module.wasm() == bytes);
    let loaded = deserialize(&engine, &written)?;
    assert!(loaded.wasm() == bytes);
    assert_eq!(loaded.serialize()?, written);
    Ok(())
}

/// Where a section of a compiled module begins.
fn section(bytes: &[u8], kind: SectionKind) -> usize {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes")) as usize;
    // The magic number, the settings after their length, how many sections there are, all bytes.
    let entries = 8 + 4 + (number(8) & 0xffff_ffff) + 4 + 8;
    let entries = (entries..).step_by(24 + 32).take(SectionKind::ALL.len());
    let entry = entries.into_iter().find(|&at| number(at) == kind.number() as usize);
    number(entry.expect("it has the section") + 8)
}

#[test]
fn a_program_that_the_host_ends_reads_nothing_for_a_backtrace() -> Result<()> {
    let folder = Folder::new("ended");
    let path = folder.0.join("ended.cwasm");
    let engine = Engine::default();
    let text = r#"(module (import "" "exit" (func $exit)) (func $main (export "main") call $exit))"#;
    let mut bytes = Module::new(&engine, text)?.serialize()?;
    let damaged = section(&bytes, SectionKind::Sources);
    bytes[damaged] ^= 1;
    std::fs::write(&path, &bytes)?;
    let module = open(&engine, &path)?;
    let mut store = Store::new(&engine, ());
    let exit = Func::wrap(&mut store, || -> Result<()> { anyhow::bail!("done") });
    let instance = Instance::new(&mut store, &module, &[exit.into()])?;
    let main = instance.get_typed_func::<(), ()>(&mut store, "main")?;
    let error = main.call(&mut store, ()).expect_err("the host fails");
    assert_eq!(error.root_cause().to_string(), "done");
    assert_eq!(module.image().damaged(), None, "nobody has looked");
    let backtrace = error.downcast_ref::<WasmBacktrace>().expect("it has a backtrace");
    let frame = &backtrace.frames()[0];
    assert_eq!((frame.func_name(), frame.module_offset()), (Some("main"), None));
    assert_eq!(module.image().damaged(), Some(SectionKind::Sources));
    Ok(())
}

#[test]
fn damage_to_a_file_is_an_error_where_it_is_met() -> Result<()> {
    let folder = Folder::new("damage");
    let path = folder.0.join("many.cwasm");
    let engine = Engine::default();
    let module = Module::new(&engine, MANY)?;
    let good = module.serialize()?;
    let mut later = 0;
    for position in (0..1200).chain((1200..good.len()).step_by(7)) {
        let mut damaged = good.clone();
        damaged[position] ^= 0x10;
        std::fs::write(&path, &damaged)?;
        let loaded = match open(&engine, &path) {
            Ok(loaded) => loaded,
            Err(error) => {
                let error = format!("{error:#}");
                let told =
                    ["damaged", "compiled", "cut off", "not there"].iter().any(|word| error.contains(word));
                assert!(told, "byte {position}: {error}");
                continue;
            }
        };
        if let Err(error) = run_many(&engine, &loaded) {
            assert!(format!("{error:#}").contains("is damaged in section"), "byte {position}: {error:#}");
        }
        let first = loaded.info().imported_functions;
        let mut wrong = loaded.wasm() != module.wasm() || loaded.info() != module.info();
        for func in first..loaded.info().functions.len() as u32 {
            wrong |= loaded.breakpoint_place(loaded.info().functions.body(func).start).is_err();
        }
        for offset in 0..module.code_size() as u32 {
            wrong |= loaded.image().trap_at(offset) != module.image().trap_at(offset);
            wrong |= loaded.image().source_at(offset) != module.image().source_at(offset);
        }
        for symbol in loaded.image().symbols() {
            wrong |= symbol.trap_states().is_err();
        }
        wrong |= loaded.image().handled_calls().count() != module.image().handled_calls().count();
        wrong |= loaded.image() != module.image();
        later += u32::from(wrong);
        // Between sections is nothing.
        let handled = loaded.image().handled_calls().all(|call| call.handlers().count() == 1);
        let harmless = loaded.image() == module.image();
        assert!(wrong || !handled || harmless, "damage to byte {position} is not met");
    }
    assert!(later > 50, "some damage is found only later: {later}");
    for len in [0, 7, 8, 11, 40, 500, good.len() - module.code_size(), good.len() - 1] {
        std::fs::write(&path, &good[..len])?;
        assert!(open(&engine, &path).is_err(), "cut to {len}");
    }
    std::fs::write(&path, [&good[..], b"more"].concat())?;
    assert!(open(&engine, &path).is_err(), "too long");
    assert!(open(&engine, &folder.0).is_err(), "a folder");
    assert!(open(&engine, &folder.0.join("missing")).is_err());
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn opening_a_file_reads_little_of_it_and_holds_no_descriptor() -> Result<()> {
    let folder = Folder::new("large");
    let path = folder.0.join("large.cwasm");
    let engine = Engine::default();
    let mut text = String::from("(module");
    for index in 0..2000 {
        let step = "i32.const 1234567 i32.mul local.get 0 i32.xor ".repeat(60);
        text += &format!(r#"(func (export "f{index}") (param i32) (result i32) local.get 0 {step})"#);
    }
    std::fs::write(&path, Module::new(&engine, text + ")")?.serialize()?)?;
    let executable = |file: &str| -> usize {
        let status = std::fs::read_to_string("/proc/self/smaps").expect("a list of mappings");
        let mut inside = false;
        let mut sum = 0;
        for line in status.lines() {
            if line.contains(" r") && line.split_once('-').is_some() {
                inside = line.contains(" r-xp ") && line.contains(file);
            } else if let Some(size) = line.strip_prefix("Rss:").filter(|_| inside) {
                sum += size.trim().trim_end_matches(" kB").parse::<usize>().expect("a number");
            }
        }
        sum * 1024
    };
    let descriptors = || {
        let links = std::fs::read_dir("/proc/self/fd").expect("a list of descriptors");
        links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok()).filter(|to| to == &path).count()
    };
    let module = open(&engine, &path)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f7")?;
    f.call(&mut store, 1)?;
    assert_eq!(descriptors(), 0);
    // The system reads some pages around those that are used, if they are in memory.
    let (used, code) = (executable("large.cwasm"), module.code_size());
    assert!(code > 900_000 && used > 0 && used < code / 4, "{used} bytes resident, {code} of code");
    Ok(())
}

#[test]
fn bad_modules_are_errors_with_their_place() {
    let engine = Engine::default();
    let bad = |bytes: &[u8]| Module::new(&engine, bytes).expect_err("not a module");
    let error = bad(b"\0asm\x01\0\0\0\x01\x04");
    assert!(error.downcast_ref::<InvalidModule>().expect("its kind").offset.is_some(), "{error:?}");
    let error = bad(br#"(module (func (result i32)))"#);
    assert!(error.downcast_ref::<InvalidModule>().expect("its kind").offset.is_some(), "{error:?}");
    bad(b"(module");
    let component = bad(b"\0asm\x0d\0\x01\0");
    assert!(component.is::<UnsupportedFeature>(), "{component:?}");
    bad(b"");
    bad(&[0xff; 64]);
}

#[test]
fn a_function_above_the_limit_of_work_is_refused_by_its_name() -> Result<()> {
    let adds = |count| "(i32.add (local.get 0) ".repeat(count) + "(local.get 0)" + &")".repeat(count);
    let wat = format!(
        "(module (func (param i32) (result i32) {}) (func $_ZN1a1bEi (param i32) (result i32) {}))",
        adds(10),
        adds(1000)
    );
    let small = Engine::new(Config::new().max_function_work(1000))?;
    let error = format!("{:#}", Module::new(&small, &wat).expect_err("a thousand additions are too many"));
    assert!(error.contains(": function 1 <a::b(int)>: too large to compile: "), "{error}");
    let large = Engine::new(Config::new().max_function_work(100_000))?;
    let compiled = Module::new(&large, &wat)?.serialize()?;
    // The limit is not a property of the code.
    deserialize(&small, &compiled)?;
    Ok(())
}

/// Compiles text; the error, and how many functions were compiled before it was found.
fn refused(config: &mut Config, text: &str) -> (sidetrack_engine::Error, usize) {
    let compiled = Arc::new(AtomicUsize::new(0));
    let count = compiled.clone();
    config.progress(Some(Arc::new(move |_, _| _ = count.fetch_add(1, Ordering::Relaxed))));
    let engine = Engine::new(config).expect("it runs here");
    let error = Module::new(&engine, text).expect_err("it is refused");
    (error, compiled.load(Ordering::Relaxed))
}

#[test]
fn what_is_unsupported_is_told_from_what_is_invalid_and_before_anything_is_compiled() {
    let cases = [
        ("(module (memory 1 1 shared))", "shared memories"),
        ("(module (func) (func (drop (struct.new 0))) (type (struct)))", "garbage collection"),
        (
            "(module (func) (func (param i64) (drop (i64.mul_wide_s (local.get 0) (local.get 0)))))",
            "wide arithmetic",
        ),
    ];
    for (text, feature) in cases {
        let (error, compiled) = refused(&mut Config::new(), text);
        let unsupported = error.downcast_ref::<UnsupportedFeature>().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!((unsupported.feature.as_str(), compiled), (feature, 0), "{error:?}");
        assert!(unsupported.offset.is_some(), "{error:?}");
        let words = format!("unsupported feature: {feature}");
        assert!(error.to_string().starts_with(&words), "{error}");
    }
    // What is switched off, too; and all of it can be.
    let cases = [
        ("(func (return_call 0))", "tail calls"),
        ("(func (drop (f32x4.relaxed_min (v128.const i64x2 0 0) (v128.const i64x2 0 0))))", "relaxed SIMD"),
        ("(func atomic.fence)", "threads"),
        ("(func try catch_all end)", "legacy exception handling"),
        ("(tag) (func (throw 0))", "exception handling"),
        ("(memory i64 1)", "64-bit memories"),
    ];
    for (fields, feature) in cases {
        let text = format!("(module {fields})");
        Module::new(&Engine::default(), &text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let (error, compiled) = refused(Config::new().features(Features::VERSION_2), &text);
        let unsupported = error.downcast_ref::<UnsupportedFeature>().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!((unsupported.feature.as_str(), compiled), (feature, 0), "{error:?}");
    }
}

#[test]
fn the_first_error_in_a_module_is_the_one_told() {
    let good = "(func (result i32) (i32.const 1))".repeat(50);
    let text = format!("(module {good} (func (result i32) (i64.const 1)) {good} (func (i32.const 1)))");
    for parallel in [true, false] {
        let (error, compiled) = refused(Config::new().parallel_compilation(parallel), &text);
        let invalid = error.downcast_ref::<InvalidModule>().unwrap_or_else(|| panic!("{error:?}"));
        assert!(invalid.message.contains("expected i32, found i64"), "{error:?}");
        assert_eq!(compiled, 0, "{error:?}");
    }
}
