//! A module, run natively and on shadows, with what can be seen of it afterwards.

use sidetrack_artifact::{ConstOp, ElementItems, ModuleInfo, SegmentMode};
use sidetrack_engine::debug::{Body, End, Environment, OpSet, Overlay, Shadow, Stop, Value};
use sidetrack_engine::{Engine, Global, Instance, Memory, Module, Store, Trap, Val, ValType};
use std::sync::Arc;

/// More operators than any test's function executes.
const LIMIT: u64 = 1_000_000;

/// A module whose memories, tables and globals are its own.
pub struct Program {
    pub module: Module,
    bytes: Vec<u8>,
}

/// An instance, with what its memories and globals were at first.
pub struct Native {
    store: Store<()>,
    instance: Instance,
    memories: Vec<(Memory, Vec<u8>)>,
    globals: Vec<(Global, Val)>,
}

/// How a call ended, and what it left.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The results' bits.
    pub results: Result<Vec<Value>, Failure>,
    pub memories: Vec<Vec<u8>>,
    pub globals: Vec<u128>,
}

/// Why there are no results.
#[derive(Debug, PartialEq)]
pub enum Failure {
    Trap(Trap),
    /// The shadow came to an end that is none of the function's.
    Ended(Stop),
}

/// An instance that was never run.
pub struct Fresh {
    memories: Vec<Vec<u8>>,
    globals: Vec<u128>,
    tables: Vec<Vec<u64>>,
    types: Vec<u32>,
}

impl Program {
    pub fn new(engine: &Engine, text: &str) -> Self {
        let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let module = Module::new(engine, &bytes).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        Program { module, bytes }
    }

    pub fn info(&self) -> &ModuleInfo {
        self.module.info()
    }

    /// The bytes of a body.
    pub fn code(&self, func: u32) -> Vec<u8> {
        let range = &self.info().functions[func as usize].body;
        self.bytes[range.start as usize..range.end as usize].to_vec()
    }

    pub fn body(&self, func: u32) -> Arc<Body> {
        Arc::new(Body::decode(self.info(), func, &self.code(func)).expect("the body is valid"))
    }

    /// An instance to call. Memories and globals are exported by `m` and `g` with their
    /// index.
    pub fn instance(&self) -> Native {
        let mut store = Store::new(self.module.engine(), ());
        let instance = Instance::new(&mut store, &self.module, &[]).expect("it can be instantiated");
        let (mut memories, mut globals) = (Vec::new(), Vec::new());
        for index in 0..self.info().memories.len() {
            let memory = instance.get_memory(&mut store, &format!("m{index}")).expect("it is exported");
            memories.push((memory, memory.data(&store).to_vec()));
        }
        for index in 0..self.info().globals.len() {
            let global = instance.get_global(&mut store, &format!("g{index}")).expect("it is exported");
            globals.push((global, global.get(&mut store)));
        }
        Native { store, instance, memories, globals }
    }

    /// Interprets function `func` from its entry to its end.
    pub fn shadow(&self, fresh: &Fresh, body: &Arc<Body>, arguments: &[Value]) -> Outcome {
        let mut shadow = Shadow::enter(body.clone(), |argument| arguments[argument]);
        let stop = shadow.run_to(fresh, |_| false, &OpSet::new(body), LIMIT);
        let results = match stop {
            Stop::End(End::Return) => Ok(shadow.results().to_vec()),
            Stop::End(End::Trap(trap)) => Err(Failure::Trap(trap)),
            stop => Err(Failure::Ended(stop)),
        };
        let (memories, globals) = fresh.with(shadow.overlay());
        Outcome { results, memories, globals }
    }
}

impl Native {
    /// Calls the export `name` as if the instance were new: memories and globals are first
    /// made what they were then. So there is one memory for all calls, not one for each:
    /// an emulator takes tens of megabytes for the addresses of every one there ever was.
    pub fn call(&mut self, name: &str, arguments: &[u128]) -> Outcome {
        let Native { store, instance, memories, globals } = self;
        for (memory, bytes) in memories.iter() {
            memory.data_mut(&mut *store).copy_from_slice(bytes);
        }
        for (global, val) in globals.iter() {
            global.set(&mut *store, *val).expect("it is mutable");
        }
        let func = instance.get_func(&mut *store, name).expect("it is exported");
        let ty = func.ty(&*store);
        let arguments: Vec<Val> = ty.params.iter().zip(arguments).map(|(ty, bits)| val(*ty, *bits)).collect();
        let mut results = vec![Val::I32(0); ty.results.len()];
        let results = match func.call(&mut *store, &arguments, &mut results) {
            Ok(()) => Ok(results.iter().map(|val| Some(bits(val))).collect()),
            Err(error) => match error.downcast_ref::<Trap>() {
                Some(trap) => Err(Failure::Trap(*trap)),
                None => panic!("{error:?}"),
            },
        };
        let memories = memories.iter().map(|(memory, _)| memory.data(&*store).to_vec()).collect();
        let globals = globals.iter().map(|(global, _)| bits(&global.get(&mut *store))).collect();
        Outcome { results, memories, globals }
    }
}

