//! A module: its sections as lists, and its code as operators with their places.

use crate::value::FuncType;
use std::collections::HashMap;
use std::rc::Rc;
use wasmparser::{
    BlockType, CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind,
    FunctionBody, GlobalType, MemoryType, Operator, Parser, Payload, TableInit, TableType, TypeRef, ValType,
    Validator, WasmFeatures,
};

/// An expression that is evaluated when an instance is made.
pub(super) type Constant<'a> = Vec<Operator<'a>>;

/// Where an element or data segment goes by itself.
pub(super) enum Mode<'a> {
    Passive,
    Declared,
    Active { index: u32, offset: Constant<'a> },
}

pub(super) struct ElementSegment<'a> {
    pub mode: Mode<'a>,
    pub items: Vec<Constant<'a>>,
}

pub(super) struct DataSegment<'a> {
    pub mode: Mode<'a>,
    pub bytes: &'a [u8],
}

pub(super) struct Import<'a> {
    pub module: &'a str,
    pub name: &'a str,
    pub ty: TypeRef,
}

/// The body of a function.
pub(super) struct Code<'a> {
    /// Types of the locals that are no parameters.
    pub locals: Vec<ValType>,
    /// Operators with their byte offsets in the module.
    pub operators: Vec<(u64, Operator<'a>)>,
    /// For what opens a construct or goes on in it, which operator is the matching
    /// `end`; for others 0.
    pub ends: Vec<usize>,
    /// For an `if` with an `else`, which operator that is.
    pub elses: Vec<Option<usize>>,
    /// The clauses of each `try`.
    pub clauses: HashMap<usize, Vec<usize>>,
}

/// A valid module, in the bytes that it was read from.
pub struct Module<'a> {
    pub(super) types: Vec<FuncType>,
    pub(super) imports: Vec<Import<'a>>,
    /// Type indices of the functions that are not imported.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<(TableType, Option<Constant<'a>>)>,
    pub(super) memories: Vec<MemoryType>,
    /// Type indices of the tags that are not imported.
    pub(super) tags: Vec<u32>,
    pub(super) globals: Vec<(GlobalType, Constant<'a>)>,
    pub(super) exports: Vec<(&'a str, ExternalKind, u32)>,
    pub(super) start: Option<u32>,
    pub(super) elements: Vec<ElementSegment<'a>>,
    pub(super) datas: Vec<DataSegment<'a>>,
    pub(super) code: Vec<Rc<Code<'a>>>,
}

/// What this interpreter knows.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::MEMORY64
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::THREADS
        | WasmFeatures::FUNCTION_REFERENCES
}

impl<'a> Module<'a> {
    /// Reads and validates a module.
    ///
    /// # Errors
    /// Why it is not valid, or what this interpreter does not know.
    pub fn new(bytes: &'a [u8]) -> Result<Rc<Module<'a>>, String> {
        Validator::new_with_features(features()).validate_all(bytes).map_err(|error| error.to_string())?;
        let mut module = Module {
            types: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            tags: Vec::new(),
            globals: Vec::new(),
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            datas: Vec::new(),
            code: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| error.to_string())?;
            module.section(payload).map_err(|error| error.to_string())?;
        }
        Ok(Rc::new(module))
    }

    /// The imports, as module and name.
    pub fn imports(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.imports.iter().map(|import| (import.module, import.name))
    }

    fn section(&mut self, payload: Payload<'a>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader {
                    for ty in group?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            unreachable!("only functions have types without garbage collection");
                        };
                        self.types.push(FuncType::new(ty.params(), ty.results()));
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    let import = import?;
                    let (module, name, ty) = (import.module, import.name, import.ty);
                    self.imports.push(Import { module, name, ty });
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    let table = table?;
                    let init = match table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(init) => Some(constant(&init)?),
                    };
                    self.tables.push((table.ty, init));
                }
            }
            Payload::MemorySection(reader) => {
                for ty in reader {
                    self.memories.push(ty?);
                }
            }
            Payload::TagSection(reader) => {
                for ty in reader {
                    self.tags.push(ty?.func_type_idx);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    let global = global?;
                    self.globals.push((global.ty, constant(&global.init_expr)?));
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => {
                for segment in reader {
                    let segment = segment?;
                    let mode = match segment.kind {
                        ElementKind::Passive => Mode::Passive,
                        ElementKind::Declared => Mode::Declared,
                        ElementKind::Active { table_index, offset_expr } => {
                            Mode::Active { index: table_index.unwrap_or(0), offset: constant(&offset_expr)? }
                        }
                    };
                    let mut items = Vec::new();
                    match segment.items {
                        ElementItems::Functions(indices) => {
                            for function_index in indices {
                                items.push(vec![Operator::RefFunc { function_index: function_index? }]);
                            }
                        }
                        ElementItems::Expressions(_, expressions) => {
                            for expression in expressions {
                                items.push(constant(&expression?)?);
                            }
                        }
                    }
                    self.elements.push(ElementSegment { mode, items });
                }
            }
            Payload::DataSection(reader) => {
                for segment in reader {
                    let segment = segment?;
                    let mode = match segment.kind {
                        DataKind::Passive => Mode::Passive,
                        DataKind::Active { memory_index, offset_expr } => {
                            Mode::Active { index: memory_index, offset: constant(&offset_expr)? }
                        }
                    };
                    self.datas.push(DataSegment { mode, bytes: segment.data });
                }
            }
            Payload::CodeSectionEntry(body) => self.code.push(Rc::new(code(&body)?)),
            _ => {}
        }
        Ok(())
    }

    /// How many operands a block takes, and how many it leaves.
    pub(super) fn arity(&self, ty: &BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = &self.types[*index as usize];
                (ty.params.len(), ty.results.len())
            }
        }
    }
}

/// The operators of a constant expression, without the `end`.
fn constant<'a>(expression: &ConstExpr<'a>) -> wasmparser::Result<Constant<'a>> {
    let mut operators = expression.get_operators_reader().into_iter().collect::<Result<Vec<_>, _>>()?;
    operators.pop();
    Ok(operators)
}

fn code<'a>(body: &FunctionBody<'a>) -> wasmparser::Result<Code<'a>> {
    let mut locals = Vec::new();
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        locals.extend(std::iter::repeat_n(ty, count as usize));
    }
    let mut operators = Vec::new();
    for operator in body.get_operators_reader()?.into_iter_with_offsets() {
        let (operator, pc) = operator?;
        operators.push((pc, operator));
    }
    let (mut ends, mut elses) = (vec![0; operators.len()], vec![None; operators.len()]);
    let mut clauses: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, (_, operator)) in operators.iter().enumerate() {
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. } => open.push(at),
            Operator::Catch { .. } | Operator::CatchAll => {
                clauses.entry(*open.last().expect("a clause is in a `try`")).or_default().push(at);
            }
            Operator::Else => elses[*open.last().expect("an `else` is in an `if`")] = Some(at),
            Operator::End | Operator::Delegate { .. } => {
                // The last one ends the function.
                if let Some(start) = open.pop() {
                    ends[start] = at;
                    elses[start]
                        .iter()
                        .chain(clauses.get(&start).into_iter().flatten())
                        .for_each(|middle| ends[*middle] = at);
                }
            }
            _ => {}
        }
    }
    Ok(Code { locals, operators, ends, elses, clauses })
}
