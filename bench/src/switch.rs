//! Times batches of switches, permission changes and synchronisation included.

use crate::median;
use sidetrack_artifact::Architecture;
use sidetrack_codegen::{Flags, compile, lookup};
use sidetrack_patch::exec;
use std::fmt::Write;
use std::time::Instant;

/// Prints microseconds a switch, for sites next to one another and far apart.
pub fn run(rounds: usize, batch: usize) -> Result<(), String> {
    for (name, spread) in [("next to one another", 0), ("one a page", 600)] {
        let mut text = String::from("function %hook(i64) preserve_all {\nblock0(v0: i64):\n    return\n}\n");
        let head = "function %sites(i64) -> i64 {\n    fn0 = colocated patchable %hook(i64) preserve_all\n\nblock0(v0: i64):\n";
        text.push_str(head);
        let mut v = 0;
        for tag in 1..=batch {
            let _ = writeln!(text, "    call fn0(v0), tag {tag}");
            // Something between the sites, to take up room.
            for _ in 0..spread {
                let _ = writeln!(text, "    v{} = imul_imm v{v}, 0x1234567", v + 1);
                v += 1;
            }
        }
        let _ = writeln!(text, "    return v{v}\n}}");
        let functions = sidetrack_ir::text::parse_functions(&text).map_err(|error| error.to_string())?;
        let isa = lookup("x86_64").map_err(|error| error.to_string())?.finish(Flags::default());
        let compiled: Result<Vec<_>, String> =
            functions.iter().map(|func| compile(func, &*isa).map_err(|error| error.to_string())).collect();
        let image = exec::link(Architecture::X86_64, compiled?).map_err(|error| error.to_string())?;
        let bytes = image.code_len();
        let mut native =
            exec::Native::load(image, &exec::HostSymbols::default()).map_err(|error| error.to_string())?;
        let mut times = Vec::new();
        for round in 0..rounds {
            let start = Instant::now();
            let mut session = native.memory_mut().session();
            for index in 0..batch {
                session.set(index, round % 2 == 1).map_err(|error| error.to_string())?;
            }
            session.commit();
            times.push(start.elapsed().as_secs_f64() * 1e6 / batch as f64);
        }
        let first = times[0];
        println!(
            "sites {name} ({bytes} bytes of code): {:.3} us a switch in batches of {batch} (median of {rounds}; the first batch {first:.3})",
            median(times),
        );
    }
    Ok(())
}
