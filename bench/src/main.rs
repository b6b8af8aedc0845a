//! Measurements, never asserted in tests: run by hand, read by people.
//!
//! `codegen` compiles the same CLIF with this code generator and with Cranelift's,
//! interleaved, and prints medians. `switch` times batches of switches, `enter`
//! calls of compiled code and the loading of it, `debug` the debugger beside Wasmtime's,
//! `shapes` programs that are large in one way.

mod codegen;
mod debug;
mod enter;
mod shapes;
mod switch;
mod wasm;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the code generator and the patcher")]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Time of code generation beside cranelift-codegen's.
    Codegen {
        /// Interleaved rounds; the medians are printed.
        #[arg(long, default_value_t = 9)]
        rounds: usize,
        /// Random functions to compile, beside those of the files.
        #[arg(long, default_value_t = 300)]
        random: u64,
        /// CLIF files to compile.
        files: Vec<std::path::PathBuf>,
    },
    /// Time of switching patch sites in batches.
    Switch {
        /// Batches; the median is printed.
        #[arg(long, default_value_t = 101)]
        rounds: usize,
        /// Switches in a batch.
        #[arg(long, default_value_t = 1000)]
        batch: usize,
    },
    /// WebAssembly programs beside Wasmtime, or with and without instrumentation.
    Wasm {
        /// Interleaved rounds; the medians are printed.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Threads that compile: 1, or more for all processors.
        #[arg(long, default_value_t = 2)]
        threads: usize,
        /// Compile without optimising.
        #[arg(long)]
        no_opt: bool,
        /// What to compare.
        #[arg(long, value_enum, default_value = "wasmtime")]
        against: wasm::Against,
        /// Programs (WASI commands without arguments) or folders of them.
        programs: Vec<std::path::PathBuf>,
    },
    /// Calls between host and guest, and instantiation, beside Wasmtime.
    Calls {
        /// Interleaved rounds; the medians are printed.
        #[arg(long, default_value_t = 11)]
        rounds: usize,
        /// The module to instantiate.
        module: Option<std::path::PathBuf>,
    },
    /// The debugger beside Wasmtime's guest debugging: stops, breakpoints, interrupts.
    Debug {
        /// Interleaved rounds; the medians are printed.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Interrupts of a running program.
        #[arg(long, default_value_t = 10_000)]
        interrupts: usize,
        /// Measure this alone.
        #[arg(long, value_enum)]
        only: Option<debug::Part>,
        /// A large WASI command, such as sqlite.
        program: Option<std::path::PathBuf>,
    },
    /// For `debug`: prints by how much this process grows by a store with breakpoints.
    #[command(hide = true)]
    Grown {
        /// With Wasmtime.
        #[arg(long)]
        wasmtime: bool,
        /// How many breakpoints.
        #[arg(long, default_value_t = 0)]
        breakpoints: usize,
        /// A large module.
        program: std::path::PathBuf,
    },
    /// Programs that are large in one way, at sizes n and 4n, beside Wasmtime and Cranelift.
    Shapes {
        /// Only families whose names contain this.
        only: Option<String>,
        /// Seconds that one compilation may take.
        #[arg(long, default_value_t = 60)]
        timeout: u64,
    },
    /// For `shapes`: compiles one program and prints what that cost.
    #[command(hide = true)]
    Shape {
        /// With what.
        compiler: shapes::Compiler,
        /// The program.
        file: std::path::PathBuf,
    },
    /// Time of entering and leaving native code, and of loading it.
    Enter {
        /// Measurements; the medians are printed.
        #[arg(long, default_value_t = 21)]
        rounds: usize,
        /// Functions in the image that is loaded.
        #[arg(long, default_value_t = 50_000)]
        functions: u32,
    },
}

fn main() {
    let result = match Args::parse().what {
        What::Codegen { rounds, random, files } => codegen::run(rounds, random, &files),
        What::Switch { rounds, batch } => switch::run(rounds, batch),
        What::Wasm { rounds, threads, no_opt, against, programs } => {
            let level =
                if no_opt { sidetrack_engine::OptLevel::None } else { sidetrack_engine::OptLevel::Speed };
            wasm::run(rounds, threads, level, against, &programs)
        }
        What::Calls { rounds, module } => wasm::calls(rounds, module.as_deref()),
        What::Debug { rounds, interrupts, only, program } => {
            debug::run(rounds, interrupts, only, program.as_deref())
        }
        What::Grown { wasmtime, breakpoints, program } => debug::grown(wasmtime, breakpoints, &program),
        What::Shapes { only, timeout } => shapes::run(only.as_deref(), timeout),
        What::Shape { compiler, file } => shapes::one(compiler, &file),
        What::Enter { rounds, functions } => enter::run(rounds, functions),
    };
    if let Err(message) = result {
        eprintln!("error: {message}");
        std::process::exit(1);
    }
}

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
