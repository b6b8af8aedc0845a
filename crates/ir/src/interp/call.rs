//! Entering and leaving functions: frames, calls of every kind, patch sites,
//! exceptions.
//!
//! Invariant: the instruction of every frame but the innermost is a call that
//! waits for its results. A call to a function of the store only pushes a frame;
//! the results arrive by [`Interpreter::finish_call`].

use super::memory::{StackMark, function_address, function_at};
use super::{HostOutcome, Interpreter, Location, MAX_DEPTH, Stop};
use crate::data_value::DataValue;
use crate::entities::{Block, Inst, Value};
use crate::function::Function;
use crate::inst::{BlockArg, BlockCall, ExceptionItem, Extra};
use crate::memflags::TrapCode;
use crate::signature::{ArgumentPurpose, ExternalName};
use cranelift_entity::EntityRef;
use smallvec::SmallVec;

/// Return addresses are numbers above every region.
const RETURN_ADDRESSES: u64 = 1 << 40;
/// What a frame has above its slots: the caller's frame pointer and the return
/// address.
const FRAME_HEADER: u32 = 16;

pub(super) type Values = SmallVec<[DataValue; 4]>;

/// A function in progress.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) func: &'a Function,
    /// The function's number in the store.
    pub(super) index: usize,
    /// By number of the value; `None` until it is defined.
    values: Vec<Option<DataValue>>,
    /// The instruction that is run next or waits for its callee.
    pub(super) inst: Inst,
    /// Addresses of the stack slots.
    pub(super) slots: SmallVec<[u64; 4]>,
    pub(super) frame_pointer: u64,
    pub(super) return_address: u64,
    /// The stack as the caller left it.
    below: StackMark,
}

impl Frame<'_> {
    pub(super) fn get(&self, v: Value) -> Option<DataValue> {
        self.values[self.func.dfg.resolve(v).index()]
    }

    pub(super) fn set(&mut self, v: Value, value: DataValue) {
        self.values[v.index()] = Some(value);
    }
}

/// What a branch passes besides values: results of a `try_call`, or the payload of
/// an exception.
pub(super) struct Passed<'v> {
    pub(super) rets: &'v [DataValue],
    pub(super) payload: [u64; 2],
}

impl Passed<'_> {
    pub(super) const NOTHING: Passed<'static> = Passed { rets: &[], payload: [0; 2] };
}

/// The innermost frame at the time of the call is left.
type Tail = bool;

impl<'a> Interpreter<'a> {
    pub(super) fn call_and_run(
        &mut self,
        name: &ExternalName,
        args: &[DataValue],
    ) -> Result<Vec<DataValue>, Stop> {
        let Some(index) = self.store.index(name) else {
            return Err(Stop::Unsupported(format!("function {name} is not defined")));
        };
        self.enter(index, args, false)?;
        loop {
            if let Some(values) = self.step()? {
                return Ok(values);
            }
        }
    }

