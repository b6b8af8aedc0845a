//! Making instances of modules.

use crate::memory::range;
use crate::module::{Constant, Import, Mode, Module};
use crate::numeric;
use crate::operands::Operands;
use crate::store::{Body, Extern, Func, Instance, InstanceAddr, PAGE, Store};
use crate::value::{FuncAddr, FuncType, Stop, Trap, Value};
use std::rc::Rc;
use wasmparser::{HeapType, Operator as O, RefType, TypeRef, ValType};

/// Why an instance could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// An import is missing or of another type; which one.
    Import(String),
    /// A memory or table is larger than allowed.
    TooLarge,
    /// A segment did not fit, or the start function did not return.
    Stop(Stop),
}

impl From<Stop> for LinkError {
    fn from(stop: Stop) -> LinkError {
        LinkError::Stop(stop)
    }
}

impl From<Trap> for LinkError {
    fn from(trap: Trap) -> LinkError {
        LinkError::Stop(Stop::Trap(trap))
    }
}

impl<'a> Store<'a> {
    /// Makes an instance; `imports` are in the order of [`Module::imports`].
    ///
    /// # Errors
    /// Why there is none. What it already did to things it imports stays done.
    pub fn instantiate(
        &mut self,
        module: &Rc<Module<'a>>,
        imports: &[Extern],
    ) -> Result<InstanceAddr, LinkError> {
        let address = self.instances.len();
        let mut instance = self.link(module, imports)?;
        let functions = module.functions.iter().zip(&module.code);
        for (index, (ty, code)) in (instance.funcs.len() as u32..).zip(functions) {
            let body = Body::Wasm { instance: address, index, code: code.clone() };
            self.funcs.push(Func { ty: module.types[*ty as usize].clone(), body });
            instance.funcs.push(FuncAddr(self.funcs.len() - 1));
        }
        for ty in &module.memories {
            let Some(Extern::Memory(memory)) = self.new_memory(*ty) else { return Err(LinkError::TooLarge) };
            instance.memories.push(memory);
        }
        for ty in &module.tags {
            self.tags.push(module.types[*ty as usize].clone());
            instance.tags.push(self.tags.len() - 1);
        }
        for (ty, init) in &module.globals {
            let value = self.constant(&instance, init);
            let Extern::Global(global) = self.global(*ty, value) else { unreachable!() };
            instance.globals.push(global);
        }
        for (ty, init) in &module.tables {
            let value = match init {
                Some(init) => self.constant(&instance, init),
                None => Value::null(ty.element_type.heap_type()),
            };
            let Some(Extern::Table(table)) = self.new_table(*ty, value) else {
                return Err(LinkError::TooLarge);
            };
            instance.tables.push(table);
        }
        for segment in &module.elements {
            let values = segment.items.iter().map(|item| self.constant(&instance, item)).collect();
            instance.elements.push(values);
        }
        instance.datas.extend(module.datas.iter().map(|segment| segment.bytes));
        self.instances.push(instance);
        self.run_segments(address, module)?;
        if let Some(start) = module.start {
            let start = self.instances[address].funcs[start as usize];
            self.call(start, &[])?;
        }
        Ok(InstanceAddr(address))
    }

