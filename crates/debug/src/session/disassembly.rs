//! Functions as WebAssembly text, an operator a line.

use anyhow::Context as _;
use sidetrack_engine::{Module, Printable, Result, demangle};
use std::fmt::Write;
use wasmparser::{
    BinaryReader, BlockType, BrTable, Catch, FunctionBody, HeapType, Ieee32, Ieee64, MemArg, MemArgTarget,
    Operator, Ordering, RefType, ResumeTable, TryTable, V128, ValType,
};

use super::location;

/// An operator as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its wasm pc.
    pub pc: u32,
    /// How many constructs are open around it.
    pub depth: usize,
    /// Its text.
    pub text: String,
}

/// The operators of a function that the module defines.
///
/// # Errors
/// If its bytes cannot be read, which validated modules rule out.
pub fn function(module: &Module, func: u32) -> Result<Vec<Line>> {
    let range = module.info().functions[func as usize].body.clone();
    let bytes = module.wasm().get(range.start as usize..range.end as usize);
    let bytes = bytes.with_context(|| format!("the bytes of function {func} are not there"))?;
    let body = FunctionBody::new(BinaryReader::new(bytes, range.start.into()));
    let mut lines = Vec::new();
    let mut depth: usize = 0;
    for operator in body.get_operators_reader()?.into_iter_with_offsets() {
        let (operator, pc) = operator?;
        let middle = matches!(operator, Operator::Else | Operator::Catch { .. } | Operator::CatchAll);
        if middle || matches!(operator, Operator::End | Operator::Delegate { .. }) {
            depth = depth.saturating_sub(1);
        }
        lines.push(Line { pc: pc as u32, depth, text: text(module, &operator) });
        let opens = matches!(
            operator,
            Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::TryTable { .. }
                | Operator::Try { .. }
        );
        depth += usize::from(opens || middle);
    }
    Ok(lines)
}

/// An operator with its immediates; of a function with its name.
fn text(module: &Module, operator: &Operator<'_>) -> String {
    macro_rules! write_operator {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op $({ $($arg),* })? => {
                    #[allow(unused_mut, reason = "not all operators have immediates")]
                    let mut text = mnemonic(stringify!($visit));
                    $($($arg.write(stringify!($arg), module, &mut text);)*)?
                    text
                })*
                _ => "?".to_owned(),
            }
        };
    }
    wasmparser::for_each_operator!(write_operator)
}

/// `i32.add` for `visit_i32_add`.
fn mnemonic(visit: &str) -> String {
    let name = visit.strip_prefix("visit_").unwrap_or(visit);
    let spaces = [
        "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "local",
        "global", "table", "memory", "data", "elem", "ref", "atomic", "i31", "struct", "array", "any",
        "extern",
    ];
    match name.split_once('_') {
        _ if name == "typed_select" || name == "typed_select_multi" => "select".to_owned(),
        Some((space, rest)) if spaces.contains(&space) => format!("{space}.{rest}"),
        _ => name.to_owned(),
    }
}

/// What stands behind an operator's name.
trait Immediate {
    fn write(&self, name: &str, module: &Module, text: &mut String);
}

/// Writing to a string does not fail.
fn put(text: &mut String, piece: impl std::fmt::Display) {
    let _ = write!(text, " {piece}");
}

impl Immediate for u32 {
    fn write(&self, name: &str, module: &Module, text: &mut String) {
        match name {
            "function_index" => {
                put(text, self);
                if let Some(name) = location::name(module, *self) {
                    put(text, format_args!("<{}>", Printable::name(&demangle(name))));
                }
            }
            "type_index" => put(text, format_args!("(type {self})")),
            // The first memory and table go without saying.
            "mem" | "table" | "table_index" | "src_table" | "dst_table" | "src_mem" | "dst_mem"
                if *self == 0 => {}
            _ => put(text, self),
        }
    }
}

impl Immediate for MemArg {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        match self.target {
            MemArgTarget::Memory(0) => {}
            MemArgTarget::Memory(memory) => put(text, memory),
            _ => put(text, "?"),
        }
        if self.offset != 0 {
            put(text, format_args!("offset={}", self.offset));
        }
        if self.align != self.max_align {
            put(text, format_args!("align={}", 1_u64 << self.align.min(63)));
        }
    }
}

impl Immediate for BlockType {
    fn write(&self, _: &str, module: &Module, text: &mut String) {
        match self {
            BlockType::Empty => {}
            BlockType::Type(ty) => put(text, format_args!("(result {ty})")),
            BlockType::FuncType(index) => match module.info().types.get(*index as usize) {
                Some(ty) => put(text, ty),
                None => put(text, format_args!("(type {index})")),
            },
        }
    }
}

impl Immediate for BrTable<'_> {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        for target in self.targets().flatten() {
            put(text, target);
        }
        put(text, self.default());
    }
}

impl Immediate for TryTable {
    fn write(&self, name: &str, module: &Module, text: &mut String) {
        self.ty.write(name, module, text);
        for catch in &self.catches {
            match catch {
                Catch::One { tag, label } => put(text, format_args!("(catch {tag} {label})")),
                Catch::OneRef { tag, label } => put(text, format_args!("(catch_ref {tag} {label})")),
                Catch::All { label } => put(text, format_args!("(catch_all {label})")),
                Catch::AllRef { label } => put(text, format_args!("(catch_all_ref {label})")),
            }
        }
    }
}

impl Immediate for Ieee32 {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        put(text, format_args!("{:?}", f32::from_bits(self.bits())));
    }
}

impl Immediate for Ieee64 {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        put(text, format_args!("{:?}", f64::from_bits(self.bits())));
    }
}

impl Immediate for V128 {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        put(text, format_args!("{:#034x}", u128::from_le_bytes(*self.bytes())));
    }
}

impl Immediate for [u8; 16] {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        self.iter().for_each(|lane| put(text, lane));
    }
}

impl Immediate for Vec<ValType> {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        self.iter().for_each(|ty| put(text, ty));
    }
}

macro_rules! displayed {
    ($($ty:ty)*) => {$(
        impl Immediate for $ty {
            fn write(&self, _: &str, _: &Module, text: &mut String) {
                put(text, self);
            }
        }
    )*};
}

displayed!(u8 i32 i64 ValType RefType);

macro_rules! debugged {
    ($($ty:ty)*) => {$(
        impl Immediate for $ty {
            fn write(&self, _: &str, _: &Module, text: &mut String) {
                put(text, format_args!("{self:?}"));
            }
        }
    )*};
}

// Of proposals that are not supported.
debugged!(Ordering ResumeTable);

impl Immediate for HeapType {
    fn write(&self, _: &str, _: &Module, text: &mut String) {
        match self {
            HeapType::Abstract { ty, .. } => put(text, format!("{ty:?}").to_lowercase()),
            HeapType::Concrete(index) | HeapType::Exact(index) => put(text, index),
        }
    }
}
