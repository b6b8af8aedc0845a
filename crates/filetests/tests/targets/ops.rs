//! Every scalar operation at every type, compared with the reference evaluation.
//!
//! Problem: a target has a rule, or several, for each opcode and type, and each
//! must agree with `eval` to the bit (NaNs apart). Approach: the opcode table says
//! which operations there are and what they take; for each a function is built
//! that does just this one operation, with operands in registers, with some of
//! them constant, and where it makes sense feeding a branch; it is run on all
//! combinations of edge values. Narrow arguments come with garbage in the upper
//! bits of their registers.

use sidetrack_ir::interp::eval::{EvalError, eval, same_modulo_nan};
use sidetrack_ir::opcode::{Ctrl, OperandType, TypeSet};
use sidetrack_ir::types::{F32, F64, I8, I16, I32, I64};
use sidetrack_ir::{
    BlockArg, BlockCall, Builder, CallConv, DataValue, ExternalName, Extra, FloatCC, Format, Function, IntCC,
    MemFlags, Opcode, Signature, TrapCode, Type, Value,
};

/// What runs compiled functions: bits of the arguments to bits of the results.
pub trait Machine {
    /// Functions ready to run.
    type Loaded;
    /// Compiles and loads functions, all with different names.
    fn load(&mut self, functions: &[Function]) -> Result<Self::Loaded, String>;
    /// Runs function number `index` of them, whose results have these types.
    fn run(
        &mut self,
        loaded: &mut Self::Loaded,
        index: usize,
        args: &[u64],
        returns: &[Type],
    ) -> Result<Vec<u64>, TrapCode>;
}

const TYPES: [Type; 6] = [I8, I16, I32, I64, F32, F64];

/// One operation at one type.
#[derive(Clone, Debug)]
struct Case {
    opcode: Opcode,
    ty: Type,
    extra: Extra,
    args: Vec<Type>,
    results: Vec<Type>,
}

/// How the operation's result is used.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// It is returned.
    Plain,
    /// It is branched on; 1 or 0 is returned.
    Branch,
    /// It is the condition of a trap.
    Trap,
    /// It chooses between two values.
    Select,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &opcode in Opcode::ALL {
        let info = opcode.info();
        let extras: Vec<Extra> = match info.format {
            _ if opcode == Opcode::Bitcast => vec![Extra::Mem(MemFlags::default(), 0)],
            Format::Unary | Format::Binary | Format::Ternary => vec![Extra::None],
            Format::IntCompare => IntCC::ALL.iter().map(|&cc| Extra::IntCC(cc)).collect(),
            Format::FloatCompare => FloatCC::ALL.iter().map(|&cc| Extra::FloatCC(cc)).collect(),
            Format::IntAddTrap => vec![Extra::Trap(TrapCode::user(7).unwrap())],
            _ => continue,
        };
        if info.results.is_empty() {
            continue;
        }
        let controlling: Vec<Type> = match info.types {
            TypeSet::None => vec![Type::INVALID],
            set => TYPES.into_iter().filter(|&ty| set.contains(ty)).collect(),
        };
        for ty in controlling {
            for args in combinations(info.args, ty) {
                let widens = !matches!(opcode, Opcode::Fpromote) || args[0].bits() < ty.bits();
                let narrows = !matches!(opcode, Opcode::Fdemote) || args[0].bits() > ty.bits();
                if !widens || !narrows {
                    continue;
                }
                if let Ctrl::Infer(n) = info.ctrl
                    && args[usize::from(n)] != ty
                {
                    continue;
                }
                let results =
                    info.results.iter().map(|result| result.resolve(ty).unwrap()).collect::<Vec<_>>();
                for &extra in &extras {
                    cases.push(Case { opcode, ty, extra, args: args.clone(), results: results.clone() });
                }
            }
        }
    }
    cases
}

fn combinations(operands: &[OperandType], ty: Type) -> Vec<Vec<Type>> {
    let mut lists = vec![Vec::new()];
    for operand in operands {
        let choices: Vec<Type> = TYPES.into_iter().filter(|&arg| operand.accepts(ty, arg)).collect();
        lists = lists
            .iter()
            .flat_map(|list| choices.iter().map(move |&choice| [list.as_slice(), &[choice]].concat()))
            .collect();
    }
    lists
}

