//! Programs that are large in one way: time and memory at sizes n and 4n, beside others.
//!
//! Each program is compiled in a process of its own, on one thread, three times over; the
//! least processor time and peak memory are printed. Modules beside Wasmtime, CLIF functions
//! beside cranelift-codegen. What grows more than 5 times from n to 4n, takes more than 3
//! times the other's time or 2 times its memory, is marked. Differences below 50 ms or 16 MB
//! say nothing.

#[path = "../../crates/filetests/src/shapes.rs"]
#[allow(dead_code, reason = "the sizes that the test begins with are not used here")]
mod families;

use clap::ValueEnum;
use cranelift_codegen::settings::Configurable;
use families::{FUNCTIONS, Family, MODULES, SITES};
use std::process::Command;
use std::time::Duration;

/// Whose compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compiler {
    /// This one's, with sites.
    Ours,
    /// This one's, without sites.
    Plain,
    /// Wasmtime's, or cranelift-codegen.
    Theirs,
}

/// Seconds of processor time, and mebibytes at the peak.
#[derive(Clone, Copy)]
struct Cost {
    time: f64,
    memory: f64,
}

/// Prints the costs of all families, or of those whose names contain `only`.
pub fn run(only: Option<&str>, timeout: u64) -> Result<(), String> {
    println!("{:28} {:>8} {:>22} {:>22} {:>22}", "", "", "ours", "without sites", "theirs");
    let wanted = |family: &&Family| only.is_none_or(|only| family.name.contains(only));
    for family in MODULES.iter().chain(FUNCTIONS).chain(SITES).filter(wanted) {
        let is_module = MODULES.iter().any(|other| other.name == family.name);
        let is_ours = SITES.iter().any(|other| other.name == family.name);
        let mut before: Option<[Option<Cost>; 3]> = None;
        for n in [family.large, family.large * 4] {
            let text = (family.text)(n);
            let ending = if is_module { "wat" } else { "clif" };
            let file = std::env::temp_dir().join(format!("sidetrack-shape-{}.{ending}", std::process::id()));
            std::fs::write(&file, &text).map_err(|error| format!("{}: {error}", file.display()))?;
            let cost = |compiler| measure(compiler, &file, timeout);
            let costs = [
                cost(Compiler::Ours),
                if is_module { cost(Compiler::Plain) } else { None },
                if is_ours { None } else { cost(Compiler::Theirs) },
            ];
            let _ = std::fs::remove_file(&file);
            println!(
                "{:28} {n:>8} {:>22} {:>22} {:>22}  {}",
                family.name,
                show(costs[0]),
                if is_module { show(costs[1]) } else { String::new() },
                if is_ours { String::new() } else { show(costs[2]) },
                remarks(costs, before),
            );
            before = Some(costs);
        }
    }
    Ok(())
}

fn show(cost: Option<Cost>) -> String {
    cost.map_or("failed".to_string(), |Cost { time, memory }| format!("{time:.2} s {memory:.0} MB"))
}

fn remarks(costs: [Option<Cost>; 3], before: Option<[Option<Cost>; 3]>) -> String {
    let mut remarks = Vec::new();
    for (cost, name) in costs.into_iter().zip(["ours", "without sites"]) {
        let index = usize::from(name != "ours");
        let Some(cost) = cost else { continue };
        if let Some(Some(less)) = before.map(|before| before[index]) {
            if cost.time > less.time * 5.0 && cost.time - less.time > 0.05 {
                remarks.push(format!("{name}: time grows {:.1} times", cost.time / less.time));
            }
            if cost.memory > less.memory * 5.0 && cost.memory - less.memory > 16.0 {
                remarks.push(format!("{name}: memory grows {:.1} times", cost.memory / less.memory));
            }
        }
        if let Some(theirs) = costs[2] {
            if cost.time > theirs.time * 3.0 && cost.time - theirs.time > 0.05 {
                remarks.push(format!("{name}: {:.1} times their time", cost.time / theirs.time));
            }
            if cost.memory > theirs.memory * 2.0 && cost.memory - theirs.memory > 16.0 {
                remarks.push(format!("{name}: {:.1} times their memory", cost.memory / theirs.memory));
            }
        }
    }
    remarks.join("; ")
}

