//! Step traces of the WebAssembly oracle beside Wasmtime's single steps.
//!
//! Both run a program from its function `run`; every line must be the same. Numbers of
//! exceptions are not compared, since Wasmtime does not give any, and neither are lines
//! that only one has because the other's call stack is used up.

use sidetrack_oracle::{self as oracle, Limits};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use wasmtime::{
    AsContextMut, Config, DebugEvent, DebugHandler, Engine, ExternType, Instance, Module, Store,
    StoreContextMut, Trap, Val,
};

/// Programs in which they differ, and why: a difference is wanted there.
const DIFFERENT: [(&str, &str); 2] = [
    ("if_operands", "in a `then` arm, Wasmtime shows the operands of the `if` once more below"),
    ("nan_extremes", "another choice among NaNs, which the specification allows"),
];

/// Compares all programs, files or folders of them; how many lines were the same.
///
/// # Errors
/// The first difference of every program that has one.
pub fn check(paths: &[PathBuf]) -> Result<usize, String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    files.sort();
    let (mut lines, mut differences) = (0, Vec::new());
    for file in files {
        let reason = DIFFERENT.iter().find(|(name, _)| file.file_stem().is_some_and(|stem| stem == *name));
        match (compare(&file), reason) {
            (Ok(count), None) => lines += count,
            (Err(_), Some((name, reason))) => println!("{name}: {reason}"),
            (Err(difference), None) => differences.push(format!("{}: {difference}", file.display())),
            (Ok(_), Some((name, _))) => differences.push(format!("{name}: no difference any more")),
        }
    }
    if differences.is_empty() { Ok(lines) } else { Err(differences.join("\n")) }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_path_buf());
    }
    Ok(())
}

fn compare(file: &Path) -> Result<usize, String> {
    let bytes = wat::parse_file(file).map_err(|error| error.to_string())?;
    let (ours, overflow) = oracle_trace(&bytes)?;
    let theirs = wasmtime_trace(&bytes, ours.len() + 1).map_err(|error| format!("{error:#}"))?;
    let shorter = ours.len().min(theirs.len());
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        if ours != theirs {
            return Err(format!("line {}:\n  oracle   {ours}\n  wasmtime {theirs}", number + 1));
        }
    }
    if !overflow && ours.len() != theirs.len() {
        let next = ours.get(shorter).or(theirs.get(shorter));
        return Err(format!("{} and {} lines; then {next:?}", ours.len(), theirs.len()));
    }
    Ok(shorter)
}

/// The oracle's lines, and whether the call stack was used up.
fn oracle_trace(bytes: &[u8]) -> Result<(Vec<String>, bool), String> {
    let limits = Limits { stack: 1 << 15, ..Limits::default() };
    let trace = oracle::trace_run(bytes, limits, u64::MAX)?;
    let overflow = trace.outcome == Err(oracle::Stop::Trap(oracle::Trap::StackOverflow));
    Ok((trace.lines.iter().map(|line| without_exceptions(line)).collect(), overflow))
}

/// The line with `?` for every number of an exception.
fn without_exceptions(line: &str) -> String {
    let mut parts = line.split("exnref:");
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let number = part.chars().take_while(char::is_ascii_digit).count();
        text.push_str(if number == 0 { "exnref:" } else { "exnref:?" });
        text.push_str(&part[number..]);
    }
    text
}

/// Keeps a line for every step.
#[derive(Clone)]
struct Recorder {
    lines: Arc<Mutex<Vec<String>>>,
    /// Functions that the module imports.
    imported: u32,
    /// How many lines to keep at most.
    limit: usize,
}

impl DebugHandler for Recorder {
    type Data = ();

    fn handle(
        &self,
        mut store: StoreContextMut<'_, ()>,
        event: DebugEvent<'_>,
    ) -> impl Future<Output = ()> + Send {
        if matches!(event, DebugEvent::Breakpoint) {
            let mut lines = self.lines.lock().expect("nothing panics with it");
            if lines.len() < self.limit {
                let line = line(&mut store, self.imported);
                lines.push(line.unwrap_or_else(|error| format!("{error:#}")));
            }
        }
        async {}
    }
}