/// Values at which operations change their behaviour.
fn edges(ty: Type, few: bool) -> Vec<DataValue> {
    let bits = ty.bits();
    let list: Vec<u64> = match ty {
        F32 => {
            let mut list: Vec<f32> = vec![0.0, -0.0, 1.5, -2.5, f32::NAN, f32::INFINITY, 3e9, -1.0];
            if !few {
                list.extend([0.5, -0.9, 1.0, 127.9, 128.0, -128.9, -129.0, 255.9, 256.0, 32768.0, 65536.0]);
                list.extend([
                    2147483648.0,
                    -2147483648.0,
                    4294967296.0,
                    9.223372e18,
                    -9.223372e18,
                    1.8446744e19,
                ]);
                list.extend([f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::NEG_INFINITY, -32769.0, 16777217.0]);
            }
            list.into_iter().map(|f| u64::from(f.to_bits())).collect()
        }
        F64 => {
            let mut list: Vec<f64> = vec![0.0, -0.0, 1.5, -2.5, f64::NAN, f64::INFINITY, 3e9, -1.0];
            if !few {
                list.extend([0.5, -0.9, 1.0, 127.9, 128.0, -128.9, -129.0, 255.9, 256.0, 32768.0, 65536.0]);
                list.extend([
                    2147483647.9,
                    2147483648.0,
                    -2147483648.9,
                    -2147483649.0,
                    4294967295.9,
                    4294967296.0,
                ]);
                list.extend([9.223372036854775e18, 9.223372036854776e18, -9.223372036854776e18, -9.23e18]);
                list.extend([
                    1.844674407370955e19,
                    1.8446744073709552e19,
                    f64::MIN_POSITIVE,
                    5e-324,
                    f64::MAX,
                ]);
                list.extend([f64::NEG_INFINITY, 1e300, 3.4028235677973366e38, 1.0000000596046448]);
            }
            list.into_iter().map(f64::to_bits).collect()
        }
        _ => {
            let max = u64::MAX >> (64 - bits);
            let mut list = vec![0, 1, max, max / 2, max / 2 + 1, 5];
            if !few {
                list.extend([
                    2,
                    7,
                    8,
                    31,
                    32,
                    u64::from(bits),
                    max - 1,
                    max / 3,
                    max / 2 + 2,
                    0x1234_5678_9abc_def0,
                ]);
            }
            list
        }
    };
    let mut values: Vec<DataValue> = list.into_iter().map(|bits| DataValue::from_bits(ty, bits)).collect();
    values.sort_by_key(|value| value.bits());
    values.dedup();
    values
}

fn product(args: &[Type], few: bool) -> Vec<Vec<DataValue>> {
    let mut lists = vec![Vec::new()];
    for &ty in args {
        let values = edges(ty, few || args.len() > 2);
        lists = lists
            .iter()
            .flat_map(|list: &Vec<DataValue>| values.iter().map(move |&v| [list.as_slice(), &[v]].concat()))
            .collect();
    }
    lists
}

/// The function of a trial; arguments whose bit is set in its `constant` have the
/// values of its first input.
fn build(case: &Case, number: u32, trial: &Trial) -> Function {
    let Trial { shape, constant, ref inputs } = *trial;
    let values = &inputs[0];
    let returns = if shape == Shape::Plain { case.results.clone() } else { vec![I64] };
    let sig = Signature::of(CallConv::SystemV, &case.args, &returns);
    let mut func = Function::new(ExternalName::user(0, number), sig);
    let mut builder = Builder::new(&mut func);
    let entry = builder.create_entry_block();
    let params: Vec<Value> = builder.func.dfg.block_params(entry).to_vec();
    let args: Vec<Value> = (0..params.len())
        .map(|n| {
            if constant & 1 << n == 0 {
                return params[n];
            }
            let (ty, value) = (case.args[n], values[n]);
            match ty {
                F32 => builder.f32const(f32::from_bits(value.bits() as u32)),
                F64 => builder.f64const(f64::from_bits(value.bits())),
                _ => builder.iconst(ty, value.sext()),
            }
        })
        .collect();
    let inst = builder.inst(case.opcode, case.ty, &args, case.extra);
    let results: Vec<Value> = builder.func.dfg.results(inst).to_vec();
    let condition = *results.last().unwrap();
    match shape {
        Shape::Plain => {
            builder.inst(Opcode::Return, Type::INVALID, &results, Extra::None);
        }
        Shape::Branch => {
            let [yes, no] = [0, 1].map(|_| builder.create_block());
            let ty = builder.func.dfg.value_type(condition);
            let call = |builder: &mut Builder<'_>, block| {
                BlockCall::new(block, std::iter::empty::<BlockArg>(), &mut builder.func.dfg.block_args)
            };
            let (then, other) = (call(&mut builder, yes), call(&mut builder, no));
            builder.inst(Opcode::Brif, ty, &[condition], Extra::Brif(then, other));
            for (block, value) in [(yes, 1), (no, 0)] {
                builder.switch_to(block);
                let value = builder.iconst(I64, value);
                builder.inst(Opcode::Return, Type::INVALID, &[value], Extra::None);
            }
        }
        Shape::Trap => {
            let ty = builder.func.dfg.value_type(condition);
            builder.inst(Opcode::Trapz, ty, &[condition], Extra::Trap(TrapCode::user(9).unwrap()));
            let one = builder.iconst(I64, 1);
            builder.inst(Opcode::Return, Type::INVALID, &[one], Extra::None);
        }
        Shape::Select => {
            let [x, y] = [11, 22].map(|value| builder.iconst(I64, value));
            let chosen = builder.op(Opcode::Select, &[condition, x, y]);
            builder.inst(Opcode::Return, Type::INVALID, &[chosen], Extra::None);
        }
    }
    func
}

