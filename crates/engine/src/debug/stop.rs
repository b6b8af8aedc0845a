//! Stops: what happens at a site that is on.
//!
//! The state at the site is read into a shadow. From there the shadow is moved on,
//! operator by operator, as long as the goal or a breakpoint may be ahead in the
//! run; at each stop the handler is asked. When the run ends, the sites at which the
//! program can go on are armed, and the native code does what the shadow did.

use super::armed::{CONTEXT, FIRST_LOCAL, Spot};
use super::control::{Followed, Goal};
use super::instance_env::InstanceEnv;
use super::runs::{FuncDebug, Site};
use super::shadow::Buffers;
use super::{Callee, DebugEvent, End, Resume, Shadow, Step, Value};
use crate::Result;
use crate::Trap;
use crate::instance::InstanceData;
use crate::module::Module;
use crate::store::Exit;
use crate::store::StoreOpaque;
use crate::vm::hook::{Registers, instance_of};
use crate::vm::{HostError, VmPtr, context, host};
use anyhow::anyhow;
use sidetrack_artifact::module::symbols;
use sidetrack_artifact::{StateMap, TrapCode, vmctx};
use sidetrack_patch::run::Frame;
use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

/// A stop, as the handler's questions are answered from it.
pub(crate) struct Stopped<'a> {
    pub registers: &'a Registers<'a>,
    /// The innermost frame of a WebAssembly function.
    pub frame: Frame,
    /// Whether that is at a site.
    pub at_site: bool,
    /// How the host function failed that was called.
    pub error: Option<&'a crate::Error>,
    pub module: &'a Module,
    pub instance: VmPtr<InstanceData>,
    pub func: &'a Arc<FuncDebug>,
    /// The operator that is up.
    pub op: u32,
    /// The state before it, once somebody has asked. Until then `spot` says where it comes from.
    shadow: OnceCell<Shadow>,
    spot: Option<&'a Spot>,
    buffers: Cell<Buffers>,
}

impl Stopped<'_> {
    /// The state before the operator that is up.
    pub fn shadow(&self, store: &StoreOpaque) -> &Shadow {
        self.shadow.get_or_init(|| {
            let entry = self.spot.is_some_and(|spot| spot.entry);
            let params = self.func.body().params();
            // Locals that are no parameters begin as zero.
            let known = |local: usize| (entry && local >= params).then_some(0);
            let mut shadow = match self.spot {
                Some(spot) => spot.shadow(self.registers, known, self.buffers.take()),
                None => Shadow::new(self.func.body().clone(), self.op, |_| None, |_| None),
            };
            let env = InstanceEnv { store, instance: self.instance.get(store) };
            // The way is one that ends for no reason.
            while shadow.position() != self.op && shadow.step(&env) == Step::Next {}
            shadow
        })
    }

    /// Executes the operator that is up on the shadow.
    fn step(&mut self, store: &StoreOpaque) -> Step {
        self.shadow(store);
        let env = InstanceEnv { store, instance: self.instance.get(store) };
        let Some(shadow) = self.shadow.get_mut() else { return Step::End(End::Unavailable) };
        let step = shadow.step(&env);
        self.op = shadow.position();
        step
    }

    /// The wasm pc of the operator that is up.
    pub fn pc(&self) -> u32 {
        self.func.body().pc(self.op)
    }

    /// The frames from the innermost function outwards.
    pub fn frames(&self, store: &StoreOpaque) -> Vec<Frame> {
        self.outwards(self.registers.frames(store))
    }

    /// Frames without those of the engine's stubs that may be further inside.
    fn outwards(&self, frames: Vec<Frame>) -> Vec<Frame> {
        frames.into_iter().skip_while(|frame| *frame != self.frame).collect()
    }
}

