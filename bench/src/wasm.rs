//! Programs on this engine and on Wasmtime: compile time, run time, code size.
//!
//! Both compile with their defaults on the same number of threads, and run each
//! program with WASI, standard output into memory. The two are interleaved; medians
//! of all rounds are printed, and the ratios of the medians.

use crate::median;
use sidetrack_engine as ours;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// What one engine did with one program.
#[derive(Default)]
struct Times {
    compile: Vec<f64>,
    run: Vec<f64>,
    artifact: usize,
    code: usize,
    output: Vec<u8>,
}

/// Runs one program once and adds its times.
trait Runner {
    fn round(&self, wasm: &[u8], times: &mut Times) -> Result<(), Failure>;
}

/// This engine.
pub struct Ours(ours::Engine);

impl Ours {
    /// With this configuration.
    pub fn new(config: &ours::Config) -> Result<Self, Failure> {
        Ok(Ours(ours::Engine::new(config)?))
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

impl Runner for Ours {
    fn round(&self, wasm: &[u8], times: &mut Times) -> Result<(), Failure> {
        let start = Instant::now();
        let module = ours::Module::from_binary(&self.0, wasm)?;
        times.compile.push(milliseconds(start));
        times.artifact = module.serialize()?.len();
        times.code = module.code_size();
        let output = sidetrack_wasi::MemoryOutputPipe::new();
        let ctx = sidetrack_wasi::WasiCtxBuilder::new().stdout(output.clone()).build()?;
        let mut linker = ours::Linker::new(&self.0);
        sidetrack_wasi::add_to_linker(&mut linker, |ctx| ctx)?;
        let mut store = ours::Store::new(&self.0, ctx);
        let instance = linker.instantiate(&mut store, &module)?;
        let start_function = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        let start = Instant::now();
        let result = start_function.call(&mut store, ());
        times.run.push(milliseconds(start));
        match result {
            Err(error) if error.downcast_ref::<sidetrack_wasi::Exit>().is_none() => return Err(error.into()),
            _ => {}
        }
        times.output = output.contents();
        Ok(())
    }
}

/// Wasmtime.
pub struct Theirs(wasmtime::Engine);

impl Theirs {
    /// With this configuration.
    pub fn new(config: &wasmtime::Config) -> Result<Self, Failure> {
        Ok(Theirs(wasmtime::Engine::new(config)?))
    }
}

impl Runner for Theirs {
    fn round(&self, wasm: &[u8], times: &mut Times) -> Result<(), Failure> {
        use wasmtime_wasi::p1;
        use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
        let start = Instant::now();
        let module = wasmtime::Module::from_binary(&self.0, wasm)?;
        times.compile.push(milliseconds(start));
        times.artifact = module.serialize()?.len();
        times.code = module.text().len();
        let output = MemoryOutputPipe::new(1 << 24);
        let ctx = wasmtime_wasi::WasiCtxBuilder::new().stdout(output.clone()).build_p1();
        let mut linker: wasmtime::Linker<p1::WasiP1Ctx> = wasmtime::Linker::new(&self.0);
        p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
        let mut store = wasmtime::Store::new(&self.0, ctx);
        let instance = linker.instantiate(&mut store, &module)?;
        let start_function = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        let start = Instant::now();
        let result = start_function.call(&mut store, ());
        times.run.push(milliseconds(start));
        match result {
            Err(error) if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_none() => {
                return Err(error.into());
            }
            _ => {}
        }
        drop(store);
        times.output = output.contents().to_vec();
        Ok(())
    }
}

/// The programs in a folder, or the file itself, by name.
fn programs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                files.push(entry?.path());
            }
        } else {
            files.push(path.clone());
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    if files.is_empty() {
        return Err("no programs: name .wasm files or folders of them".into());
    }
    Ok(files)
}

