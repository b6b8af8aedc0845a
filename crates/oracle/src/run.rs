//! Calls and control: frames, labels, exceptions.
//!
//! A frame stands between two operators: `at` is the one that comes next. Labels are
//! the blocks that are open, innermost last; the body of a function has none, so that a
//! branch further out than all labels returns. Callers stand behind their calls.

use crate::access;
use crate::module::Code;
use crate::operands::Operands;
use crate::store::{Body, Limits, Store};
use crate::value::{ExnAddr, FuncAddr, FuncType, Stop, Trap, Value};
use std::rc::Rc;
use wasmparser::{BlockType, Catch, Operator as O};

/// A function that is being executed.
pub(super) struct Frame<'a> {
    pub instance: usize,
    /// Its index in the module.
    pub function: u32,
    pub code: Rc<Code<'a>>,
    /// How many results it has.
    results: usize,
    /// Which operator comes next.
    pub at: usize,
    pub locals: Vec<Value>,
    pub operands: Operands,
    labels: Vec<Label>,
}

/// An open block.
struct Label {
    /// Where a branch goes.
    target: usize,
    /// Whether the block stays open then: it is a loop.
    is_loop: bool,
    /// How many operands a branch takes along.
    arity: usize,
    /// How many operands are below those of the block.
    height: usize,
    /// The `try_table` that opened it, if one did, or the `try` whose body it is.
    catches: Option<usize>,
    /// What was caught, if it is a clause of a `try`.
    caught: Option<ExnAddr>,
}

/// Frames that called each other, innermost last.
type Thread<'a> = Vec<Frame<'a>>;

impl<'a> Store<'a> {
    /// Calls a function with arguments of its parameters' types.
    ///
    /// # Errors
    /// Why it did not return.
    pub fn call(&mut self, func: FuncAddr, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
        let stack = self.stack;
        let mut thread = Thread::new();
        let outcome = self.run(&mut thread, func, arguments);
        self.stack = stack;
        outcome
    }

    fn run(
        &mut self,
        thread: &mut Thread<'a>,
        func: FuncAddr,
        arguments: &[Value],
    ) -> Result<Vec<Value>, Stop> {
        let mut outcome = self.enter(thread, func, arguments.to_vec());
        loop {
            if let Err(Stop::Exception(exception)) = outcome {
                outcome = self.catch(thread, exception);
            }
            match outcome? {
                Some(results) => return Ok(results),
                None => outcome = self.step(thread),
            }
        }
    }

    /// Starts a call of a function. Gives the results if it is one of the host, which
    /// nothing in the thread called.
    fn enter(
        &mut self,
        thread: &mut Thread<'a>,
        func: FuncAddr,
        arguments: Vec<Value>,
    ) -> Result<Option<Vec<Value>>, Stop> {
        let callee = &self.funcs[func.0];
        let results = callee.ty.results.len();
        match callee.body.clone() {
            Body::Host(call) => {
                let results = call(self, &arguments)?;
                Ok(deliver(thread, results))
            }
            Body::Wasm { instance, index, code } => {
                let mut locals = arguments;
                locals.extend(code.locals.iter().map(|ty| Value::default_of(*ty)));
                self.stack += Limits::FRAME + locals.len();
                // Pushed before it is known whether there is room, so that it is popped as any other.
                let (operands, labels) = (Operands::default(), Vec::new());
                thread.push(Frame {
                    instance,
                    function: index,
                    code,
                    results,
                    at: 0,
                    locals,
                    operands,
                    labels,
                });
                if self.stack > self.limits.stack {
                    return Err(Trap::StackOverflow.into());
                }
                Ok(None)
            }
        }
    }

