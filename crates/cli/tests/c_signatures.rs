//! The calling conventions against the C compiler's.
//!
//! Signatures are drawn at random. For each there is a C function `cN`, a CLIF
//! function `fN` that computes the same, and a CLIF function `gN` that calls `cN`; a
//! C program compares the three. Struct returns follow with fixed text. Where there are
//! a cross compiler and an emulator, the same is done for another machine.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Types in C and in CLIF: as a parameter, plain.
const TYPES: [(&str, &str, &str); 6] = [
    ("long", "i64", "i64"),
    ("int", "i32", "i32"),
    ("short", "i16 sext", "i16"),
    ("unsigned char", "i8 uext", "i8"),
    ("float", "f32", "f32"),
    ("double", "f64", "f64"),
];

/// The C compiler for a target, and what runs its programs.
struct Toolchain {
    target: &'static str,
    cc: &'static [&'static str],
    emulator: &'static [&'static str],
    /// The conventions in CLIF and in C.
    conventions: &'static [(&'static str, &'static str)],
    /// An `int` in CLIF: extended where the platform's convention says so.
    int: &'static str,
    /// Whether a struct of two values is returned in registers, and one of an integer and
    /// a float in registers of both kinds.
    structs: (bool, bool),
}

const X86_64: Toolchain = Toolchain {
    target: "x86_64",
    cc: &["cc"],
    emulator: &[],
    conventions: &[("system_v", ""), ("windows_fastcall", "__attribute__((ms_abi)) ")],
    int: "i32",
    structs: (true, true),
};

const AARCH64: Toolchain = Toolchain {
    target: "aarch64",
    cc: &["aarch64-linux-gnu-gcc", "-static"],
    emulator: &["qemu-aarch64"],
    conventions: &[("system_v", "")],
    int: "i32",
    structs: (true, false),
};

const S390X: Toolchain = Toolchain {
    target: "s390x",
    cc: &["s390x-linux-gnu-gcc", "-static"],
    emulator: &["qemu-s390x"],
    conventions: &[("system_v", "")],
    int: "i32 sext",
    structs: (false, false),
};

const RISCV64: Toolchain = Toolchain {
    target: "riscv64",
    cc: &["riscv64-linux-gnu-gcc", "-static"],
    emulator: &["qemu-riscv64"],
    conventions: &[("system_v", "")],
    int: "i32 sext",
    structs: (true, true),
};

impl Toolchain {
    /// Whether it is here; if not, it must be allowed to be missing.
    fn is_here(&self) -> bool {
        let runs = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
        let here = runs(self.cc[0]) && self.emulator.first().is_none_or(|tool| runs(tool));
        let required = std::env::var_os("SIDETRACK_REQUIRE_EMULATORS").is_some();
        assert!(here || !required, "{:?} or {:?} not found", self.cc, self.emulator);
        here
    }
}

const STRUCTS_C: &str = "
struct ii { long a, b; }; struct id { long a; double b; }; struct dd { double a, b; };
struct iii { long a, b, c; };
struct ii c_ii(long x, double y) { return (struct ii){x + 1, (long)y}; }
struct id c_id(long x, double y) { return (struct id){x + 2, y + 0.5}; }
struct dd c_dd(long x, double y) { return (struct dd){x + 0.25, y}; }
struct iii c_iii(long x) { return (struct iii){x, x + 1, x + 2}; }
struct ii f_ii(long, double), g_ii(long, double);
struct id f_id(long, double), g_id(long, double);
struct dd f_dd(long, double), g_dd(long, double);
struct iii f_iii(long), g_iii(long);
static int structs(void) {
    struct iii g = f_iii(6), h = g_iii(6);
    int right = g.a == 6 && g.b == 7 && g.c == 8 && h.a == 6 && h.b == 7 && h.c == 8;
#if SMALL
    struct ii a = f_ii(6, 9.5), b = g_ii(6, 9.5);
    struct dd e = f_dd(6, 9.5), f = g_dd(6, 9.5);
    right = right && a.a == 7 && a.b == 9 && b.a == 7 && b.b == 9
        && e.a == 6.25 && e.b == 9.5 && f.a == 6.25 && f.b == 9.5;
#endif
#if MIXED
    struct id c = f_id(6, 9.5), d = g_id(6, 9.5);
    right = right && c.a == 8 && c.b == 10 && d.a == 8 && d.b == 10;
#endif
    return right;
}
";

