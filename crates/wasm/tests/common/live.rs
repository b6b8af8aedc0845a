//! Which locals are live before each operator, found in the plainest way: every
//! operator knows those that may follow it, and sets grow until nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use wasmparser::{Catch, Operator, Parser, Payload};

/// What a test knows of a function's body.
pub struct Body {
    /// How many locals there are, parameters included.
    pub locals: u32,
    pub params: u32,
    /// The live locals before the operator at each wasm pc; those that the handlers around it
    /// need are among them.
    pub live: BTreeMap<u64, BTreeSet<u32>>,
}

/// The bodies of a valid module.
pub fn bodies(bytes: &[u8]) -> Vec<Body> {
    let (mut types, mut functions, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.expect("a valid module") {
            Payload::TypeSection(reader) => {
                for ty in reader.into_iter_err_on_gc_types() {
                    types.push(ty.expect("a function type").params().len() as u32);
                }
            }
            Payload::FunctionSection(reader) => {
                functions.extend(reader.into_iter().map(|ty| types[ty.expect("a type") as usize]));
            }
            Payload::CodeSectionEntry(code) => {
                let params = functions[bodies.len()];
                let declared = code.get_locals_reader().expect("locals").into_iter();
                let locals = params + declared.map(|group| group.expect("locals").0).sum::<u32>();
                let operators = code.get_operators_reader().expect("operators").into_iter_with_offsets();
                let operators: Vec<_> = operators.map(|item| item.expect("an operator")).collect();
                bodies.push(Body { locals, params, live: live(&operators) });
            }
            _ => {}
        }
    }
    bodies
}

/// An open construct: its start, its kind, and where branches to it go.
struct Open {
    start: usize,
    is_loop: bool,
    /// Operators that go on at its end.
    to_end: Vec<usize>,
    /// The operator whose handlers are the next ones.
    handlers: Option<usize>,
    /// The handlers of a `try` that has not caught everything.
    own: Option<usize>,
    /// The handlers of what it directly contains.
    inside: Option<usize>,
}

/// The indices of the operators that may follow each. A `try_table` or `try` also stands for its
/// handlers: what follows a throw inside is what follows `handlers[try_table]`.
fn followers(operators: &[(Operator<'_>, u64)]) -> Vec<Vec<usize>> {
    let count = operators.len();
    // Handlers are numbered from `count` on.
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); 2 * count];
    let new = |start, is_loop, handlers| Open {
        start,
        is_loop,
        to_end: Vec::new(),
        handlers,
        own: None,
        inside: handlers,
    };
    let mut open = vec![new(0, false, None)];
    let mut handlers = None;
    for (at, (operator, _)) in operators.iter().enumerate() {
        let branch = |open: &mut Vec<Open>, next: &mut Vec<Vec<usize>>, from: usize, depth: u32| {
            let index = open.len() - 1 - depth as usize;
            if open[index].is_loop {
                next[from].push(open[index].start + 1);
            } else {
                open[index].to_end.push(from);
            }
        };
        let mut goes_on = true;
        match operator {
            Operator::Block { .. } => open.push(new(at, false, handlers)),
            Operator::Loop { .. } => open.push(new(at, true, handlers)),
            Operator::If { .. } => {
                open.push(new(at, false, handlers));
                // Until an `else` comes.
                open.last_mut().expect("open").to_end.push(at);
            }
            Operator::Else => {
                let construct = open.last_mut().expect("open");
                construct.to_end.retain(|&from| from != construct.start);
                next[construct.start].push(at + 1);
                construct.to_end.push(at);
                goes_on = false;
            }
            Operator::TryTable { try_table } => {
                let own = count + at;
                for catch in &try_table.catches {
                    let (Catch::One { label, .. }
                    | Catch::OneRef { label, .. }
                    | Catch::All { label }
                    | Catch::AllRef { label }) = *catch;
                    branch(&mut open, &mut next, own, label);
                }
                let all = |catch: &Catch| matches!(catch, Catch::All { .. } | Catch::AllRef { .. });
                if let (Some(outer), false) = (handlers, try_table.catches.iter().any(all)) {
                    next[own].push(outer);
                }
                open.push(new(at, false, handlers));
                handlers = if try_table.catches.is_empty() { handlers } else { Some(own) };
                open.last_mut().expect("open").inside = handlers;
            }
            Operator::Try { .. } => {
                let own = Some(count + at);
                open.push(Open { own, inside: own, ..new(at, false, handlers) });
                handlers = own;
            }
            Operator::Catch { .. } | Operator::CatchAll => {
                let construct = open.last_mut().expect("open");
                construct.to_end.push(at);
                handlers = construct.handlers;
                construct.inside = handlers;
                next[construct.own.expect("a try")].push(at + 1);
                if matches!(operator, Operator::CatchAll) {
                    construct.own = None;
                }
                goes_on = false;
            }
            Operator::Delegate { relative_depth } => {
                let construct = open.pop().expect("open");
                handlers = construct.handlers;
                next[construct.own.expect("a try")]
                    .extend(open[open.len() - 1 - *relative_depth as usize].inside);
                construct.to_end.into_iter().for_each(|from| next[from].push(at + 1));
            }
            Operator::End => {
                let construct = open.pop().expect("open");
                handlers = construct.handlers;
                construct.own.into_iter().for_each(|own| next[own].extend(handlers));
                if !open.is_empty() {
                    construct.to_end.into_iter().for_each(|from| next[from].push(at + 1));
                }
                goes_on = !open.is_empty();
            }
            Operator::Br { relative_depth } => {
                branch(&mut open, &mut next, at, *relative_depth);
                goes_on = false;
            }
            Operator::BrIf { relative_depth } => branch(&mut open, &mut next, at, *relative_depth),
            Operator::BrTable { targets } => {
                for depth in targets.targets().chain([Ok(targets.default())]) {
                    branch(&mut open, &mut next, at, depth.expect("a depth"));
                }
                goes_on = false;
            }
            Operator::Return
            | Operator::Unreachable
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => goes_on = false,
            Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. } => {
                next[at].extend(handlers);
                goes_on = false;
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => next[at].extend(handlers),
            _ => {}
        }
        if goes_on {
            next[at].push(at + 1);
        }
    }
    next
}