    /// Removes the innermost frame.
    fn leave(&mut self, thread: &mut Thread<'a>) -> Frame<'a> {
        let frame = thread.pop().expect("there is a frame to leave");
        self.stack -= Limits::FRAME + frame.locals.len();
        frame
    }

    /// Returns from the innermost frame. Gives the results if nothing in the thread
    /// called it.
    fn give_back(&mut self, thread: &mut Thread<'a>) -> Option<Vec<Value>> {
        let mut frame = self.leave(thread);
        let results = frame.operands.pop_many(frame.results);
        deliver(thread, results)
    }

    /// Executes one operator. Gives the results if the outermost function returned.
    fn step(&mut self, thread: &mut Thread<'a>) -> Result<Option<Vec<Value>>, Stop> {
        let frame = thread.last_mut().expect("there is a frame to execute");
        if let Some(fuel) = &mut self.fuel {
            *fuel = fuel.checked_sub(1).ok_or(Stop::OutOfFuel)?;
        }
        self.report(frame);
        let code = frame.code.clone();
        let at = frame.at;
        frame.at += 1;
        match &code.operators[at].1 {
            O::Nop => {}
            O::Unreachable => return Err(Trap::UnreachableCodeReached.into()),
            O::Block { blockty } => self.open(frame, blockty, code.ends[at] + 1),
            O::Loop { blockty } => {
                self.open(frame, blockty, at + 1);
                let (params, _) = self.instances[frame.instance].module.arity(blockty);
                let label = frame.labels.last_mut().expect("it was opened");
                (label.is_loop, label.arity) = (true, params);
            }
            O::If { blockty } => {
                let condition = frame.operands.take::<u32>() != 0;
                match code.elses[at] {
                    None if !condition => frame.at = code.ends[at] + 1,
                    Some(middle) if !condition => {
                        self.open(frame, blockty, code.ends[at] + 1);
                        frame.at = middle + 1;
                    }
                    _ => self.open(frame, blockty, code.ends[at] + 1),
                }
            }
            O::TryTable { try_table } => {
                self.open(frame, &try_table.ty, code.ends[at] + 1);
                frame.labels.last_mut().expect("it was opened").catches = Some(at);
            }
            O::Try { blockty } => {
                self.open(frame, blockty, code.ends[at] + 1);
                frame.labels.last_mut().expect("it was opened").catches = Some(at);
            }
            O::Delegate { .. } => _ = frame.labels.pop(),
            O::Rethrow { relative_depth } => {
                let label = &frame.labels[frame.labels.len() - 1 - *relative_depth as usize];
                return Err(Stop::Exception(label.caught.expect("it is a clause")));
            }
            O::Else | O::Catch { .. } | O::CatchAll => {
                frame.labels.pop();
                frame.at = code.ends[at] + 1;
            }
            O::End => {
                if frame.labels.pop().is_none() {
                    return Ok(self.give_back(thread));
                }
            }
            O::Return => return Ok(self.give_back(thread)),
            O::Br { relative_depth } => return Ok(self.branch(thread, *relative_depth)),
            O::BrIf { relative_depth } => {
                if frame.operands.take::<u32>() != 0 {
                    return Ok(self.branch(thread, *relative_depth));
                }
            }
            O::BrTable { targets } => {
                let index = frame.operands.take::<u32>();
                let chosen = targets.targets().nth(index as usize);
                let depth = chosen.map_or(targets.default(), |depth| depth.expect("it is valid"));
                return Ok(self.branch(thread, depth));
            }
            O::BrOnNull { relative_depth } => {
                let reference = frame.operands.pop();
                if reference.is_null() {
                    return Ok(self.branch(thread, *relative_depth));
                }
                frame.operands.0.push(reference);
            }
            O::BrOnNonNull { relative_depth } => {
                let reference = frame.operands.pop();
                if !reference.is_null() {
                    frame.operands.0.push(reference);
                    return Ok(self.branch(thread, *relative_depth));
                }
            }
            O::Throw { tag_index } => {
                let tag = self.instances[frame.instance].tags[*tag_index as usize];
                let values = frame.operands.pop_many(self.tags[tag].params.len());
                return Err(Stop::Exception(self.new_exception(tag, values)));
            }
            O::ThrowRef => {
                let Value::Exn(exception) = frame.operands.pop() else { panic!("no exception") };
                return Err(exception.map_or(Trap::NullReference.into(), Stop::Exception));
            }
            op => return self.calls(op, thread),
        }
        Ok(None)
    }

    fn calls(&mut self, op: &O<'a>, thread: &mut Thread<'a>) -> Result<Option<Vec<Value>>, Stop> {
        let frame = thread.last_mut().expect("there is a frame to execute");
        let (func, is_tail) = match op {
            O::Call { function_index } => {
                (self.instances[frame.instance].funcs[*function_index as usize], false)
            }
            O::ReturnCall { function_index } => {
                (self.instances[frame.instance].funcs[*function_index as usize], true)
            }
            O::CallIndirect { type_index, table_index } => {
                (self.find(frame, *type_index, *table_index)?, false)
            }
            O::ReturnCallIndirect { type_index, table_index } => {
                (self.find(frame, *type_index, *table_index)?, true)
            }
            O::CallRef { .. } => (frame.operands.take::<Option<_>>().ok_or(Trap::NullReference)?, false),
            O::ReturnCallRef { .. } => (frame.operands.take::<Option<_>>().ok_or(Trap::NullReference)?, true),
            _ => {
                access::execute(op, self, frame)?;
                return Ok(None);
            }
        };
        let arguments = frame.operands.pop_many(self.funcs[func.0].ty.params.len());
        if is_tail {
            self.leave(thread);
        }
        self.enter(thread, func, arguments)
    }

    /// Pops an index; the function there in a table, if it is of the type.
    fn find(&mut self, frame: &mut Frame<'a>, ty: u32, table: u32) -> Result<FuncAddr, Trap> {
        let element = self.element(frame, table)?;
        let Value::Func(func) = element else { panic!("{element:?} in a table of functions") };
        let func = func.ok_or(Trap::IndirectCallToNull)?;
        let expected: &FuncType = &self.instances[frame.instance].module.types[ty as usize];
        if self.funcs[func.0].ty == *expected { Ok(func) } else { Err(Trap::BadSignature) }
    }

    /// Opens a block that is no loop.
    fn open(&self, frame: &mut Frame<'a>, ty: &BlockType, target: usize) {
        let (params, results) = self.instances[frame.instance].module.arity(ty);
        let height = frame.operands.0.len() - params;
        let (catches, caught) = (None, None);
        frame.labels.push(Label { target, is_loop: false, arity: results, height, catches, caught });
    }

    /// Branches out of `depth` blocks more than the innermost. Gives the results if
    /// that returns from the outermost function.
    fn branch(&mut self, thread: &mut Thread<'a>, depth: u32) -> Option<Vec<Value>> {
        let frame = thread.last_mut().expect("there is a frame to execute");
        let Some(place) = frame.labels.len().checked_sub(1 + depth as usize) else {
            return self.give_back(thread);
        };
        let Label { target, is_loop, arity, height, .. } = frame.labels[place];
        let taken = frame.operands.pop_many(arity);
        frame.operands.0.truncate(height);
        frame.operands.0.extend(taken);
        frame.labels.truncate(if is_loop { place + 1 } else { place });
        frame.at = target;
        None
    }

    /// Makes an exception.
    pub fn new_exception(&mut self, tag: usize, values: Vec<Value>) -> ExnAddr {
        self.exceptions.push(crate::store::Exception { tag, values });
        ExnAddr(self.exceptions.len() - 1)
    }

    /// Leaves frames and blocks until one catches the exception. Gives the results if
    /// that returns from the outermost function.
    ///
    /// # Errors
    /// The exception, if none does; no frame is left then.
    fn catch(&mut self, thread: &mut Thread<'a>, exception: ExnAddr) -> Result<Option<Vec<Value>>, Stop> {
        while let Some(frame) = thread.last_mut() {
            while let Some(label) = frame.labels.pop() {
                let Some(at) = label.catches else { continue };
                if let O::Try { .. } = &frame.code.operators[at].1 {
                    if self.catch_in_clause(frame, label, at, exception) {
                        return Ok(None);
                    }
                    continue;
                }
                let Some((depth, payload)) = self.clause(frame, at, exception) else { continue };
                frame.operands.0.truncate(label.height);
                frame.operands.0.extend(payload);
                return Ok(self.branch(thread, depth));
            }
            self.leave(thread);
        }
        Err(Stop::Exception(exception))
    }

    /// Goes to the clause of a `try` that catches the exception, whose body has been left. If
    /// there is none, goes on outside, or where the `try` delegates it to.
    fn catch_in_clause(&self, frame: &mut Frame<'a>, label: Label, at: usize, exception: ExnAddr) -> bool {
        let code = frame.code.clone();
        if let O::Delegate { relative_depth } = code.operators[code.ends[at]].1 {
            frame.labels.truncate(frame.labels.len() - relative_depth as usize);
            return false;
        }
        let thrown = &self.exceptions[exception.0];
        for &clause in code.clauses.get(&at).into_iter().flatten() {
            let values = match code.operators[clause].1 {
                O::Catch { tag_index: tag } => {
                    if self.instances[frame.instance].tags[tag as usize] != thrown.tag {
                        continue;
                    }
                    thrown.values.clone()
                }
                _ => Vec::new(),
            };
            frame.operands.0.truncate(label.height);
            frame.operands.0.extend(values);
            frame.labels.push(Label { catches: None, caught: Some(exception), ..label });
            frame.at = clause + 1;
            return true;
        }
        false
    }

    /// The first clause of a `try_table` that catches the exception: its label, and
    /// what it takes along.
    fn clause(&self, frame: &Frame<'a>, try_table: usize, exception: ExnAddr) -> Option<(u32, Vec<Value>)> {
        let O::TryTable { try_table } = &frame.code.operators[try_table].1 else { unreachable!() };
        let tags = &self.instances[frame.instance].tags;
        let thrown = &self.exceptions[exception.0];
        let is = |tag: u32| tags[tag as usize] == thrown.tag;
        let reference = Value::Exn(Some(exception));
        try_table.catches.iter().find_map(|catch| match *catch {
            Catch::One { tag, label } => is(tag).then(|| (label, thrown.values.clone())),
            Catch::OneRef { tag, label } => {
                is(tag).then(|| (label, [thrown.values.clone(), vec![reference]].concat()))
            }
            Catch::All { label } => Some((label, Vec::new())),
            Catch::AllRef { label } => Some((label, vec![reference])),
        })
    }
}

/// Gives results to the innermost frame, or hands them back if there is none.
fn deliver(thread: &mut Thread<'_>, results: Vec<Value>) -> Option<Vec<Value>> {
    match thread.last_mut() {
        Some(caller) => {
            caller.operands.0.extend(results);
            None
        }
        None => Some(results),
    }
}
