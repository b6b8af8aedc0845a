//! Translates a module: `translate FILE [INDEX] [--checks] [--sites]`.
//!
//! With the index of a function its IR is printed; without one all functions are
//! translated and verified, and how long that took is printed.

use sidetrack_wasm::{Instrument, Options, parse};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let sites = Instrument::On { blocks: false, writable: false };
    let options = Options {
        guard_pages: !has("--checks"),
        whole_stores: 16,
        instrument: if has("--sites") { sites } else { Instrument::Off },
    };
    let mut args = args.iter().filter(|arg| !arg.starts_with("--"));
    let bytes = wat::parse_file(args.next().ok_or("no file")?)?;
    let start = Instant::now();
    let module = parse(&bytes)?;
    let parsing = start.elapsed();
    if let Some(index) = args.next() {
        print!("{}", module.translate(index.parse()?, &options)?);
        return Ok(());
    }
    let (mut translating, mut instructions, mut params) = (Duration::ZERO, 0, 0);
    for index in module.info.imported_functions..module.info.functions.len() as u32 {
        let start = Instant::now();
        let func = module.translate(index, &options)?;
        translating += start.elapsed();
        instructions += func.dfg.insts.len();
        params += func.layout.blocks().map(|block| func.dfg.block_params(block).len()).sum::<usize>();
        if let Err(errors) = sidetrack_ir::verifier::verify(&func) {
            return Err(format!("function {index}: {errors}").into());
        }
    }
    let count = module.info.functions.len();
    println!("{count} functions, {instructions} instructions, {params} block parameters");
    println!("parsing {parsing:?}, translating {translating:?}");
    Ok(())
}