fn name(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Against {
    /// This engine's default with Wasmtime's.
    Wasmtime,
    /// This engine's default, which can be debugged, with Wasmtime's guest debugging.
    WasmtimeDebug,
    /// This engine's default with itself, not instrumented.
    Off,
    /// This engine not instrumented with Wasmtime's default.
    OffWasmtime,
}

/// Compares this engine with another one, or with itself, on programs.
pub fn run(
    rounds: usize,
    threads: usize,
    level: ours::OptLevel,
    against: Against,
    paths: &[PathBuf],
) -> Result<(), String> {
    run_inner(rounds, threads, level, against, paths).map_err(|error| error.to_string())
}

fn run_inner(
    rounds: usize,
    threads: usize,
    level: ours::OptLevel,
    against: Against,
    paths: &[PathBuf],
) -> Result<(), Failure> {
    let parallel = threads > 1;
    let mut config = ours::Config::new();
    config.opt_level(level).parallel_compilation(parallel).verify(false);
    let on = Ours::new(&config)?;
    let off = Ours::new(config.instrument(ours::Instrument::Off))?;
    let mut config = wasmtime::Config::new();
    config.parallel_compilation(parallel);
    let theirs = Theirs::new(&config)?;
    let debug = Theirs::new(config.guest_debug(true))?;
    match against {
        Against::Wasmtime => compare(("ours", &on), ("wasmtime", &theirs), rounds, paths),
        Against::WasmtimeDebug => compare(("ours", &on), ("wt-debug", &debug), rounds, paths),
        Against::Off => compare(("ours", &on), ("off", &off), rounds, paths),
        Against::OffWasmtime => compare(("off", &off), ("wasmtime", &theirs), rounds, paths),
    }
}

fn compare(
    a: (&str, &dyn Runner),
    b: (&str, &dyn Runner),
    rounds: usize,
    paths: &[PathBuf],
) -> Result<(), Failure> {
    println!("{} against {}, medians of {rounds} interleaved rounds", a.0, b.0);
    println!(
        "{:12} {:>10} {:>10} {:>6}   {:>10} {:>10} {:>6}   {:>10} {:>10} {:>6}   {:>10} {:>10} {:>6}",
        "program",
        "run ms",
        b.0,
        "ratio",
        "compile ms",
        b.0,
        "ratio",
        "code",
        b.0,
        "ratio",
        "artifact",
        b.0,
        "ratio"
    );
    let mut logs = [0.0; 4];
    let programs = programs(paths)?;
    for path in &programs {
        let wasm = std::fs::read(path)?;
        let (mut left, mut right) = (Times::default(), Times::default());
        for _ in 0..rounds {
            a.1.round(&wasm, &mut left).map_err(|error| format!("{}: {}: {error}", a.0, path.display()))?;
            b.1.round(&wasm, &mut right).map_err(|error| format!("{}: {}: {error}", b.0, path.display()))?;
            if left.output != right.output {
                return Err(format!("{}: the outputs differ", path.display()).into());
            }
        }
        let pairs = [
            (median(left.run), median(right.run)),
            (median(left.compile), median(right.compile)),
            (left.code as f64, right.code as f64),
            (left.artifact as f64, right.artifact as f64),
        ];
        let mut line = format!("{:12}", name(path));
        for ((a, b), log) in pairs.into_iter().zip(&mut logs) {
            *log += (a / b).ln();
            line += &format!(" {a:10.1} {b:10.1} {:6.2}  ", a / b);
        }
        println!("{}", line.trim_end());
    }
    let [run, compile, code, artifact] = logs.map(|log| (log / programs.len() as f64).exp());
    println!("geometric means: run {run:.3}, compile {compile:.3}, code {code:.3}, artifact {artifact:.3}");
    Ok(())
}

/// Calls between host and guest, and instantiation, beside Wasmtime's.
pub fn calls(rounds: usize, module: Option<&Path>) -> Result<(), String> {
    calls_inner(rounds, module).map_err(|error| error.to_string())
}

const CALLS: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (func (export "guest") (param i32) (result i32) local.get 0)
    (func (export "loop") (param i32)
        (loop $again
            (drop (call $host (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;

/// Nanoseconds for each of `count` calls.
fn nanoseconds(count: u32, mut call: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    call()?;
    Ok(start.elapsed().as_secs_f64() * 1e9 / f64::from(count))
}

fn calls_inner(rounds: usize, module: Option<&Path>) -> Result<(), Failure> {
    const COUNT: u32 = 200_000;
    let wasm = wat::parse_str(CALLS)?;
    let engine = ours::Engine::new(ours::Config::new().verify(false))?;
    let mut store = ours::Store::new(&engine, ());
    let host = ours::Func::wrap(&mut store, |x: i32| x);
    let instance =
        ours::Instance::new(&mut store, &ours::Module::from_binary(&engine, &wasm)?, &[host.into()])?;
    let guest = instance.get_typed_func::<i32, i32>(&mut store, "guest")?;
    let to_host = instance.get_typed_func::<i32, ()>(&mut store, "loop")?;

    let their_engine = wasmtime::Engine::default();
    let mut their_store = wasmtime::Store::new(&their_engine, ());
    let host = wasmtime::Func::wrap(&mut their_store, |x: i32| x);
    let their_module = wasmtime::Module::from_binary(&their_engine, &wasm)?;
    let instance = wasmtime::Instance::new(&mut their_store, &their_module, &[host.into()])?;
    let their_guest = instance.get_typed_func::<i32, i32>(&mut their_store, "guest")?;
    let their_to_host = instance.get_typed_func::<i32, ()>(&mut their_store, "loop")?;

    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        times[0].push(nanoseconds(COUNT, || {
            for n in 0..COUNT as i32 {
                std::hint::black_box(guest.call(&mut store, n)?);
            }
            Ok(())
        })?);
        times[1].push(nanoseconds(COUNT, || {
            for n in 0..COUNT as i32 {
                std::hint::black_box(their_guest.call(&mut their_store, n)?);
            }
            Ok(())
        })?);
        times[2].push(nanoseconds(COUNT, || Ok(to_host.call(&mut store, COUNT as i32)?))?);
        times[3].push(nanoseconds(COUNT, || Ok(their_to_host.call(&mut their_store, COUNT as i32)?))?);
    }
    let [a, b, c, d] = times.map(median);
    println!("host to guest and back: {a:.1} ns, wasmtime {b:.1} ns, ratio {:.2}", a / b);
    println!("guest to host and back: {c:.1} ns, wasmtime {d:.1} ns, ratio {:.2}", c / d);

    let Some(path) = module else { return Ok(()) };
    let wasm = std::fs::read(path)?;
    let module = ours::Module::from_binary(&engine, &wasm)?;
    let their_module = wasmtime::Module::from_binary(&their_engine, &wasm)?;
    let mut linker = ours::Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&module)?;
    let mut their_linker = wasmtime::Linker::new(&their_engine);
    their_linker.define_unknown_imports_as_traps(&their_module)?;
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds * 10 {
        let start = Instant::now();
        let mut store = ours::Store::new(&engine, ());
        linker.instantiate(&mut store, &module)?;
        mine.push(start.elapsed().as_secs_f64() * 1e6);
        drop(store);
        let start = Instant::now();
        let mut store = wasmtime::Store::new(&their_engine, ());
        their_linker.instantiate(&mut store, &their_module)?;
        theirs.push(start.elapsed().as_secs_f64() * 1e6);
        drop(store);
    }
    let (a, b) = (median(mine), median(theirs));
    println!("instantiation of {}: {a:.1} us, wasmtime {b:.1} us, ratio {:.2}", path.display(), a / b);
    Ok(())
}
