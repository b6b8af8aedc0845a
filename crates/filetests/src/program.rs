//! Functions of a file compiled for one target, loaded, callable and patchable.

use crate::emulated::{self, Emulated};
use crate::loaded::Loaded;
use crate::report::panic_message;
use sidetrack_artifact::{Architecture, LinkError, SymbolName};
use sidetrack_codegen::{CodegenError, TargetIsa, compile, symbol_name};
use sidetrack_ir::types::I64;
use sidetrack_ir::{
    AbiParam, Builder, CallConv, DataValue, Endianness, ExtFuncData, ExternalName, Function, MemFlags,
    Opcode, Signature, Type,
};
use sidetrack_patch::exec::{self, ExecTrap, HostSymbols, Native, Pulley};
use sidetrack_patch::run::native_architecture;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A loaded set of functions.
pub struct Program {
    loaded: Loaded,
    signatures: HashMap<ExternalName, Signature>,
    /// Functions that are not there, and why.
    missing: HashMap<ExternalName, String>,
}

/// How a call ended, other than by returning.
#[derive(Debug)]
pub enum Failure {
    /// The function is not there, for this reason; not a failure of the test.
    Missing(String),
    /// It trapped.
    Trap(ExecTrap),
}

/// Whether code for this architecture can be run.
///
/// # Errors
/// What it takes and is not here.
pub fn runnable(architecture: Architecture) -> Result<(), String> {
    if architecture == Architecture::Pulley64 || native_architecture() == Some(architecture) {
        return Ok(());
    }
    match emulated::target(architecture) {
        Some(target) => target.available(),
        None => Err(format!("{architecture:?} code does not run on this host")),
    }
}

impl Program {
    /// Compiles, links and loads functions. What the target cannot compile, and
    /// what depends on it, is missing from the program.
    ///
    /// # Errors
    /// If a function is wrong, or the code generator is.
    pub fn load(functions: &[&Function], isa: &dyn TargetIsa) -> Result<Program, String> {
        let (program, unsound) = Self::load_sound(functions, isa)?;
        unsound.into_iter().next().map_or(Ok(program), |(_, message)| Err(message))
    }

    /// As [`Program::load`], but functions that are wrong are missing as well; they are
    /// returned with what is wrong with them.
    pub(crate) fn load_sound(
        functions: &[&Function],
        isa: &dyn TargetIsa,
    ) -> Result<(Program, Vec<(ExternalName, String)>), String> {
        let mut missing = HashMap::new();
        let mut compiled = HashMap::new();
        let mut unsound = Vec::new();
        for &func in functions {
            let code = catch_unwind(AssertUnwindSafe(|| compile(func, isa)));
            let message = match code {
                Ok(Ok(code)) => {
                    compiled.insert(func.name.clone(), code);
                    continue;
                }
                Ok(Err(error @ (CodegenError::Unsupported { .. } | CodegenError::Signature { .. }))) => {
                    missing.insert(func.name.clone(), error.to_string());
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(payload) => format!("panicked: {}", panic_message(&*payload)),
            };
            missing.insert(func.name.clone(), format!("{} does not compile", func.name));
            unsound.push((func.name.clone(), message));
        }
        let signature = |func: &&Function| (func.name.clone(), func.signature.clone());
        let signatures: HashMap<ExternalName, Signature> = functions.iter().map(signature).collect();
        let arch = isa.architecture();
        // Functions that call what is not there are left out, one after another.
        let image = loop {
            let mut parts: Vec<_> = Vec::new();
            for &func in functions {
                if let Some(code) = compiled.get(&func.name) {
                    parts.push(code.clone());
                    let entry = compile(&trampoline(&func.name, &func.signature), isa);
                    match entry {
                        Ok(entry) => parts.push(entry),
                        Err(error) => return Err(format!("entry of {}: {error}", func.name)),
                    }
                }
            }
            match exec::link(arch, parts) {
                Ok(image) => break image,
                Err(LinkError::Undefined { symbol, function: user }) => {
                    let user = functions.iter().find(|func| symbol_name(&func.name) == user);
                    let Some(user) = user else { return Err(format!("undefined symbol {symbol}")) };
                    missing.insert(
                        user.name.clone(),
                        format!("{} calls {symbol}, which is not there", user.name),
                    );
                    compiled.remove(&user.name);
                }
                Err(error) => return Err(error.to_string()),
            }
        };
        let loaded = match arch {
            Architecture::Pulley64 => Loaded::Pulley(Pulley::load(image).map_err(|e| e.to_string())?),
            _ if native_architecture() == Some(arch) => {
                let native = Native::load(image, &HostSymbols::default()).map_err(|e| e.to_string())?;
                Loaded::Native(native)
            }
            _ => Loaded::Emulated(Emulated::load(image)?),
        };
        Ok((Program { loaded, signatures, missing }, unsound))
    }

    /// Limits the time that a call may take, in whole seconds, where code runs under an
    /// emulator.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        if let Loaded::Emulated(emulated) = &mut self.loaded {
            emulated.set_limit(limit);
        }
    }

    /// Calls a function.
    ///
    /// # Errors
    /// If the function is missing or does not return.
    pub fn call(&mut self, name: &ExternalName, args: &[DataValue]) -> Result<Vec<DataValue>, Failure> {
        if let Some(reason) = self.missing.get(name) {
            return Err(Failure::Missing(reason.clone()));
        }
        let Some(sig) = self.signatures.get(name) else {
            return Err(Failure::Missing(format!("there is no function {name}")));
        };
        let (arg_slots, used_by_args) = slot_indices(args.iter().map(|arg| arg.ty()));
        let (ret_slots, used_by_rets) = slot_indices(sig.returns.iter().map(|ret| ret.ty));
        let mut slots = vec![0; used_by_args.max(used_by_rets).max(1)];
        for (arg, at) in args.iter().zip(arg_slots) {
            // Slots are little-endian everywhere.
            slots[at] = arg.bits().to_le();
            if arg.ty().is_vector() {
                slots[at + 1] = ((arg.bits128() >> 64) as u64).to_le();
            }
        }
        let entry = symbol_name(&entry_name(name));
        self.loaded.invoke(&entry, &mut slots).map_err(Failure::Trap)?;
        let value = |(ret, at): (&AbiParam, usize)| {
            let slot = |at: usize| u128::from(u64::from_le(slots[at]));
            let high = if ret.ty.is_vector() { slot(at + 1) << 64 } else { 0 };
            DataValue::from_bits128(ret.ty, high | slot(at))
        };
        Ok(sig.returns.iter().zip(ret_slots).map(value).collect())
    }

    /// Switches every site.
    ///
    /// # Errors
    /// If they cannot be switched.
    pub fn switch_all(&mut self, on: bool) -> Result<(), String> {
        let memory = match &mut self.loaded {
            Loaded::Native(native) => native.memory_mut(),
            Loaded::Pulley(pulley) => pulley.memory(),
            Loaded::Emulated(emulated) => {
                return emulated.switch(0..emulated.image().site_count(), on);
            }
        };
        let count = memory.image().site_count();
        let mut session = memory.session();
        (0..count).try_for_each(|index| session.set(index, on)).map_err(|error| error.to_string())
    }

    /// Switches the sites of a function that have this tag.
    ///
    /// # Errors
    /// If there are none, or they cannot be switched.
    pub fn patch(&mut self, function: &ExternalName, tag: u64, on: bool) -> Result<(), String> {
        if let Some(reason) = self.missing.get(function) {
            return Err(reason.clone());
        }
        let name: SymbolName = symbol_name(function);
        match &mut self.loaded {
            Loaded::Native(native) => native.patch(&name, tag, on),
            Loaded::Pulley(pulley) => pulley.patch(&name, tag, on),
            Loaded::Emulated(emulated) => {
                let sites: Vec<usize> = emulated.image().sites_tagged(&name, tag).collect();
                let count = sites.len();
                emulated.switch(sites, on)?;
                Ok(count)
            }
        }
        .map_err(|error| error.to_string())
        .and_then(|count| if count == 0 { Err(format!("no patch site with tag {tag}")) } else { Ok(()) })
    }
}

