//! Runs the randomised checks for a given time. The bodies live in the libraries;
//! a failure prints the seed that repeats it.

mod steps;
mod wasm;

use clap::{Parser, ValueEnum};
use sidetrack_filetests::differential::{Targets, check};
use sidetrack_ir::random::{Config, Entropy, function_set};
use sidetrack_oracle::differential::{self, Engines, MEMORY_BYTES, TABLE_ELEMENTS, compare, tell_oracle};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Random functions in the interpreter and on every target.
    Differential,
    /// Mutated text in the reader, and what is read in the verifier.
    Text,
    /// Step traces of WebAssembly programs in the oracle and in Wasmtime; once.
    Steps,
    /// Random modules in the plain interpreter, in the engine in all its settings, and in
    /// Wasmtime.
    Wasm,
    /// Mutated modules in the engine: an answer, never a panic.
    WasmBytes,
}

#[derive(Parser)]
#[command(about = "Runs randomised checks for a given time")]
struct Args {
    what: What,
    /// Seconds to run.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Programs whose steps to compare, or folders of them.
    #[arg(default_value = "tests/programs/trace")]
    programs: Vec<std::path::PathBuf>,
}

fn main() {
    let args = Args::parse();
    if let What::Steps = args.what {
        match steps::check(&args.programs) {
            Ok(lines) => println!("{lines} lines, no difference"),
            Err(differences) => {
                eprintln!("{differences}");
                std::process::exit(1);
            }
        }
        return;
    }
    let end = Instant::now() + Duration::from_secs(args.seconds);
    match args.what {
        What::Differential | What::Text => functions(&args, end),
        What::Steps => {}
        What::Wasm => modules(args.seed, end),
        What::WasmBytes => mutated_modules(args.seed, end),
    }
}

fn fail(seed: u64, message: &str) -> ! {
    eprintln!("seed {seed}: {message}");
    std::process::exit(1);
}

/// Modules in the plain interpreter, in the engine in all its settings, in Wasmtime.
fn modules(first: u64, end: Instant) {
    let engines = Engines::all();
    let wasmtime = wasm::engine().unwrap_or_else(|message| fail(first, &message));
    let limits = (MEMORY_BYTES as usize, TABLE_ELEMENTS as usize);
    let (mut seed, mut modules, mut compared) = (first, 0, 0);
    while Instant::now() < end {
        if let Some(bytes) = differential::module(seed) {
            modules += 1;
            compared +=
                differential::check(seed, &bytes, &engines).unwrap_or_else(|message| fail(seed, &message));
            let expected = tell_oracle(seed, &bytes).unwrap_or_else(|message| fail(seed, &message));
            let story =
                wasm::tell(seed, &bytes, &wasmtime, limits).unwrap_or_else(|message| fail(seed, &message));
            compared += compare(&expected, &story, "wasmtime").unwrap_or_else(|message| fail(seed, &message));
        }
        seed += 1;
    }
    println!(
        "{modules} modules, {compared} comparisons, {} settings and wasmtime, no mismatch",
        engines.len()
    );
}

/// Modules cut and mutated, in the engine. A panic is the failure.
fn mutated_modules(first: u64, end: Instant) {
    let engine = sidetrack_engine::Engine::default();
    let (mut seed, mut good, mut bad) = (first, 0, 0);
    while Instant::now() < end {
        if let Some(mut bytes) = differential::module(seed / 64) {
            let mut entropy = Entropy::from_seed(!seed, 256);
            for _ in 0..1 + entropy.below(4) {
                let at = entropy.below(bytes.len().max(1));
                match entropy.below(4) {
                    0 => bytes.truncate(at),
                    1 => bytes[at] ^= 1 << entropy.below(8),
                    2 => bytes[at] = entropy.below(256) as u8,
                    _ => bytes.insert(at, entropy.below(256) as u8),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            match sidetrack_engine::Module::from_binary(&engine, &bytes) {
                Ok(_) => good += 1,
                Err(_) => bad += 1,
            }
        }
        seed += 1;
    }
    println!("{} modules refused, {} accepted, no panic", bad, good);
}

/// Functions in the interpreter and on every target, or their text.
fn functions(args: &Args, end: Instant) {
    let targets = Targets::all();
    let (mut seed, mut compared) = (args.seed, 0);
    while Instant::now() < end {
        match args.what {
            What::Differential => {
                // Some sets are larger, some have many parameters.
                let config = match seed % 4 {
                    0 => Config { pieces: 60, ..Config::default() },
                    1 => Config { params: 20, returns: 12, ..Config::default() },
                    _ => Config::default(),
                };
                match check(&mut Entropy::from_seed(seed, 8192), &config, &targets) {
                    Ok(count) => compared += count,
                    Err(message) => {
                        eprintln!("seed {seed}: {message}");
                        std::process::exit(1);
                    }
                }
            }
            What::Text => {
                text(seed);
                compared += 1;
            }
            What::Steps | What::Wasm | What::WasmBytes => {}
        }
        seed += 1;
    }
    println!("{} seeds, {compared} comparisons, {} targets, no mismatch", seed - args.seed, targets.len());
}

/// Reads the text of random functions, cut and mutated. A panic is the failure.
fn text(seed: u64) {
    let mut entropy = Entropy::from_seed(!seed, 4096);
    let functions = function_set(seed / 16, &Config::default());
    let text: String = functions.iter().map(|func| format!("{func}\n")).collect();
    let mut bytes = text.into_bytes();
    for _ in 0..1 + entropy.below(8) {
        let at = entropy.below(bytes.len().max(1)).min(bytes.len());
        match entropy.below(5) {
            0 => bytes.truncate(at),
            1 => {
                let from = entropy.below(bytes.len().max(1)).min(bytes.len());
                let to = (from + entropy.below(40)).min(bytes.len());
                let piece = bytes[from..to].to_vec();
                bytes.splice(at..at, piece);
            }
            2 => {
                let to = (at + entropy.below(20)).min(bytes.len());
                bytes.drain(at..to);
            }
            3 => {
                let digits = b"0123456789";
                let piece: Vec<u8> = (0..entropy.below(24)).map(|_| entropy.pick(digits)).collect();
                bytes.splice(at..at, piece);
            }
            _ if at < bytes.len() => bytes[at] = entropy.byte(),
            _ => {}
        }
    }
    if let Ok(functions) = sidetrack_ir::text::parse_functions(&String::from_utf8_lossy(&bytes)) {
        for func in &functions {
            let _ = sidetrack_ir::verifier::verify(func);
            let _ = func.to_string();
        }
    }
}