fn live(operators: &[(Operator<'_>, u64)]) -> BTreeMap<u64, BTreeSet<u32>> {
    let next = followers(operators);
    let mut before: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); next.len()];
    loop {
        let mut changed = false;
        for at in (0..next.len()).rev() {
            let mut live = BTreeSet::new();
            next[at].iter().for_each(|&to| live.extend(&before[to]));
            match operators.get(at).map(|(operator, _)| operator) {
                Some(Operator::LocalGet { local_index }) => _ = live.insert(*local_index),
                Some(Operator::LocalSet { local_index } | Operator::LocalTee { local_index }) => {
                    live.remove(local_index);
                }
                _ => {}
            }
            // What the handlers need is live where what they cover begins.
            if let Some(start) = at.checked_sub(1) {
                let covers = match operators.get(start).map(|(operator, _)| operator) {
                    Some(Operator::TryTable { try_table }) => !try_table.catches.is_empty(),
                    operator => matches!(operator, Some(Operator::Try { .. })),
                };
                live.extend(covers.then(|| before[operators.len() + start].iter()).into_iter().flatten());
            }
            changed |= live != before[at];
            before[at] = live;
        }
        if !changed {
            break;
        }
    }
    let mut live = Vec::new();
    // Of the open constructs, their handlers; they count behind the first operator up to the `end`.
    let mut open: Vec<Option<usize>> = vec![None];
    for (at, (operator, pc)) in operators.iter().enumerate() {
        let around = open.iter().flatten().flat_map(|handlers| &before[*handlers]);
        live.push((*pc, before[at].iter().chain(around).copied().collect()));
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => open.push(None),
            Operator::TryTable { try_table } => {
                open.push((!try_table.catches.is_empty()).then_some(operators.len() + at));
            }
            Operator::Try { .. } => open.push(Some(operators.len() + at)),
            Operator::Catch { .. } | Operator::CatchAll => *open.last_mut().expect("open") = None,
            Operator::End | Operator::Delegate { .. } => _ = open.pop(),
            _ => {}
        }
    }
    live.into_iter().collect()
}
