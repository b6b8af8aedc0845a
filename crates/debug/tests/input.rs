//! Text that nobody would type: expressions and places are read, or refused with a column
//! that is in the text, and never a panic.

use sidetrack_debug::session::{Expr, Lvalue, ParseError, location};
use sidetrack_engine::{Engine, Module};

/// What expressions are made of, and what they are not.
const PIECES: [&str; 48] = [
    "0",
    "1",
    "9",
    "0x",
    "ff",
    "1.5",
    ".",
    "1e3",
    "e",
    "E-",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "~",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "<<",
    ">>",
    "<=",
    "==",
    "=",
    "!=",
    "&&",
    "||",
    "&",
    "|",
    "^",
    "local0",
    "global",
    "stack7",
    "pc",
    "mem32",
    "smem8[",
    "memf64",
    "mem8@1[",
    "@",
    " ",
    "\t",
    "é",
    "\u{1f980}",
    "99999999999999999999",
];

/// A row of numbers that is the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn check<T>(text: &str, result: Result<T, ParseError>) -> bool {
    if let Err(error) = &result {
        assert!((1..=text.chars().count() + 1).contains(&error.column), "`{text}`: {error}");
    }
    result.is_ok()
}

#[test]
fn any_text_is_an_expression_or_refused() {
    let mut numbers = Numbers(1);
    let mut read = 0;
    for _ in 0..100_000 {
        let count = 1 + numbers.below(12);
        let text: String = (0..count).map(|_| PIECES[numbers.below(PIECES.len())]).collect();
        read += usize::from(check(&text, Expr::parse(&text)));
        check(&text, Lvalue::parse(&text));
    }
    assert!(read > 1000, "only {read} were expressions");
}

#[test]
fn large_and_deep_expressions_are_refused() {
    for (text, expected) in [
        ("(".repeat(100_000), "nested too deeply"),
        ("-".repeat(100_000) + "1", "nested too deeply"),
        ("mem8[".repeat(100_000), "nested too deeply"),
        ("1+".repeat(100_000) + "1", "too large"),
        ("1".repeat(100_000), "is no number"),
    ] {
        let error = Expr::parse(&text).expect_err("it is too much").to_string();
        assert!(error.contains(expected), "{}", &error[..error.len().min(100)]);
    }
    assert!(Expr::parse(&("1+".repeat(400) + "1")).is_ok());
}

#[test]
fn any_text_is_a_place_or_refused() {
    let wat = r#"(module $m (func $f (export "g h") (result i32) (block (br 0)) (i32.const 5)))"#;
    let module = Module::new(&Engine::default(), wat).expect("it is valid");
    let start = module.info().functions[0].body.start;
    for text in ["f", "g h", "0", "m!f", "m!0", &format!("{start:#x}"), &format!("m!{start:#x}")] {
        let place = location::resolve(&module, text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
        assert_eq!((place.func, place.pc), (0, start + 1), "`{text}`");
    }
    let mut numbers = Numbers(2);
    for _ in 0..10_000 {
        let count = numbers.below(5);
        let text: String = (0..count).map(|_| PIECES[numbers.below(PIECES.len())]).collect();
        let _ = location::resolve(&module, &text);
    }
    // Every byte of the function: a place at it or behind it, or an error.
    for pc in 0..=u32::from(u16::MAX) {
        match location::resolve(&module, &format!("{pc:#x}")) {
            Ok(place) => assert!(place.pc >= pc && module.info().functions[0].body.contains(&place.pc)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
