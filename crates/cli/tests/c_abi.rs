//! The system's calling convention against the C compiler: objects of compiled
//! CLIF are linked with C that calls them and is called by them.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::path::Path;
use std::process::Command;

#[test]
fn c_and_clif_call_one_another() {
    link_and_run("abi");
}

#[test]
fn preserve_all_keeps_every_register() {
    link_and_run("preserve");
}

#[test]
fn preserve_all_keeps_every_register_of_aarch64() {
    keeps_every_register("aarch64", &[], &[]);
}

#[test]
fn preserve_all_keeps_every_register_of_s390x() {
    keeps_every_register("s390x", &["--set", "has_vx"], &["-march=z13"]);
}

/// Links a `preserve_all` function for a target with C that fills all registers before
/// it calls it, and runs the program in the emulator.
fn keeps_every_register(target: &str, settings: &[&str], options: &[&str]) {
    let tools = [format!("{target}-linux-gnu-gcc"), format!("qemu-{target}")];
    if let Some(tool) = tools.iter().find(|tool| Command::new(tool).arg("--version").output().is_err()) {
        assert!(std::env::var_os("SIDETRACK_REQUIRE_EMULATORS").is_none(), "{tool} not found");
        return eprintln!("ignored: {tool} not found");
    }
    for level in ["none", "speed"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c_abi");
        let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (object, program) =
            (out.join(format!("{target}_{level}.o")), out.join(format!("{target}_{level}")));
        let status = Command::new(env!("CARGO_BIN_EXE_sidetrack"))
            .arg("compile")
            .arg(source.join("preserve.clif"))
            .args(["--target", target, "--set", &format!("opt_level={level}")])
            .args(settings)
            .arg("-o")
            .arg(&object)
            .status();
        assert!(status.expect("sidetrack runs").success());
        let status = Command::new(&tools[0])
            .args(["-static", "-o"])
            .args([&program, &source.join(format!("preserve_{target}.c")), &object])
            .args(options)
            .status();
        assert!(status.expect("the compiler runs").success());
        let status = Command::new(&tools[1]).arg(&program).status().expect("the emulator runs");
        assert_eq!(status.code(), Some(0), "check number {:?} fails at opt_level={level}", status.code());
    }
}

/// Compiles `NAME.clif`, links it with `NAME.c` and runs the program, which returns
/// 0 if all is right.
fn link_and_run(name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c_abi");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (level, optimise) in [("none", "-O0"), ("speed", "-O2")] {
        let object = out.join(format!("{name}_{level}.o"));
        let program = out.join(format!("{name}_{level}"));
        let status = Command::new(env!("CARGO_BIN_EXE_sidetrack"))
            .arg("compile")
            .arg(source.join(format!("{name}.clif")))
            .args(["--target", "x86_64", "--set", "has_fma", "--set", &format!("opt_level={level}"), "-o"])
            .arg(&object)
            .status()
            .expect("sidetrack runs");
        assert!(status.success());
        let status = Command::new("cc")
            .arg(optimise)
            .arg(source.join(format!("{name}.c")))
            .args([&object, Path::new("-o"), &program])
            .status()
            .expect("cc runs");
        assert!(status.success(), "cc fails");
        let status = Command::new(&program).status().expect("the program runs");
        assert_eq!(
            status.code(),
            Some(0),
            "{name}: check number {:?} fails at opt_level={level}",
            status.code()
        );
    }
}
