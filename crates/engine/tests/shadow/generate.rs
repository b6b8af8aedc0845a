//! Random functions of every operator there is.
//!
//! A function has two parameters and a local of each type, and returns one value of
//! each. Its statements set locals and globals to random expressions, store them, and
//! are put into blocks, arms and loops that end. Constants are mostly those at which
//! operators change what they do.

use crate::special::Random;
use std::fmt::Write;

/// The types, in the order of locals, globals and results.
pub const TYPES: [&str; 5] = ["i32", "i64", "f32", "f64", "v128"];

/// An operator of `operators.txt`.
struct Operator {
    name: &'static str,
    lanes: Option<usize>,
    operands: Vec<&'static str>,
    result: &'static str,
    may_trap: bool,
}

fn operators() -> Vec<Operator> {
    let lines = include_str!("operators.txt").lines();
    let lines = lines.filter_map(|line| line.split_once(':').filter(|_| !line.starts_with('#')));
    lines
        .flat_map(|(signature, names)| {
            let (operands, result) = signature.split_once("->").expect("a signature has an arrow");
            names.split_whitespace().map(move |name| {
                let (name, lanes) =
                    name.split_once('/').map_or((name, None), |(name, n)| (name, n.parse().ok()));
                let mut operands: Vec<_> = operands.split_whitespace().collect();
                let may_trap = operands.first() == Some(&"trap");
                operands.retain(|operand| *operand != "trap");
                Operator { name, lanes, operands, result: result.trim(), may_trap }
            })
        })
        .collect()
}