/// The cost of compiling a file in another process; none if that fails, or takes too long.
fn measure(compiler: Compiler, file: &std::path::Path, timeout: u64) -> Option<Cost> {
    let mut least: Option<Cost> = None;
    for _ in 0..3 {
        let name = compiler.to_possible_value()?;
        let mut child = Command::new(std::env::current_exe().ok()?)
            .args(["shape", name.get_name()])
            .arg(file)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .ok()?;
        let start = std::time::Instant::now();
        while child.try_wait().ok()?.is_none() {
            if start.elapsed() > Duration::from_secs(timeout) {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let (time, memory) = text.trim().split_once(' ')?;
        let cost = Cost { time: time.parse().ok()?, memory: memory.parse().ok()? };
        least = Some(least.map_or(cost, |least| Cost {
            time: least.time.min(cost.time),
            memory: least.memory.min(cost.memory),
        }));
        // Once is enough for what takes long.
        if cost.time > 5.0 {
            break;
        }
    }
    least
}

/// Compiles a file and prints the process's seconds and peak mebibytes.
pub fn one(compiler: Compiler, file: &std::path::Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let is_module = file.extension().is_some_and(|ending| ending == "wat");
    match (is_module, compiler) {
        (true, Compiler::Theirs) => {
            let mut config = wasmtime::Config::new();
            config.parallel_compilation(false);
            let engine = wasmtime::Engine::new(&config).map_err(|error| error.to_string())?;
            let bytes = wat::parse_str(&text).map_err(|error| error.to_string())?;
            wasmtime::Module::from_binary(&engine, &bytes).map_err(|error| error.to_string())?;
        }
        (true, _) => {
            let mut config = sidetrack_engine::Config::new();
            config.parallel_compilation(false);
            if compiler == Compiler::Plain {
                config.instrument(sidetrack_engine::Instrument::Off);
            }
            let engine = sidetrack_engine::Engine::new(&config).map_err(|error| error.to_string())?;
            let bytes = wat::parse_str(&text).map_err(|error| error.to_string())?;
            sidetrack_engine::Module::from_binary(&engine, &bytes).map_err(|error| error.to_string())?;
        }
        (false, Compiler::Theirs) => theirs(&text)?,
        (false, _) => ours(&text)?,
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: f64 = peak
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .ok_or("the system does not tell the peak")?;
    println!("{} {}", time.tv_sec as f64 + time.tv_nsec as f64 / 1e9, peak / 1024.0);
    Ok(())
}

fn ours(text: &str) -> Result<(), String> {
    let mut builder = sidetrack_codegen::lookup(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    builder.enable_host();
    let opt_level = sidetrack_codegen::OptLevel::Speed;
    let flags = sidetrack_codegen::Flags { opt_level, verifier: false, ..Default::default() };
    let isa = builder.finish(flags);
    for func in sidetrack_ir::text::parse_functions(text).map_err(|error| error.to_string())? {
        sidetrack_codegen::compile(&func, &*isa).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn theirs(text: &str) -> Result<(), String> {
    let mut shared = cranelift_codegen::settings::builder();
    for (name, value) in [("opt_level", "speed"), ("enable_verifier", "false")] {
        shared.set(name, value).map_err(|error| error.to_string())?;
    }
    let isa = cranelift_native::builder()?
        .finish(cranelift_codegen::settings::Flags::new(shared))
        .map_err(|error| error.to_string())?;
    for func in cranelift_reader::parse_functions(text).map_err(|error| error.to_string())? {
        let mut context = cranelift_codegen::Context::for_function(func);
        context
            .compile(&*isa, &mut cranelift_control::ControlPlane::default())
            .map_err(|error| format!("{:?}", error.inner))?;
    }
    Ok(())
}
