//! A line of JSON for every operator that is executed; docs/debugging.md has the format.
//!
//! There is a line for every operator that control *reaches*, before it is executed.
//! A branch arrives *behind* the `end` of its block, or behind the `loop`; so do the
//! false way of an `if` (behind the `else`, or the `end` if there is none), `then`
//! arms that reach their `else`, and caught exceptions. So `end` has a line when
//! control falls through to it, `else` when the `then` arm does, and `loop` once each
//! time the construct is entered.

use crate::module::Module;
use crate::run::Frame;
use crate::store::{Body, Extern, Limits, Store};
use crate::value::{Stop, Value};
use std::cell::RefCell;
use std::fmt::Write;

/// What a program did, step by step.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The lines, of its start function, too.
    pub lines: Vec<String>,
    /// The results, or why there are none.
    pub outcome: Result<Vec<Value>, Stop>,
}

/// Runs a module without imports from its exported function `run`, which has no
/// parameters; no more than `fuel` operators.
///
/// # Errors
/// If the module is not valid, or not such a module.
pub fn trace_run(bytes: &[u8], limits: Limits, fuel: u64) -> Result<Trace, String> {
    let lines = RefCell::new(Vec::new());
    let mut store = Store::new(limits);
    store.set_fuel(fuel);
    store.trace(|line| lines.borrow_mut().push(line.to_string()));
    let module = Module::new(bytes)?;
    let instance = store.instantiate(&module, &[]).map_err(|error| format!("{error:?}"))?;
    let Some(Extern::Func(run)) = store.export(instance, "run") else {
        return Err("it exports no function `run`".to_string());
    };
    let outcome = store.call(run, &[]);
    drop(store);
    Ok(Trace { lines: lines.into_inner(), outcome })
}

impl<'a> Store<'a> {
    /// Tells the sink about the operator that `frame` is about to execute.
    pub(super) fn report(&mut self, frame: &Frame<'a>) {
        if self.sink.is_none() {
            return;
        }
        let pc = frame.code.operators[frame.at].0;
        let (locals, stack) = (self.list(&frame.locals), self.list(&frame.operands.0));
        let line =
            format!(r#"{{"func":{},"pc":{pc},"locals":[{locals}],"stack":[{stack}]}}"#, frame.function);
        if let Some(sink) = &mut self.sink {
            sink(&line);
        }
    }

    fn list(&self, values: &[Value]) -> String {
        let mut text = String::new();
        for (number, value) in values.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            _ = write!(text, "{comma}\"{}\"", self.text(*value));
        }
        text
    }

    /// A value as traces show it.
    pub fn text(&self, value: Value) -> String {
        match value {
            Value::I32(x) => format!("i32:{x}"),
            Value::I64(x) => format!("i64:{x}"),
            Value::F32(bits) => {
                let x = f32::from_bits(bits);
                let payload = x.is_nan().then_some(u64::from(bits & 0x007f_ffff));
                format!("f32:{}", float(x.into(), payload, bits >> 31 == 1, -126))
            }
            Value::F64(bits) => {
                let x = f64::from_bits(bits);
                let payload = x.is_nan().then_some(bits & 0x000f_ffff_ffff_ffff);
                format!("f64:{}", float(x, payload, bits >> 63 == 1, -1022))
            }
            Value::V128(x) => format!("v128:0x{x:032x}"),
            Value::Func(None) => "funcref:null".to_owned(),
            Value::Func(Some(func)) => match &self.funcs[func.0].body {
                Body::Wasm { index, .. } => format!("funcref:{index}"),
                Body::Host(_) => "funcref:?".to_owned(),
            },
            Value::Extern(None) => "externref:null".to_owned(),
            Value::Extern(Some(number)) => format!("externref:{number}"),
            Value::Exn(None) => "exnref:null".to_owned(),
            Value::Exn(Some(exception)) => format!("exnref:{}", exception.0),
        }
    }
}

/// A float as C's `%a` writes it; `least` is the smallest exponent of a normal number.
fn float(x: f64, payload: Option<u64>, negative: bool, least: i32) -> String {
    let sign = if negative { "-" } else { "" };
    if let Some(payload) = payload {
        return format!("{sign}nan:0x{payload:x}");
    }
    let mut rest = x.abs();
    if rest.is_infinite() {
        return format!("{sign}inf");
    }
    if rest == 0.0 {
        return format!("{sign}0x0p+0");
    }
    // Scales the number to 1 <= rest < 2, or less for what is not normal. All steps are
    // exact, since no more digits come up than the number has.
    let mut exponent = 0;
    while rest >= 2.0 {
        (rest, exponent) = (rest / 2.0, exponent + 1);
    }
    while rest < 1.0 && exponent > least {
        (rest, exponent) = (rest * 2.0, exponent - 1);
    }
    let mut text = format!("{sign}0x{}", rest.trunc());
    rest = rest.fract();
    if rest != 0.0 {
        text.push('.');
    }
    while rest != 0.0 {
        rest *= 16.0;
        _ = write!(text, "{:x}", rest.trunc() as u8);
        rest = rest.fract();
    }
    _ = write!(text, "p{exponent:+}");
    text
}
