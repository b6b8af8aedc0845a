//! What code does under an emulator comes back as a value, whatever it is, and leaves
//! the process fit for the next program.

use sidetrack_codegen::{Flags, lookup};
use sidetrack_filetests::{Failure, Program, emulated};
use sidetrack_ir::text::parse_functions;
use sidetrack_ir::{DataValue, ExternalName, Function};
use sidetrack_patch::exec::ExecTrap;

const TEXT: &str = "
function %jump(i64) {
    sig0 = ()
block0(v0: i64):
    call_indirect sig0, v0()
    return
}

function %store(i64) {
block0(v0: i64):
    store notrap v0, v0
    return
}

function %deep(i64) -> i64 {
    ss0 = explicit_slot 10000
    fn0 = colocated %deep(i64) -> i64
block0(v0: i64):
    v1 = stack_addr.i64 ss0
    v2 = call fn0(v1)
    v3 = iadd v2, v1
    return v3
}

function %throw(i64) -> i64 {
    fn0 = %throw(i64, i64, i64) system_v
block0(v0: i64):
    v1 = iadd_imm v0, 1
    v2 = iadd_imm v0, 2
    call fn0(v0, v1, v2)
    return v0
}

function %same(i64) -> i64 {
block0(v0: i64):
    return v0
}
";

#[test]
fn faults_and_exceptions_are_values() {
    // The name of the host function is taken by none of ours.
    let text = TEXT.replace("function %throw", "function %throws");
    let functions = parse_functions(&text).expect("the text is well-formed");
    let all: Vec<&Function> = functions.iter().collect();
    for target in emulated::TARGETS.iter().filter(|target| target.available().is_ok()) {
        let isa = lookup(target.name).expect("it is a target").finish(Flags::default());
        let mut program = Program::load(&all, &*isa).expect("the functions compile");
        let mut call =
            |name: &str, arg: i64| match program.call(&ExternalName::named(name), &[DataValue::I64(arg)]) {
                Ok(results) => Ok(results),
                Err(Failure::Trap(trap)) => Err(trap),
                Err(Failure::Missing(reason)) => panic!("{}: {reason}", target.name),
            };
        for _ in 0..2 {
            let jump = call("jump", 64).unwrap_err();
            assert!(matches!(jump, ExecTrap::Fault { .. }), "{}: {jump}", target.name);
            let store = call("store", 64).unwrap_err();
            assert!(store.to_string().contains("%store"), "{}: {store}", target.name);
            let deep = call("deep", 0).unwrap_err();
            assert!(deep.to_string().contains("stk_ovf"), "{}: {deep}", target.name);
            let uncaught = ExecTrap::Uncaught { tag: 7, payloads: [8, 9] };
            assert_eq!(call("throws", 7).unwrap_err(), uncaught, "{}", target.name);
            assert_eq!(call("same", -5).unwrap(), [DataValue::I64(-5)], "{}", target.name);
        }
    }
}