/// Called at a site that is on.
pub(crate) fn at_site(store: &mut StoreOpaque, registers: &Registers<'_>) -> Result<()> {
    let pc = registers.pc();
    let fp = registers.fp();
    let interrupted = store.interrupts().is_requested();
    let debugger = store.debugger_mut();
    let (spot, certain) = match debugger.armed.get(&pc) {
        Some(armed) => {
            let wanted = !armed.breaks.is_empty() || armed.throw || debugger.goal.is_reached(fp);
            if !wanted && !interrupted {
                debugger.told_trap = false;
                return Ok(());
            }
            let spot = match debugger.last.take() {
                Some(last) if Arc::ptr_eq(&last, &armed.spot) => last,
                _ => armed.spot.clone(),
            };
            (spot, armed.only_certain())
        }
        None if interrupted => site_ending_at(store, pc)?,
        // Somebody has switched the site off meanwhile.
        None => return Ok(()),
    };
    let debugger = store.debugger_mut();
    debugger.told_trap = false;
    let instance = instance_of(store, registers.read(spot.context()?) as u64);
    let instance = instance.ok_or_else(|| anyhow!("a site whose instance is not known"))?;
    let mut stop = Stopped {
        registers,
        frame: Frame { pc, fp },
        at_site: true,
        error: None,
        module: &spot.module,
        instance,
        func: &spot.func,
        op: spot.site.op,
        shadow: OnceCell::new(),
        spot: Some(&spot),
        buffers: Cell::default(),
    };
    let debugger = store.debugger_mut();
    stop.buffers = Cell::new(std::mem::take(&mut debugger.buffers));
    if !debugger.followed.is_empty() {
        let known = followed_locals(store, &spot.func, fp, spot.entry);
        let shadow = spot.shadow(registers, |local| known[local], stop.buffers.take());
        stop.shadow = OnceCell::from(shadow);
    }
    let result = if interrupted { at_interrupt(store, &mut stop) } else { go_on(store, &mut stop, certain) };
    let Stopped { shadow, buffers, .. } = stop;
    let debugger = store.debugger_mut();
    debugger.buffers = shadow.into_inner().map_or_else(|| buffers.into_inner(), Shadow::into_buffers);
    debugger.last = Some(spot);
    result
}

fn at_interrupt(store: &mut StoreOpaque, stop: &mut Stopped<'_>) -> Result<()> {
    store.interrupts().end();
    ask(store, stop, DebugEvent::Interrupt)?;
    run(store, stop, Some(DebugEvent::Interrupt))
}

/// Stops where there is a reason to in the site's run. If control comes to one breakpoint
/// for `certain`, and nothing else is wanted, nobody need go there.
fn go_on(store: &mut StoreOpaque, stop: &mut Stopped<'_>, certain: Option<u32>) -> Result<()> {
    let debugger = store.debugger_mut();
    let site = stop.registers.pc();
    let alone =
        debugger.goal == Goal::Breakpoint && debugger.followed.is_empty() && !debugger.catches_at(site);
    let Some(op) = certain.filter(|_| alone) else { return run(store, stop, None) };
    stop.op = op;
    ask(store, stop, DebugEvent::Breakpoint)?;
    let debugger = store.debugger_mut();
    if debugger.goal == Goal::Breakpoint && !debugger.has_break_behind(site, op) {
        return Ok(());
    }
    run(store, stop, Some(DebugEvent::Breakpoint))
}

/// The shadow of the frame as it was at the site where the program has stopped.
pub(super) fn shadow_of_site(store: &mut StoreOpaque, stop: &Stopped<'_>) -> Result<Shadow> {
    let (spot, _) = site_ending_at(store, stop.registers.pc())?;
    let known = followed_locals(store, &spot.func, stop.registers.fp(), spot.entry);
    Ok(spot.shadow(stop.registers, |local| known[local], Buffers::default()))
}

/// The site that ends at an address, which is not armed.
fn site_ending_at(store: &StoreOpaque, pc: usize) -> Result<(Arc<Spot>, Option<u32>)> {
    let found = function_at(store, pc - 1).zip(store.code_at(pc - 1));
    let ((module, func), code) = found.ok_or_else(|| anyhow!("a site in no function"))?;
    let func = module.debug().function(&module, func)?;
    let site = func.site_ending_at(code.offset(pc)).ok_or_else(|| anyhow!("a site that is not known"))?;
    Ok((Spot::new(&module, &func, site), None))
}

