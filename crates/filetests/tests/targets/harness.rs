//! Compiled functions on an engine that runs images, called with values.

use crate::ops::Machine;
use sidetrack_artifact::{Architecture, Image, SymbolName, TrapCode as ArtifactCode};
use sidetrack_codegen::{TargetIsa, compile, symbol_name};
use sidetrack_ir::interp::{FunctionStore, Interpreter};
use sidetrack_ir::random::{self, Config, Entropy};
use sidetrack_ir::types::I64;
use sidetrack_ir::{
    Builder, CallConv, DataValue, ExternalName, Extra, Function, MemFlags, Opcode, Signature, TrapCode, Type,
    Value,
};
use sidetrack_patch::exec::{ExecTrap, link};
use std::sync::Arc;

/// What runs an image.
pub trait Engine: Sized {
    /// The target that it runs.
    const TARGET: &str;
    /// What its images are for.
    const ARCHITECTURE: Architecture;
    /// Loads an image.
    fn load(image: Image) -> Self;
    /// Calls a trampoline.
    fn invoke(&mut self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap>;
    /// Switches every site.
    fn switch_all(&mut self, on: bool);
    /// Switches the sites of a function with this tag; how many there are.
    fn switch(&mut self, function: &SymbolName, tag: u64, on: bool) -> usize;
}

/// A function that takes the address of slots of 8 bytes, calls `callee` with the
/// values in them, and stores the results back.
pub fn trampoline(number: u32, callee: &Function) -> Function {
    let name = ExternalName::user(99, number);
    let mut func = Function::new(name, Signature::of(CallConv::SystemV, &[I64], &[]));
    let signature = func.dfg.signatures.push(callee.signature.clone());
    let target = func.dfg.ext_funcs.push(sidetrack_ir::ExtFuncData {
        name: callee.name.clone(),
        signature,
        colocated: true,
        patchable: false,
        readonly: false,
    });
    let mut builder = Builder::new(&mut func);
    let entry = builder.create_entry_block();
    let slots = builder.func.dfg.block_params(entry)[0];
    let flags = MemFlags::default();
    let flags = MemFlags { trap: None, ..flags };
    let args: Vec<Value> = (callee.signature.params.iter().enumerate())
        .map(|(n, param)| {
            let ty = param.ty;
            if ty.is_float() || ty == I64 {
                return builder.load(Opcode::Load, ty, flags, slots, n as i32 * 8);
            }
            // All 8 bytes are loaded, so that the upper bits of the slot arrive.
            let whole = builder.load(Opcode::Load, I64, flags, slots, n as i32 * 8);
            builder.op_typed(Opcode::Ireduce, ty, &[whole])
        })
        .collect();
    let call = builder.call(target, &args);
    let results: Vec<Value> = builder.func.dfg.results(call).to_vec();
    for (n, &value) in results.iter().enumerate() {
        let ty = builder.func.dfg.value_type(value);
        builder.inst(Opcode::Store, ty, &[value, slots], Extra::Mem(flags, n as i32 * 8));
    }
    builder.inst(Opcode::Return, Type::INVALID, &[], Extra::None);
    func
}

fn ir_code(code: ArtifactCode) -> TrapCode {
    match code {
        ArtifactCode::StackOverflow => TrapCode::STACK_OVERFLOW,
        ArtifactCode::HeapOutOfBounds => TrapCode::HEAP_OUT_OF_BOUNDS,
        ArtifactCode::IntegerOverflow => TrapCode::INTEGER_OVERFLOW,
        ArtifactCode::IntegerDivisionByZero => TrapCode::INTEGER_DIVISION_BY_ZERO,
        ArtifactCode::BadConversionToInteger => TrapCode::BAD_CONVERSION_TO_INTEGER,
        ArtifactCode::User(n) => TrapCode::user(n).expect("a code of the front end's"),
    }
}

/// A target and the engine for its code.
pub struct Harness<E> {
    isa: Arc<dyn TargetIsa>,
    engine: std::marker::PhantomData<E>,
}

impl<E: Engine> Harness<E> {
    /// A harness for this target.
    pub fn new(isa: Arc<dyn TargetIsa>) -> Self {
        Harness { isa, engine: std::marker::PhantomData }
    }

    /// Compiles functions, each with a trampoline of its index, and loads them.
    pub fn load_set(&self, functions: &[Function]) -> Result<E, String> {
        let mut compiled = Vec::new();
        for (number, func) in functions.iter().enumerate() {
            for func in [func, &trampoline(number as u32, func)] {
                compiled.push(compile(func, &*self.isa).map_err(|error| error.to_string())?);
            }
        }
        let image = link(E::ARCHITECTURE, compiled).map_err(|error| error.to_string())?;
        Ok(E::load(image))
    }

    /// Calls function number `number` of a set.
    pub fn call(
        engine: &mut E,
        number: usize,
        args: &[u64],
        returns: &[Type],
    ) -> Result<Vec<DataValue>, ExecTrap> {
        let mut slots = vec![0; args.len().max(returns.len()).max(1)];
        slots[..args.len()].copy_from_slice(args);
        engine.invoke(&symbol_name(&ExternalName::user(99, number as u32)), &mut slots)?;
        Ok(slots.iter().zip(returns).map(|(&bits, &ty)| DataValue::from_bits(ty, bits)).collect())
    }
}

impl<E: Engine> Machine for Harness<E> {
    type Loaded = E;

    fn load(&mut self, functions: &[Function]) -> Result<E, String> {
        self.load_set(functions)
    }

    fn run(
        &mut self,
        loaded: &mut E,
        index: usize,
        args: &[u64],
        returns: &[Type],
    ) -> Result<Vec<u64>, TrapCode> {
        match Self::call(loaded, index, args, returns) {
            Ok(values) => Ok(values.iter().map(|value| value.bits()).collect()),
            Err(ExecTrap::Trap { code, .. }) => Err(ir_code(code)),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Compares random functions with the interpreter.
pub fn check_random<E: Engine>(harness: &Harness<E>, seeds: std::ops::Range<u64>, config: &Config) {
    // Values go in slots of 8 bytes here.
    let config = &Config { vectors: false, ..config.clone() };
    let mut returned = 0;
    for seed in seeds {
        let functions = random::function_set(seed, config);
        let store = FunctionStore::new(&functions);
        let mut engine = match harness.load_set(&functions) {
            Ok(engine) => engine,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let mut entropy = Entropy::from_seed(!seed, 4096);
        for (number, func) in functions.iter().enumerate() {
            for on in [true, false] {
                let args = entropy.arguments(&func.signature);
                let mut interpreter = Interpreter::new(&store);
                interpreter.set_all_sites(on);
                let expected = interpreter.call(&func.name, &args);
                let expected = expected.map_err(|stop| match stop.trap_code() {
                    Some(code) => code.to_string(),
                    None => stop.to_string(),
                });
                engine.switch_all(on);
                let bits: Vec<u64> = args.iter().map(|value| value.bits()).collect();
                let returns: Vec<Type> = func.signature.returns.iter().map(|param| param.ty).collect();
                let got = Harness::call(&mut engine, number, &bits, &returns).map_err(|trap| match trap {
                    ExecTrap::Trap { code, .. } => ir_code(code).to_string(),
                    other => other.to_string(),
                });
                returned += usize::from(got.is_ok());
                assert_eq!(expected, got, "seed {seed}, {}{args:?}, sites on: {on}", func.name);
            }
        }
    }
    assert!(returned > 0, "nothing returned");
}