/// Writes functions.
pub struct Generator {
    pub random: Random,
    operators: Vec<Operator>,
    text: String,
    /// The types of the labels around, innermost last; one of none is "".
    labels: Vec<&'static str>,
    /// Loops around the present statement.
    loops: usize,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Generator {
            random: Random::new(seed),
            operators: operators(),
            text: String::new(),
            labels: Vec::new(),
            loops: 0,
        }
    }

    /// A module of functions that are exported by their number. Memory 1 has 64-bit
    /// indices; the memories and globals are exported as `m0`, `g0` and so on.
    pub fn module(&mut self, functions: usize) -> String {
        self.text = String::from(
            r#"(module (memory (export "m0") 1 4) (memory (export "m1") i64 1 1)
            (table 8 funcref) (elem (i32.const 2) func 0 0) (table i64 4 externref)"#,
        );
        for memory in 0..2 {
            let bytes: String = (0..256).map(|_| format!("\\{:02x}", self.random.next() as u8)).collect();
            let ty = ["i32", "i64"][memory];
            self.write(&format!("(data (memory {memory}) ({ty}.const 0) \"{bytes}\")\n"));
        }
        for (index, ty) in TYPES.iter().enumerate() {
            let value = self.constant(ty);
            self.write(&format!("(global (export \"g{index}\") (mut {ty}) {value})\n"));
        }
        let list = TYPES.join(" ");
        for function in 0..functions {
            self.write(&format!(
                "(func (export \"{function}\") (param {list} {list}) (result {list}) (local {list} i32 i32)\n"
            ));
            for _ in 0..4 + self.random.below(8) {
                self.statement(3);
            }
            for ty in TYPES {
                self.expression(ty, 2);
            }
            self.write(")\n");
        }
        self.write(")");
        std::mem::take(&mut self.text)
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A constant; `wat` writes every float as it is.
    fn constant(&mut self, ty: &str) -> String {
        let bits = self.random.bits(ty);
        match ty {
            "i32" => format!("(i32.const {})", bits as i32),
            "i64" => format!("(i64.const {})", bits as i64),
            "f32" if f32::from_bits(bits as u32).is_nan() => {
                let sign = if bits >> 31 != 0 { "-" } else { "" };
                format!("(f32.const {sign}nan:{:#x})", bits & 0x7f_ffff)
            }
            "f32" => format!("(f32.const {:?})", f32::from_bits(bits as u32)),
            "f64" if f64::from_bits(bits as u64).is_nan() => {
                let sign = if bits >> 63 != 0 { "-" } else { "" };
                format!("(f64.const {sign}nan:{:#x})", bits & 0xf_ffff_ffff_ffff)
            }
            "f64" => format!("(f64.const {:?})", f64::from_bits(bits as u64)),
            _ => format!("(v128.const i64x2 {} {})", bits as i64, (bits >> 64) as i64),
        }
    }

    /// A local of a type: a parameter, or the one behind them.
    fn local(&mut self, ty: &str) -> usize {
        let index = TYPES.iter().position(|other| *other == ty).expect("it is one of the types");
        index + TYPES.len() * self.random.below(3)
    }

    /// Something of a type that has no operands.
    fn leaf(&mut self, ty: &str) {
        let text = match self.random.below(8) {
            0 | 1 => self.constant(ty),
            2 => format!("(global.get {})", TYPES.iter().position(|other| *other == ty).unwrap_or(0)),
            3 if ty == "i32" => {
                let leaves = [
                    "(memory.size 0)",
                    "(table.size 0)",
                    "(ref.is_null (table.get 0 (i32.const 1)))",
                    "(ref.is_null (table.get 0 (i32.const 3)))",
                    "(ref.is_null (table.get 1 (i64.const 3)))",
                    "(ref.is_null (ref.func 0))",
                ];
                self.random.pick(&leaves).to_owned()
            }
            3 if ty == "i64" => self.random.pick(&["(memory.size 1)", "(table.size 1)"]).to_owned(),
            _ => format!("(local.get {})", self.local(ty)),
        };
        self.write(&text);
    }

    fn expression(&mut self, ty: &'static str, depth: usize) {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.random.below(20) {
            0 => self.leaf(ty),
            1 => {
                let typed = if self.random.one_in(2) { format!("(result {ty}) ") } else { String::new() };
                self.write(&format!("(select {typed}"));
                self.expression(ty, depth - 1);
                self.expression(ty, depth - 1);
                self.expression("i32", depth - 1);
                self.write(")");
            }
            2 => {
                let local = self.local(ty);
                let _ = write!(self.text, "(local.tee {local} ");
                self.expression(ty, depth - 1);
                self.write(")");
            }
            3 => {
                let _ = write!(self.text, "(if (result {ty}) ");
                self.expression("i32", depth - 1);
                self.labels.push(ty);
                self.write("(then ");
                self.expression(ty, depth - 1);
                self.write(") (else ");
                self.expression(ty, depth - 1);
                self.write("))");
                self.labels.pop();
            }
            4 => {
                // The first operand is there when the branch takes the second along.
                let _ = write!(self.text, "(block (result {ty}) ");
                self.labels.push(ty);
                self.expression("i64", depth - 1);
                let _ = write!(self.text, "(drop (br_if 0 ");
                self.expression(ty, depth - 1);
                self.expression("i32", depth - 1);
                self.write(")) drop ");
                self.expression(ty, depth - 1);
                self.write(")");
                self.labels.pop();
            }
            _ => self.operation(ty, depth),
        }
    }

    /// An operator with operands; "" for one without a result.
    fn operation(&mut self, result: &str, depth: usize) {
        let operator = loop {
            let index = self.random.below(self.operators.len());
            let operator = &self.operators[index];
            if operator.result == result && (!operator.may_trap || self.random.one_in(12)) {
                break index;
            }
        };
        let Operator { name, lanes, ref operands, .. } = self.operators[operator];
        let operands = operands.clone();
        let _ = write!(self.text, "({name} ");
        let mut memory = None;
        if operands.first() == Some(&"addr") {
            let index = self.random.below(2);
            let offset = match self.random.below(300) {
                0 => 65530,
                1 => self.random.next() >> if index == 0 { 32 } else { 0 },
                _ => self.random.next() % 64,
            };
            let _ = write!(self.text, "{index} offset={offset} ");
            memory = Some(index);
        }
        if name == "i8x16.shuffle" {
            for _ in 0..16 {
                let _ = write!(self.text, "{} ", self.random.below(32));
            }
        }
        if let Some(lanes) = lanes {
            let _ = write!(self.text, "{} ", self.random.below(lanes));
        }
        for operand in operands {
            if operand == "addr" {
                self.address(memory == Some(1), depth - 1);
            } else {
                self.expression(operand, depth - 1);
            }
        }
        self.write(")");
    }

    /// An address that mostly is near the start of the memory, so that loads meet stores.
    fn address(&mut self, is_64: bool, depth: usize) {
        let ty = if is_64 { "i64" } else { "i32" };
        if self.random.one_in(150) {
            return self.expression(ty, depth);
        }
        let mask = self.random.pick(&[0x3f, 0xff, 0xff, 0xfff0]);
        let _ = write!(self.text, "({ty}.and ({ty}.const {mask}) ");
        self.expression(ty, depth);
        self.write(")");
    }

    fn statement(&mut self, depth: usize) {
        let kind = if depth == 0 { self.random.below(10) } else { self.random.below(15) };
        match kind {
            0..=3 => {
                let ty = self.random.pick(&TYPES);
                let local = self.local(ty);
                let _ = write!(self.text, "(local.set {local} ");
                self.expression(ty, 3);
                self.write(")\n");
            }
            4 | 5 => {
                let index = self.random.below(TYPES.len());
                let _ = write!(self.text, "(global.set {index} ");
                self.expression(TYPES[index], 3);
                self.write(")\n");
            }
            6..=8 => {
                self.operation("", 3);
                self.write("\n");
            }
            9 => self.branch(),
            10 | 11 => {
                self.write("(if ");
                self.expression("i32", 2);
                self.labels.push("");
                self.write("(then ");
                self.statements(depth);
                self.write(")");
                if self.random.one_in(2) {
                    self.write("(else ");
                    self.statements(depth);
                    self.write(")");
                }
                self.write(")\n");
                self.labels.pop();
            }
            12 | 13 => {
                self.write("(block ");
                self.labels.push("");
                self.statements(depth);
                self.write(")\n");
                self.labels.pop();
            }
            _ if self.loops < 2 => {
                // Only the branch at the end goes to the loop's label, a few times.
                let counter = 3 * TYPES.len() + self.loops;
                self.loops += 1;
                let _ = write!(self.text, "(local.set {counter} (i32.const {}))", self.random.below(6));
                self.write("(loop (block ");
                self.labels.extend(["loop", ""]);
                self.statements(depth);
                self.labels.pop();
                let _ = writeln!(
                    self.text,
                    ") (br_if 0 (i32.gt_s (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1))) (i32.const 0))))"
                );
                self.labels.pop();
                self.loops -= 1;
            }
            _ => self.write("nop\n"),
        }
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..1 + self.random.below(4) {
            self.statement(depth - 1);
        }
    }

    /// A branch to labels that take nothing along.
    fn branch(&mut self) {
        let depths = self.labels.iter().rev().enumerate();
        let depths: Vec<usize> = depths.filter(|(_, ty)| ty.is_empty()).map(|(depth, _)| depth).collect();
        if depths.is_empty() {
            return self.write("nop\n");
        }
        if self.random.one_in(2) {
            let _ = write!(self.text, "(br_if {} ", self.random.pick(&depths));
            self.expression("i32", 2);
            return self.write(")\n");
        }
        // In a block of its own, so that something behind it is reached.
        let default = self.random.pick(&depths) + 1;
        self.write("(block (br_table ");
        for _ in 0..self.random.below(4) {
            let depth = if self.random.one_in(2) { 0 } else { self.random.pick(&depths) + 1 };
            let _ = write!(self.text, "{depth} ");
        }
        let _ = write!(self.text, "{default} (i32.and (i32.const 3) ");
        self.expression("i32", 2);
        self.write(")))\n");
    }
}