fn entry_name(name: &ExternalName) -> ExternalName {
    ExternalName::named(&format!("entry of {name}"))
}

/// Where values of these types are in an array of 8-byte slots, vectors in two, and
/// how many slots that takes.
fn slot_indices(types: impl Iterator<Item = Type>) -> (Vec<usize>, usize) {
    let mut next = 0;
    let indices = types.map(|ty| {
        let index = next;
        next += if ty.is_vector() { 2 } else { 1 };
        index
    });
    (indices.collect(), next)
}

/// A function that takes arguments from an array of 8-byte slots, calls `name`, and
/// writes the results there.
fn trampoline(name: &ExternalName, sig: &Signature) -> Function {
    let entry_sig = Signature::of(CallConv::SystemV, &[I64], &[]);
    let mut func = Function::new(entry_name(name), entry_sig);
    let signature = func.dfg.signatures.push(sig.clone());
    let callee = func.dfg.ext_funcs.push(ExtFuncData {
        name: name.clone(),
        signature,
        colocated: true,
        patchable: false,
        readonly: false,
    });
    let mut builder = Builder::new(&mut func);
    let block = builder.create_entry_block();
    let slots = builder.func.dfg.block_params(block)[0];
    // Vectors are aligned like their neighbours only. Slots are little-endian everywhere.
    let flags = |ty: Type| MemFlags {
        aligned: !ty.is_vector(),
        endianness: Some(Endianness::Little),
        ..MemFlags::trusted()
    };
    let (places, _) = slot_indices(sig.params.iter().map(|param| param.ty));
    let args: Vec<_> = (sig.params.iter().zip(places))
        .map(|(param, i)| builder.load(Opcode::Load, param.ty, flags(param.ty), slots, 8 * i as i32))
        .collect();
    let call = builder.call(callee, &args);
    let results = builder.func.dfg.results(call).to_vec();
    let (places, _) = slot_indices(sig.returns.iter().map(|ret| ret.ty));
    for ((ret, &result), i) in sig.returns.iter().zip(&results).zip(places) {
        builder.store(Opcode::Store, flags(ret.ty), result, slots, 8 * i as i32);
    }
    builder.return_(&[]);
    func
}
