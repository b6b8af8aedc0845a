//! Operations on values, scalars or vectors, and their operands.

use super::Body;
use crate::condcodes::{FloatCC, IntCC};
use crate::data_value::DataValue;
use crate::entities::Value;
use crate::inst::Extra;
use crate::memflags::{Endianness, MemFlags, TrapCode};
use crate::opcode::{Ctrl, Opcode, OperandType};
use crate::types::{F32, F32X4, F64, I8, Type};
use std::sync::OnceLock;

impl Body<'_> {
    /// Counts an instruction.
    pub(super) fn spend(&mut self) {
        self.cost += self.iterations;
    }

    /// The types that values have.
    pub(super) fn types_in_use(&self) -> impl Iterator<Item = Type> + use<> {
        types(self.config.vectors)
    }

    /// A constant of any type.
    pub(super) fn constant(&mut self, value: DataValue) -> Value {
        self.spend();
        if let DataValue::V128(ty, bytes) = value {
            return self.builder.vconst(ty, bytes);
        }
        let (opcode, ty) = match value {
            DataValue::F32(_) => (Opcode::F32const, Type::INVALID),
            DataValue::F64(_) => (Opcode::F64const, Type::INVALID),
            _ => (Opcode::Iconst, value.ty()),
        };
        let inst = self.builder.inst(opcode, ty, &[], Extra::Imm(value.sext()));
        self.builder.func.dfg.first_result(inst)
    }

    /// A value in scope, or a constant.
    pub(super) fn operand(&mut self, ty: Type) -> Value {
        let dfg = &self.builder.func.dfg;
        let fitting: Vec<Value> =
            self.scope.iter().rev().copied().filter(|&v| dfg.value_type(v) == ty).collect();
        if fitting.is_empty() || self.entropy.one_in(8) {
            let value = self.entropy.value(ty);
            return self.constant(value);
        }
        // Recent values more often, so that chains of operations get long.
        let recent = if self.entropy.one_in(2) { fitting.len() } else { fitting.len().min(4) };
        self.entropy.pick(&fitting[..recent])
    }

    pub(super) fn op(&mut self, opcode: Opcode, args: &[Value]) -> Value {
        self.spend();
        self.builder.op(opcode, args)
    }

    pub(super) fn operands(&mut self, types: &[Type]) -> Vec<Value> {
        types.iter().map(|&ty| self.operand(ty)).collect()
    }

    /// An operation on values in scope; its results come into scope.
    pub(super) fn scalar(&mut self) {
        let config = self.config;
        let usable: Vec<&Operation> =
            operations(config.vectors).iter().filter(|op| !config.exclude.contains(&op.opcode)).collect();
        if usable.is_empty() {
            return;
        }
        let Operation { opcode, types } = self.entropy.pick(&usable);
        let (opcode, info) = (*opcode, opcode.info());
        if opcode == Opcode::UaddOverflowTrap && !config.traps {
            return;
        }
        let ty = match opcode {
            Opcode::Fpromote => F64,
            Opcode::Fdemote => F32,
            _ => self.entropy.pick(types),
        };
        let args: Vec<Value> = info.args.iter().map(|arg| self.scalar_operand(opcode, *arg, ty)).collect();
        let (opcode, args) = self.without_trap(opcode, ty, args);
        let extra = match opcode {
            Opcode::Iconst | Opcode::F32const | Opcode::F64const => {
                let ty = if opcode == Opcode::F32const { F32 } else { F64 };
                let ty = if opcode.info().ctrl == Ctrl::None { ty } else { self.entropy.pick(&Type::INTS) };
                let value = self.entropy.value(ty);
                let constant = self.constant(value);
                return self.scope.push(constant);
            }
            Opcode::Vconst => {
                let value = self.entropy.value(ty);
                let constant = self.constant(value);
                return self.scope.push(constant);
            }
            Opcode::Extractlane | Opcode::Insertlane => {
                Extra::Lane(self.entropy.below(ty.lane_count() as usize) as u8)
            }
            Opcode::Shuffle => Extra::Bytes(std::array::from_fn(|_| self.entropy.byte() % 32)),
            Opcode::Icmp => Extra::IntCC(self.entropy.pick(IntCC::ALL)),
            Opcode::Fcmp => Extra::FloatCC(self.entropy.pick(FloatCC::ALL)),
            Opcode::UaddOverflowTrap => Extra::Trap(TrapCode::HEAP_OUT_OF_BOUNDS),
            Opcode::Bitcast => {
                let from = self.builder.func.dfg.value_type(args[0]);
                let order = if ty.is_vector() { self.endianness() } else { None };
                let order = order.or((from.lane_count() != ty.lane_count()).then_some(Endianness::Little));
                Extra::Mem(MemFlags { endianness: order, ..MemFlags::default() }, 0)
            }
            _ => Extra::None,
        };
        self.spend();
        let inst = self.builder.inst(opcode, ty, &args, extra);
        let results = self.builder.func.dfg.results(inst).to_vec();
        for result in results {
            let result = if makes_nan(opcode) { self.canonical(result) } else { result };
            self.scope.push(result);
        }
    }

    fn scalar_operand(&mut self, opcode: Opcode, operand: OperandType, ty: Type) -> Value {
        let fitting: Vec<Type> =
            self.types_in_use().filter(|&candidate| operand.accepts(ty, candidate)).collect();
        match (opcode, operand) {
            (Opcode::Fpromote, _) => self.operand(F32),
            (Opcode::Fdemote, _) => self.operand(F64),
            // The only fixed scalars are carries and borrows.
            (_, OperandType::Fixed(I8)) => {
                let value = self.operand(I8);
                let one = self.constant(DataValue::I8(1));
                self.op(Opcode::Band, &[value, one])
            }
            _ => {
                let ty = self.entropy.pick(&fitting);
                self.operand(ty)
            }
        }
    }

    /// The operation as it is, now and then; else one that cannot trap.
    fn without_trap(&mut self, opcode: Opcode, ty: Type, args: Vec<Value>) -> (Opcode, Vec<Value>) {
        if self.config.traps && self.entropy.one_in(16) {
            return (opcode, args);
        }
        match opcode {
            Opcode::Udiv | Opcode::Sdiv | Opcode::Urem | Opcode::Srem => {
                // A divisor from 1 to the greatest signed number.
                let max = self.constant(DataValue::from_bits(ty, ty.mask() >> 1));
                let positive = self.op(Opcode::Band, &[args[1], max]);
                let one = self.constant(DataValue::from_bits(ty, 1));
                let divisor = self.op(Opcode::Bor, &[positive, one]);
                (opcode, vec![args[0], divisor])
            }
            Opcode::FcvtToUint => (Opcode::FcvtToUintSat, args),
            Opcode::FcvtToSint => (Opcode::FcvtToSintSat, args),
            Opcode::UaddOverflowTrap => (Opcode::Iadd, args),
            _ => (opcode, args),
        }
    }

    /// The float, every NaN made the same one.
    fn canonical(&mut self, value: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(value);
        if ty.is_vector() {
            let nan = if ty == F32X4 { DataValue::f32(f32::NAN) } else { DataValue::f64(f64::NAN) };
            let nan = self.constant(DataValue::from_lanes(&vec![nan; ty.lane_count() as usize]));
            self.spend();
            let unordered = self.builder.fcmp(FloatCC::Unordered, value, value);
            self.spend();
            let extra = Extra::Mem(MemFlags::default(), 0);
            let mask = self.builder.inst(Opcode::Bitcast, ty, &[unordered], extra);
            let mask = self.builder.func.dfg.first_result(mask);
            return self.op(Opcode::Bitselect, &[mask, nan, value]);
        }
        let nan = self.constant(if ty == F32 { DataValue::f32(f32::NAN) } else { DataValue::f64(f64::NAN) });
        self.spend();
        let unordered = self.builder.fcmp(FloatCC::Unordered, value, value);
        self.op(Opcode::Select, &[unordered, nan, value])
    }
}

