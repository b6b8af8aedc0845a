//! A frame that is larger than all that a thread has. One test: the system gives a thread a stack
//! that another one had, which may be larger than what was asked for.

mod common;

use common::{instantiate, recursion};
use sidetrack_engine::{Config, Engine, OptLevel, Result, Trap};

/// The trap is shown to nobody, for which there is no stack.
#[test]
fn a_frame_beyond_the_stack_is_a_trap() -> Result<()> {
    let engine = Engine::new(Config::new().opt_level(OptLevel::None))?;
    let (mut store, instance) = instantiate(&engine, &recursion(2500))?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    let end = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(40 << 10);
        builder.spawn_scoped(scope, || f.call(&mut store, 5).unwrap_err()).expect("a thread").join()
    });
    let error = end.expect("it does not panic");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{error:?}");
    Ok(())
}