/// The locals of the frame as far as they are known from following it.
fn followed_locals(store: &mut StoreOpaque, func: &Arc<FuncDebug>, fp: usize, entry: bool) -> Vec<Value> {
    let body = func.body();
    let followed = &mut store.debugger_mut().followed;
    while followed.last().is_some_and(|last| last.fp < fp) {
        followed.pop();
    }
    if entry {
        // Locals that are no parameters begin as zero.
        return (0..body.locals().len()).map(|local| (local >= body.params()).then_some(0)).collect();
    }
    match followed.last() {
        Some(last) if last.fp == fp && Arc::ptr_eq(&last.func, func) => last.locals.clone(),
        _ => vec![None; body.locals().len()],
    }
}

/// Called where an instruction has trapped, natively or not.
pub(crate) fn at_trap(store: &mut StoreOpaque, registers: &Registers<'_>, code: TrapCode) -> Result<()> {
    if std::mem::take(&mut store.debugger_mut().told_trap) || !host::Whole::is_debugged(store) {
        return Ok(());
    }
    let error = match code {
        TrapCode::User(vmctx::trap::HOST_ERROR) => store.take_exit(),
        _ => None,
    };
    let (event, message) = match &error {
        Some(Exit::Host(HostError::Error(_))) => (DebugEvent::HostError, None),
        Some(Exit::Host(HostError::Panic(panic))) => {
            (DebugEvent::HostError, Some(anyhow!("the host panicked: {}", panic_text(&**panic))))
        }
        None => match Trap::of(code) {
            Some(trap) => (DebugEvent::Trap(trap), None),
            None => return Ok(()),
        },
    };
    let result = match innermost(store, registers) {
        Ok(None) => Ok(()),
        Err(error) => Err(error),
        Ok(Some(innermost)) => {
            let error = match &error {
                Some(Exit::Host(HostError::Error(error))) => Some(error),
                _ => message.as_ref(),
            };
            ask(store, &innermost.stop(registers, error), event)
        }
    };
    if let Some(error) = error {
        store.set_exit(error);
    }
    result
}

/// Called where a host function has thrown an exception.
pub(crate) fn at_host_throw(store: &mut StoreOpaque, registers: &Registers<'_>) -> Result<()> {
    if !store.debugger_mut().catches() || !host::Whole::is_debugged(store) {
        return Ok(());
    }
    let Some(innermost) = innermost(store, registers)? else { return Ok(()) };
    let stop = innermost.stop(registers, None);
    ask(store, &stop, DebugEvent::Exception)?;
    let goal = store.debugger_mut().goal;
    if goal.is_reached(stop.frame.fp) { arm_handlers(store, &stop, 0) } else { Ok(()) }
}

/// What somebody panicked with, if it is text.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not with a text")
}

