//! The middle pass: folding, algebraic rules, value numbering, forwarding of
//! memory, in one walk over the dominator tree.
//!
//! Needs: all blocks reachable, uses free of aliases.
//! Provides: no pure instruction that a dominating equal one makes redundant; no
//! operation on constants alone; what the rules in [`super::rules`] rewrite is
//! rewritten; no load of what is known; uses free of aliases.
//! Breaks: branches may be decided (the return value says so): then blocks may
//! be unreachable. Leaves dead instructions behind.
//!
//! Approach: definitions come before uses in the walk (but for block parameters),
//! so when an instruction is met its operands are as simple as they get. Rules
//! see an operation as a [`Node`] and either name an existing value or build
//! other operations, each of which goes through the same door
//! ([`Scalar::build`]): folded, rewritten, numbered, and only then created in
//! front of the instruction at hand. Operations that may trap take part as well:
//! an equal one that dominates has trapped already if it does.

use super::branches::only_outcome;
use super::memory::{self, Known, Place, State};
use super::rules;
use super::table::ScopedTable;
use sidetrack_ir::data_value::DataValue;
use sidetrack_ir::interp::eval;
use sidetrack_ir::opcode::{Format, Props};
use sidetrack_ir::types::{F32, I64};
use sidetrack_ir::{
    Block, ControlFlowGraph, DominatorTree, Extra, Function, Inst, IntCC, Opcode, Type, Value, ValueDef,
};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// How deep rules may build on each other; a bound on work, never reached by
/// rules that only ever simplify.
const MAX_DEPTH: u32 = 12;

/// An operation that need not be an instruction yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it does.
    pub opcode: Opcode,
    /// Its controlling type.
    pub ty: Type,
    /// Its operands.
    pub args: SmallVec<[Value; 3]>,
    /// Its other operands.
    pub extra: Extra,
}

/// Operations that are equal but for the order of operands, where that does not matter,
/// have the same hash.
impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.opcode, self.ty, self.extra).hash(state);
        match self.args.as_slice() {
            [x, y, rest @ ..] if self.opcode.is_commutative() => (x.min(y), x.max(y), rest).hash(state),
            args => args.hash(state),
        }
    }
}

/// The state of the pass.
pub struct Scalar<'a> {
    /// The function.
    pub func: &'a mut Function,
    numbers: ScopedTable<Inst>,
    known: ScopedTable<Known>,
    state: State,
    at: Inst,
    depth: u32,
}

/// Runs the pass; true when a branch was decided.
pub fn run(func: &mut Function) -> bool {
    let cfg = ControlFlowGraph::new(func);
    let domtree = DominatorTree::new(func, &cfg);
    let states = memory::entry_states(func, &cfg, &domtree);
    let Some(entry) = func.layout.entry_block() else { return false };
    let capacity = func.dfg.insts.len();
    let mut scalar = Scalar {
        func,
        numbers: ScopedTable::new(capacity),
        known: ScopedTable::new(capacity / 4),
        state: State::default(),
        at: Inst::from_u32(0),
        depth: 0,
    };
    let mut decided = false;
    // A block's children are pushed when it is left for the first time; the
    // second time, its scope is closed.
    let mut stack: Vec<(Block, bool)> = vec![(entry, false)];
    while let Some((block, done)) = stack.pop() {
        if done {
            scalar.numbers.leave();
            scalar.known.leave();
            continue;
        }
        scalar.numbers.enter();
        scalar.known.enter();
        scalar.state = states[block];
        decided |= scalar.block(block);
        stack.push((block, true));
        stack.extend(domtree.children(block).iter().rev().map(|&child| (child, false)));
    }
    func.dfg.resolve_states();
    decided
}

