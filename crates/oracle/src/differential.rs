//! Random modules, in the plain interpreter and in the engine in all its settings.
//!
//! Problem: what the engine does must not depend on target, optimisation or
//! instrumentation, and must be what WebAssembly says. Approach: wasm-smith makes valid
//! modules that end; each of their exported functions is called with the same arguments
//! everywhere, and results, traps, memories and globals are compared after each call.
//! NaNs are made canonical by the module itself, since their bits may differ between
//! processors. How deep the stack may get is left open: a call that uses it up ends the
//! comparison.

use arbitrary::Unstructured;
use sidetrack_engine::{
    Config, Engine, Extern, Func, Instance, Instrument, Module, OptLevel, Resume, Store, StoreLimits,
    StoreLimitsBuilder, Target, ThrownException, Trap, Val, ValType,
};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a memory may have at most.
pub const MEMORY_BYTES: u64 = 1 << 24;
/// What a table may have at most.
pub const TABLE_ELEMENTS: u64 = 1000;
/// Operators of loops and calls after which a module ends itself.
const FUEL: u32 = 1000;

/// Bytes that look random, from a number.
fn entropy(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A valid module without imports whose functions end; none if the seed makes none.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let config = wasm_smith::Config {
        max_imports: 0,
        // Without a type there is no function, and half of all modules would have none.
        min_types: 4,
        min_funcs: 4,
        max_funcs: 12,
        min_memories: 1,
        min_tables: 1,
        min_globals: 2,
        max_instructions: 200,
        min_exports: 4,
        export_everything: true,
        max_memories: 3,
        max_memory32_bytes: MEMORY_BYTES,
        max_memory64_bytes: u128::from(MEMORY_BYTES),
        max_table_elements: TABLE_ELEMENTS,
        allow_start_export: false,
        // Most random functions trap before they did much; these go on.
        disallow_traps: seed % 5 < 2,
        canonicalize_nans: true,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        simd_enabled: true,
        relaxed_simd_enabled: false,
        tail_call_enabled: true,
        exceptions_enabled: seed.is_multiple_of(2),
        extended_const_enabled: true,
        memory64_enabled: seed.is_multiple_of(3),
        gc_enabled: false,
        threads_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        ..wasm_smith::Config::default()
    };
    let bytes = entropy(seed, 1 << 15);
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    module.ensure_termination(FUEL).ok()?;
    Some(module.to_bytes())
}

/// The engine in all its settings, by name.
pub struct Engines(Vec<(String, Engine, bool)>);

impl Engines {
    /// All settings that run here.
    ///
    /// # Panics
    /// If the engine does not run here.
    pub fn all() -> Self {
        let mut engines = Vec::new();
        for (target, name) in [(Target::Native, "native"), (Target::Pulley64, "pulley64")] {
            for (level, text) in [(OptLevel::None, "none"), (OptLevel::Speed, "speed")] {
                for instrument in [Instrument::Off, Instrument::default()] {
                    let mut config = Config::new();
                    config.target(target).opt_level(level).instrument(instrument);
                    config.parallel_compilation(false).verify(true);
                    let sites = instrument != Instrument::Off;
                    let name = format!("{name} {text}{}", if sites { " sites" } else { "" });
                    engines.push((name, Engine::new(&config).expect("the engine runs here"), sites));
                }
            }
        }
        Engines(engines)
    }

