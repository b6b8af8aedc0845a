//! Random structured programs on locals: the IR, run by the reference interpreter,
//! gives what the program's tree gives, with sites and without.
//!
//! Local 0 is fuel that every loop uses up, so that programs end.

mod common;

use sidetrack_ir::interp::{FunctionStore, Interpreter};
use sidetrack_ir::types::{I32, I64};
use sidetrack_ir::{DataValue, text};
use sidetrack_wasm::Options;
use std::fmt::Write;
use std::time::{Duration, Instant};

const PARAMS: usize = 4;
const LOCALS: usize = 8;
const FUEL: i32 = 40;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % n
    }
}

enum Expr {
    Const(i32),
    Get(usize),
    Tee(usize, Box<Expr>),
    Add(Box<Expr>, Box<Expr>),
    Less(Box<Expr>, Box<Expr>),
    Select(Box<Expr>, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Vec<Stmt>, Box<Expr>, Vec<Stmt>, Box<Expr>),
    /// A block with a value, which branches to it bring along.
    Block(Vec<Stmt>, Box<Expr>),
}

enum Stmt {
    Set(usize, Expr),
    Block(Vec<Stmt>),
    Loop(Vec<Stmt>),
    If(Expr, Vec<Stmt>, Option<Vec<Stmt>>),
    Br(usize, Expr),
    BrIf(usize, Expr, Expr),
    BrTable(Vec<usize>, Expr),
    Return(Expr),
}

/// Makes programs. `labels` are the open constructs, innermost last: whether a
/// branch to each takes a value.
struct Maker<'a> {
    random: &'a mut Random,
    labels: Vec<bool>,
    budget: usize,
}

impl Maker<'_> {
    fn local(&mut self) -> usize {
        1 + self.random.below(PARAMS + LOCALS - 1)
    }

    fn body(&mut self, label: bool) -> Vec<Stmt> {
        self.labels.push(label);
        let count = self.random.below(5);
        let body = (0..count).map(|_| self.stmt()).collect();
        self.labels.pop();
        body
    }

    fn expr(&mut self) -> Expr {
        let boxed = |maker: &mut Self| Box::new(maker.expr());
        let leaf = self.budget == 0;
        self.budget = self.budget.saturating_sub(1);
        match self.random.below(if leaf { 3 } else { 9 }) {
            0 => Expr::Const(self.random.below(9) as i32 - 3),
            1 | 2 => Expr::Get(self.local()),
            3 => Expr::Tee(self.local(), boxed(self)),
            4 => Expr::Add(boxed(self), boxed(self)),
            5 => Expr::Less(boxed(self), boxed(self)),
            6 => Expr::Select(boxed(self), boxed(self), boxed(self)),
            7 => {
                let condition = boxed(self);
                let (then, x) = (self.body(true), self.inside());
                let (other, y) = (self.body(true), self.inside());
                Expr::If(condition, then, x, other, y)
            }
            _ => Expr::Block(self.body(true), self.inside()),
        }
    }

    /// An expression at the end of a construct with a value.
    fn inside(&mut self) -> Box<Expr> {
        self.labels.push(true);
        let expr = Box::new(self.expr());
        self.labels.pop();
        expr
    }

    fn stmt(&mut self) -> Stmt {
        let simple = self.budget == 0;
        self.budget = self.budget.saturating_sub(1);
        let depth = self.random.below(self.labels.len());
        match self.random.below(if simple { 3 } else { 12 }) {
            0..=3 => Stmt::Set(self.local(), self.expr()),
            4 => Stmt::Block(self.body(false)),
            5 | 6 => Stmt::Loop(self.body(false)),
            7 | 8 => {
                let condition = self.expr();
                let then = self.body(false);
                let other = (self.random.below(2) == 0).then(|| self.body(false));
                Stmt::If(condition, then, other)
            }
            9 => match self.random.below(3) {
                0 => Stmt::Return(self.expr()),
                _ => Stmt::Br(depth, self.expr()),
            },
            10 => Stmt::BrIf(depth, self.expr(), self.expr()),
            _ => {
                let labels: Vec<usize> =
                    (0..self.labels.len()).filter(|&d| !self.labels[self.labels.len() - 1 - d]).collect();
                if labels.is_empty() {
                    return Stmt::Set(self.local(), self.expr());
                }
                let count = 1 + self.random.below(4);
                let targets = (0..count).map(|_| labels[self.random.below(labels.len())]).collect();
                Stmt::BrTable(targets, self.expr())
            }
        }
    }
}

/// Writes WebAssembly text; `labels` as in [`Maker`].
struct Writer {
    text: String,
    labels: Vec<bool>,
}

