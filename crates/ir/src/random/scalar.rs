//! Scalar operations and their operands.

use super::Body;
use crate::condcodes::{FloatCC, IntCC};
use crate::data_value::DataValue;
use crate::entities::Value;
use crate::inst::Extra;
use crate::memflags::TrapCode;
use crate::opcode::{Ctrl, Opcode, OperandType};
use crate::types::{F32, F64, I8, Type};

impl Body<'_> {
    /// Counts an instruction.
    pub(super) fn spend(&mut self) {
        self.cost += self.iterations;
    }

    /// A constant of any scalar type.
    pub(super) fn constant(&mut self, value: DataValue) -> Value {
        self.spend();
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

    /// A scalar operation on values in scope; its results come into scope.
    pub(super) fn scalar(&mut self) {
        let config = self.config;
        let usable: Vec<Opcode> =
            Opcode::ALL.iter().copied().filter(|op| is_scalar(*op) && !config.exclude.contains(op)).collect();
        if usable.is_empty() {
            return;
        }
        let opcode = self.entropy.pick(&usable);
        let info = opcode.info();
        let types: Vec<Type> = Type::SCALARS
            .into_iter()
            .chain([Type::INVALID])
            .filter(|&ty| {
                info.types.contains(ty) && info.args.iter().all(|arg| operand_type_exists(*arg, ty))
            })
            .collect();
        if types.is_empty() || (opcode == Opcode::UaddOverflowTrap && !config.traps) {
            return;
        }
        let ty = match opcode {
            Opcode::Fpromote => F64,
            Opcode::Fdemote => F32,
            _ => self.entropy.pick(&types),
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
            Opcode::Icmp => Extra::IntCC(self.entropy.pick(IntCC::ALL)),
            Opcode::Fcmp => Extra::FloatCC(self.entropy.pick(FloatCC::ALL)),
            Opcode::UaddOverflowTrap => Extra::Trap(TrapCode::HEAP_OUT_OF_BOUNDS),
            Opcode::Bitcast => Extra::Mem(crate::memflags::MemFlags::default(), 0),
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
            Type::SCALARS.into_iter().filter(|&candidate| operand.accepts(ty, candidate)).collect();
        match (opcode, operand) {
            (Opcode::Fpromote, _) => self.operand(F32),
            (Opcode::Fdemote, _) => self.operand(F64),
            // The only fixed operands are carries and borrows.
            (_, OperandType::Fixed(_)) => {
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
        let nan = self.constant(if ty == F32 { DataValue::f32(f32::NAN) } else { DataValue::f64(f64::NAN) });
        self.spend();
        let unordered = self.builder.fcmp(FloatCC::Unordered, value, value);
        self.op(Opcode::Select, &[unordered, nan, value])
    }
}

/// Whether an opcode computes values from values alone.
fn is_scalar(opcode: Opcode) -> bool {
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
    let vector = !Type::SCALARS.into_iter().chain([Type::INVALID]).any(|ty| {
        let info = opcode.info();
        info.types.contains(ty) && info.args.iter().all(|arg| operand_type_exists(*arg, ty))
    });
    !vector && !opcode.info().results.is_empty() && !environment && !opcode.can_load() && !opcode.can_store()
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
    )
}

fn operand_type_exists(operand: OperandType, ctrl: Type) -> bool {
    Type::SCALARS.into_iter().any(|ty| operand.accepts(ctrl, ty))
}