    /// How many settings there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a program did: a line for its instantiation, and one for each call.
pub type Story = Vec<String>;

/// The line with which a story ends early because the stack was used up.
pub const EXHAUSTED: &str = "the call stack is used up";

/// Compares what a module does in the interpreter and in all engines; returns how many
/// lines were compared.
///
/// # Errors
/// Where two differ.
pub fn check(seed: u64, wasm: &[u8], engines: &Engines) -> Result<usize, String> {
    let expected = tell_oracle(seed, wasm)?;
    let mut compared = 0;
    for (name, engine, sites) in &engines.0 {
        let mut stories = vec![(name.clone(), tell(seed, wasm, engine, false)?)];
        if *sites && seed.is_multiple_of(4) {
            stories.push((format!("{name}, stepped"), tell(seed, wasm, engine, true)?));
        }
        for (name, story) in stories {
            compared += compare(&expected, &story, &name)?;
        }
    }
    Ok(compared)
}

/// Compares two stories up to where a stack was used up.
///
/// # Errors
/// The first line that differs.
pub fn compare(expected: &[String], story: &[String], name: &str) -> Result<usize, String> {
    let mut compared = 0;
    for (index, (wanted, found)) in expected.iter().zip(story).enumerate() {
        if wanted == EXHAUSTED || found == EXHAUSTED {
            return Ok(compared);
        }
        if wanted != found {
            return Err(format!("line {index}: expected `{wanted}`, {name} says `{found}`"));
        }
        compared += 1;
    }
    if expected.len() == story.len() {
        Ok(compared)
    } else {
        Err(format!("{name} tells another number of lines"))
    }
}

/// The argument number `index` of a call, as bits.
pub fn argument(seed: u64, call: usize, index: usize) -> u128 {
    let bytes = entropy(seed ^ ((call as u64) << 32) ^ ((index as u64) << 48) ^ 0x5eed, 17);
    let bits = u128::from_le_bytes(bytes[..16].try_into().expect("sixteen bytes"));
    // Small numbers and special ones more often than others.
    match bytes[16] % 4 {
        0 => bits & 0xff,
        1 => u128::MAX,
        2 => 1 << (bits & 0x3f),
        _ => bits,
    }
}

/// What stands for a memory's contents in a story.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn show_reference(null: bool) -> String {
    (if null { "null" } else { "ref" }).to_string()
}

// The interpreter.

fn show_value(value: crate::Value) -> String {
    match value {
        crate::Value::I32(value) => format!("{value}"),
        crate::Value::I64(value) => format!("{value}"),
        crate::Value::F32(bits) => format!("{bits:#x}"),
        crate::Value::F64(bits) => format!("{bits:#x}"),
        crate::Value::V128(bits) => format!("{bits:#x}"),
        reference => show_reference(reference.is_null()),
    }
}

/// What the plain interpreter does with a module.
///
/// # Errors
/// If it does not understand the module.
pub fn tell_oracle(seed: u64, wasm: &[u8]) -> Result<Story, String> {
    let limits = crate::Limits {
        memory_bytes: MEMORY_BYTES,
        table_elements: TABLE_ELEMENTS,
        ..crate::Limits::default()
    };
    let module = crate::Module::new(wasm)?;
    let mut store = crate::Store::new(limits);
    let instance = match store.instantiate(&module, &[]) {
        Ok(instance) => instance,
        Err(crate::LinkError::Stop(stop)) => return Ok(vec![show_stop(&stop)]),
        Err(_) => return Ok(vec!["cannot be instantiated".to_string()]),
    };
    let mut story = vec!["instantiated".to_string()];
    let exports = store.exports(instance);
    for (call, (name, item)) in exports.iter().enumerate() {
        let crate::Extern::Func(func) = *item else { continue };
        let types = store.func_type(func).params.clone();
        let arguments = types.iter().enumerate().map(|(index, ty)| {
            let bits = argument(seed, call, index);
            match ty {
                wasmparser::ValType::I32 => crate::Value::I32(bits as i32),
                wasmparser::ValType::I64 => crate::Value::I64(bits as i64),
                wasmparser::ValType::F32 => crate::Value::F32(bits as u32),
                wasmparser::ValType::F64 => crate::Value::F64(bits as u64),
                wasmparser::ValType::V128 => crate::Value::V128(bits),
                ty => crate::Value::default_of(*ty),
            }
        });
        let arguments: Vec<_> = arguments.collect();
        let mut line = format!("{name}:");
        match store.call(func, &arguments) {
            Ok(results) => {
                for value in results {
                    line += &format!(" {}", show_value(value));
                }
            }
            Err(stop) => line += &format!(" {}", show_stop(&stop)),
        }
        if line.ends_with(EXHAUSTED) {
            story.push(EXHAUSTED.to_string());
            return Ok(story);
        }
        for (name, item) in &exports {
            match *item {
                crate::Extern::Memory(memory) => {
                    let bytes = store.memory_bytes(memory);
                    line += &format!("; {name} {} {:x}", bytes.len(), hash(bytes));
                }
                crate::Extern::Global(global) => {
                    line += &format!("; {name} {}", show_value(store.global_value(global)));
                }
                _ => {}
            }
        }
        story.push(line);
    }
    Ok(story)
}