fn expected(case: &Case, shape: Shape, args: &[DataValue]) -> Result<Vec<DataValue>, TrapCode> {
    let results = match eval(case.opcode, case.ty, &case.extra, args) {
        Ok(results) => results,
        Err(EvalError::Trap(code)) => return Err(code),
        Err(EvalError::NotScalar) => panic!("{case:?} is not evaluated"),
    };
    let truth = results[results.len() - 1].bits() != 0;
    match shape {
        Shape::Plain => Ok(results.to_vec()),
        Shape::Branch => Ok(vec![DataValue::I64(i64::from(truth))]),
        Shape::Trap if !truth => Err(TrapCode::user(9).unwrap()),
        Shape::Trap => Ok(vec![DataValue::I64(1)]),
        Shape::Select => Ok(vec![DataValue::I64(if truth { 11 } else { 22 })]),
    }
}

/// One function of a case with what it is run on.
struct Trial {
    shape: Shape,
    constant: u32,
    inputs: Vec<Vec<DataValue>>,
}

/// All in registers on all inputs; then each operand constant, where rules for
/// constants may be.
fn trials(case: &Case) -> Vec<Trial> {
    let compares = matches!(case.opcode, Opcode::Icmp | Opcode::Fcmp);
    let mut shapes = vec![Shape::Plain];
    if compares || (case.ty.is_int() && matches!(case.opcode, Opcode::UaddOverflow | Opcode::Band)) {
        shapes.extend([Shape::Branch, Shape::Trap, Shape::Select]);
    }
    let mut trials = Vec::new();
    for shape in shapes {
        trials.push(Trial { shape, constant: 0, inputs: product(&case.args, false) });
        if shape != Shape::Plain && (shape != Shape::Branch || case.opcode == Opcode::Fcmp) {
            continue;
        }
        for constant in (0..case.args.len() as u32).map(|n| 1 << n) {
            for values in product(&case.args, true) {
                let variable = values.iter().enumerate().filter(|(n, _)| constant & 1 << n == 0);
                if variable.into_iter().all(|(_, v)| v.bits() == 5 || *v == typical(v.ty())) {
                    trials.push(Trial { shape, constant, inputs: vec![values] });
                }
            }
        }
    }
    trials
}

/// Runs every case on a machine; panics with a list of the first disagreements.
pub fn check<M: Machine>(machine: &mut M) {
    let mut failures: Vec<String> = Vec::new();
    let mut runs = 0;
    for case in cases() {
        let trials = trials(&case);
        let functions: Vec<Function> =
            (trials.iter().enumerate()).map(|(number, trial)| build(&case, number as u32, trial)).collect();
        let mut loaded = match machine.load(&functions) {
            Ok(loaded) => loaded,
            Err(error) => {
                failures.push(format!("{case:?}: {error}"));
                continue;
            }
        };
        for (index, trial) in trials.iter().enumerate() {
            let returns: Vec<Type> =
                functions[index].signature.returns.iter().map(|param| param.ty).collect();
            for values in &trial.inputs {
                runs += 1;
                let bits: Vec<u64> = values.iter().map(with_garbage).collect();
                let expected = expected(&case, trial.shape, values);
                let actual = machine.run(&mut loaded, index, &bits, &returns).map(|bits| {
                    let values = bits.iter().zip(&returns).map(|(&bits, &ty)| DataValue::from_bits(ty, bits));
                    values.collect::<Vec<_>>()
                });
                let same = match (&expected, &actual) {
                    (Ok(a), Ok(b)) => a.iter().zip(b).all(|(&a, &b)| same_modulo_nan(a, b)),
                    (Err(a), Err(b)) => a == b,
                    _ => false,
                };
                if !same {
                    failures.push(format!(
                        "{}.{} {:?} {:?}, constants {:#b}, {values:?}: expected {expected:?}, got {actual:?}",
                        case.opcode, case.ty, case.extra, trial.shape, trial.constant
                    ));
                    break;
                }
            }
        }
    }
    assert!(runs > 100_000, "only {runs} runs");
    let count = failures.len();
    failures.truncate(40);
    assert!(failures.is_empty(), "{count} of {runs} failed:\n{}", failures.join("\n"));
}

/// The value's bits below bits that mean nothing.
fn with_garbage(value: &DataValue) -> u64 {
    let width = value.ty().bits();
    if width == 64 { value.bits() } else { value.bits() | 0xa5a5_a5a5_a5a5_a5a5 << width }
}

fn typical(ty: Type) -> DataValue {
    match ty {
        F32 => DataValue::f32(1.5),
        F64 => DataValue::f64(1.5),
        _ => DataValue::from_bits(ty, u64::MAX),
    }
}