impl Scalar<'_> {
    fn block(&mut self, block: Block) -> bool {
        let mut next = self.func.layout.first_inst(block);
        let mut decided = false;
        while let Some(inst) = next {
            next = self.func.layout.next_inst(inst);
            self.at = inst;
            self.resolve_uses(inst);
            decided |= self.visit(inst);
        }
        decided
    }

    fn resolve_uses(&mut self, inst: Inst) {
        let dfg = &mut self.func.dfg;
        let mut stale = false;
        dfg.for_each_use(inst, |v| stale |= matches!(dfg.value_def(v), ValueDef::Alias(_)));
        if !stale {
            return;
        }
        let mut renamed: SmallVec<[(Value, Value); 8]> = SmallVec::new();
        dfg.for_each_use(inst, |v| renamed.push((v, dfg.resolve(v))));
        let mut renamed = renamed.into_iter();
        // `map_uses` visits uses in the order of `for_each_use`.
        dfg.map_uses(inst, |v| match renamed.next() {
            Some((from, to)) if from == v => to,
            _ => v,
        });
    }

    /// Simplifies one instruction; true when it was a branch and is decided.
    fn visit(&mut self, inst: Inst) -> bool {
        let opcode = self.func.dfg.insts[inst].opcode;
        match opcode.format() {
            Format::Brif => return self.brif(inst),
            Format::BrTable => return self.decide(inst),
            Format::CondTrap => self.cond_trap(inst),
            Format::Load => self.load(inst),
            Format::Store => self.store(inst),
            _ if opcode.props().has(Props::SIDE) || opcode.is_terminator() => {}
            _ => match self.func.dfg.results(inst).len() {
                0 => {}
                1 => self.scalar(inst),
                _ => self.multi(inst),
            },
        }
        let written = memory::regions_written(self.func, inst);
        if written != 0 && opcode.format() != Format::Store {
            self.state.write(written, inst);
        }
        false
    }

    fn scalar(&mut self, inst: Inst) {
        let mut node = self.node(inst);
        let swapped = self.canonicalise(&mut node);
        let simpler = self.reduce(&node);
        if let Some(value) = simpler {
            return self.replace(inst, value);
        }
        match self.number(&node) {
            Ok(equal) => {
                let value = self.func.dfg.first_result(equal);
                self.replace(inst, value);
            }
            Err(hash) => {
                if swapped {
                    self.func.dfg.replace(inst, node.opcode, node.ty, &node.args, node.extra);
                }
                self.numbers.insert(hash, inst);
            }
        }
    }

    fn multi(&mut self, inst: Inst) {
        let node = self.node(inst);
        let results: SmallVec<[Value; 2]> = SmallVec::from_slice(self.func.dfg.results(inst));
        let replacements: SmallVec<[Value; 2]> = match self.fold(&node) {
            Some(values) => values,
            None => match self.number(&node) {
                Ok(equal) => SmallVec::from_slice(self.func.dfg.results(equal)),
                Err(hash) => return self.numbers.insert(hash, inst),
            },
        };
        self.func.layout.remove_inst(inst);
        for (result, value) in results.into_iter().zip(replacements) {
            self.func.dfg.make_alias(result, value);
        }
    }

    /// Takes out an instruction whose only result is `value`.
    fn replace(&mut self, inst: Inst, value: Value) {
        let result = self.func.dfg.first_result(inst);
        self.func.layout.remove_inst(inst);
        self.func.dfg.make_alias(result, value);
    }

    fn node(&self, inst: Inst) -> Node {
        let data = &self.func.dfg.insts[inst];
        let args = SmallVec::from_slice(self.func.dfg.args(inst));
        Node { opcode: data.opcode, ty: data.ty, args, extra: data.extra }
    }

    /// Puts constants on the right; true if operands changed places.
    fn canonicalise(&self, node: &mut Node) -> bool {
        let compare = match node.extra {
            Extra::IntCC(cc) => Some(Extra::IntCC(cc.swap_args())),
            Extra::FloatCC(cc) => Some(Extra::FloatCC(cc.swap_args())),
            _ => None,
        };
        if node.args.len() < 2 || (compare.is_none() && !node.opcode.is_commutative()) {
            return false;
        }
        let swap = self.is_const(node.args[0]) && !self.is_const(node.args[1]);
        if swap {
            node.args.swap(0, 1);
            node.extra = compare.unwrap_or(node.extra);
        }
        swap
    }

    fn reduce(&mut self, node: &Node) -> Option<Value> {
        if let Some(values) = self.fold(node) {
            return values.first().copied();
        }
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let result = rules::apply(self, node);
        self.depth -= 1;
        result
    }

    /// The results of an operation on constants. A NaN that an operation makes is
    /// left to the target, since its bits are.
    fn fold(&mut self, node: &Node) -> Option<SmallVec<[Value; 2]>> {
        if node.args.is_empty() || node.args.len() > 3 {
            return None;
        }
        let mut args: SmallVec<[DataValue; 3]> = SmallVec::new();
        for &arg in &node.args {
            args.push(self.constant(arg)?);
        }
        let results = eval::eval(node.opcode, node.ty, &node.extra, &args).ok()?;
        if results.iter().any(|value| value.is_nan()) {
            return None;
        }
        Some(results.iter().map(|&value| self.make_constant(value)).collect())
    }

    /// The value of a constant.
    fn constant(&self, v: Value) -> Option<DataValue> {
        let inst = self.func.dfg.def_inst(v)?;
        let data = &self.func.dfg.insts[inst];
        match (data.opcode, data.extra) {
            (Opcode::Iconst | Opcode::F32const | Opcode::F64const, Extra::Imm(imm)) => {
                Some(DataValue::from_bits(self.func.dfg.value_type(v), imm as u64))
            }
            (Opcode::Vconst, Extra::Bytes(bytes)) => Some(DataValue::V128(data.ty, bytes)),
            _ => None,
        }
    }

    fn is_const(&self, v: Value) -> bool {
        let inst = self.func.dfg.def_inst(v);
        inst.is_some_and(|inst| self.func.dfg.insts[inst].opcode.is_constant())
    }

    fn make_constant(&mut self, value: DataValue) -> Value {
        let ty = value.ty();
        if ty.is_int() {
            return self.iconst(ty, value.sext());
        }
        if ty.is_vector() {
            return self.build(Opcode::Vconst, ty, &[], Extra::Bytes(value.bytes()));
        }
        let opcode = if ty == F32 { Opcode::F32const } else { Opcode::F64const };
        self.build(opcode, Type::INVALID, &[], Extra::Imm(value.bits() as i64))
    }

    /// The instruction of an equal operation; if there is none, the hash under which to
    /// enter one.
    fn number(&self, node: &Node) -> Result<Inst, u32> {
        let dfg = &self.func.dfg;
        let hash = self.numbers.hash(node);
        let equal = self.numbers.find(hash, |&inst| {
            let data = &dfg.insts[inst];
            let same = data.opcode == node.opcode && data.ty == node.ty && data.extra == node.extra;
            same && match (dfg.args(inst), node.args.as_slice()) {
                ([x, y, rest @ ..], [u, v, others @ ..]) if node.opcode.is_commutative() => {
                    ((x, y) == (u, v) || (x, y) == (v, u)) && rest == others
                }
                (args, others) => args == others,
            }
        });
        equal.ok_or(hash)
    }

    /// The value of an operation with one result: an existing one, or that of a
    /// new instruction in front of the one at hand.
    pub fn build(&mut self, opcode: Opcode, ty: Type, args: &[Value], extra: Extra) -> Value {
        let mut node = Node { opcode, ty, args: SmallVec::from_slice(args), extra };
        self.canonicalise(&mut node);
        if let Some(value) = self.reduce(&node) {
            return value;
        }
        let hash = match self.number(&node) {
            Ok(equal) => return self.func.dfg.first_result(equal),
            Err(hash) => hash,
        };
        let inst = self.func.dfg.make_inst(node.opcode, node.ty, &node.args, node.extra);
        self.func.dfg.make_results(inst);
        self.func.layout.insert_inst(inst, self.at);
        let loc = self.func.source_locs[self.at];
        if loc.is_some() {
            self.func.source_locs[inst] = loc;
        }
        self.numbers.insert(hash, inst);
        self.func.dfg.first_result(inst)
    }

    /// An integer constant, sign-extended from the type's width.
    pub fn iconst(&mut self, ty: Type, imm: i64) -> Value {
        let shift = 64 - ty.bits();
        self.build(Opcode::Iconst, ty, &[], Extra::Imm(imm << shift >> shift))
    }

    fn brif(&mut self, inst: Inst) -> bool {
        let (cond, inverted) = rules::condition(self, self.func.dfg.args(inst)[0]);
        if let Extra::Brif(then, other) = self.func.dfg.insts[inst].extra {
            let extra = if inverted { Extra::Brif(other, then) } else { Extra::Brif(then, other) };
            let ty = self.func.dfg.value_type(cond);
            self.func.dfg.args_mut(inst)[0] = cond;
            let data = &mut self.func.dfg.insts[inst];
            (data.ty, data.extra) = (ty, extra);
        }
        self.decide(inst)
    }

    fn decide(&mut self, inst: Inst) -> bool {
        let Some(call) = only_outcome(self.func, inst) else { return false };
        self.func.dfg.replace(inst, Opcode::Jump, Type::INVALID, &[], Extra::Jump(call));
        true
    }

    /// `trapz` and `trapnz`: simpler conditions; none that cannot trap, or that a
    /// dominating equal one has decided. One that always traps stays.
    fn cond_trap(&mut self, inst: Inst) {
        let mut node = self.node(inst);
        let (cond, inverted) = rules::condition(self, node.args[0]);
        node.args[0] = cond;
        node.ty = self.func.dfg.value_type(cond);
        node.opcode = match (node.opcode, inverted) {
            (Opcode::Trapz, false) | (Opcode::Trapnz, true) => Opcode::Trapz,
            _ => Opcode::Trapnz,
        };
        let passes = self.imm(cond).is_some_and(|imm| (imm == 0) == (node.opcode == Opcode::Trapnz));
        let hash = if passes { None } else { self.number(&node).err() };
        let Some(hash) = hash else { return self.func.layout.remove_inst(inst) };
        self.func.dfg.replace(inst, node.opcode, node.ty, &node.args, node.extra);
        self.numbers.insert(hash, inst);
    }

    /// Moves constants added to an address into the offset, where it stays in
    /// range. Addresses narrower than 64 bits wrap before the offset is added, so
    /// they stay.
    fn fold_address(&mut self, inst: Inst, arg: usize) {
        let Extra::Mem(flags, mut offset) = self.func.dfg.insts[inst].extra else { return };
        let mut addr = self.func.dfg.args(inst)[arg];
        if self.func.dfg.value_type(addr) != I64 {
            return;
        }
        while let Some((base, imm)) = self.binary_imm(addr, Opcode::Iadd) {
            let sum = imm.checked_add(i64::from(offset)).and_then(|sum| i32::try_from(sum).ok());
            let Some(sum) = sum else { break };
            (addr, offset) = (base, sum);
        }
        self.func.dfg.args_mut(inst)[arg] = addr;
        self.func.dfg.insts[inst].extra = Extra::Mem(flags, offset);
    }

    fn load(&mut self, inst: Inst) {
        self.fold_address(inst, 0);
        let Some(place) = self.place(inst, 0) else { return };
        if let Some(known) = self.find_known(&place) {
            return self.replace(inst, known);
        }
        let value = self.func.dfg.first_result(inst);
        self.known.insert(self.known.hash(&place), Known { place, value });
    }

    /// The address that a load or store accesses, at this moment. The opcode is
    /// the instruction's.
    fn place(&self, inst: Inst, arg: usize) -> Option<Place> {
        let data = &self.func.dfg.insts[inst];
        let Extra::Mem(flags, offset) = data.extra else { return None };
        Some(Place {
            token: self.state.token(&flags),
            addr: self.func.dfg.args(inst)[arg],
            offset,
            opcode: data.opcode,
            ty: data.ty,
            endianness: flags.endianness,
        })
    }

    fn find_known(&mut self, place: &Place) -> Option<Value> {
        let find = |place: &Place| self.known.find(self.known.hash(place), |known| known.place == *place);
        if let Some(known) = find(place) {
            return Some(known.value);
        }
        let (store, extend, narrow) = match place.opcode {
            Opcode::Uload8 => (Opcode::Istore8, Opcode::Uextend, 8),
            Opcode::Sload8 => (Opcode::Istore8, Opcode::Sextend, 8),
            Opcode::Uload16 => (Opcode::Istore16, Opcode::Uextend, 16),
            Opcode::Sload16 => (Opcode::Istore16, Opcode::Sextend, 16),
            Opcode::Uload32 => (Opcode::Istore32, Opcode::Uextend, 32),
            Opcode::Sload32 => (Opcode::Istore32, Opcode::Sextend, 32),
            _ => return None,
        };
        let stored = Place { opcode: store, ty: Type::INVALID, ..*place };
        let known = find(&stored)?;
        let wide = if place.ty == Type::INVALID { I64 } else { place.ty };
        let narrow = self.build(Opcode::Ireduce, Type::int(narrow)?, &[known.value], Extra::None);
        Some(self.build(extend, wide, &[narrow], Extra::None))
    }

    fn store(&mut self, inst: Inst) {
        self.fold_address(inst, 1);
        self.state.write(memory::regions_written(self.func, inst), inst);
        let Some(mut place) = self.place(inst, 1) else { return };
        (place.opcode, place.ty) = match place.opcode {
            Opcode::Store => (Opcode::Load, place.ty),
            narrow => (narrow, Type::INVALID),
        };
        let value = self.func.dfg.args(inst)[0];
        self.known.insert(self.known.hash(&place), Known { place, value });
    }
}

