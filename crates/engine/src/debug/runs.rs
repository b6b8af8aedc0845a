//! What a debugger knows of a function: its sites, its runs, its state maps.
//!
//! Each site's run is a tree of operators: those that control can reach from it
//! before it meets another site. So an operator belongs to one run, and the site
//! to arm for a stop at it is the one that the run starts at.

use super::op::{Label, Op};
use super::{Body, OpSet};
use crate::Result;
use crate::module::Module;
use anyhow::{anyhow, bail, ensure};
use sidetrack_artifact::module::symbols;
use sidetrack_artifact::{BlobError, ModuleInfo, StateIndex, StateMap};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The opcode of `end`.
const END: u8 = 0x0b;
/// No operator.
const NONE: u32 = u32::MAX;

/// A site of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Its index among the image's sites.
    pub index: usize,
    /// The operator that it stands before.
    pub op: u32,
    /// Where it ends in the image.
    pub end: u32,
}

/// What a debugger knows of a function.
#[derive(Debug)]
pub(crate) struct FuncDebug {
    body: Arc<Body>,
    /// In the order of their code.
    sites: Vec<Site>,
    /// The operators that have a site.
    site_ops: OpSet,
    /// The sites of an operator.
    by_op: HashMap<u32, Vec<Site>>,
    /// For each operator the one whose site's run it is in.
    run: Vec<u32>,
    /// The offset of the function's code in the image.
    start: u32,
    /// The state maps of its calls and sites, and those of its traps once somebody asks.
    states: States,
    trap_states: OnceLock<States>,
}

/// State maps of a function, which are decoded one by one.
#[derive(Debug)]
struct States {
    bytes: Vec<u8>,
    index: StateIndex,
}

impl States {
    fn new(module: &Module, bytes: std::result::Result<Vec<u8>, BlobError>) -> Result<Self> {
        ensure_whole(module)?;
        let bytes = bytes?;
        Ok(States { index: StateIndex::new(&bytes)?, bytes })
    }

    /// The map at this offset from the function's start.
    fn find(&self, offset: u32) -> Result<Option<StateMap>> {
        Ok(self.index.find(&self.bytes, offset)?)
    }
}

/// What a debugger knows of the functions that it has looked at.
#[derive(Debug, Default)]
pub(crate) struct ModuleDebug(Mutex<HashMap<u32, Arc<FuncDebug>>>);

impl ModuleDebug {
    /// What there is to know of a function that the module defines.
    pub fn function(&self, module: &Module, func: u32) -> Result<Arc<FuncDebug>> {
        let mut functions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = functions.get(&func) {
            return Ok(known.clone());
        }
        let made = Arc::new(FuncDebug::new(module, func)?);
        functions.insert(func, made.clone());
        Ok(made)
    }
}

impl Module {
    /// Where a breakpoint at a wasm pc stands: the function, and the pc of the operator
    /// there, or of the next one of the function if none begins there.
    ///
    /// # Errors
    /// If the pc is in no function, or control never reaches the operator.
    pub fn breakpoint_place(&self, pc: u32) -> Result<(u32, u32)> {
        let (func, op) = self.place_of(pc)?;
        Ok((func.body.func(), func.body.pc(op)))
    }

    /// The sites before operators that throw.
    pub(super) fn throws(&self) -> Result<Vec<(Arc<FuncDebug>, Site)>> {
        const THROWS: [u8; 3] = [0x08, 0x09, 0x0a];
        let wasm = self.wasm();
        let image = self.image();
        let pcs = image.sites(0..image.site_count()).map(|(_, site)| site.tag as u32);
        let throws = |pc: &u32| wasm.get(*pc as usize).is_some_and(|opcode| THROWS.contains(opcode));
        let mut found = Vec::new();
        for pc in BTreeSet::from_iter(pcs.filter(throws)) {
            let (func, op) = self.place_of(pc)?;
            found.extend(func.sites_of(op).iter().map(|site| (func.clone(), *site)));
        }
        Ok(found)
    }

    /// The same as the function and the number of the operator.
    pub(crate) fn place_of(&self, pc: u32) -> Result<(Arc<FuncDebug>, u32)> {
        let info = self.info();
        let first = info.imported_functions as usize;
        // Bodies are in the order of the functions.
        let defined = info.functions.get(first..).unwrap_or_default();
        let at = defined.partition_point(|function| function.body.end <= pc);
        let inside = defined.get(at).is_some_and(|function| function.body.contains(&pc));
        ensure!(inside, "{pc:#x} is in no function");
        let func = self.debug().function(self, (first + at) as u32)?;
        let body = &func.body;
        let op = body.next_at_or_after(pc).ok_or_else(|| anyhow!("there is no operator at {pc:#x}"))?;
        if func.run_of(op).is_none() {
            let pc = body.pc(op);
            ensure!(
                self.wasm().get(pc as usize) != Some(&END) || func.run_of(op + 1).is_none(),
                "control never reaches the `end` at {pc:#x}; branches arrive behind it, at {:#x}",
                body.pc(op + 1)
            );
            bail!("control never reaches {pc:#x}");
        }
        Ok((func, op))
    }
}

/// # Errors
/// If the module is a file's, which has been found to be damaged.
fn ensure_whole(module: &Module) -> Result<()> {
    module.damage().map_or(Ok(()), Err)
}