    /// An instance with nothing but what it imports.
    fn link(&self, module: &Rc<Module<'a>>, imports: &[Extern]) -> Result<Instance<'a>, LinkError> {
        let mut instance = Instance {
            module: module.clone(),
            funcs: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            elements: Vec::new(),
            datas: Vec::new(),
        };
        for (number, import) in module.imports.iter().enumerate() {
            let given = imports.get(number).filter(|given| self.fits(module, import, **given));
            match given {
                Some(Extern::Func(func)) => instance.funcs.push(*func),
                Some(Extern::Table(table)) => instance.tables.push(*table),
                Some(Extern::Memory(memory)) => instance.memories.push(*memory),
                Some(Extern::Global(global)) => instance.globals.push(*global),
                Some(Extern::Tag(tag)) => instance.tags.push(*tag),
                None => return Err(LinkError::Import(format!("{}.{}", import.module, import.name))),
            }
        }
        Ok(instance)
    }

    /// Whether something is of the type that an import has.
    fn fits(&self, module: &Module<'a>, import: &Import<'a>, given: Extern) -> bool {
        let size_fits = |size: u64, max: Option<u64>, wanted_min: u64, wanted_max: Option<u64>| {
            size >= wanted_min && wanted_max.is_none_or(|wanted| max.is_some_and(|max| max <= wanted))
        };
        match (import.ty, given) {
            (TypeRef::Func(ty) | TypeRef::FuncExact(ty), Extern::Func(func)) => {
                self.funcs[func.0].ty == module.types[ty as usize]
            }
            (TypeRef::Table(wanted), Extern::Table(table)) => {
                let table = &self.tables[table];
                let size = table.elements.len() as u64;
                plain(table.ty.element_type.into()) == plain(wanted.element_type.into())
                    && table.ty.table64 == wanted.table64
                    && size_fits(size, table.ty.maximum, wanted.initial, wanted.maximum)
            }
            (TypeRef::Memory(wanted), Extern::Memory(memory)) => {
                let memory = &self.memories[memory];
                let size = memory.data.len() as u64 / PAGE;
                memory.ty.memory64 == wanted.memory64
                    && size_fits(size, memory.ty.maximum, wanted.initial, wanted.maximum)
            }
            (TypeRef::Global(wanted), Extern::Global(global)) => {
                let ty = self.globals[global].ty;
                let (given, content) = (plain(ty.content_type), plain(wanted.content_type));
                ty.mutable == wanted.mutable
                    && (given == content || !ty.mutable && nullable(given) == content)
            }
            (TypeRef::Tag(ty), Extern::Tag(tag)) => self.tags[tag] == module.types[ty.func_type_idx as usize],
            _ => false,
        }
    }

    /// The value of a constant expression.
    fn constant(&self, instance: &Instance<'a>, expression: &Constant<'a>) -> Value {
        let mut operands = Operands::default();
        for op in expression {
            match op {
                O::GlobalGet { global_index } => {
                    let global = instance.globals[*global_index as usize];
                    operands.0.push(self.globals[global].value);
                }
                O::RefNull { hty } => operands.0.push(Value::null(*hty)),
                O::RefFunc { function_index } => {
                    operands.push(Some(instance.funcs[*function_index as usize]));
                }
                _ => numeric::execute(op, &mut operands).expect("constant expressions do not trap"),
            }
        }
        operands.pop()
    }

    /// Copies the active segments, in order, and drops those that are not passive.
    fn run_segments(&mut self, address: usize, module: &Module<'a>) -> Result<(), Trap> {
        let offset = |store: &Self, offset: &Constant<'a>| {
            let value = store.constant(&store.instances[address], offset);
            Operands(vec![value]).pop_index()
        };
        for (number, segment) in module.elements.iter().enumerate() {
            if let Mode::Active { index, offset: expression } = &segment.mode {
                let start = offset(self, expression);
                let values = self.instances[address].elements[number].clone();
                let table = self.instances[address].tables[*index as usize];
                let elements = &mut self.tables[table].elements;
                if values.len() as u64 > (elements.len() as u64).saturating_sub(start)
                    || start > elements.len() as u64
                {
                    return Err(Trap::TableOutOfBounds);
                }
                elements[start as usize..][..values.len()].copy_from_slice(&values);
            }
            if !matches!(segment.mode, Mode::Passive) {
                self.instances[address].elements[number].clear();
            }
        }
        for (number, segment) in module.datas.iter().enumerate() {
            if let Mode::Active { index, offset: expression } = &segment.mode {
                let start = offset(self, expression);
                let memory = self.instances[address].memories[*index as usize];
                let data = &mut self.memories[memory].data;
                let range = range(data, start, segment.bytes.len() as u64)?;
                data[range].copy_from_slice(segment.bytes);
                self.instances[address].datas[number] = &[];
            }
        }
        Ok(())
    }
}

/// A type with a typed function taken for any function.
fn plain(ty: ValType) -> ValType {
    FuncType::new(&[ty], &[]).params[0]
}

/// A reference's type with null among its values.
fn nullable(ty: ValType) -> ValType {
    match ty {
        ValType::Ref(ty) => {
            let heap: HeapType = ty.heap_type();
            ValType::Ref(RefType::new(true, heap).unwrap_or(ty))
        }
        _ => ty,
    }
}