/// The innermost frame as a line.
fn line(store: &mut StoreContextMut<'_, ()>, imported: u32) -> wasmtime::Result<String> {
    let frame = store.debug_exit_frames().next().expect("a function is at the breakpoint");
    let (func, pc) = frame.wasm_function_index_and_pc(&mut *store)?.expect("it is of a module");
    let instance = frame.instance(&mut *store)?;
    let mut lists = [Vec::new(), Vec::new()];
    for index in 0..frame.num_locals(&mut *store)? {
        let value = frame.local(&mut *store, index)?;
        lists[0].push(text(store, instance, value));
    }
    for index in 0..frame.num_stacks(&mut *store)? {
        let value = frame.stack(&mut *store, index)?;
        lists[1].push(text(store, instance, value));
    }
    let [locals, stack] = lists.map(|values| values.join(","));
    let func = imported + func.as_u32();
    Ok(format!(r#"{{"func":{func},"pc":{},"locals":[{locals}],"stack":[{stack}]}}"#, pc.raw()))
}

fn text(store: &mut StoreContextMut<'_, ()>, instance: Instance, value: Val) -> String {
    let value = match value {
        Val::I32(x) => oracle::Value::I32(x),
        Val::I64(x) => oracle::Value::I64(x),
        Val::F32(bits) => oracle::Value::F32(bits),
        Val::F64(bits) => oracle::Value::F64(bits),
        Val::V128(x) => oracle::Value::V128(x.as_u128()),
        Val::FuncRef(None) => oracle::Value::Func(None),
        Val::FuncRef(Some(func)) => {
            // The index is not told; it is that of the same function.
            let raw = func.to_raw(store.as_context_mut());
            let same = |index: &u32| {
                let other = instance.debug_function(store.as_context_mut(), *index);
                other.is_some_and(|other| other.to_raw(store.as_context_mut()) == raw)
            };
            let index = (0..1000).find(same);
            return index.map_or("\"funcref:?\"".to_string(), |index| format!("\"funcref:{index}\""));
        }
        Val::ExternRef(None) => oracle::Value::Extern(None),
        Val::ExnRef(None) => oracle::Value::Exn(None),
        Val::ExnRef(Some(_)) => return "\"exnref:?\"".to_string(),
        other => return format!("\"{other:?}\""),
    };
    format!("\"{}\"", oracle::Store::default().text(value))
}

/// The lines of Wasmtime's single steps, no more than `limit`.
fn wasmtime_trace(bytes: &[u8], limit: usize) -> wasmtime::Result<Vec<String>> {
    let mut config = Config::new();
    config.guest_debug(true).wasm_exceptions(true).wasm_function_references(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, bytes)?;
    let functions = module.imports().filter(|import| matches!(import.ty(), ExternType::Func(_)));
    let (lines, imported) = (Arc::default(), functions.count() as u32);
    let mut store = Store::new(&engine, ());
    store.set_debug_handler(Recorder { lines: Arc::clone(&lines), imported, limit });
    store.edit_breakpoints().expect("debugging is on").single_step(true)?;
    let instance = finish(Instance::new_async(&mut store, &module, &[]))?;
    let run = instance.get_func(&mut store, "run").expect("there is a function `run`");
    let mut results = vec![Val::I32(0); run.ty(&store).results().len()];
    if let Err(error) = finish(run.call_async(&mut store, &[], &mut results)) {
        let expected = error.is::<Trap>() || error.is::<wasmtime::ThrownException>();
        if !expected {
            return Err(error);
        }
    }
    drop(store);
    Ok(std::mem::take(&mut lines.lock().expect("nothing panics with it")))
}

/// Runs a future that never waits for anything outside.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
