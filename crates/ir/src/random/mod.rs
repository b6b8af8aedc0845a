//! Random functions for differential tests: well-typed, terminating, defined.
//!
//! Problem: interpreter, optimiser and code generators must agree on functions
//! that nobody thought of. Approach: functions are built from structured pieces
//! (straight lines, diamonds, tables, counted loops), so that values always
//! dominate their uses, and every choice is read from a sequence of bytes.
//!
//! Invariants: the verifier takes every function. Calls go to functions
//! generated earlier, and a function runs at most [`MAX_COST`] instructions,
//! callees included. Results are specified to the bit: a float operation whose
//! NaN could have any payload is followed by a choice that makes it one NaN,
//! carries are 0 or 1, memory is written before it is read, and addresses flow
//! into nothing but accesses and calls.

mod call;
mod control;
mod entropy;
mod memory;
mod scalar;

#[cfg(test)]
mod tests;

pub use entropy::Entropy;

use crate::builder::Builder;
use crate::entities::{StackSlot, Value};
use crate::function::Function;
use crate::opcode::Opcode;
use crate::signature::{AbiParam, ArgumentExtension, CallConv, ExternalName, Signature};
use crate::types::{I64, Type};

/// How many instructions a generated function runs at most, callees included.
pub const MAX_COST: u64 = 200_000;

/// What may be generated. The default is everything.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many functions at most, hooks not counted.
    pub functions: usize,
    /// How many pieces (instructions with what they need, or control structures)
    /// a function has at most.
    pub pieces: usize,
    /// How many parameters at most.
    pub params: usize,
    /// How many return values at most.
    pub returns: usize,
    /// The calling conventions of the functions.
    pub conventions: Vec<CallConv>,
    /// Whether code may trap.
    pub traps: bool,
    /// Whether stack slots are used.
    pub memory: bool,
    /// Whether memory is also accessed atomically.
    pub atomics: bool,
    /// Whether accesses may be big-endian.
    pub big_endian: bool,
    /// Whether there are patchable calls of `preserve_all` hooks.
    pub hooks: bool,
    /// Whether calls may be `try_call`.
    pub try_calls: bool,
    /// Whether calls may be indirect.
    pub indirect_calls: bool,
    /// Whether there are vectors: in half of all sets.
    pub vectors: bool,
    /// Opcodes never to use.
    pub exclude: Vec<Opcode>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            functions: 4,
            pieces: 40,
            params: 12,
            returns: 4,
            conventions: vec![CallConv::Fast, CallConv::SystemV, CallConv::Tail],
            traps: true,
            memory: true,
            atomics: true,
            big_endian: true,
            hooks: true,
            try_calls: true,
            indirect_calls: true,
            vectors: true,
            exclude: Vec::new(),
        }
    }
}

/// How many bytes of choices a seed stands for.
const SEED_BYTES: usize = 1 << 13;

/// The functions that a seed stands for. Callees come before their callers; those
/// named `%hook…` are the callees of patchable calls, the others `%f0`, `%f1`, ….
pub fn function_set(seed: u64, config: &Config) -> Vec<Function> {
    function_set_from(&mut Entropy::from_seed(seed, SEED_BYTES), config)
}

/// The functions that these choices make.
pub fn function_set_from(entropy: &mut Entropy, config: &Config) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut callees = Vec::new();
    let config = &Config { vectors: config.vectors && entropy.one_in(2), ..config.clone() };
    if config.hooks {
        for number in 0..2 {
            let name = ExternalName::named(&format!("hook{number}"));
            let signature = hook_signature(entropy, config);
            generate(entropy, config, name, signature, &mut functions, &mut callees);
        }
    }
    let count = 1 + entropy.below(config.functions);
    for number in 0..count {
        let name = ExternalName::named(&format!("f{number}"));
        let signature = signature(entropy, config);
        generate(entropy, config, name, signature, &mut functions, &mut callees);
    }
    functions
}

fn generate(
    entropy: &mut Entropy,
    config: &Config,
    name: ExternalName,
    signature: Signature,
    functions: &mut Vec<Function>,
    callees: &mut Vec<Callee>,
) {
    let mut func = Function::new(name.clone(), signature.clone());
    let mut body = Body {
        entropy,
        config,
        callees,
        builder: Builder::new(&mut func),
        scope: Vec::new(),
        slots: Vec::new(),
        pieces: config.pieces,
        cost: 0,
        iterations: 1,
        depth: 0,
        tag: 0,
    };
    body.function();
    let cost = body.cost;
    functions.push(func);
    callees.push(Callee { name, signature, cost });
}

/// A function that later ones may call.
struct Callee {
    name: ExternalName,
    signature: Signature,
    cost: u64,
}

impl Callee {
    fn is_hook(&self) -> bool {
        self.signature.call_conv == CallConv::PreserveAll
    }
}

/// A function while it is generated.
struct Body<'b> {
    entropy: &'b mut Entropy,
    config: &'b Config,
    callees: &'b [Callee],
    builder: Builder<'b>,
    /// The values that may be used here.
    scope: Vec<Value>,
    slots: Vec<StackSlot>,
    /// How many pieces may yet be generated.
    pieces: usize,
    /// How many instructions run at most so far.
    cost: u64,
    /// How often the code being generated runs at most in one call.
    iterations: u64,
    /// How deep control structures are nested here.
    depth: u32,
    /// The next site's tag.
    tag: u64,
}

fn param(entropy: &mut Entropy, config: &Config) -> AbiParam {
    let ty = any_type(entropy, config);
    let mut param = AbiParam::new(ty);
    if ty.is_int() && ty != I64 && entropy.one_in(4) {
        param.extension = entropy.pick(&[ArgumentExtension::Uext, ArgumentExtension::Sext]);
    }
    param
}

/// Mostly i64 and i32, for zero i64.
fn any_type(entropy: &mut Entropy, config: &Config) -> Type {
    if config.vectors && entropy.one_in(4) {
        return entropy.pick(&Type::VECTORS);
    }
    let [i8, i16, i32, i64, f32, f64] = Type::SCALARS;
    entropy.pick(&[i64, i32, i64, i32, i8, i16, f32, f64])
}

fn signature(entropy: &mut Entropy, config: &Config) -> Signature {
    let mut signature = Signature::new(entropy.pick(&config.conventions));
    let count = entropy.below(config.params + 1);
    signature.params = (0..count).map(|_| param(entropy, config)).collect();
    // One i64 is frequent, so that functions can tail-call each other.
    if config.returns == 0 || entropy.one_in(2) {
        let count = entropy.below(config.returns + 1);
        signature.returns = (0..count).map(|_| AbiParam::new(any_type(entropy, config))).collect();
    } else {
        signature.returns = vec![AbiParam::new(I64)];
    }
    signature
}

/// A `preserve_all` signature; each return value has a parameter of its type.
fn hook_signature(entropy: &mut Entropy, config: &Config) -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    let count = entropy.below(5);
    signature.params = (0..count).map(|_| AbiParam::new(any_type(entropy, config))).collect();
    let results = entropy.below(count.min(2) + 1);
    signature.returns = signature.params.iter().rev().take(results).copied().collect();
    signature
}
