//! The code generator: from CLIF to machine code with patchable calls.
//!
//! [`compile`] reads as the list of passes: verify, optimise, legalise, lower,
//! allocate registers, emit. Everything above `isa/` serves all targets; a target
//! is a [`vcode::Backend`] and an instruction type.

#![forbid(unsafe_code)]

pub mod abi;
pub mod block_order;
pub mod buffer;
pub mod call;
mod chains;
pub mod disasm;
pub mod emit;
mod fixed;
pub mod isa;
pub mod legalize;
pub mod lower;
mod names;
pub mod opt;
pub mod pass;
pub mod reg;
pub mod settings;
mod spill;
mod split;
mod state;
pub mod vcode;

pub use isa::{Builder, LookupError, TargetIsa, lookup};
pub use settings::{Flags, OptLevel, SettingError};

use pass::Passes;
use sidetrack_artifact::{CompiledFunction, SymbolName, TrapCode};
use sidetrack_ir::{Endianness, ExternalName, Function, verifier, work};

/// Why a function cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodegenError {
    /// The function breaks a rule of the language. If it does so after a pass, as the
    /// reason then says, this is a bug of the code generator.
    #[error("{function}: {reason}")]
    Verifier {
        /// The function's name.
        function: String,
        /// What the verifier says.
        reason: String,
    },
    /// The function's signature does not fit its calling convention.
    #[error("{function}: {reason}")]
    Signature {
        /// The function's name.
        function: String,
        /// What does not fit.
        reason: String,
    },
    /// The target cannot do something.
    #[error("{function}: {inst}: {reason}")]
    Unsupported {
        /// The function's name.
        function: String,
        /// The instruction or entity.
        inst: String,
        /// What the target cannot do.
        reason: String,
    },
    /// The function is more work than it may be, see [`Flags::max_function_work`], or more
    /// than the register allocator can number.
    #[error("{function}: too large to compile: {work} {unit}, of at most {limit}")]
    TooLarge {
        /// The function's name.
        function: String,
        /// How much it is.
        work: u64,
        /// How much it may be.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// Registers cannot be allocated; this is a bug of the code generator.
    #[error("{function}: register allocation: {reason}")]
    RegAlloc {
        /// The function's name.
        function: String,
        /// What the allocator or its checker says.
        reason: String,
    },
}

/// Compiles a function for a target. With the setting `enable_verifier`, the verifier looks
/// at the function before the first pass and after every one.
///
/// # Errors
/// If the function breaks a rule or the target cannot compile it; the error names
/// the function and the entity.
pub fn compile(func: &Function, isa: &dyn TargetIsa) -> Result<CompiledFunction, CodegenError> {
    compile_owned(func.clone(), isa)
}

/// Compiles a function that is not needed afterwards, as [`compile`] does.
///
/// # Errors
/// As [`compile`].
pub fn compile_owned(mut func: Function, isa: &dyn TargetIsa) -> Result<CompiledFunction, CodegenError> {
    let name = func.name.clone();
    let failed = |reason: String| CodegenError::Verifier { function: name.to_string(), reason };
    let verify = isa.flags().verifier;
    if verify {
        work::measure("verifier", || verifier::verify(&func)).map_err(|errors| failed(errors.to_string()))?;
    }
    Passes::new(&mut func, verify).run("legalize", legalize::legalize).flatten().map_err(failed)?;
    if isa.flags().opt_level == OptLevel::Speed {
        opt::optimize(&mut func, verify).map_err(failed)?;
    }
    isa.compile_legal(&func)
}

/// Splits the vectors of a function for a target that has none; `None` if the function has
/// none. Accesses that name no byte order have the native one.
fn split_vectors(
    func: &Function,
    native: Endianness,
    flags: &Flags,
) -> Result<Option<Function>, CodegenError> {
    let Some(mut split) = legalize::vectors::split(func, native) else { return Ok(None) };
    let failed = |reason: String| CodegenError::Verifier { function: func.name.to_string(), reason };
    Passes::new(&mut split, flags.verifier).check("vectors").map_err(failed)?;
    if flags.opt_level == OptLevel::Speed {
        opt::optimize(&mut split, flags.verifier).map_err(failed)?;
    }
    Ok(Some(split))
}

/// Lowers, allocates registers and emits: the part of [`compile`] that depends on
/// the target.
///
/// # Errors
/// As [`compile`].
pub fn compile_with<B: vcode::Backend>(
    backend: &B,
    func: &Function,
) -> Result<CompiledFunction, CodegenError> {
    thread_local! {
        // The allocator's memory, kept from function to function.
        static CTX: std::cell::RefCell<regalloc2::Ctx> = std::cell::RefCell::default();
    }
    let lowered = work::measure("lower", || lower::Lower::run(backend, func))?;
    let (work, limit) = (lowered.vcode.work(), backend.flags().max_function_work);
    if work > limit {
        let function = func.name.to_string();
        let unit = "machine instructions, operands and blocks";
        return Err(CodegenError::TooLarge { function, work, limit, unit });
    }
    let large = lowered.vcode.insts.len() > 1 << 15;
    let function = CTX.with_borrow_mut(|ctx| emit::emit_function(backend, func, lowered, ctx));
    if large {
        // A few of these would hold more memory than all the rest needs.
        CTX.take();
    }
    function
}

/// The artifact's name for an external name.
pub fn symbol_name(name: &ExternalName) -> SymbolName {
    match name {
        ExternalName::User { namespace, index } => SymbolName::User { namespace: *namespace, index: *index },
        ExternalName::Named(name) => SymbolName::Named(name.clone()),
    }
}

/// The artifact's code for a trap code.
pub fn trap_code(code: sidetrack_ir::TrapCode) -> TrapCode {
    use sidetrack_ir::TrapCode as Ir;
    match code.as_user() {
        Some(n) => TrapCode::User(n),
        None if code == Ir::STACK_OVERFLOW => TrapCode::StackOverflow,
        None if code == Ir::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        None if code == Ir::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivisionByZero,
        None if code == Ir::BAD_CONVERSION_TO_INTEGER => TrapCode::BadConversionToInteger,
        None => TrapCode::HeapOutOfBounds,
    }
}