/// Reading operands and building operations, for rules.
impl Scalar<'_> {
    /// The bits of a vector constant.
    pub fn vector_bits(&self, v: Value) -> Option<u128> {
        match self.func.dfg.insts[self.def(v, Opcode::Vconst)?].extra {
            Extra::Bytes(bytes) => Some(u128::from_le_bytes(bytes)),
            _ => None,
        }
    }

    /// The value of an integer constant, sign-extended.
    pub fn imm(&self, v: Value) -> Option<i64> {
        match self.def(v, Opcode::Iconst)? {
            inst if let Extra::Imm(imm) = self.func.dfg.insts[inst].extra => Some(imm),
            _ => None,
        }
    }

    /// The type of a value.
    pub fn ty(&self, v: Value) -> Type {
        self.func.dfg.value_type(v)
    }

    /// The instruction that defines `v`, if it has this opcode.
    pub fn def(&self, v: Value, opcode: Opcode) -> Option<Inst> {
        self.func.dfg.def_inst(v).filter(|&inst| self.func.dfg.insts[inst].opcode == opcode)
    }

    /// The operand of the unary operation `opcode` that defines `v`.
    pub fn unary(&self, v: Value, opcode: Opcode) -> Option<Value> {
        self.def(v, opcode).map(|inst| self.resolved(inst, 0))
    }

    /// The operands of the binary operation `opcode` that defines `v`.
    pub fn binary(&self, v: Value, opcode: Opcode) -> Option<(Value, Value)> {
        self.def(v, opcode).map(|inst| (self.resolved(inst, 0), self.resolved(inst, 1)))
    }

    /// The operands of the binary operation `opcode` that defines `v`, if the
    /// second is a constant.
    pub fn binary_imm(&self, v: Value, opcode: Opcode) -> Option<(Value, i64)> {
        let (x, y) = self.binary(v, opcode)?;
        Some((x, self.imm(y)?))
    }

    /// The operands of the three-operand operation `opcode` that defines `v`.
    pub fn ternary(&self, v: Value, opcode: Opcode) -> Option<(Value, Value, Value)> {
        let inst = self.def(v, opcode)?;
        Some((self.resolved(inst, 0), self.resolved(inst, 1), self.resolved(inst, 2)))
    }

    fn resolved(&self, inst: Inst, arg: usize) -> Value {
        self.func.dfg.resolve(self.func.dfg.args(inst)[arg])
    }

    /// A unary operation of controlling type `ty`.
    pub fn op1(&mut self, opcode: Opcode, ty: Type, x: Value) -> Value {
        self.build(opcode, ty, &[x], Extra::None)
    }

    /// A binary operation of controlling type `ty`.
    pub fn op2(&mut self, opcode: Opcode, ty: Type, x: Value, y: Value) -> Value {
        self.build(opcode, ty, &[x, y], Extra::None)
    }

    /// A binary operation on `x` and a constant of its type.
    pub fn op_imm(&mut self, opcode: Opcode, x: Value, imm: i64) -> Value {
        let ty = self.ty(x);
        let y = self.iconst(ty, imm);
        self.op2(opcode, ty, x, y)
    }

    /// A comparison of integers.
    pub fn icmp(&mut self, cc: IntCC, x: Value, y: Value) -> Value {
        let ty = self.ty(x);
        self.build(Opcode::Icmp, ty, &[x, y], Extra::IntCC(cc))
    }

    /// A comparison of an integer with a constant.
    pub fn icmp_imm(&mut self, cc: IntCC, x: Value, imm: i64) -> Value {
        let ty = self.ty(x);
        let y = self.iconst(ty, imm);
        self.icmp(cc, x, y)
    }
}