const STRUCTS_CLIF: &str = "
function %f_ii(i64, f64) -> i64, i64 system_v {
block0(v0: i64, v1: f64):
    v2 = iadd_imm v0, 1
    v3 = fcvt_to_sint.i64 v1
    return v2, v3
}
function %f_id(i64, f64) -> i64, f64 system_v {
block0(v0: i64, v1: f64):
    v2 = iadd_imm v0, 2
    v3 = f64const 0x1.0p-1
    v4 = fadd v1, v3
    return v2, v4
}
function %f_dd(i64, f64) -> f64, f64 system_v {
block0(v0: i64, v1: f64):
    v2 = fcvt_from_sint.f64 v0
    v3 = f64const 0x1.0p-2
    v4 = fadd v2, v3
    return v4, v1
}
function %f_iii(i64 sret, i64) system_v {
block0(v0: i64, v1: i64):
    store v1, v0
    v2 = iadd_imm v1, 1
    store v2, v0+8
    v3 = iadd_imm v1, 2
    store v3, v0+16
    return
}
function %g_ii(i64, f64) -> i64, i64 system_v {
    fn0 = %c_ii(i64, f64) -> i64, i64 system_v
block0(v0: i64, v1: f64):
    v2, v3 = call fn0(v0, v1)
    return v2, v3
}
function %g_id(i64, f64) -> i64, f64 system_v {
    fn0 = %c_id(i64, f64) -> i64, f64 system_v
block0(v0: i64, v1: f64):
    v2, v3 = call fn0(v0, v1)
    return v2, v3
}
function %g_dd(i64, f64) -> f64, f64 system_v {
    fn0 = %c_dd(i64, f64) -> f64, f64 system_v
block0(v0: i64, v1: f64):
    v2, v3 = call fn0(v0, v1)
    return v2, v3
}
function %g_iii(i64 sret, i64) system_v {
    fn0 = %c_iii(i64 sret, i64) system_v
block0(v0: i64, v1: i64):
    call fn0(v0, v1)
    return
}
";

/// Numbers that only look random.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % limit
    }
}

/// Halves the sum so far and adds the parameter, in `f64`, where all is exact.
fn clif_body(params: &[usize], ret: usize) -> String {
    let mut text = String::from("    v100 = f64const 0x1.0p0\n    v101 = f64const 0x1.0p-1\n");
    let mut sum = 100;
    for (n, &ty) in params.iter().enumerate() {
        let at = 200 + 10 * n;
        let converted = match TYPES[ty].2 {
            "f64" => format!("v{n}"),
            "f32" => {
                writeln!(text, "    v{at} = fpromote.f64 v{n}").unwrap();
                format!("v{at}")
            }
            "i8" => {
                writeln!(text, "    v{at} = fcvt_from_uint.f64 v{n}").unwrap();
                format!("v{at}")
            }
            _ => {
                writeln!(text, "    v{at} = fcvt_from_sint.f64 v{n}").unwrap();
                format!("v{at}")
            }
        };
        writeln!(text, "    v{} = fmul v{sum}, v101", at + 1).unwrap();
        writeln!(text, "    v{} = fadd v{}, {converted}", at + 2, at + 1).unwrap();
        sum = at + 2;
    }
    match TYPES[ret].2 {
        "f64" => writeln!(text, "    return v{sum}").unwrap(),
        "f32" => writeln!(text, "    v900 = fdemote.f32 v{sum}\n    return v900").unwrap(),
        "i64" => writeln!(text, "    v900 = fcvt_to_sint.i64 v{sum}\n    return v900").unwrap(),
        ty => {
            writeln!(text, "    v900 = fcvt_to_sint.i64 v{sum}\n    v901 = ireduce.{ty} v900").unwrap();
            writeln!(text, "    return v901").unwrap();
        }
    }
    text
}