/// The instance of a module that the store has one instance of.
fn only_instance_of(store: &StoreOpaque, module: &Module) -> Option<VmPtr<InstanceData>> {
    let mut all = store.instances().filter(|instance| Module::same(instance.get(store).module(), module));
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// The instance of a module whose function has called another one of it directly.
fn caller_instance(
    store: &StoreOpaque,
    registers: &Registers<'_>,
    module: &Module,
    caller: Option<&Frame>,
) -> Result<Option<VmPtr<InstanceData>>> {
    let Some(frame) = caller else { return Ok(None) };
    let Some((of, func, op)) = outer_frame(store, frame)? else { return Ok(None) };
    if !Module::same(&of, module) || !func.body().calls_directly(op) {
        return Ok(None);
    }
    let context = outer_state(store, &func, frame)?.and_then(|state| {
        let place = state.place(CONTEXT)?;
        registers.read_outer(frame, place)
    });
    Ok(context.and_then(|context| instance_of(store, context as u64)))
}

/// The innermost WebAssembly function where the code has stopped at no site.
struct Innermost {
    frame: Frame,
    module: Module,
    func: Arc<FuncDebug>,
    instance: VmPtr<InstanceData>,
    shadow: Shadow,
}

impl Innermost {
    /// The stop in it.
    fn stop<'a>(&'a self, registers: &'a Registers<'a>, error: Option<&'a crate::Error>) -> Stopped<'a> {
        Stopped {
            registers,
            frame: self.frame,
            at_site: false,
            error,
            module: &self.module,
            instance: self.instance,
            func: &self.func,
            op: self.shadow.position(),
            shadow: OnceCell::from(self.shadow.clone()),
            spot: None,
            buffers: Cell::default(),
        }
    }
}

fn innermost(store: &mut StoreOpaque, registers: &Registers<'_>) -> Result<Option<Innermost>> {
    let frames = registers.frames(store);
    for (index, frame) in frames.iter().enumerate() {
        // Where the trap is, an instruction is up; in the frames around it, a call is over.
        let trapped = index == 0 && !registers.is_in_host();
        let within = if trapped { frame.pc } else { frame.pc - 1 };
        let Some((module, func, op)) = frame_at(store, within)? else { continue };
        let Some(code) = store.code_at(within) else { continue };
        let at_trap = if trapped { func.state_at_trap(&module, code.offset(frame.pc))? } else { None };
        let state = match at_trap {
            None => func.state_at(code.offset(frame.pc))?,
            known => known,
        };
        let read = |key: u32| {
            state.as_ref()?.read(key, |place| {
                if trapped { Some(registers.read(place)) } else { registers.read_outer(frame, place) }
            })
        };
        let instance = read(CONTEXT).and_then(|context| instance_of(store, context as u64));
        let instance = match instance.or_else(|| only_instance_of(store, &module)) {
            None => caller_instance(store, registers, &module, frames.get(index + 1))?,
            known => known,
        };
        let Some(instance) = instance else { return Ok(None) };
        let first_operand = FIRST_LOCAL + func.body().locals().len() as u32;
        let shadow = Shadow::new(
            func.body().clone(),
            op,
            |n| read(FIRST_LOCAL + n as u32),
            |n| read(first_operand + n as u32),
        );
        return Ok(Some(Innermost { frame: *frame, module, func, instance, shadow }));
    }
    Ok(None)
}

/// Moves the shadow on until native code has to. If the program has stopped before the
/// first operator already, it has been `told` so.
fn run(store: &mut StoreOpaque, stop: &mut Stopped<'_>, mut told: Option<DebugEvent>) -> Result<()> {
    let fp = stop.registers.fp();
    let site = stop.registers.pc();
    loop {
        let debugger = store.debugger_mut();
        let hit = debugger.has_break(site, stop.op) && told != Some(DebugEvent::Breakpoint);
        let reached = told.is_none() && debugger.goal.is_reached(fp);
        told = None;
        if hit || reached {
            let event = if hit { DebugEvent::Breakpoint } else { DebugEvent::Step };
            ask(store, stop, event)?;
        }
        let debugger = store.debugger_mut();
        let goal = debugger.goal;
        let wants = goal.is_reached(fp);
        let catches = debugger.catches_at(site);
        if !wants && !catches && !debugger.has_break_behind(site, stop.op) {
            return leave(store, stop, goal);
        }
        match stop.step(store) {
            Step::Next if stop.func.site_ops().contains(stop.op) => {
                if wants {
                    let sites = stop.func.sites_of(stop.op);
                    store.arm_for_step(stop.module, stop.func, sites)?;
                }
                return leave(store, stop, goal);
            }
            Step::Next => {}
            Step::End(end) => {
                if let (End::Trap(trap), true) = (end, wants) {
                    ask(store, stop, DebugEvent::Trap(trap))?;
                    store.debugger_mut().skip_trap();
                }
                if end == End::Throw && catches {
                    ask(store, stop, DebugEvent::Exception)?;
                }
                if end == End::Unavailable {
                    stop_on_any_way(store, stop)?;
                }
                let goal = store.debugger_mut().goal;
                if goal.is_reached(fp) {
                    arm_after(store, stop, end)?;
                }
                return leave(store, stop, goal);
            }
        }
    }
}

/// The way from here is not known, because a value that decides it is not available. No
/// breakpoint is missed for that: the program stops at each to which a way leads.
fn stop_on_any_way(store: &mut StoreOpaque, stop: &mut Stopped<'_>) -> Result<()> {
    let (func, site) = (stop.func, stop.registers.pc());
    let mut ahead = store.debugger_mut().breaks_behind(site, stop.op);
    if ahead.is_empty() {
        return Ok(());
    }
    ahead.retain({
        let reached = func.reached_in_run(stop.op);
        move |op| reached.contains(*op)
    });
    ahead.sort_unstable();
    for op in ahead {
        stop.op = op;
        let shadow = Shadow::new(func.body().clone(), op, |_| None, |_| None);
        stop.shadow = OnceCell::from(shadow);
        ask(store, stop, DebugEvent::Breakpoint)?;
    }
    Ok(())
}

/// Tells the handler and remembers what it answers.
fn ask(store: &mut StoreOpaque, stop: &Stopped<'_>, event: DebugEvent) -> Result<()> {
    let fp = stop.frame.fp;
    let resume = crate::vm::host::Whole::debug_event(store, event, stop)?;
    let before = store.debugger_mut().goal;
    let goal = before.after(resume, fp);
    store.debugger_mut().goal = goal;
    if goal == Goal::Breakpoint && before != Goal::Breakpoint {
        store.disarm_steps()?;
    }
    if let (Resume::StepOut | Resume::StepOutOf(_), Goal::Outside(fp)) = (resume, goal) {
        // Nothing of the frame, or inside of it, is followed from here on.
        let first = stop.frames(store).iter().take_while(|frame| frame.fp <= fp).count();
        arm_caller(store, stop, first)?;
        arm_handlers(store, stop, first)?;
    }
    Ok(())
}

/// Remembers what will be of use when the program comes back to the frame.
fn leave(store: &mut StoreOpaque, stop: &mut Stopped<'_>, goal: Goal) -> Result<()> {
    let fp = stop.registers.fp();
    let followed = &mut store.debugger_mut().followed;
    // What goes on without being followed is not known any more.
    match goal {
        Goal::Breakpoint => followed.clear(),
        Goal::Outside(goal) => while followed.pop_if(|frame| frame.fp <= goal).is_some() {},
        Goal::Operator | Goal::Frame(_) => {
            while followed.pop_if(|frame| frame.fp <= fp).is_some() {}
            if goal.is_reached(fp) {
                let locals = stop.shadow(store).locals().to_vec();
                let followed = &mut store.debugger_mut().followed;
                followed.push(Followed { fp, func: stop.func.clone(), locals });
            }
        }
    }
    Ok(())
}

/// Arms the sites at which a program can go on whose run ends at the operator that is up.
fn arm_after(store: &mut StoreOpaque, stop: &Stopped<'_>, end: End) -> Result<()> {
    let goal = store.debugger_mut().goal;
    let next = stop.op + 1;
    let after =
        |store: &mut StoreOpaque| store.arm_for_step(stop.module, stop.func, stop.func.sites_of(next));
    match end {
        End::Call { callee, tail } => {
            // What is stopped in at once needs no care for the ways that lead out of it.
            if goal != Goal::Operator || !arm_callee(store, stop, callee)? {
                arm_handlers(store, stop, tail.into())?;
            }
            if tail { arm_caller(store, stop, 1) } else { after(store) }
        }
        End::Effect => after(store),
        End::Return => arm_caller(store, stop, 1),
        End::Throw => arm_handlers(store, stop, 0),
        End::Trap(_) => Ok(()),
        End::Unavailable => {
            // The way is not known: whatever site of the function may come next.
            store.arm_for_step(stop.module, stop.func, stop.func.sites())?;
            arm_handlers(store, stop, 1)?;
            arm_caller(store, stop, 1)
        }
    }
}

/// Arms the entry of the function that is called; false if it is not WebAssembly.
fn arm_callee(store: &mut StoreOpaque, stop: &Stopped<'_>, callee: Callee) -> Result<bool> {
    let record = match callee {
        Callee::Function(index) => {
            let instance = stop.instance.get(store);
            if !instance.module().info().is_imported_function(index) {
                let func = stop.module.debug().function(stop.module, index)?;
                let sites = func.sites().first().copied();
                store.arm_for_step(stop.module, &func, sites.as_slice())?;
                return Ok(true);
            }
            instance.function(index)
        }
        Callee::Reference(raw) => match context::record_at(store, raw) {
            Some(record) => record,
            None => return Ok(false),
        },
    };
    if host::host_func(store, record).is_some() {
        return Ok(false);
    }
    arm_entry(store, context::code_address(store, record))
}

/// Arms the entry of the function whose code begins at an address; false if there is none.
pub(crate) fn arm_entry(store: &mut StoreOpaque, address: usize) -> Result<bool> {
    let Some((module, func)) = function_at(store, address) else { return Ok(false) };
    let func = module.debug().function(&module, func)?;
    let sites = func.sites().first().copied();
    store.arm_for_step(&module, &func, sites.as_slice())?;
    Ok(true)
}

/// The function of a module whose code includes an address.
pub(super) fn function_at(store: &StoreOpaque, address: usize) -> Option<(Module, u32)> {
    let code = store.code_at(address)?;
    let symbol = code.module().image().symbol_at(code.offset(address))?;
    Some((code.module().clone(), symbol.index_in(symbols::FUNCTIONS)?))
}

/// The operator in which an outer frame is stopped, with its function.
pub(super) fn outer_frame(
    store: &StoreOpaque,
    frame: &Frame,
) -> Result<Option<(Module, Arc<FuncDebug>, u32)>> {
    frame_at(store, frame.pc - 1)
}

/// What can be read of a frame that is stopped in a call.
pub(super) fn outer_state(store: &StoreOpaque, func: &FuncDebug, frame: &Frame) -> Result<Option<StateMap>> {
    let Some(code) = store.code_at(frame.pc - 1) else { return Ok(None) };
    func.state_at(code.offset(frame.pc))
}

/// The operator that the code at an address is of, with its function.
fn frame_at(store: &StoreOpaque, address: usize) -> Result<Option<(Module, Arc<FuncDebug>, u32)>> {
    let Some((module, func)) = function_at(store, address) else { return Ok(None) };
    let Some(code) = store.code_at(address) else { return Ok(None) };
    let func = module.debug().function(&module, func)?;
    let pc = module.image().source_at(code.offset(address));
    let op = pc.and_then(|pc| func.body().next_at_or_after(pc));
    Ok(op.map(|op| (module, func, op)))
}

/// Arms the site after the call in a function on the stack that control returns to:
/// `first` is 1 for the caller of the innermost.
fn arm_caller(store: &mut StoreOpaque, stop: &Stopped<'_>, first: usize) -> Result<()> {
    let mut least = first + 4;
    loop {
        let all = stop.registers.first_frames(store, least);
        let are_all = all.len() < least;
        for frame in stop.outwards(all).iter().skip(first) {
            if let Some((module, func, op)) = outer_frame(store, frame)? {
                let sites = func.sites_of(op + 1).to_vec();
                return store.arm_for_step(&module, &func, &sites);
            }
        }
        if are_all {
            return Ok(());
        }
        least *= 2;
    }
}

/// Arms where an exception that is under way in a function on the stack may be caught:
/// `first` is 0 in the innermost, 1 in its caller. A handler may be the label of its
/// function; then it goes on in the caller.
fn arm_handlers(store: &mut StoreOpaque, stop: &Stopped<'_>, first: usize) -> Result<()> {
    let mut returns = false;
    for (index, frame) in stop.frames(store).iter().enumerate().skip(first) {
        let found = match index {
            0 => Some((stop.module.clone(), stop.func.clone(), stop.op)),
            _ => outer_frame(store, frame)?,
        };
        let Some((module, func, op)) = found else { continue };
        let mut ops: Vec<u32> = std::mem::take(&mut returns).then_some(op + 1).into_iter().collect();
        for handler in func.body().handlers_at(op) {
            match handler {
                Some(op) => ops.push(op),
                None => returns = true,
            }
        }
        let sites: Vec<Site> = ops.iter().flat_map(|op| func.sites_of(*op)).copied().collect();
        if !sites.is_empty() {
            store.arm_for_step(&module, &func, &sites)?;
        }
    }
    Ok(())
}