/// An operation on values and its controlling types.
struct Operation {
    opcode: Opcode,
    types: Vec<Type>,
}

fn types(vectors: bool) -> impl Iterator<Item = Type> {
    let vectors: &[Type] = if vectors { &Type::VECTORS } else { &[] };
    Type::SCALARS.into_iter().chain(vectors.iter().copied())
}

/// All operations, on vectors as well or not.
fn operations(vectors: bool) -> &'static [Operation] {
    static TABLES: [OnceLock<Vec<Operation>>; 2] = [OnceLock::new(), OnceLock::new()];
    TABLES[usize::from(vectors)].get_or_init(|| {
        let of_values = Opcode::ALL.iter().copied().filter(|&opcode| is_pure_of_values(opcode));
        let operation = |opcode: Opcode| {
            let info = opcode.info();
            let exists = |operand: &OperandType, ty| types(vectors).any(|one| operand.accepts(ty, one));
            let fits = |ty: &Type| info.types.contains(*ty) && info.args.iter().all(|arg| exists(arg, *ty));
            let types = types(vectors).chain([Type::INVALID]).filter(fits).collect();
            Operation { opcode, types }
        };
        of_values.map(operation).filter(|operation| !operation.types.is_empty()).collect()
    })
}

/// Whether an opcode computes values from values alone.
fn is_pure_of_values(opcode: Opcode) -> bool {
    let environment = matches!(
        opcode,
        Opcode::FuncAddr
            | Opcode::SymbolValue
            | Opcode::GlobalValue
            | Opcode::TlsValue
            | Opcode::StackAddr
            | Opcode::GetFramePointer
            | Opcode::GetStackPointer
            | Opcode::GetReturnAddress
    );
    !opcode.info().results.is_empty() && !environment && !opcode.can_load() && !opcode.can_store()
}

/// Whether the result may be a NaN whose bits CLIF leaves open.
fn makes_nan(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Fadd
            | Opcode::Fsub
            | Opcode::Fmul
            | Opcode::Fdiv
            | Opcode::Sqrt
            | Opcode::Fma
            | Opcode::Fmin
            | Opcode::Fmax
            | Opcode::Ceil
            | Opcode::Floor
            | Opcode::Trunc
            | Opcode::Nearest
            | Opcode::Fpromote
            | Opcode::Fdemote
            | Opcode::FvpromoteLow
            | Opcode::Fvdemote
    )
}
