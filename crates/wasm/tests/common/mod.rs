//! Translating whole modules, with everything that comes out verified.

use sidetrack_ir::{Function, verifier};
use sidetrack_wasm::{
    Instrument, Options, Translation, WasmError, entry_stub, exit_stub, needed_stubs, parse,
};

/// Both ways to check memory accesses.
pub const OPTIONS: [Options; 3] = [
    Options { guard_pages: true, instrument: Instrument::Off },
    Options { guard_pages: false, instrument: Instrument::Off },
    Options { guard_pages: true, instrument: Instrument::On { blocks: false, writable: false } },
];

/// Every function of a module, then its stubs.
///
/// # Errors
/// The first that translation reports.
///
/// # Panics
/// If a function does not pass the verifier.
pub fn translate(bytes: &[u8], options: &Options) -> Result<Vec<Function>, WasmError> {
    let module: Translation<'_> = parse(bytes)?;
    let defined = module.info.imported_functions..module.info.functions.len() as u32;
    let mut functions = defined.map(|i| module.translate(i, options)).collect::<Result<Vec<_>, _>>()?;
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
