//! Names, signatures and external functions.

use crate::entities::SigRef;
use crate::types::Type;
use std::fmt;

/// The name of a function or symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExternalName {
    /// `uNAMESPACE:INDEX`: a number that the user gives a meaning to.
    User {
        /// Which of the user's tables the index is in.
        namespace: u32,
        /// The index in that table.
        index: u32,
    },
    /// `%name`.
    Named(String),
}

impl ExternalName {
    /// The name `%name`.
    pub fn named(name: &str) -> Self {
        ExternalName::Named(name.to_string())
    }

    /// The name `uNAMESPACE:INDEX`.
    pub fn user(namespace: u32, index: u32) -> Self {
        ExternalName::User { namespace, index }
    }
}

impl fmt::Display for ExternalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternalName::User { namespace, index } => write!(f, "u{namespace}:{index}"),
            ExternalName::Named(name) => {
                let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if plain { write!(f, "%{name}") } else { write!(f, "%\"{name}\"") }
            }
        }
    }
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallConv {
    /// Our own convention; may change between versions.
    Fast,
    /// The System V convention of the platform.
    SystemV,
    /// The convention of 64-bit Windows.
    WindowsFastcall,
    /// Our own convention that supports tail calls of any signature; all
    /// registers are the caller's to save.
    Tail,
    /// The callee clobbers no register at all, not even its arguments.
    PreserveAll,
}

impl CallConv {
    /// All conventions with their names in CLIF text.
    pub const NAMED: [(CallConv, &'static str); 5] = [
        (CallConv::Fast, "fast"),
        (CallConv::SystemV, "system_v"),
        (CallConv::WindowsFastcall, "windows_fastcall"),
        (CallConv::Tail, "tail"),
        (CallConv::PreserveAll, "preserve_all"),
    ];

    /// The convention that CLIF text calls `name`; `patchable` is the older
    /// spelling of `preserve_all`.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "patchable" {
            return Some(CallConv::PreserveAll);
        }
        Self::NAMED.iter().find(|(_, text)| *text == name).map(|(cc, _)| *cc)
    }
}

impl fmt::Display for CallConv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(cc, _)| cc == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

/// How a narrow integer argument fills its register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ArgumentExtension {
    /// The upper bits are undefined.
    #[default]
    None,
    /// `uext`: zero-extended.
    Uext,
    /// `sext`: sign-extended.
    Sext,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ArgumentPurpose {
    /// An ordinary parameter.
    #[default]
    Normal,
    /// `sret`: the address of memory for the return value.
    StructReturn,
    /// `vmctx`: the context that global values start from.
    VMContext,
    /// `sarg(N)`: the address of a struct of N bytes passed by value.
    StructArgument(u32),
    /// Half of a vector of this type, where a code generator passes vectors in two
    /// integers. Text has none.
    Half(Type),
}

/// A parameter or return value of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AbiParam {
    /// Its type.
    pub ty: Type,
    /// What it is for.
    pub purpose: ArgumentPurpose,
    /// How it fills its register.
    pub extension: ArgumentExtension,
}

impl AbiParam {
    /// An ordinary parameter of this type.
    pub fn new(ty: Type) -> Self {
        AbiParam { ty, purpose: ArgumentPurpose::Normal, extension: ArgumentExtension::None }
    }
}

impl fmt::Display for AbiParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ty)?;
        f.write_str(match self.extension {
            ArgumentExtension::None => "",
            ArgumentExtension::Uext => " uext",
            ArgumentExtension::Sext => " sext",
        })?;
        match self.purpose {
            ArgumentPurpose::Normal => Ok(()),
            ArgumentPurpose::StructReturn => f.write_str(" sret"),
            ArgumentPurpose::VMContext => f.write_str(" vmctx"),
            ArgumentPurpose::StructArgument(size) => write!(f, " sarg({size})"),
            ArgumentPurpose::Half(ty) => write!(f, " half({ty})"),
        }
    }
}

/// How a function is called: parameters, return values and convention.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The parameters.
    pub params: Vec<AbiParam>,
    /// The return values.
    pub returns: Vec<AbiParam>,
    /// The calling convention.
    pub call_conv: CallConv,
}

impl Signature {
    /// A signature without parameters and return values.
    pub fn new(call_conv: CallConv) -> Self {
        Signature { params: Vec::new(), returns: Vec::new(), call_conv }
    }

    /// A signature with ordinary parameters and return values of these types.
    pub fn of(call_conv: CallConv, params: &[Type], returns: &[Type]) -> Self {
        let list = |types: &[Type]| types.iter().map(|&ty| AbiParam::new(ty)).collect();
        Signature { params: list(params), returns: list(returns), call_conv }
    }

    /// For each return value of a `preserve_all` signature the parameter in whose
    /// register it is returned: the first of its type that no earlier return value
    /// took. `None` where a return value finds no parameter.
    ///
    /// Caller and callee derive the place from the signature alone; the caller's
    /// site then needs no code to make the argument the result when it is off.
    pub fn pass_through(&self) -> Option<Vec<u32>> {
        // Halves of vectors pass through halves of vectors of their type.
        let kind = |param: &AbiParam| match param.purpose {
            ArgumentPurpose::Half(vector) => vector,
            _ => param.ty,
        };
        let mut taken = vec![false; self.params.len()];
        self.returns
            .iter()
            .map(|ret| {
                let free = |i: &usize| !taken[*i] && kind(&self.params[*i]) == kind(ret);
                let index = (0..self.params.len()).find(free)?;
                taken[index] = true;
                Some(index as u32)
            })
            .collect()
    }
}

/// The signature as CLIF text writes it, convention included.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, params: &[AbiParam]| -> fmt::Result {
            for (i, param) in params.iter().enumerate() {
                write!(f, "{}{param}", if i == 0 { "" } else { ", " })?;
            }
            Ok(())
        };
        f.write_str("(")?;
        list(f, &self.params)?;
        f.write_str(")")?;
        if !self.returns.is_empty() {
            f.write_str(" -> ")?;
            list(f, &self.returns)?;
        }
        write!(f, " {}", self.call_conv)
    }
}

/// An external function declared in the preamble.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExtFuncData {
    /// Its name.
    pub name: ExternalName,
    /// Its signature.
    pub signature: SigRef,
    /// `colocated`: it is linked near this function.
    pub colocated: bool,
    /// `patchable`: every `call` and `try_call` of it is a patch site.
    pub patchable: bool,
    /// `readonly`: it writes no memory that this function reads, so that loads may be
    /// moved and merged across its calls.
    pub readonly: bool,
}