impl Writer {
    fn body(&mut self, label: bool, body: &[Stmt], value: Option<&Expr>) {
        self.labels.push(label);
        body.iter().for_each(|stmt| self.stmt(stmt));
        if let Some(value) = value {
            self.expr(value);
        }
        self.labels.pop();
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("writing to a string");
        self.text.push('\n');
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(value) => self.put(format_args!("i32.const {value}")),
            Expr::Get(local) => self.put(format_args!("local.get {local}")),
            Expr::Tee(local, x) => {
                self.expr(x);
                self.put(format_args!("local.tee {local}"));
            }
            Expr::Add(x, y) | Expr::Less(x, y) => {
                self.expr(x);
                self.expr(y);
                let op = if matches!(expr, Expr::Add(..)) { "add" } else { "lt_s" };
                self.put(format_args!("i32.{op}"));
            }
            Expr::Select(x, y, condition) => {
                [x, y, condition].into_iter().for_each(|x| self.expr(x));
                self.put(format_args!("select"));
            }
            Expr::If(condition, then, x, other, y) => {
                self.expr(condition);
                self.put(format_args!("if (result i32)"));
                self.body(true, then, Some(x));
                self.put(format_args!("else"));
                self.body(true, other, Some(y));
                self.put(format_args!("end"));
            }
            Expr::Block(body, x) => {
                self.put(format_args!("block (result i32)"));
                self.body(true, body, Some(x));
                self.put(format_args!("end"));
            }
        }
    }

    fn takes_value(&self, depth: usize) -> bool {
        self.labels[self.labels.len() - 1 - depth]
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Set(local, x) => {
                self.expr(x);
                self.put(format_args!("local.set {local}"));
            }
            Stmt::Block(body) => {
                self.put(format_args!("block"));
                self.body(false, body, None);
                self.put(format_args!("end"));
            }
            Stmt::Loop(body) => {
                self.put(format_args!("loop\nlocal.get 0\ni32.eqz\nif\ni32.const -1\nreturn\nend"));
                self.put(format_args!("local.get 0\ni32.const 1\ni32.sub\nlocal.set 0"));
                self.body(false, body, None);
                self.put(format_args!("end"));
            }
            Stmt::If(condition, then, other) => {
                self.expr(condition);
                self.put(format_args!("if"));
                self.body(false, then, None);
                if let Some(other) = other {
                    self.put(format_args!("else"));
                    self.body(false, other, None);
                }
                self.put(format_args!("end"));
            }
            Stmt::Br(depth, x) => {
                if self.takes_value(*depth) {
                    self.expr(x);
                }
                self.put(format_args!("br {depth}"));
            }
            Stmt::BrIf(depth, x, condition) => {
                if self.takes_value(*depth) {
                    self.expr(x);
                    self.expr(condition);
                    self.put(format_args!("br_if {depth}\ndrop"));
                } else {
                    self.expr(condition);
                    self.put(format_args!("br_if {depth}"));
                }
            }
            Stmt::BrTable(targets, x) => {
                self.expr(x);
                let targets: Vec<String> = targets.iter().map(|target| target.to_string()).collect();
                self.put(format_args!("br_table {}", targets.join(" ")));
            }
            Stmt::Return(x) => {
                self.expr(x);
                self.put(format_args!("return"));
            }
        }
    }
}

/// A branch to the label at this depth with a value, or a return.
enum Leave {
    Branch(usize, i32),
    Return(i32),
}

/// Runs the tree; `labels` as in [`Maker`].
struct Runner {
    locals: [i32; PARAMS + LOCALS],
    labels: Vec<bool>,
}

impl Runner {
    /// Runs a construct's body: what it leaves behind, or where else control goes.
    fn body(&mut self, label: bool, body: &[Stmt], value: Option<&Expr>) -> Result<i32, Leave> {
        self.labels.push(label);
        let run = |runner: &mut Self| {
            body.iter().try_for_each(|stmt| runner.stmt(stmt))?;
            value.map_or(Ok(0), |value| runner.expr(value))
        };
        let result = run(self);
        self.labels.pop();
        result
    }

    fn here(result: Result<i32, Leave>) -> Result<i32, Leave> {
        match result {
            Err(Leave::Branch(0, value)) => Ok(value),
            Err(Leave::Branch(depth, value)) => Err(Leave::Branch(depth - 1, value)),
            other => other,
        }
    }

    fn expr(&mut self, expr: &Expr) -> Result<i32, Leave> {
        Ok(match expr {
            Expr::Const(value) => *value,
            Expr::Get(local) => self.locals[*local],
            Expr::Tee(local, x) => {
                self.locals[*local] = self.expr(x)?;
                self.locals[*local]
            }
            Expr::Add(x, y) => self.expr(x)?.wrapping_add(self.expr(y)?),
            Expr::Less(x, y) => i32::from(self.expr(x)? < self.expr(y)?),
            Expr::Select(x, y, condition) => {
                let (x, y) = (self.expr(x)?, self.expr(y)?);
                if self.expr(condition)? != 0 { x } else { y }
            }
            Expr::If(condition, then, x, other, y) => {
                let (body, value) = if self.expr(condition)? != 0 { (then, x) } else { (other, y) };
                Self::here(self.body(true, body, Some(value)))?
            }
            Expr::Block(body, x) => Self::here(self.body(true, body, Some(x)))?,
        })
    }

