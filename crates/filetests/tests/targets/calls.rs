//! Calls on every engine: conventions, exceptions, switches, the stack's end.

use crate::harness::{Engine, Harness};
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_codegen::{Flags, OptLevel, lookup};
use sidetrack_ir::text::parse_functions;
use sidetrack_ir::{DataValue, Type};
use sidetrack_patch::exec::ExecTrap;

struct Set<E> {
    engine: E,
    returns: Vec<Vec<Type>>,
}

impl<E: Engine> Set<E> {
    /// Compiles and loads functions in CLIF text.
    fn new(text: &str) -> Self {
        let functions = parse_functions(text).expect("the test's functions are well-formed");
        let flags = Flags { regalloc_checker: true, opt_level: OptLevel::Speed, ..Flags::default() };
        let isa = lookup(E::TARGET).expect("the target is there").finish(flags);
        let engine = Harness::<E>::new(isa).load_set(&functions).expect("the test's functions compile");
        let returns = |func: &sidetrack_ir::Function| func.signature.returns.iter().map(|p| p.ty).collect();
        Set { engine, returns: functions.iter().map(returns).collect() }
    }

    /// Calls function number `index`.
    fn call(&mut self, index: usize, args: &[u64]) -> Result<Vec<u64>, ExecTrap> {
        let values = Harness::call(&mut self.engine, index, args, &self.returns[index])?;
        Ok(values.iter().map(|value: &DataValue| value.bits()).collect())
    }

    fn trap(&mut self, index: usize, args: &[u64]) -> TrapCode {
        match self.call(index, args) {
            Err(ExecTrap::Trap { code, .. }) => code,
            other => panic!("{other:?} is no trap"),
        }
    }
}

macro_rules! on_every_engine {
    ($($name:ident,)*) => {
        mod pulley {
            $(#[test] fn $name() { super::$name::<sidetrack_patch::exec::Pulley>(); })*
        }
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        mod x86_64 {
            $(#[test] fn $name() { super::$name::<sidetrack_patch::exec::Native>(); })*
        }
    };
}

on_every_engine! {
    tail_calls_change_the_size_of_arguments_without_growing_the_stack,
    the_end_of_the_stack_is_a_trap,
    a_null_address_traps_with_the_accesss_code,
    handlers_get_what_is_thrown_and_nothing_else_changes,
    a_switched_hook_runs_and_leaves_all_registers_alone,
    the_frame_tells_where_it_is,
}

fn tail_calls_change_the_size_of_arguments_without_growing_the_stack<E: Engine>() {
    let many = |first: &str, n: usize| {
        (0..n)
            .map(|i| if i == 0 { first.to_string() } else { "v1".to_string() })
            .collect::<Vec<_>>()
            .join(", ")
    };
    let params = (0..30).map(|i| format!("v{i}: i64")).collect::<Vec<_>>().join(", ");
    let types = ["i64"; 30].join(", ");
    let mut set: Set<E> = Set::new(&format!(
        "function %few(i64, i64) -> i64 tail {{
            fn0 = %many({types}) -> i64 tail
        block0(v0: i64, v1: i64):
            brif v0, block1, block2
        block1:
            return_call fn0({})
        block2:
            return v1
        }}
        function %many({types}) -> i64 tail {{
            fn0 = %few(i64, i64) -> i64 tail
        block0({params}):
            v30 = iadd_imm v0, -1
            v31 = iadd v28, v29
            v32 = isub v31, v15
            v33 = iadd_imm v32, 1
            return_call fn0(v30, v33)
        }}",
        many("v0", 30)
    ));
    assert_eq!(set.call(0, &[100_000, 7]).unwrap(), [100_007]);
}

fn the_end_of_the_stack_is_a_trap<E: Engine>() {
    let mut set: Set<E> = Set::new(
        "function %f(i64) -> i64 system_v {
            ss0 = explicit_slot 4096
            fn0 = %f(i64) -> i64 system_v
        block0(v0: i64):
            stack_store v0, ss0
            v1 = call fn0(v0)
            v2 = stack_load.i64 ss0
            v3 = iadd v1, v2
            return v3
        }",
    );
    assert_eq!(set.trap(0, &[1]), TrapCode::StackOverflow);
    assert_eq!(set.trap(0, &[1]), TrapCode::StackOverflow);
}

fn a_null_address_traps_with_the_accesss_code<E: Engine>() {
    let mut set: Set<E> = Set::new(
        "function %load(i64) -> i32 system_v {
        block0(v0: i64):
            v1 = load.i32 v0+16
            return v1
        }
        function %store(i64, f64) system_v {
        block0(v0: i64, v1: f64):
            store user5 v1, v0
            return
        }",
    );
    let cell = [7u32; 8];
    assert_eq!(set.call(0, &[cell.as_ptr() as u64]).unwrap(), [7]);
    assert_eq!(set.trap(0, &[0]), TrapCode::HeapOutOfBounds);
    assert_eq!(set.trap(1, &[0, 1]), TrapCode::User(5));
}

