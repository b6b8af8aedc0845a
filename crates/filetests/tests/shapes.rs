//! What compiling costs grows as the program does, whatever it has many of: the work of each
//! pass on programs of size n, 2n and 4n, counted and not timed.

use sidetrack_engine::{Config, Engine, Instrument, Module, OptLevel};
use sidetrack_filetests::shapes::{FUNCTIONS, Family, MODULES, SITES};
use sidetrack_ir::work;
use std::collections::BTreeMap;

/// How much more the work of a pass may be for four times as much.
const FACTOR: u64 = 5;
/// What a pass may do besides; counts below this say nothing.
const CONSTANT: u64 = 1000;

type Work = BTreeMap<&'static str, u64>;

fn check(family: &Family, setting: &str, compile: impl Fn(&str) -> Result<(), String>) -> Vec<String> {
    let of = |n: usize| -> Work {
        work::take();
        let text = (family.text)(n);
        compile(&text).unwrap_or_else(|error| panic!("{}, {setting}, {n}: {error}", family.name));
        work::take()
    };
    let [one, two, four] = [1, 2, 4].map(|times| of(family.small * times));
    assert!(one.contains_key("regalloc"), "{}: nothing was counted", family.name);
    let mut faults = Vec::new();
    for (pass, &most) in &four {
        let [less, middle] = [&one, &two].map(|work| work.get(pass).copied().unwrap_or_default());
        if most > less * FACTOR + CONSTANT {
            faults.push(format!("{}, {setting}: {pass}: {less}, {middle}, {most}", family.name));
        }
    }
    faults
}

#[test]
fn modules() {
    let mut faults = Vec::new();
    for (level, instrument) in [
        (OptLevel::None, Instrument::Off),
        (OptLevel::Speed, Instrument::Off),
        (OptLevel::Speed, Instrument::On { blocks: false, writable: false }),
    ] {
        let mut config = Config::new();
        config.opt_level(level).instrument(instrument).parallel_compilation(false);
        let engine = Engine::new(&config).expect("it runs here");
        for family in MODULES {
            faults.extend(check(family, &format!("{level:?}, {instrument:?}"), |text| {
                Module::new(&engine, text).map(drop).map_err(|error| error.to_string())
            }));
        }
    }
    assert!(faults.is_empty(), "work at sizes n, 2n, 4n:\n{}", faults.join("\n"));
}

#[test]
fn functions() {
    let mut faults = Vec::new();
    for level in ["none", "speed"] {
        for target in sidetrack_codegen::isa::TARGETS {
            let mut flags = sidetrack_codegen::Flags::default();
            flags.set("opt_level", Some(level)).expect("there is such a setting");
            let isa = sidetrack_codegen::lookup(target).expect("it is listed").finish(flags);
            for family in FUNCTIONS.iter().chain(SITES) {
                faults.extend(check(family, &format!("{target}, {level}"), |text| {
                    let functions =
                        sidetrack_ir::text::parse_functions(text).map_err(|error| error.to_string())?;
                    let compile = |func| sidetrack_codegen::compile(func, &*isa).map(drop);
                    functions.iter().try_for_each(compile).map_err(|error| error.to_string())
                }));
            }
        }
    }
    assert!(faults.is_empty(), "work at sizes n, 2n, 4n:\n{}", faults.join("\n"));
}
