//! Resident memory of a store with a breakpoint.
//!
//! Each measurement is a process of its own, this program started again: what another
//! one has left in the heap would hide it.

use super::theirs::{self, Debugged, Does};
use super::{Failure, engine, instantiated, operators};
use crate::median;
use std::path::Path;
use std::process::Command;

/// KiB of this process that are resident, and of those the ones that are its own.
fn resident() -> Result<[u64; 2], Failure> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let field = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse().ok());
        number.ok_or_else(|| format!("no {name} in smaps_rollup"))
    };
    Ok([field("Rss:")?, field("Private_Dirty:")?])
}

/// Prints by how many KiB a process has grown, from when a module was compiled, for a store
/// with an instance of it and `breakpoints`.
pub fn grown(wasmtime: bool, breakpoints: usize, program: &Path) -> Result<(), String> {
    grown_inner(wasmtime, breakpoints, program).map_err(|error| error.to_string())
}

fn grown_inner(wasmtime: bool, breakpoints: usize, program: &Path) -> Result<(), Failure> {
    let wasm = std::fs::read(program)?;
    let functions = operators(&wasm)?;
    let places = functions.iter().filter(|pcs| pcs.len() > 40).map(|pcs| pcs[20]);
    let pcs: Vec<u32> = places.skip(100).take(breakpoints).collect();
    let [before, after] = if wasmtime {
        let engine = theirs::engine()?;
        let module = wasmtime::Module::from_binary(&engine, &wasm)?;
        // What the first store of a process takes is not counted.
        drop(Debugged::new(&engine, &module, Does::Nothing)?);
        let before = resident()?;
        let mut debugged = Debugged::new(&engine, &module, Does::Nothing)?;
        debugged.breakpoints(&pcs, true)?;
        [before, resident()?]
    } else {
        let engine = engine()?;
        let module = sidetrack_engine::Module::from_binary(&engine, &wasm)?;
        drop(instantiated(&engine, &module)?);
        let before = resident()?;
        let (mut store, _instance) = instantiated(&engine, &module)?;
        for &pc in &pcs {
            store.add_breakpoint(&module, pc)?;
        }
        [before, resident()?]
    };
    println!("{} {}", after[0] as i64 - before[0] as i64, after[1] as i64 - before[1] as i64);
    Ok(())
}

/// Compares both engines, without breakpoint and with one.
pub fn run(rounds: usize, program: &Path) -> Result<(), Failure> {
    for breakpoints in [0, 1, 2] {
        let mut all: [[Vec<f64>; 2]; 2] = Default::default();
        for _ in 0..rounds {
            for (wasmtime, figures) in all.iter_mut().enumerate() {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("grown").arg(program).args(["--breakpoints", &breakpoints.to_string()]);
                if wasmtime == 1 {
                    command.arg("--wasmtime");
                }
                let output = command.output()?;
                let text = String::from_utf8(output.stdout)?;
                for (figure, word) in figures.iter_mut().zip(text.split_whitespace()) {
                    figure.push(word.parse()?);
                }
                if figures[1].is_empty() {
                    return Err(format!("no figures: {}", String::from_utf8_lossy(&output.stderr)).into());
                }
            }
        }
        let [[rss, own], [their_rss, their_own]] = all.map(|figures| figures.map(median));
        println!(
            "resident memory of a store with {breakpoints} breakpoints: {rss} KiB ({own} KiB private and dirty), \
             wasmtime {their_rss} KiB ({their_own} KiB)"
        );
    }
    Ok(())
}