    pub(super) fn frame(&self) -> &Frame<'a> {
        self.frames.last().expect("a frame is on the stack while code runs")
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame<'a> {
        self.frames.last_mut().expect("a frame is on the stack while code runs")
    }

    /// The instruction that the innermost frame is at.
    pub(super) fn location(&self) -> Location {
        match self.frames.last() {
            Some(frame) => {
                Location { function: frame.func.name.clone(), inst: describe(frame.func, frame.inst) }
            }
            None => Location { function: ExternalName::named("caller"), inst: "call".to_string() },
        }
    }

    pub(super) fn trap(&self, code: TrapCode) -> Stop {
        Stop::Trap { code, at: self.location() }
    }

    pub(super) fn undefined(&self, message: impl Into<String>) -> Stop {
        Stop::Undefined { message: message.into(), at: self.location() }
    }

    pub(super) fn value(&self, v: Value) -> Result<DataValue, Stop> {
        self.frame().get(v).ok_or_else(|| self.undefined(format!("{v} is used before it is defined")))
    }

    pub(super) fn values(&self, list: &[Value]) -> Result<Values, Stop> {
        list.iter().map(|&v| self.value(v)).collect()
    }

    /// Pushes a frame at the function's entry.
    fn enter(&mut self, index: usize, args: &[DataValue], tail: Tail) -> Result<(), Stop> {
        let func = self.store.functions()[index];
        let params = &func.signature.params;
        if params.len() != args.len() || params.iter().zip(args).any(|(param, arg)| param.ty != arg.ty()) {
            return Err(self.undefined(format!("{} is called with the wrong arguments", func.name)));
        }
        let copies = self.struct_arguments(func, args)?;
        let entry = func.layout.entry_block().and_then(|block| Some((block, func.layout.first_inst(block)?)));
        let Some((block, inst)) = entry else {
            return Err(Stop::Unsupported(format!("function {} has no body", func.name)));
        };
        if func.dfg.block_params(block).len() != args.len() {
            return Err(self.undefined(format!("{block} of {} lacks parameters", func.name)));
        }
        let mut return_address = RETURN_ADDRESSES;
        if tail {
            return_address = self.frame().return_address;
            self.pop_frame();
        } else if let Some(caller) = self.frames.last() {
            return_address += ((caller.index as u64 + 1) << 20) + caller.inst.index() as u64;
        }
        let below = self.memory.stack_mark();
        let overflow = |this: &Self| Stop::Trap {
            code: TrapCode::STACK_OVERFLOW,
            at: match this.frames.last() {
                Some(_) => this.location(),
                None => Location { function: func.name.clone(), inst: "entry".to_string() },
            },
        };
        if self.frames.len() >= MAX_DEPTH {
            return Err(overflow(self));
        }
        let caller_fp = self.frames.last().map_or(0, |caller| caller.frame_pointer);
        let header = self.memory.push_stack(FRAME_HEADER, 4);
        let frame_pointer = header.ok_or_else(|| overflow(self))?;
        self.memory.write(frame_pointer, 8, caller_fp);
        self.memory.write(frame_pointer + 8, 8, return_address);
        let mut slots = SmallVec::new();
        for slot in func.stack_slots.values() {
            let addr = self.memory.push_stack(slot.size, slot.align_shift);
            slots.push(addr.ok_or_else(|| overflow(self))?);
        }
        let values = vec![None; func.dfg.num_values()];
        let mut frame = Frame { func, index, values, inst, slots, frame_pointer, return_address, below };
        for (&param, &arg) in func.dfg.block_params(block).iter().zip(args) {
            frame.set(param, arg);
        }
        for (number, bytes) in copies {
            let addr = self.memory.push_stack(bytes.len() as u32, 4).ok_or_else(|| overflow(self))?;
            if let Some(copy) = self.memory.bytes_mut(addr, bytes.len()) {
                copy.copy_from_slice(&bytes);
            }
            let param = func.dfg.block_params(block)[number];
            frame.set(param, DataValue::from_bits(params[number].ty, addr));
        }
        self.frames.push(frame);
        Ok(())
    }

    /// The bytes of structs passed by value, with the parameter's number.
    fn struct_arguments(&self, func: &Function, args: &[DataValue]) -> Result<Vec<(usize, Vec<u8>)>, Stop> {
        let mut copies = Vec::new();
        for (number, (param, arg)) in func.signature.params.iter().zip(args).enumerate() {
            if let ArgumentPurpose::StructArgument(size) = param.purpose {
                let bytes = self.memory.bytes(arg.bits(), size as usize);
                let bytes = bytes.ok_or_else(|| self.undefined("a struct argument is not in memory"))?;
                copies.push((number, bytes.to_vec()));
            }
        }
        Ok(copies)
    }

    fn pop_frame(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.memory.pop_stack(frame.below);
        }
    }

    /// Leaves the innermost function. Gives the values when it was the outermost.
    pub(super) fn return_values(&mut self, values: &[DataValue]) -> Result<Option<Vec<DataValue>>, Stop> {
        self.pop_frame();
        if self.frames.is_empty() {
            return Ok(Some(values.to_vec()));
        }
        self.finish_call(values)?;
        Ok(None)
    }

    /// Goes on behind the call that the innermost frame waits for.
    fn finish_call(&mut self, values: &[DataValue]) -> Result<(), Stop> {
        let (func, inst) = (self.frame().func, self.frame().inst);
        let dfg = &func.dfg;
        let sig = dfg.call_signature(inst).ok_or_else(|| self.undefined("a return to what is no call"))?;
        let returns = &dfg.signatures[sig].returns;
        if returns.len() != values.len() || returns.iter().zip(values).any(|(ret, v)| ret.ty != v.ty()) {
            return Err(self.undefined("the callee returns other values than the call's signature says"));
        }
        match dfg.insts[inst].extra {
            Extra::TryCall(_, table) | Extra::TryCallIndirect(table) => {
                let normal = dfg.exception_tables[table].normal;
                self.branch(&normal, Passed { rets: values, payload: [0; 2] })
            }
            _ => {
                let frame = self.frame_mut();
                for (&result, &value) in dfg.results(inst).iter().zip(values) {
                    frame.set(result, value);
                }
                self.advance()
            }
        }
    }

    /// Moves the innermost frame to the next instruction.
    pub(super) fn advance(&mut self) -> Result<(), Stop> {
        let frame = self.frame_mut();
        match frame.func.layout.next_inst(frame.inst) {
            Some(next) => {
                frame.inst = next;
                Ok(())
            }
            None => Err(self.undefined("the block ends without a terminator")),
        }
    }

    /// Goes on in a block. All arguments are read before a parameter is written.
    pub(super) fn branch(&mut self, call: &BlockCall, passed: Passed<'_>) -> Result<(), Stop> {
        let func = self.frame().func;
        let params = func.dfg.block_params(call.block);
        let args = call.args(&func.dfg.block_args);
        if params.len() != args.len() {
            return Err(self.undefined(format!("wrong number of arguments for {}", call.block)));
        }
        let mut values = Values::new();
        for (arg, &param) in args.zip(params) {
            let ty = func.dfg.value_type(param);
            let value = match arg {
                BlockArg::Value(v) => Some(self.value(v)?),
                BlockArg::TryCallRet(n) => passed.rets.get(n as usize).copied(),
                BlockArg::TryCallExn(n) => {
                    passed.payload.get(n as usize).map(|&bits| DataValue::from_bits(ty, bits))
                }
            };
            match value.filter(|value| value.ty() == ty) {
                Some(value) => values.push(value),
                None => return Err(self.undefined(format!("wrong argument for {param} of {}", call.block))),
            }
        }
        let inst = self.first_inst(call.block)?;
        let frame = self.frame_mut();
        for (&param, value) in params.iter().zip(values) {
            frame.set(param, value);
        }
        frame.inst = inst;
        Ok(())
    }

    fn first_inst(&self, block: Block) -> Result<Inst, Stop> {
        let first = self.frame().func.layout.first_inst(block);
        first.ok_or_else(|| self.undefined(format!("{block} has no instructions")))
    }

    /// Runs a call of any kind. Gives values when a tail call to a host function
    /// ended the outermost function.
    pub(super) fn exec_call(&mut self, inst: Inst) -> Result<Option<Vec<DataValue>>, Stop> {
        let (func, index) = (self.frame().func, self.frame().index);
        let dfg = &func.dfg;
        let args = self.values(dfg.call_args(inst))?;
        if dfg.is_patchable(inst) && !self.site_is_on(index, inst) {
            let values = self.pass_through(inst, &args)?;
            return self.finish_call(&values).map(|()| None);
        }
        let name = match dfg.call_target(inst) {
            Some(callee) => dfg.ext_funcs[callee].name.clone(),
            None => {
                let addr = self.value(dfg.args(inst)[0])?.bits();
                let name = function_at(addr).and_then(|index| self.addressed.get(index)).cloned();
                name.ok_or_else(|| self.undefined(format!("there is no function at {addr:#x}")))?
            }
        };
        let tail = dfg.insts[inst].opcode.is_return();
        if let Some(callee) = self.store.index(&name) {
            return self.enter(callee, &args, tail).map(|()| None);
        }
        let Some(host) = self.hosts.get_mut(&name) else {
            return Err(Stop::Unsupported(format!("{} calls {name}, which is not defined", func.name)));
        };
        match host.call(&mut self.memory, &args) {
            HostOutcome::Return(values) if tail => self.return_values(&values),
            HostOutcome::Return(values) => self.finish_call(&values).map(|()| None),
            HostOutcome::Trap(code) => Err(self.trap(code)),
            HostOutcome::Throw { tag, payload } => {
                if tail {
                    self.pop_frame();
                }
                self.unwind(tag, payload).map(|()| None)
            }
        }
    }

    fn site_is_on(&self, index: usize, inst: Inst) -> bool {
        let initial = || self.store.functions()[index].dfg.sites.get(&inst).is_none_or(|site| site.on);
        self.switched.get(&(index, inst)).copied().unwrap_or_else(initial)
    }

    /// The results of a site that is off.
    fn pass_through(&self, inst: Inst, args: &[DataValue]) -> Result<Values, Stop> {
        let dfg = &self.frame().func.dfg;
        let sig = dfg.call_signature(inst).map(|sig| &dfg.signatures[sig]);
        let stated = dfg.site_info(inst).pass_through;
        let indices = if stated.is_empty() { sig.and_then(|sig| sig.pass_through()) } else { Some(stated) };
        let values = indices.and_then(|list| list.iter().map(|&i| args.get(i as usize).copied()).collect());
        values.ok_or_else(|| self.undefined("the site is off and a result has no argument to pass through"))
    }

    /// Leaves frames up to the nearest `try_call` that handles the tag.
    fn unwind(&mut self, tag: u32, payload: [u64; 2]) -> Result<(), Stop> {
        while let Some(frame) = self.frames.last() {
            let dfg = &frame.func.dfg;
            if let Extra::TryCall(_, table) | Extra::TryCallIndirect(table) = dfg.insts[frame.inst].extra {
                let handler = dfg.exception_tables[table].items.iter().find_map(|item| match *item {
                    ExceptionItem::Tag(handled, call) => (handled == tag).then_some(call),
                    ExceptionItem::Default(call) => Some(call),
                    ExceptionItem::Context(_) => None,
                });
                if let Some(handler) = handler {
                    return self.branch(&handler, Passed { rets: &[], payload });
                }
            }
            self.pop_frame();
        }
        Err(Stop::Thrown { tag, payload })
    }

    /// The address of a function of this name, which need not exist.
    pub(super) fn function_address(&mut self, name: &ExternalName) -> u64 {
        let index = self.addressed.iter().position(|known| known == name).unwrap_or_else(|| {
            self.addressed.push(name.clone());
            self.addressed.len() - 1
        });
        function_address(index)
    }
}

/// The instruction for messages, without what is not a value.
fn describe(func: &Function, inst: Inst) -> String {
    let data = &func.dfg.insts[inst];
    let list = |values: &[Value]| values.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(", ");
    let results = match func.dfg.results(inst) {
        [] => String::new(),
        results => format!("{} = ", list(results)),
    };
    let args = list(func.dfg.args(inst));
    let space = if args.is_empty() { "" } else { " " };
    format!("{results}{}{space}{args}", data.opcode)
}
