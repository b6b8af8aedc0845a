//! Places in a module's code, as people write them.

use anyhow::{Context as _, bail};
use sidetrack_engine::{Module, Result, demangle};

/// An operator of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function's index.
    pub func: u32,
    /// The wasm pc.
    pub pc: u32,
}

/// The place that a text says: `0x1f4` is a wasm pc, or what stands there behind it; `12`
/// is the first operator of function 12, `malloc` that of the function with the name,
/// in the name section or as an export. The module's name and a `!` may stand before it.
///
/// # Errors
/// If there is no such place, or control never comes to it.
pub fn resolve(module: &Module, text: &str) -> Result<Place> {
    let text = within(module, text);
    match text.strip_prefix("0x") {
        None => {
            let func = function(module, text)?;
            at(module, module.info().functions[func as usize].body.start)
        }
        Some(digits) => {
            let pc = u32::from_str_radix(digits, 16);
            at(module, pc.ok().with_context(|| format!("`{text}` is no wasm pc"))?)
        }
    }
}

/// The text without the module's name before it.
fn within<'a>(module: &Module, text: &'a str) -> &'a str {
    match text.split_once('!') {
        Some((space, rest)) if module.name() == Some(space) => rest,
        _ => text,
    }
}

/// The index of the function that a text says, one that the module defines.
///
/// # Errors
/// If there is none.
pub fn function(module: &Module, text: &str) -> Result<u32> {
    let info = module.info();
    let text = within(module, text);
    let func = match text.parse::<u32>() {
        Ok(index) => index,
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => u32::MAX,
        Err(_) => named(module, text)?,
    };
    let count = info.functions.len();
    if func as usize >= count {
        bail!("there is no function {text}; the module has {count}");
    }
    if info.is_imported_function(func) {
        bail!("function {text} is imported and has no code here");
    }
    Ok(func)
}

fn named(module: &Module, name: &str) -> Result<u32> {
    let info = module.info();
    let functions = info.functions.iter().enumerate();
    let mut found: Vec<u32> = functions
        .filter(|(_, function)| function.name.as_deref() == Some(name))
        .map(|(index, _)| index as u32)
        .collect();
    if found.is_empty() {
        found.extend(exported(module, name));
    }
    if found.is_empty() {
        let functions = info.functions.iter().enumerate();
        let shown = |name: &str| demangle(name).into_owned();
        found.extend(functions.filter_map(|(index, function)| {
            (shown(function.name.as_deref()?) == name).then_some(index as u32)
        }));
    }
    match found[..] {
        [func] => Ok(func),
        [] => bail!("there is no function `{name}`"),
        _ => bail!("there are several functions `{name}`: {found:?}; name one by its index"),
    }
}

fn exported(module: &Module, name: &str) -> Option<u32> {
    use sidetrack_engine::EntityIndex;
    module.info().exports.iter().find_map(|export| match export.index {
        EntityIndex::Func(index) if export.name == name => Some(index),
        _ => None,
    })
}

/// The operator at a wasm pc, or the next one of its function.
fn at(module: &Module, pc: u32) -> Result<Place> {
    let (func, pc) = module.breakpoint_place(pc)?;
    Ok(Place { func, pc })
}

/// A function's name, or what it is called by as an export.
pub fn name(module: &Module, func: u32) -> Option<&str> {
    use sidetrack_engine::EntityIndex;
    let info = module.info();
    let exported = || {
        let export = info.exports.iter().find(|export| export.index == EntityIndex::Func(func));
        export.map(|export| export.name.as_str())
    };
    info.functions.get(func as usize)?.name.as_deref().or_else(exported)
}

/// Whether a text is in a function's name, as the module has it or as it is shown.
pub fn is_called(module: &Module, func: u32, text: &str) -> bool {
    name(module, func).is_some_and(|name| name.contains(text) || demangle(name).contains(text))
}