    fn branch<T>(&mut self, depth: usize, x: Option<i32>) -> Result<T, Leave> {
        Err(Leave::Branch(depth, x.unwrap_or(0)))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<(), Leave> {
        let takes_value = |runner: &Self, depth: usize| runner.labels[runner.labels.len() - 1 - depth];
        match stmt {
            Stmt::Set(local, x) => self.locals[*local] = self.expr(x)?,
            Stmt::Block(body) => {
                Self::here(self.body(false, body, None))?;
            }
            Stmt::Loop(body) => loop {
                if self.locals[0] == 0 {
                    return Err(Leave::Return(-1));
                }
                self.locals[0] -= 1;
                match self.body(false, body, None) {
                    Err(Leave::Branch(0, _)) => {}
                    other => {
                        Self::here(other)?;
                        break;
                    }
                }
            },
            Stmt::If(condition, then, other) => {
                let none = Vec::new();
                let other = other.as_ref().unwrap_or(&none);
                let body = if self.expr(condition)? != 0 { then } else { other };
                Self::here(self.body(false, body, None))?;
            }
            Stmt::Br(depth, x) => {
                let value = if takes_value(self, *depth) { Some(self.expr(x)?) } else { None };
                return self.branch(*depth, value);
            }
            Stmt::BrIf(depth, x, condition) => {
                let value = if takes_value(self, *depth) { Some(self.expr(x)?) } else { None };
                if self.expr(condition)? != 0 {
                    return self.branch(*depth, value);
                }
            }
            Stmt::BrTable(targets, x) => {
                let last = targets.len() - 1;
                let index = usize::try_from(self.expr(x)?).unwrap_or(last).min(last);
                return self.branch(targets[index], None);
            }
            Stmt::Return(x) => return Err(Leave::Return(self.expr(x)?)),
        }
        Ok(())
    }
}

/// A program: statements, then the sum of all locals.
fn program(random: &mut Random) -> (Vec<Stmt>, Expr) {
    let mut body = Vec::new();
    let mut maker = Maker { random, labels: vec![true], budget: 60 };
    while maker.budget > 0 {
        body.push(maker.stmt());
    }
    let sum = |x, local| {
        Expr::Add(Box::new(Expr::Add(Box::new(x), Box::new(Expr::Get(0)))), Box::new(Expr::Get(local)))
    };
    (body, (1..PARAMS + LOCALS).fold(Expr::Const(0), sum))
}

#[test]
fn programs_give_what_their_trees_give() {
    let start = Instant::now();
    let mut seed = 0;
    while start.elapsed() < Duration::from_millis(1500) {
        seed += 1;
        check(seed);
    }
}

fn check(seed: u64) {
    let mut random = Random(seed);
    let (body, value) = program(&mut random);
    let mut writer = Writer { text: String::new(), labels: Vec::new() };
    writer.body(true, &body, Some(&value));
    let text = format!(
        "(module (func (param{}) (result i32) (local{})\n{}))",
        " i32".repeat(PARAMS),
        " i32".repeat(LOCALS),
        writer.text
    );
    let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    let translate = |options: &Options| match common::translate(&bytes, options) {
        Ok(functions) => functions.into_iter().next().expect("a function"),
        Err(error) => panic!("seed {seed}: {error}\n{text}"),
    };
    let functions = [common::PLAIN, common::SITES, common::BLOCKS].map(|options| translate(&options));
    let hook = text::parse_functions("function %debug_hook() preserve_all {\nblock0:\n    return\n}\n");
    let hook = &hook.expect("a function")[0];
    for _ in 0..4 {
        let mut runner = Runner { locals: [0; PARAMS + LOCALS], labels: Vec::new() };
        runner.locals[0] = FUEL;
        (1..PARAMS).for_each(|i| runner.locals[i] = random.below(7) as i32 - 3);
        let int = |&value: &i32| DataValue::from_bits(I32, value as u32 as u64);
        let args: Vec<DataValue> = std::iter::once(DataValue::from_bits(I64, 0))
            .chain(runner.locals[..PARAMS].iter().map(int))
            .collect();
        let expected = match runner.body(true, &body, Some(&value)) {
            Ok(value) | Err(Leave::Return(value) | Leave::Branch(_, value)) => value,
        };
        for func in &functions {
            let store = FunctionStore::new([func, hook]);
            let result = Interpreter::new(&store).call(&func.name, &args);
            assert_eq!(result, Ok(vec![int(&expected)]), "seed {seed} {args:?}\n{text}\n{func}");
        }
    }
}
