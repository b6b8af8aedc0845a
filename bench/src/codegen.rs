//! Compiles the same functions with both code generators.

use crate::median;
use cranelift_codegen::settings::Configurable;
use sidetrack_codegen::{Flags, OptLevel};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Instant;

/// Prints, for each optimisation level, medians of both and their ratio.
pub fn run(rounds: usize, random: u64, files: &[PathBuf]) -> Result<(), String> {
    let mut texts: Vec<String> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        texts.push(text);
    }
    // Hooks are patchable calls with pass-through results, which are ours alone.
    let config = sidetrack_ir::random::Config { hooks: false, ..Default::default() };
    for seed in 0..random {
        let functions = sidetrack_ir::random::function_set(seed, &config);
        let text: String = functions.iter().map(|func| format!("{func}\n")).collect();
        // Words for alias regions that Cranelift has given up.
        texts.push(text.replace(" heap ", " ").replace(" table ", " ").replace(" vmctx ", " "));
    }

    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    let mut refused = 0;
    for text in &texts {
        // What either reader refuses is left out for both.
        match (sidetrack_ir::text::parse_functions(text), cranelift_reader::parse_functions(text)) {
            (Ok(a), Ok(b)) if a.len() == b.len() => {
                ours.extend(a);
                theirs.extend(b);
            }
            (_, b) => {
                if let Err(error) = b {
                    let line =
                        text.lines().nth(error.location.line_number.saturating_sub(1)).unwrap_or_default();
                    eprintln!("refused by Cranelift's reader: {}: {line}", error.message);
                }
                refused += 1;
            }
        }
    }
    for (level, name) in [(OptLevel::None, "none"), (OptLevel::Speed, "speed")] {
        let mut builder = sidetrack_codegen::lookup("x86_64").map_err(|error| error.to_string())?;
        builder.enable_host();
        let flags = Flags { opt_level: level, verifier: false, ..Flags::default() };
        let isa = builder.finish(flags);

        let mut shared = cranelift_codegen::settings::builder();
        shared.set("opt_level", name).map_err(|error| error.to_string())?;
        shared.set("enable_verifier", "false").map_err(|error| error.to_string())?;
        shared.set("preserve_frame_pointers", "true").map_err(|error| error.to_string())?;
        let other = cranelift_native::builder()?
            .finish(cranelift_codegen::settings::Flags::new(shared))
            .map_err(|error| error.to_string())?;

        // What Cranelift has no rule for (it returns an error or panics) is left out
        // for both.
        let compile_other = |func: &cranelift_codegen::ir::Function| {
            let mut context = cranelift_codegen::Context::for_function(func.clone());
            context
                .compile(&*other, &mut cranelift_control::ControlPlane::default())
                .map(|compiled| compiled.code_buffer().len())
                .map_err(|error| format!("{:?}", error.inner))
        };
        std::panic::set_hook(Box::new(|_| {}));
        let compiles = |func| std::panic::catch_unwind(AssertUnwindSafe(|| compile_other(func).is_ok()));
        let pairs: Vec<_> =
            ours.iter().zip(&theirs).filter(|(_, func)| compiles(func).unwrap_or(false)).collect();
        drop(std::panic::take_hook());
        let count = |func: &sidetrack_ir::Function| -> usize {
            func.layout.blocks().map(|block| func.layout.block_insts(block).count()).sum()
        };
        let insts: usize = pairs.iter().map(|(func, _)| count(func)).sum();
        println!(
            "{} functions of {}, {insts} instructions; {refused} texts refused",
            pairs.len(),
            ours.len()
        );

        let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bytes_a, mut bytes_b) = (0, 0);
        for _ in 0..rounds {
            let start = Instant::now();
            bytes_a = 0;
            for (func, _) in &pairs {
                let compiled = sidetrack_codegen::compile(func, &*isa).map_err(|error| error.to_string())?;
                bytes_a += compiled.code.len();
            }
            let time_a = start.elapsed().as_secs_f64();
            let start = Instant::now();
            bytes_b = 0;
            for (_, func) in &pairs {
                bytes_b += compile_other(func)?;
            }
            let time_b = start.elapsed().as_secs_f64();
            a.push(time_a * 1e3);
            b.push(time_b * 1e3);
            ratios.push(time_a / time_b);
        }
        println!(
            "opt_level={name}: sidetrack {:.1} ms, cranelift {:.1} ms, ratio {:.2} (medians of {rounds}); code {bytes_a} against {bytes_b} bytes",
            median(a),
            median(b),
            median(ratios),
        );
    }
    Ok(())
}