fn handlers_get_what_is_thrown_and_nothing_else_changes<E: Engine>() {
    // Values of both classes live across the call, and the callee has a frame
    // with saved registers when it throws.
    let mut set: Set<E> = Set::new(
        "function %f(i64, f64) -> i64, f64 system_v {
            sig0 = (i64) -> i64 tail
            fn0 = %thrower(i64) -> i64 tail
        block0(v0: i64, v1: f64):
            v2 = iadd_imm v0, 1000
            v3 = fadd v1, v1
            try_call fn0(v0), sig0, block1(ret0), [tag5: block2(exn0, exn1), default: block3(exn0)]
        block1(v4: i64):
            v5 = iadd v4, v2
            return v5, v3
        block2(v6: i64, v7: i64):
            v8 = iadd v6, v7
            v9 = iadd v8, v2
            return v9, v3
        block3(v10: i64):
            v11 = isub v2, v10
            return v11, v3
        }
        function %thrower(i64) -> i64 tail {
            fn0 = %throw(i64, i64, i64) system_v
        block0(v0: i64):
            v1 = iconst.i64 4
            v2 = iconst.i64 30
            brif v0, block1, block2
        block1:
            call fn0(v0, v1, v2)
            trap user1
        block2:
            return v2
        }",
    );
    let two = 2.0f64.to_bits();
    assert_eq!(set.call(0, &[0, 1.0f64.to_bits()]).unwrap(), [1030, two]);
    assert_eq!(set.call(0, &[5, 1.0f64.to_bits()]).unwrap(), [1039, two]);
    assert_eq!(set.call(0, &[6, 1.0f64.to_bits()]).unwrap(), [1002, two]);
}

fn a_switched_hook_runs_and_leaves_all_registers_alone<E: Engine>() {
    // The hook makes a call that clobbers registers of all classes; the caller
    // keeps more values than there are registers across it.
    let keeps = (0..40).map(|i| format!("v{} = imul_imm v1, {}", i + 10, i + 1)).collect::<Vec<_>>();
    let floats = (0..40).map(|i| format!("v{} = fcvt_from_sint.f64 v{}", i + 60, i + 10)).collect::<Vec<_>>();
    let sums = (0..40).map(|i| {
        let (int, float, at) = (i + 10, i + 60, 200 + i * 3);
        let before = if i == 0 { 1 } else { at - 1 };
        format!(
            "v{at} = iadd v{int}, v{before}\nv{0} = fcvt_to_sint.i64 v{float}\nv{1} = iadd v{0}, v{at}",
            at + 1,
            at + 2
        )
    });
    let sums = sums.collect::<Vec<_>>();
    let mut set: Set<E> = Set::new(&format!(
        "function %f(i64, i64) -> i64 system_v {{
            fn0 = colocated patchable %hook(i64) preserve_all
        block0(v0: i64, v1: i64):
            {}\n{}
            call fn0(v0), tag 7
            {}
            return v319
        }}
        function %hook(i64) preserve_all {{
            fn0 = %clobber(f64) -> f64 system_v
        block0(v0: i64):
            v1 = load.i64 v0
            v2 = fcvt_from_sint.f64 v1
            v3 = call fn0(v2)
            v4 = fcvt_to_sint.i64 v3
            store v4, v0
            return
        }}
        function %clobber(f64) -> f64 system_v {{
        block0(v0: f64):
            v1 = f64const 0x1.0p0
            v2 = fma v0, v1, v1
            return v2
        }}",
        keeps.join("\n"),
        floats.join("\n"),
        sums.join("\n")
    ));
    let mut cell = 0u64;
    let address = &raw mut cell as u64;
    let name = SymbolName::Named("f".to_string());
    let expected = 3 + 2 * 3 * (40 * 41 / 2);
    for (on, count) in [(true, 1), (false, 1), (true, 2)] {
        assert_eq!(set.engine.switch(&name, 7, on), 1);
        assert_eq!(set.call(0, &[address, 3]).unwrap(), [expected], "{on}");
        assert_eq!(std::hint::black_box(&cell), &count, "{on}");
    }
}

fn the_frame_tells_where_it_is<E: Engine>() {
    let mut set: Set<E> = Set::new(
        "function %f(i64) -> i64, i64, i64 system_v {
            ss0 = explicit_slot 64
        block0(v0: i64):
            stack_store v0, ss0
            v1 = get_frame_pointer.i64
            v2 = get_stack_pointer.i64
            v3 = isub v1, v2
            v4 = get_return_address.i64
            v5 = load.i64 v1+8
            v6 = isub v4, v5
            v7 = stack_addr.i64 ss0
            v8 = isub v7, v2
            return v3, v6, v8
        }",
    );
    assert_eq!(set.call(0, &[1]).unwrap(), [64, 0, 0]);
}