fn show_stop(stop: &crate::Stop) -> String {
    match stop {
        crate::Stop::Trap(crate::Trap::StackOverflow) => EXHAUSTED.to_string(),
        crate::Stop::Trap(trap) => format!("{trap:?}"),
        crate::Stop::Exception(_) => "exception".to_string(),
        other => format!("{other:?}"),
    }
}

// The engine.

/// What the engine does with a module, perhaps stepped through.
///
/// # Errors
/// If the engine refuses the module.
pub fn tell(seed: u64, wasm: &[u8], engine: &Engine, step: bool) -> Result<Story, String> {
    let module = Module::from_binary(engine, wasm).map_err(|error| format!("{error:#}"))?;
    let limits = StoreLimitsBuilder::new()
        .memory_size(MEMORY_BYTES as usize)
        .table_elements(TABLE_ELEMENTS as usize)
        .build();
    let mut store: Store<StoreLimits> = Store::new(engine, limits);
    store.limiter(|limits| limits);
    if step {
        store.debug_handler(|_, _| Ok(Resume::Step));
        store.stop_at_entry();
    }
    let instance = match Instance::new(&mut store, &module, &[]) {
        Ok(instance) => instance,
        Err(error) => return Ok(vec![show_error(&error).unwrap_or("cannot be instantiated".to_string())]),
    };
    let mut story = vec!["instantiated".to_string()];
    let exports = instance.exports(&mut store);
    for (call, (name, item)) in exports.iter().enumerate() {
        let Extern::Func(func) = *item else { continue };
        let mut line = format!("{name}:{}", call_engine(seed, call, &mut store, func));
        if line.ends_with(EXHAUSTED) {
            story.push(EXHAUSTED.to_string());
            return Ok(story);
        }
        for (name, item) in &exports {
            match *item {
                Extern::Memory(memory) => {
                    let bytes = memory.data(&store);
                    line += &format!("; {name} {} {:x}", bytes.len(), hash(bytes));
                }
                Extern::Global(global) => line += &format!("; {name} {}", show(&global.get(&mut store))),
                _ => {}
            }
        }
        story.push(line);
    }
    Ok(story)
}

fn call_engine(seed: u64, call: usize, store: &mut Store<StoreLimits>, func: Func) -> String {
    let ty = func.ty(&*store);
    let arguments = ty.params.iter().enumerate().map(|(index, ty)| {
        let bits = argument(seed, call, index);
        match ty {
            ValType::I32 => Val::I32(bits as i32),
            ValType::I64 => Val::I64(bits as i64),
            ValType::F32 => Val::F32(bits as u32),
            ValType::F64 => Val::F64(bits as u64),
            ValType::V128 => Val::V128(bits.into()),
            ValType::Ref(ty) => Val::null_ref(ty.heap),
        }
    });
    let arguments: Vec<Val> = arguments.collect();
    let mut results = vec![Val::I32(0); ty.results.len()];
    match func.call(&mut *store, &arguments, &mut results) {
        Ok(()) => results.iter().map(|value| format!(" {}", show(value))).collect(),
        Err(error) => format!(" {}", show_error(&error).unwrap_or_else(|| format!("{error:#}"))),
    }
}

fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => format!("{value}"),
        Val::I64(value) => format!("{value}"),
        Val::F32(bits) => format!("{bits:#x}"),
        Val::F64(bits) => format!("{bits:#x}"),
        Val::V128(bits) => format!("{:#x}", bits.as_u128()),
        Val::FuncRef(value) => show_reference(value.is_none()),
        Val::ExternRef(value) => show_reference(value.is_none()),
        Val::ExnRef(value) => show_reference(value.is_none()),
    }
}

fn show_error(error: &sidetrack_engine::Error) -> Option<String> {
    if error.downcast_ref::<ThrownException>().is_some() {
        return Some("exception".to_string());
    }
    match error.downcast_ref::<Trap>()? {
        Trap::StackOverflow => Some(EXHAUSTED.to_string()),
        trap => Some(format!("{trap:?}")),
    }
}
