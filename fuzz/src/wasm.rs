//! Random modules on Wasmtime, told as the engine's stories are.

use sidetrack_oracle::differential::{EXHAUSTED, Story, argument, hash};
use wasmtime::{
    Config, Engine, Extern, HeapType, Instance, Module, Store, StoreLimits, StoreLimitsBuilder, Trap, Val,
    ValType,
};

/// Wasmtime with the proposals that the modules use.
///
/// # Errors
/// If it does not run here.
pub fn engine() -> Result<Engine, String> {
    let mut config = Config::new();
    config.wasm_exceptions(true).wasm_memory64(true).wasm_multi_memory(true).wasm_tail_call(true);
    Engine::new(&config).map_err(|error| error.to_string())
}

/// What it does with a module.
///
/// # Errors
/// If it refuses the module.
pub fn tell(seed: u64, wasm: &[u8], engine: &Engine, limits: (usize, usize)) -> Result<Story, String> {
    let module = Module::from_binary(engine, wasm).map_err(|error| format!("{error:#}"))?;
    let limits = StoreLimitsBuilder::new().memory_size(limits.0).table_elements(limits.1).build();
    let mut store: Store<StoreLimits> = Store::new(engine, limits);
    store.limiter(|limits| limits);
    let instance = match Instance::new(&mut store, &module, &[]) {
        Ok(instance) => instance,
        Err(error) => return Ok(vec![show_error(&error).unwrap_or("cannot be instantiated".to_string())]),
    };
    let mut story = vec!["instantiated".to_string()];
    let names: Vec<String> = module.exports().map(|export| export.name().to_string()).collect();
    let exports: Vec<(String, Extern)> = names
        .into_iter()
        .filter_map(|name| instance.get_export(&mut store, &name).map(|item| (name, item)))
        .collect();
    for (call, (name, item)) in exports.iter().enumerate() {
        let Extern::Func(func) = item else { continue };
        let ty = func.ty(&store);
        let arguments: Vec<Val> = ty
            .params()
            .enumerate()
            .map(|(index, ty)| {
                let bits = argument(seed, call, index);
                match ty {
                    ValType::I32 => Val::I32(bits as i32),
                    ValType::I64 => Val::I64(bits as i64),
                    ValType::F32 => Val::F32(bits as u32),
                    ValType::F64 => Val::F64(bits as u64),
                    ValType::V128 => Val::V128(bits.into()),
                    ValType::Ref(ty) => match ty.heap_type() {
                        HeapType::Extern | HeapType::NoExtern => Val::ExternRef(None),
                        HeapType::Exn | HeapType::NoExn => Val::ExnRef(None),
                        _ => Val::FuncRef(None),
                    },
                }
            })
            .collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        let mut line = format!("{name}:");
        match func.call(&mut store, &arguments, &mut results) {
            Ok(()) => results.iter().for_each(|value| line += &format!(" {}", show(value))),
            Err(error) => line += &format!(" {}", show_error(&error).unwrap_or_else(|| format!("{error:#}"))),
        }
        if line.ends_with(EXHAUSTED) {
            story.push(EXHAUSTED.to_string());
            return Ok(story);
        }
        for (name, item) in &exports {
            match item {
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

fn show(value: &Val) -> String {
    let reference = |null: bool| (if null { "null" } else { "ref" }).to_string();
    match value {
        Val::I32(value) => format!("{value}"),
        Val::I64(value) => format!("{value}"),
        Val::F32(bits) => format!("{bits:#x}"),
        Val::F64(bits) => format!("{bits:#x}"),
        Val::V128(bits) => format!("{:#x}", bits.as_u128()),
        Val::FuncRef(value) => reference(value.is_none()),
        Val::ExternRef(value) => reference(value.is_none()),
        Val::ExnRef(value) => reference(value.is_none()),
        _ => reference(true),
    }
}

/// The name that a trap has in the engine's stories.
fn show_error(error: &wasmtime::Error) -> Option<String> {
    if error.downcast_ref::<wasmtime::ThrownException>().is_some() {
        return Some("exception".to_string());
    }
    Some(match error.downcast_ref::<Trap>()? {
        Trap::StackOverflow => EXHAUSTED.to_string(),
        Trap::IntegerDivisionByZero => "IntegerDivisionByZero".to_string(),
        trap => format!("{trap:?}"),
    })
}