impl FuncDebug {
    fn new(module: &Module, func: u32) -> Result<Self> {
        let info = module.info();
        let range = info.functions.body(func);
        let code = module.wasm().get(range.start as usize..range.end as usize);
        ensure_whole(module)?;
        let code = code.ok_or_else(|| anyhow!("the bytes of function {func} are not there"))?;
        let body = Arc::new(Body::decode(info, func, code)?);
        let image = module.image();
        let name = symbols::function(func);
        let symbol = image.symbol(&name).ok_or_else(|| anyhow!("function {func} has no code"))?;
        let mut site_ops = OpSet::new(&body);
        let mut by_op: HashMap<u32, Vec<Site>> = HashMap::new();
        let mut sites = Vec::new();
        for (index, record) in image.sites(image.sites_of(&name)) {
            let op = body.index_at(record.tag as u32);
            let op = op.ok_or_else(|| anyhow!("a site at {:#x}, where no operator is", record.tag))?;
            let site = Site { index, op, end: record.end };
            site_ops.insert(op);
            by_op.entry(op).or_default().push(site);
            sites.push(site);
        }
        let states = States::new(module, symbol.states())?;
        let run = runs(&body, &site_ops, &by_op);
        let (start, trap_states) = (symbol.offset, OnceLock::new());
        Ok(FuncDebug { body, sites, site_ops, by_op, run, start, states, trap_states })
    }

    pub fn body(&self) -> &Arc<Body> {
        &self.body
    }

    /// The sites in the order of their code.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Whether the site is the one that the function begins with.
    pub fn is_entry(&self, site: &Site) -> bool {
        self.sites.first() == Some(site)
    }

    /// The operators that have a site.
    pub fn site_ops(&self) -> &OpSet {
        &self.site_ops
    }

    /// The sites of an operator; none for most.
    pub fn sites_of(&self, op: u32) -> &[Site] {
        self.by_op.get(&op).map_or(&[], Vec::as_slice)
    }

    /// The operator with a site whose run an operator is in; none if control never
    /// reaches it.
    pub fn run_of(&self, op: u32) -> Option<u32> {
        self.run.get(op as usize).copied().filter(|run| *run != NONE)
    }

    /// The operators that control may reach from one before it meets a site.
    pub fn reached_in_run(&self, op: u32) -> OpSet {
        let mut reached = OpSet::new(&self.body);
        let (mut next, mut pending) = (Vec::new(), vec![op]);
        while let Some(op) = pending.pop() {
            self.body.successors(op, &mut next);
            for op in next.drain(..) {
                if !self.site_ops.contains(op) && !reached.contains(op) {
                    reached.insert(op);
                    pending.push(op);
                }
            }
        }
        reached
    }

    /// The site that ends at this offset in the image.
    pub fn site_ending_at(&self, end: u32) -> Option<Site> {
        let at = self.sites.binary_search_by_key(&end, |site| site.end).ok()?;
        Some(self.sites[at])
    }

    /// What can be read at the site or call that ends at this offset in the image.
    pub fn state_at(&self, end: u32) -> Result<Option<StateMap>> {
        self.states.find(end - self.start)
    }

    /// What is still there where the instruction at this offset in the image has trapped.
    pub fn state_at_trap(&self, module: &Module, at: u32) -> Result<Option<StateMap>> {
        let states = match self.trap_states.get() {
            Some(states) => states,
            None => {
                let symbol = module.image().symbol(&symbols::function(self.body.func()));
                let bytes = symbol.map_or(Ok(Vec::new()), |symbol| symbol.trap_states());
                let states = States::new(module, bytes)?;
                self.trap_states.get_or_init(|| states)
            }
        };
        states.find(at - self.start)
    }
}

/// For each operator the one whose site's run it is in.
fn runs(body: &Body, site_ops: &OpSet, by_op: &HashMap<u32, Vec<Site>>) -> Vec<u32> {
    let mut run = vec![NONE; body.ops.len()];
    let mut next = Vec::new();
    for &site in by_op.keys() {
        run[site as usize] = site;
        let mut pending = vec![site];
        while let Some(op) = pending.pop() {
            body.successors(op, &mut next);
            for op in next.drain(..) {
                if !site_ops.contains(op) && run[op as usize] == NONE {
                    run[op as usize] = site;
                    pending.push(op);
                }
            }
        }
    }
    run
}

impl Body {
    /// Adds the operators that can be up after one that stays in the run.
    fn successors(&self, op: u32, next: &mut Vec<u32>) {
        let label = |label: u32| Some(self.labels[label as usize].op).filter(|op| *op != Label::RETURN);
        match self.ops[op as usize] {
            Op::Return | Op::Unreachable | Op::Dead | Op::Throw | Op::ThrowRef => {}
            Op::Call { tail: true, .. } | Op::CallIndirect { tail: true, .. } => {}
            Op::Jump(to) => next.push(to),
            Op::If(otherwise) => next.extend([op + 1, otherwise]),
            Op::Br(to) => next.extend(label(to)),
            Op::BrIf(to) => {
                next.push(op + 1);
                next.extend(label(to));
            }
            Op::BrTable { first, count } => {
                let lists = &self.lists[first as usize..=(first + count) as usize];
                next.extend(lists.iter().filter_map(|to| label(*to)));
            }
            // After a call or an effect there is a site, which ends the run.
            _ => next.push(op + 1),
        }
    }

    /// How many operands a call takes off the stack, the index of an indirect one included.
    pub(super) fn call_operands(&self, op: u32, info: &ModuleInfo) -> usize {
        match self.ops[op as usize] {
            Op::Call { func, .. } => info.function_type(func).params.len(),
            Op::CallIndirect { ty, .. } => info.types[ty as usize].params.len() + 1,
            _ => 0,
        }
    }
}
