//! Random functions: native code and shadows leave the same.
//!
//! Results, traps, memories and globals are compared to the bit, NaNs included. More
//! rounds: `SIDETRACK_ROUNDS`.

use crate::generate::{Generator, TYPES};
use crate::program::{Failure, Fresh, Outcome, Program};
use sidetrack_engine::debug::{End, Stop, Value};
use sidetrack_engine::{Config, Engine, OptLevel};

fn rounds() -> u64 {
    std::env::var("SIDETRACK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// Leaves out some arguments: what is available must be the same then.
fn check_with_unknown(
    program: &Program,
    fresh: &Fresh,
    func: u32,
    values: &[u128],
    known: &Outcome,
    mask: u64,
) {
    let arguments: Vec<Value> =
        values.iter().enumerate().map(|(i, bits)| (mask >> i & 1 != 0).then_some(*bits)).collect();
    let outcome = program.shadow(fresh, &program.body(func), &arguments);
    match (&outcome.results, &known.results) {
        (Err(Failure::Ended(Stop::End(End::Unavailable))), _) => return,
        (Ok(some), Ok(all)) => {
            assert!(some.iter().zip(all).all(|(some, all)| some.is_none() || some == all), "{outcome:?}");
        }
        (Err(some), Err(all)) => assert_eq!(some, all),
        _ => panic!("{:?} and {:?}", outcome.results, known.results),
    }
    assert_eq!((&outcome.memories, &outcome.globals), (&known.memories, &known.globals));
}

#[test]
fn native_code_and_shadows_agree() {
    let (mut returned, mut trapped) = (0, 0);
    for round in 0..rounds() {
        let level = if round % 2 == 0 { OptLevel::Speed } else { OptLevel::None };
        let engine = Engine::new(Config::new().opt_level(level)).expect("there is an engine");
        let mut generator = Generator::new(round);
        let text = generator.module(12);
        let program = Program::new(&engine, &text);
        let (fresh, mut instance) = (Fresh::new(program.info()), program.instance());
        for func in 0..12 {
            let body = program.body(func);
            for _ in 0..16 {
                let types = TYPES.iter().chain(&TYPES);
                let values: Vec<u128> = types.map(|ty| generator.random.bits(ty)).collect();
                let arguments: Vec<Value> = values.iter().copied().map(Some).collect();
                let shadow = program.shadow(&fresh, &body, &arguments);
                let native = instance.call(&func.to_string(), &values);
                if shadow != native {
                    report(&text, round, func, &values, &shadow, &native);
                }
                *(if native.results.is_ok() { &mut returned } else { &mut trapped }) += 1;
                check_with_unknown(&program, &fresh, func, &values, &native, generator.random.next());
            }
        }
    }
    println!("{returned} returned, {trapped} trapped");
    assert!(returned > trapped, "{returned} returned, {trapped} trapped");
}

/// Says how two outcomes differ.
fn report(text: &str, round: u64, func: u32, values: &[u128], shadow: &Outcome, native: &Outcome) -> ! {
    let start = text.find(&format!("(func (export \"{func}\")")).unwrap_or(0);
    let end = text[start + 1..].find("(func (export").map_or(text.len(), |end| start + 1 + end);
    println!("{}", &text[start..end]);
    println!("round {round}, function {func}, arguments {values:x?}");
    println!(
        "shadow {:x?} {:x?}\nnative {:x?} {:x?}",
        shadow.results, shadow.globals, native.results, native.globals
    );
    for (index, (shadow, native)) in shadow.memories.iter().zip(&native.memories).enumerate() {
        for (address, (shadow, native)) in shadow.iter().zip(native).enumerate() {
            if shadow != native {
                println!("memory {index} at {address:#x}: shadow {shadow:02x}, native {native:02x}");
            }
        }
    }
    panic!("shadow and native code differ");
}
