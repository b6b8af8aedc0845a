//! What happens at a stop: whether the user is asked, and how the program goes on.

use super::breakpoint::Breakpoints;
use super::evaluate::Scope;
use super::launch::{Interrupter, Killed};
use super::plan::{Command, Plan};
use super::target::{Target, Values};
use super::view::{Failure, Reason, StopView};
use sidetrack_engine::{DebugEvent, Module, Result, Resume, ValType};

/// Who asks the user.
pub trait Frontend: Send {
    /// The program has stopped; says how it goes on.
    fn stopped(&mut self, stop: &mut StopView<'_>) -> Command;
}

/// A debugging session: what the user has set, over any number of runs of a program.
#[derive(Debug)]
pub struct Session {
    module: Module,
    /// The breakpoints.
    pub breakpoints: Breakpoints,
    interrupter: Interrupter,
    plan: Plan,
    /// Whether the next stop is the program's first.
    at_entry: bool,
    /// The results of the function whose return is waited for.
    finishing: Option<Vec<ValType>>,
    /// Where [`Command::Advance`] leads; there is a breakpoint of the engine's.
    pub(super) advance: Option<(Module, u32)>,
}

/// The breakpoints that the program is to stop at; none if it is to stop where the user
/// wanted to go.
struct Hit {
    ids: Vec<u32>,
    failures: Vec<Failure>,
}

impl Session {
    /// A session for a program of this module.
    pub fn new(module: Module) -> Self {
        Session {
            module,
            breakpoints: Breakpoints::default(),
            interrupter: Interrupter::default(),
            plan: Plan::Free,
            at_entry: false,
            finishing: None,
            advance: None,
        }
    }

    /// The program's main module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What interrupts the program, whichever runs.
    pub fn interrupter(&self) -> &Interrupter {
        &self.interrupter
    }

    /// Makes ready for a run, which stops at once or at breakpoints only.
    pub(super) fn begin(&mut self, stop_at_entry: bool) {
        self.at_entry = stop_at_entry;
        self.plan = if stop_at_entry { Plan::Step { left: 1 } } else { Plan::Free };
        self.finishing = None;
    }

    /// Forgets what is of one run only.
    pub(super) fn end(&mut self) {
        self.advance = None;
    }

    /// What the engine is told at a stop.
    pub(super) fn event(
        &mut self,
        target: &mut dyn Target,
        event: DebugEvent,
        frontend: &mut dyn Frontend,
    ) -> Result<Resume> {
        let (fp, pc) = (target.fp(), target.pc());
        let reason = match event {
            DebugEvent::Interrupt => Reason::Interrupt,
            DebugEvent::Trap(trap) => Reason::Trap(trap),
            // The program's end by the host is reported as its end.
            DebugEvent::HostError => return Ok(Resume::Unchanged),
            // It is where it was, so that no step has ended.
            DebugEvent::Exception => match self.hit(target, true)? {
                Some(hit) => Reason::Exception(hit.ids, hit.failures),
                None => return Ok(Resume::Unchanged),
            },
            _ => {
                let hit = match event {
                    DebugEvent::Breakpoint => self.hit(target, false)?,
                    _ => None,
                };
                // A step that ends here has ended, even if a breakpoint is the reason.
                let onwards = self.plan.arrive(fp, pc);
                match (hit, onwards) {
                    (Some(hit), _) if !hit.ids.is_empty() => Reason::Breakpoint(hit.ids, hit.failures),
                    (None, Some(resume)) => return Ok(resume),
                    _ => self.arrived(target),
                }
            }
        };
        self.interrupter.stopped();
        self.at_entry = false;
        if let Some((module, pc)) = self.advance.take() {
            target.remove_breakpoint(&module, pc)?;
        }
        let mut view = StopView::new(target, self, reason);
        let command = frontend.stopped(&mut view);
        let (selected, results) = (view.frame().fp, results(&view));
        self.finishing = results.filter(|_| command == Command::Finish);
        self.plan = match command {
            Command::Continue => Plan::Free,
            Command::Step(count) => Plan::Step { left: count },
            Command::Next(count) => Plan::Next { fp, left: count },
            Command::Finish => Plan::Out { fp: selected },
            Command::Until => Plan::Behind { fp, pc },
            Command::Advance => Plan::Out { fp },
            Command::Kill => return Err(Killed.into()),
        };
        self.interrupter.running();
        Ok(self.plan.resume())
    }

    /// Counts what is hit at a breakpoint, or by an exception that is thrown; none if the
    /// program is not to stop there.
    fn hit(&mut self, target: &mut dyn Target, throws: bool) -> Result<Option<Hit>> {
        let (module, pc) = (target.module().clone(), target.pc());
        let (instance, locals, stack) = (Some(target.instance()), target.locals(), target.operands());
        let mut hit = Hit { ids: Vec::new(), failures: Vec::new() };
        let mut gone = Vec::new();
        let advanced = |(to, at): &(Module, u32)| *at == pc && Module::same(to, &module);
        let advanced = !throws && self.advance.as_ref().is_some_and(advanced);
        for breakpoint in self.breakpoints.at(&module, pc, throws) {
            if let Some(condition) = &breakpoint.condition {
                let mut scope = Scope { target: &mut *target, instance, locals: &locals, stack: &stack, pc };
                match scope.evaluate(&condition.expr) {
                    Ok(value) if !value.holds() => continue,
                    Ok(_) => {}
                    Err(error) => hit.failures.push(Failure {
                        breakpoint: breakpoint.id,
                        condition: condition.text.clone(),
                        reason: error.to_string(),
                    }),
                }
            }
            breakpoint.hits += 1;
            if breakpoint.ignore > 0 {
                breakpoint.ignore -= 1;
                continue;
            }
            hit.ids.push(breakpoint.id);
            if breakpoint.temporary {
                gone.push(breakpoint.id);
            }
        }
        for id in gone {
            self.breakpoints.remove(Some(&mut *target), id)?;
        }
        Ok(Some(hit).filter(|hit| advanced || !hit.ids.is_empty()))
    }

    /// Why the program stops where the plan leads.
    fn arrived(&mut self, target: &mut dyn Target) -> Reason {
        let Some(types) = self.finishing.take() else {
            return if self.at_entry { Reason::Entry } else { Reason::Step };
        };
        // A handler of an exception may be where it has come to instead.
        let stack = target.operands();
        let results: Values = stack[stack.len().saturating_sub(types.len())..].to_vec();
        let fits = results.iter().map(|(ty, _)| ty).eq(&types);
        if fits { Reason::Returned(results) } else { Reason::Step }
    }
}

/// The types of the results of the frame that is selected.
fn results(view: &StopView<'_>) -> Option<Vec<ValType>> {
    let frame = view.frame();
    let info = frame.module.info();
    info.functions.get(frame.func as usize).map(|_| info.function_type(frame.func).results.to_vec())
}