fn program(random: &mut Random, count: usize, toolchain: &Toolchain) -> (String, String) {
    let (small, mixed) = toolchain.structs;
    let (small, mixed) = (i32::from(small), i32::from(mixed));
    let head = format!("#include <stdio.h>\n#define SMALL {small}\n#define MIXED {mixed}\n");
    let in_signature = |ty: usize| if TYPES[ty].1 == "i32" { toolchain.int } else { TYPES[ty].1 };
    let (mut c, mut clif) = (head, String::new());
    let mut main = String::from("int main(void) {\n    int bad = !structs();\n");
    for n in 0..count {
        let (convention, attribute) = toolchain.conventions[n % toolchain.conventions.len()];
        // Some have more floats than there are registers for floats.
        let first = if n % 3 == 0 { 3 } else { 0 };
        let params: Vec<usize> =
            (0..random.below(20)).map(|_| (first + random.below(6 - first)) as usize).collect();
        let ret = random.below(6) as usize;
        let list = |text: &dyn Fn((usize, &usize)) -> String| {
            params.iter().enumerate().map(text).collect::<Vec<_>>().join(", ")
        };
        let c_params = if params.is_empty() {
            "void".to_string()
        } else {
            list(&|(i, &ty)| format!("{} p{i}", TYPES[ty].0))
        };
        let ret_c = TYPES[ret].0;
        writeln!(c, "{attribute}{ret_c} f{n}({c_params}); {attribute}{ret_c} g{n}({c_params});").unwrap();
        writeln!(c, "{attribute}{ret_c} c{n}({c_params}) {{\n    double r = 1;").unwrap();
        for i in 0..params.len() {
            writeln!(c, "    r = r * 0.5 + (double)p{i};").unwrap();
        }
        let through = if TYPES[ret].2.starts_with('i') { "(long)" } else { "" };
        writeln!(c, "    return ({ret_c}){through}r;\n}}").unwrap();

        let sig = list(&|(_, &ty)| in_signature(ty).to_string());
        let ret_clif = in_signature(ret);
        let block = list(&|(i, &ty)| format!("v{i}: {}", TYPES[ty].2));
        let block = if params.is_empty() { String::new() } else { format!("({block})") };
        let values = list(&|(i, _)| format!("v{i}"));
        writeln!(clif, "function %f{n}({sig}) -> {ret_clif} {convention} {{\nblock0{block}:").unwrap();
        writeln!(clif, "{}}}", clif_body(&params, ret)).unwrap();
        writeln!(clif, "function %g{n}({sig}) -> {ret_clif} {convention} {{").unwrap();
        writeln!(clif, "    fn0 = %c{n}({sig}) -> {ret_clif} {convention}").unwrap();
        writeln!(clif, "block0{block}:\n    v100 = call fn0({values})\n    return v100\n}}").unwrap();

        let args: Vec<String> = params
            .iter()
            .map(|&ty| match TYPES[ty].2 {
                "i8" => (128 + random.below(128)).to_string(),
                "f32" | "f64" => format!("{}.25", random.below(2000) as i64 - 1000),
                _ => (random.below(4000) as i64 - 2000).to_string(),
            })
            .collect();
        let args = args.join(", ");
        writeln!(main, "    if (f{n}({args}) != c{n}({args}) || g{n}({args}) != c{n}({args}))").unwrap();
        writeln!(main, "        printf(\"signature {n}: ({sig}) -> {ret_clif} {convention}\\n\"), bad = 1;")
            .unwrap();
    }
    main.push_str("    return bad;\n}\n");
    (c + STRUCTS_C + &main, clif + STRUCTS_CLIF)
}

/// Compiles both sides, and runs the program.
fn compare(toolchain: &Toolchain) {
    if !toolchain.is_here() {
        return eprintln!("ignored: {:?} or {:?} not found", toolchain.cc, toolchain.emulator);
    }
    let target = toolchain.target;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c_signatures_{target}"));
    std::fs::create_dir_all(&folder).unwrap();
    let (c, clif) = program(&mut Random(1), 80, toolchain);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (source, text, object, program) = (path("abi.c"), path("abi.clif"), path("abi.o"), path("abi"));
    std::fs::write(&source, c).unwrap();
    std::fs::write(&text, clif).unwrap();
    for opt_level in ["opt_level=none", "opt_level=speed"] {
        let args = ["compile", &text, "--target", target, "--set", opt_level, "-o", &object];
        let compiled = Command::new(env!("CARGO_BIN_EXE_sidetrack")).args(args).output().unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let args = ["-O2", "-ffp-contract=off", "-fno-inline", "-o", &program, &source, &object];
        let (cc, options) = toolchain.cc.split_first().unwrap();
        assert!(Command::new(cc).args(options).args(args).status().unwrap().success());
        let run = [toolchain.emulator, &[program.as_str()]].concat();
        let run = Command::new(run[0]).args(&run[1..]).output().unwrap();
        let output = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{target} {opt_level}: {:?} {output}", run.status);
    }
}

#[test]
fn random_signatures_mean_the_same_in_c() {
    compare(&X86_64);
}

#[test]
fn and_on_aarch64() {
    compare(&AARCH64);
}

#[test]
fn and_on_s390x() {
    compare(&S390X);
}

#[test]
fn and_on_riscv64() {
    compare(&RISCV64);
}
