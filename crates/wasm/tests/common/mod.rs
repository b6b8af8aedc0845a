//! Translating whole modules, with everything that comes out verified, and what holds
//! for sites checked.

#![allow(dead_code, reason = "each test uses some")]

pub mod live;
pub mod sites;

use sidetrack_ir::{Function, verifier};
use sidetrack_wasm::{
    Instrument, Options, Translation, WasmError, entry_stub, exit_stub, needed_stubs, parse,
};

/// Without sites, accesses not checked.
pub const PLAIN: Options = Options { guard_pages: true, whole_stores: 16, instrument: Instrument::Off };
/// With sites.
pub const SITES: Options = Options {
    guard_pages: true,
    whole_stores: 16,
    instrument: Instrument::On { blocks: false, writable: false },
};
/// With sites that are fences at all block heads.
pub const BLOCKS: Options = Options {
    guard_pages: true,
    whole_stores: 16,
    instrument: Instrument::On { blocks: true, writable: true },
};

/// All options that make a difference.
pub const OPTIONS: [Options; 4] = [PLAIN, Options { guard_pages: false, ..PLAIN }, SITES, BLOCKS];

/// Every function of a module, then its stubs.
///
/// # Errors
/// The first that translation reports.
///
/// # Panics
/// If a function does not pass the verifier, or its sites are not where they must be.
pub fn translate(bytes: &[u8], options: &Options) -> Result<Vec<Function>, WasmError> {
    let module: Translation<'_> = parse(bytes)?;
    let defined = module.info.imported_functions..module.info.functions.len() as u32;
    let mut functions = defined.map(|i| module.translate(i, options)).collect::<Result<Vec<_>, _>>()?;
    if options.instrument.is_on() {
        let bodies = live::bodies(bytes);
        functions.iter().zip(&bodies).for_each(|(func, body)| sites::check(func, body));
    }
    let stubs = needed_stubs(&module.info);
    functions.extend(stubs.entry.iter().map(|&ty| entry_stub(&module.info, ty)));
    functions.extend(stubs.exit.iter().map(|&ty| exit_stub(&module.info, ty)));
    for func in &functions {
        if let Err(errors) = verifier::verify(func) {
            panic!("{errors}\nin\n{func}");
        }
    }
    Ok(functions)
}
