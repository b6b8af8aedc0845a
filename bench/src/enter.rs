//! Times entering and leaving native code, and loading of images.

use crate::median;
use sidetrack_artifact::{Architecture, CompiledFunction, Image, ImageBuilder, SymbolName};
use sidetrack_codegen::{Flags, compile, lookup};
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::{CallHooks, Exit, Machine, Registered, builtin_address, call};
use std::sync::Arc;
use std::time::Instant;

const TEXT: &str = "
function %returns(i64, i64, i64, i64) system_v {
block0(v0: i64, v1: i64, v2: i64, v3: i64):
    return
}
function %traps(i64, i64, i64, i64) system_v {
block0(v0: i64, v1: i64, v2: i64, v3: i64):
    trap user1
}
function %throws(i64, i64, i64, i64) system_v {
    fn0 = %throw(i64, i64, i64) system_v
block0(v0: i64, v1: i64, v2: i64, v3: i64):
    call fn0(v0, v1, v2)
    return
}
";

/// Calls in a measurement.
const CALLS: u64 = 100_000;

/// Prints nanoseconds a call and milliseconds to load `functions` functions.
pub fn run(rounds: usize, functions: u32) -> Result<(), String> {
    let image = ImageBuilder::new(Architecture::X86_64);
    let image = link(image, compiled(TEXT)?)?;
    let symbol = |name: &str| {
        let symbol = image.symbol(&SymbolName::Named(name.to_string()));
        symbol.map(|symbol| symbol.offset as usize).ok_or_else(|| format!("no function {name}"))
    };
    let (returns, traps, throws) = (symbol("returns")?, symbol("traps")?, symbol("throws")?);
    let memory = Arc::new(load(Arc::new(image.clone()))?);
    // SAFETY: the image is the code generator's, and runs within this function only.
    let _registered = unsafe { Registered::new(memory.clone()) };
    let machine = Machine::new(Architecture::X86_64, 0).map_err(|error| error.to_string())?;
    let hooks = CallHooks::default();
    let measure = |offset: usize, expected: fn(&Result<(), Exit>) -> bool| {
        let stub = memory.base().wrapping_add(offset);
        let mut times = Vec::new();
        for _ in 0..rounds {
            let start = Instant::now();
            for i in 0..CALLS {
                // SAFETY: the functions of TEXT take four integers, and their memory is registered.
                let result = unsafe { call(&machine, stub, &[i, 0, 0, 0], &hooks) };
                assert!(expected(&result), "{result:?}");
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / CALLS as f64);
        }
        median(times)
    };
    println!("a call that returns: {:.1} ns (median of {rounds})", measure(returns, |r| r.is_ok()));
    println!("a call that traps: {:.0} ns", measure(traps, |r| matches!(r, Err(Exit::Trap { .. }))));
    println!("a call that throws: {:.0} ns", measure(throws, |r| matches!(r, Err(Exit::Uncaught { .. }))));

    let [template] = <[CompiledFunction; 1]>::try_from(compiled(&large_function())?)
        .map_err(|_| "one function was expected".to_string())?;
    let mut links = Vec::new();
    let mut image = Image::default();
    for _ in 0..rounds.min(9) {
        let builder = ImageBuilder::new(Architecture::X86_64);
        let many = (0..functions).map(|index| CompiledFunction {
            name: SymbolName::User { namespace: 0, index },
            ..template.clone()
        });
        let many = many.collect();
        let start = Instant::now();
        image = link(builder, many)?;
        links.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let bytes = image.code_len();
    let image = Arc::new(image);
    let (mut loads, mut copies) = (Vec::new(), Vec::new());
    for _ in 0..rounds.min(9) {
        let start = Instant::now();
        let memory = load(image.clone())?;
        loads.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let copy = memory.private_copy().map_err(|error| error.to_string())?;
        copies.push(start.elapsed().as_secs_f64() * 1e3);
        drop(copy);
    }
    let [link, load, copy] = [links, loads, copies].map(median);
    println!(
        "{functions} functions, {bytes} bytes: linked in {link:.1} ms, loaded in {load:.2} ms, copied in {copy:.3} ms"
    );
    Ok(())
}

/// About 200 bytes of code.
fn large_function() -> String {
    let mut text = String::from("function %large(i64) -> i64 system_v {\nblock0(v0: i64):\n");
    for v in 0..20 {
        text.push_str(&format!("    v{} = imul_imm v{v}, 0x1234567\n", v + 1));
    }
    text + "    return v20\n}\n"
}

fn compiled(text: &str) -> Result<Vec<CompiledFunction>, String> {
    let functions = sidetrack_ir::text::parse_functions(text).map_err(|error| error.to_string())?;
    let isa = lookup("x86_64").map_err(|error| error.to_string())?.finish(Flags::default());
    functions.iter().map(|func| compile(func, &*isa).map_err(|error| error.to_string())).collect()
}

fn link(mut builder: ImageBuilder, functions: Vec<CompiledFunction>) -> Result<Image, String> {
    for function in functions {
        builder.add(function);
    }
    for name in builder.undefined() {
        builder.import(name);
    }
    builder.finish().map_err(|error| error.to_string())
}

fn load(image: Arc<Image>) -> Result<CodeMemory, String> {
    let mut address = |name: &SymbolName| builtin_address(Architecture::X86_64, name);
    CodeMemory::new(image, &mut address).map_err(|error| error.to_string())
}