/// A value from its bits; references are null.
pub fn val(ty: ValType, bits: u128) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits as u64),
        ValType::V128 => Val::V128(bits.into()),
        ValType::Ref(ty) => Val::null_ref(ty.heap),
    }
}

/// The bits of a value; those of references that are not null are all ones.
pub fn bits(val: &Val) -> u128 {
    match *val {
        Val::I32(x) => (x as u32).into(),
        Val::I64(x) => (x as u64).into(),
        Val::F32(x) => x.into(),
        Val::F64(x) => x.into(),
        Val::V128(x) => x.as_u128(),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => 0,
        Val::FuncRef(_) | Val::ExternRef(_) | Val::ExnRef(_) => u64::MAX.into(),
    }
}

fn constant(expression: &[ConstOp]) -> u128 {
    match expression {
        [ConstOp::I32(x)] => (*x as u32).into(),
        [ConstOp::I64(x)] => (*x as u64).into(),
        [ConstOp::F32(x)] => (*x).into(),
        [ConstOp::F64(x)] => (*x).into(),
        [ConstOp::V128(bytes)] => u128::from_le_bytes(*bytes),
        [ConstOp::RefNull] => 0,
        _ => panic!("{expression:?} in a test's module"),
    }
}

/// The reference to a function: any number but zero.
fn reference(func: u32) -> u64 {
    8 * (u64::from(func) + 1)
}

impl Fresh {
    pub fn new(info: &ModuleInfo) -> Self {
        let mut memories: Vec<Vec<u8>> =
            info.memories.iter().map(|memory| vec![0; memory.limits.min as usize * 65536]).collect();
        for segment in &info.data_segments {
            let SegmentMode::Active { index, offset } = &segment.mode else { continue };
            let bytes = &info.data[segment.bytes.start as usize..segment.bytes.end as usize];
            let start = constant(offset) as usize;
            memories[*index as usize][start..start + bytes.len()].copy_from_slice(bytes);
        }
        let mut tables: Vec<Vec<u64>> =
            info.tables.iter().map(|table| vec![0; table.limits.min as usize]).collect();
        for segment in &info.elements {
            let (SegmentMode::Active { index, offset }, ElementItems::Functions(functions)) =
                (&segment.mode, &segment.items)
            else {
                continue;
            };
            for (number, func) in functions.iter().enumerate() {
                tables[*index as usize][constant(offset) as usize + number] = reference(*func);
            }
        }
        let globals = info.global_inits.iter().map(|init| constant(init)).collect();
        let types = info.functions.iter().map(|func| func.ty).collect();
        Fresh { memories, globals, tables, types }
    }

    /// The memories and globals seen through an overlay.
    fn with(&self, overlay: &Overlay) -> (Vec<Vec<u8>>, Vec<u128>) {
        let mut memories = self.memories.clone();
        for (index, memory) in memories.iter_mut().enumerate() {
            overlay.read(self.memory_key(index as u32), 0, memory);
        }
        let globals = self.globals.iter().enumerate();
        let global =
            |(index, bits): (usize, &u128)| overlay.global(self.global_key(index as u32)).unwrap_or(*bits);
        (memories, globals.map(global).collect())
    }
}

impl Environment for Fresh {
    fn memory(&self, memory: u32) -> &[u8] {
        &self.memories[memory as usize]
    }

    fn memory_key(&self, memory: u32) -> u64 {
        memory.into()
    }

    fn global(&self, global: u32) -> u128 {
        self.globals[global as usize]
    }

    fn global_key(&self, global: u32) -> u64 {
        global.into()
    }

    fn table(&self, table: u32) -> &[u64] {
        &self.tables[table as usize]
    }

    fn function(&self, func: u32) -> u64 {
        reference(func)
    }

    fn has_type(&self, reference: u64, ty: u32) -> bool {
        self.types[reference as usize / 8 - 1] == ty
    }
}
