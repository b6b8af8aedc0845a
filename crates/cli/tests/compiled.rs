//! Compiled modules: the cache of `run`, `compile`, `objdump`.

mod common;

use common::{command, file, folder, module, outcome, repository, sidetrack, text};
use std::path::Path;

/// The line that `--time` prints.
fn times(error: &str) -> serde_json::Value {
    let line = error.lines().last().expect("there is a line");
    serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is no JSON"))
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("the folder can be read").path()).collect()
}

#[test]
fn times_say_how_long_and_how_large() {
    let args = ["run", "--time", "--no-cache", &module("exit.wat")];
    let (code, _, error) = outcome(&sidetrack(&args));
    assert_eq!(code, Some(7));
    let times = times(&error);
    for name in ["compile_ms", "instantiate_ms", "run_ms"] {
        assert!(times[name].as_f64().is_some_and(|ms| ms > 0.0), "{times}");
    }
    for name in ["code_bytes", "artifact_bytes"] {
        assert!(times[name].as_u64().is_some_and(|bytes| bytes > 0), "{times}");
    }
    assert_eq!(times["cache"], "off");
}

#[test]
fn the_second_run_takes_the_code_from_the_cache() {
    let cache = folder("second_run");
    let cache_text = cache.to_str().expect("the path is text");
    let run = |program: &str, more: &[&str]| {
        let args = [&["run", "--time", "--cache", cache_text], more, &[program]].concat();
        let (code, output, error) = outcome(&sidetrack(&args));
        assert_eq!((code, output.as_str()), (Some(7), "hi\n"), "{error}");
        times(&error)["cache"].as_str().expect("it is text").to_string()
    };
    let program = module("exit.wat");
    assert_eq!(run(&program, &[]), "miss");
    assert_eq!(run(&program, &[]), "hit");
    assert_eq!(entries(&cache).len(), 1);
    // Other settings are other code.
    assert_eq!(run(&program, &["--opt-level", "none"]), "miss");
    assert_eq!(run(&program, &["--target", "pulley64"]), "miss");
    assert_eq!(run(&program, &[]), "hit");
    assert_eq!(entries(&cache).len(), 3);
    // What is damaged is replaced.
    for damage in ["cut", "changed", "empty"] {
        for path in entries(&cache) {
            let mut bytes = std::fs::read(&path).expect("the entry can be read");
            match damage {
                "cut" => bytes.truncate(bytes.len() / 2),
                "changed" => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 0x40;
                }
                _ => bytes.clear(),
            }
            std::fs::write(&path, bytes).expect("the entry can be written");
        }
        assert_eq!(run(&program, &[]), "miss", "{damage}");
        assert_eq!(run(&program, &[]), "hit", "{damage}");
    }
}

#[test]
fn the_cache_is_the_users_unless_told_otherwise() {
    let home = folder("home");
    let program = module("exit.wat");
    let run = |variable: &str, value: &Path| {
        let mut command = command(&["run", "--time", &program]);
        let command = command.env_remove("XDG_CACHE_HOME").env_remove("HOME").env(variable, value);
        outcome(&command.output().expect("the command runs"))
    };
    assert_eq!(times(&run("HOME", &home).2)["cache"], "miss");
    assert_eq!(entries(&home.join(".cache/sidetrack")).len(), 1);
    assert_eq!(times(&run("HOME", &home).2)["cache"], "hit");
    assert_eq!(times(&run("XDG_CACHE_HOME", &home.join("x")).2)["cache"], "miss");
    assert_eq!(entries(&home.join("x/sidetrack")).len(), 1);
    assert_eq!(times(&run("UNRELATED", &home).2)["cache"], "off");
}

#[test]
fn the_cache_tells_what_it_has_and_forgets_it() {
    let cache = folder("told");
    let cache_text = cache.to_str().expect("the path is text");
    let told = |what: &str| outcome(&sidetrack(&["cache", what, "--cache", cache_text]));
    assert_eq!(told("dir"), (Some(0), format!("{cache_text}\n"), String::new()));
    assert!(told("info").1.contains("modules: 0\nbytes:   0 of 2147483648\n"));
    assert_eq!(sidetrack(&["run", "--cache", cache_text, &module("exit.wat")]).status.code(), Some(7));
    std::fs::write(cache.join("a file of somebody's"), "").expect("it can be written");
    let bytes = entries(&cache).iter().map(|path| path.metadata().expect("it is there").len()).sum::<u64>();
    assert!(told("info").1.contains(&format!("modules: 1\nbytes:   {bytes} of ")), "{}", told("info").1);
    assert_eq!(told("clear").1, format!("removed 1 modules, {bytes} bytes\n"));
    assert_eq!(entries(&cache).len(), 1, "what is none of the cache's stays");
    let mut command = command(&["cache", "dir"]);
    let user = command.env("XDG_CACHE_HOME", "/some/where").output().expect("it runs");
    assert_eq!(text(&user.stdout), "/some/where/sidetrack\n");
}

/// What somebody puts into the folder is not run, and what others can change is not used.
#[test]
fn a_cache_that_is_not_ours_alone() {
    use std::os::unix::fs::PermissionsExt;
    let program = module("exit.wat");
    let cache = folder("planted");
    let cache_text = cache.to_str().expect("the path is text");
    let run = |data: &str| {
        let mut command = command(&["run", "--time", "--cache", cache_text, &program]);
        let output = command.env("XDG_DATA_HOME", folder_of(data)).output().expect("it runs");
        let (code, _, error) = outcome(&output);
        (code, error)
    };
    fn folder_of(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    }
    for name in ["ours", "theirs"] {
        let _ = std::fs::remove_dir_all(folder_of(name));
    }
    let how = |(code, error): (Option<i32>, String)| {
        assert_eq!(code, Some(7), "{error}");
        times(&error)["cache"].as_str().expect("it is text").to_owned()
    };
    assert_eq!(how(run("ours")), "miss");
    assert_eq!(how(run("ours")), "hit");
    let key = folder_of("ours").join("sidetrack/cache.key");
    assert_eq!(key.metadata().expect("there is a key").permissions().mode() & 0o777, 0o600);
    // A whole entry that was made with another key.
    assert_eq!(how(run("theirs")), "miss");
    assert_eq!(how(run("ours")), "miss");
    assert_eq!(how(run("ours")), "hit");
    let entry = entries(&cache).remove(0);
    // A pipe in its place is not waited for, a link is not followed.
    let moved = cache.join("elsewhere");
    std::fs::rename(&entry, &moved).expect("it can be renamed");
    assert!(std::process::Command::new("mkfifo").arg(&entry).status().expect("mkfifo runs").success());
    assert_eq!(how(run("ours")), "miss");
    std::fs::remove_file(&entry).expect("it can be removed");
    std::os::unix::fs::symlink(&moved, &entry).expect("there can be a link");
    assert_eq!(how(run("ours")), "miss");
    assert_eq!(how(run("ours")), "hit");
    // An entry, then the folder, that others can write to.
    std::fs::set_permissions(&entry, PermissionsExt::from_mode(0o622)).expect("the mode can be set");
    assert_eq!(how(run("ours")), "miss");
    assert_eq!(how(run("ours")), "hit");
    std::fs::set_permissions(&cache, PermissionsExt::from_mode(0o777)).expect("the mode can be set");
    let (code, error) = run("ours");
    assert!(
        code == Some(1) && error.contains("others can write to it") && error.contains(cache_text),
        "{error}"
    );
    std::fs::set_permissions(&cache, PermissionsExt::from_mode(0o700)).expect("the mode can be set");
    // A key that others can read is none.
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("the mode can be set");
    let (code, error) = run("ours");
    assert!(code == Some(1) && error.contains("others can read it"), "{error}");
}

#[test]
fn a_cache_folder_that_cannot_be_written() {
    // No folder can be made below a file, whoever asks.
    let obstacle = file("obstacle", b"");
    let program = module("exit.wat");
    let below = format!("{obstacle}/cache");
    let (code, output, error) = outcome(&sidetrack(&["run", "--cache", &below, &program]));
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert!(error.starts_with("error: ") && error.contains(&below), "{error}");
    // The default folder is a convenience.
    let mut command = command(&["run", &program]);
    let (code, output, error) = outcome(&command.env("XDG_CACHE_HOME", &obstacle).output().expect("it runs"));
    assert_eq!((code, output.as_str()), (Some(7), "hi\n"));
    assert!(error.starts_with("warning: ") && error.contains(&obstacle), "{error}");
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    // A limit on the size of files is as good as a full disk; the shell ignores the signal.
    // The limit, in KiB, is between the size of the code, which is a file in memory, and
    // that of the compiled module.
    let cache = folder("full");
    let script = "trap '' XFSZ; ulimit -f 128; exec \"$@\"";
    let sidetrack = env!("CARGO_BIN_EXE_sidetrack");
    let program = repository("examples/logreport.wasm");
    let run = |arguments: &[&str]| {
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", script, "bash", sidetrack]).args(arguments);
        outcome(&shell.output().expect("the shell runs"))
    };
    let cache_text = cache.to_str().expect("the path is text");
    let (code, output, error) = run(&["run", "--cache", cache_text, &program]);
    assert_eq!((code, output.as_str()), (Some(1), ""), "{error}");
    assert!(error.starts_with("error: ") && error.contains(cache_text), "{error}");
    let output = cache.join("x.cwasm");
    let (code, _, error) = run(&["compile", &program, "-o", output.to_str().expect("the path is text")]);
    assert_eq!(code, Some(1));
    assert!(error.contains("x.cwasm"), "{error}");
    assert!(entries(&cache).is_empty(), "{:?}", entries(&cache));
}

#[test]
fn compile_makes_what_run_takes() {
    let folder = folder("compiled");
    let native = folder.join("exit.cwasm");
    let native = native.to_str().expect("the path is text");
    assert_eq!(outcome(&sidetrack(&["compile", &module("exit.wat"), "-o", native])).0, Some(0));
    let (code, output, error) = outcome(&sidetrack(&["run", "--allow-precompiled", "--time", native]));
    assert_eq!((code, output.as_str()), (Some(7), "hi\n"), "{error}");
    assert_eq!(times(&error)["cache"], "off");
    // Code for other settings is refused, and so is what has been changed.
    let (code, _, error) =
        outcome(&sidetrack(&["run", "--allow-precompiled", "--target", "pulley64", native]));
    assert_eq!(code, Some(1));
    assert!(error.contains("compiled for ") && error.lines().count() == 1, "{error}");
    let other = ["run", "--allow-precompiled", "--instrument", "off", native];
    let (code, _, error) = outcome(&sidetrack(&other));
    assert_eq!(code, Some(1));
    assert!(error.contains("compiled with other settings") && error.lines().count() == 1, "{error}");
    let mut bytes = std::fs::read(native).expect("it is there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let changed = file("changed.cwasm", &bytes);
    let (code, _, error) = outcome(&sidetrack(&["run", "--allow-precompiled", &changed]));
    assert_eq!(code, Some(1));
    assert!(error.contains("damaged"), "{error}");
    // The default name stands beside the input.
    let program = folder.join("p.wat");
    std::fs::copy(module("exit.wat"), &program).expect("it can be copied");
    let args = ["compile", "--target", "pulley64", program.to_str().expect("the path is text")];
    assert_eq!(outcome(&sidetrack(&args)).0, Some(0));
    let compiled = folder.join("p.cwasm");
    let args =
        ["run", "--allow-precompiled", "--target", "pulley64", compiled.to_str().expect("the path is text")];
    assert_eq!(outcome(&sidetrack(&args)).0, Some(7));
    let args = ["compile", compiled.to_str().expect("the path is text")];
    assert_eq!(outcome(&sidetrack(&args)).0, Some(1));
}

/// Whatever byte of a compiled module is another one, that is an error or harmless.
#[test]
fn damage_is_an_error_wherever_it_is() {
    let good = folder("damage").join("trap.cwasm");
    let good = good.to_str().expect("the path is text");
    assert_eq!(outcome(&sidetrack(&["compile", &module("trap.wat"), "-o", good])).0, Some(0));
    let bytes = std::fs::read(good).expect("it is there");
    let whole = outcome(&sidetrack(&["run", "--allow-precompiled", good]));
    assert_eq!(whole.0, Some(134), "{}", whole.2);
    let mut errors = 0;
    for number in 0..60 {
        let mut damaged = bytes.clone();
        damaged[bytes.len() * number / 60] ^= 0x10;
        let path = file("damaged.cwasm", &damaged);
        let (code, output, error) = outcome(&sidetrack(&["run", "--allow-precompiled", &path]));
        if (code, &output) == (whole.0, &whole.1) {
            continue;
        }
        assert_eq!(code, Some(1), "byte {} of {}: {error}", bytes.len() * number / 60, bytes.len());
        assert!(error.starts_with("error: "), "{error}");
        errors += 1;
    }
    assert!(errors > 10, "{errors}");
}

/// A file that is called .wasm may be anything, and machine code can do anything.
#[test]
fn compiled_modules_are_taken_only_if_that_is_allowed() {
    let innocent = folder("innocent").join("innocent.wasm");
    let innocent = innocent.to_str().expect("the path is text");
    assert_eq!(outcome(&sidetrack(&["compile", &module("exit.wat"), "-o", innocent])).0, Some(0));
    let preload = format!("other={innocent}");
    let cases: &[&[&str]] = &[
        &["run", innocent],
        &["run", "--timeout", "9s", "--no-cache", innocent],
        &["run", "--invoke", "_start", innocent],
        &["run", "--preload", &preload, &module("exit.wat")],
        &["debug", "--batch", innocent],
        &["trace", "--steps", innocent],
        &["objdump", innocent],
    ];
    for args in cases {
        let (code, output, error) = outcome(&sidetrack(args));
        assert_eq!((code, output.as_str()), (Some(1), ""), "{args:?}: {error}");
        assert!(error.contains("--allow-precompiled") && error.contains("innocent.wasm"), "{error}");
        let allowed = [&[args[0], "--allow-precompiled"], &args[1..]].concat();
        let (code, _, error) = outcome(&sidetrack(&allowed));
        let expected = match args[0] {
            "run" | "trace" => Some(7),
            _ => Some(0),
        };
        assert_eq!(code, expected, "{allowed:?}: {error}");
    }
    // Standard input is a file like any other.
    let shell = |allow: &str| {
        let script = format!("exec \"$0\" run {allow} - < {innocent}");
        let mut shell = std::process::Command::new("bash");
        outcome(&shell.args(["-c", &script, env!("CARGO_BIN_EXE_sidetrack")]).output().expect("it runs"))
    };
    assert_eq!(shell("").0, Some(1));
    assert_eq!(shell("--allow-precompiled").0, Some(7));
}

#[test]
fn objdump_names_functions_traps_and_places() {
    for target in ["native", "pulley64"] {
        let args = ["objdump", "--target", target, &module("trap.wat")];
        let (code, listing, error) = outcome(&sidetrack(&args));
        assert_eq!((code, error.as_str()), (Some(0), ""));
        for name in ["function 0 <read>: ", "function 1 <middle>: ", "function 2: ", "; to function 0 <read>"]
        {
            assert!(listing.contains(name), "{name} in {listing}");
        }
        assert!(listing.contains("; trap: heap_oob"), "{listing}");
        assert!(listing.contains("; wasm 0x"), "{listing}");
        let compiled = folder(&format!("objdump_{target}")).join("trap.cwasm");
        let compiled = compiled.to_str().expect("the path is text");
        let args = ["compile", "--target", target, &module("trap.wat"), "-o", compiled];
        assert_eq!(outcome(&sidetrack(&args)).0, Some(0));
        let again = outcome(&sidetrack(&["objdump", "--allow-precompiled", "--target", target, compiled])).1;
        assert_eq!(again, listing);
    }
}

#[test]
fn wast_counts_and_says_where() {
    let passes = repository("tests/scripts/passes.wast");
    for target in ["native", "pulley64"] {
        let (code, output, _) = outcome(&sidetrack(&["wast", "--target", target, &passes]));
        assert_eq!((code, output.as_str()), (Some(0), "39 passed, 0 failed, 0 skipped\n"));
    }
    let (code, output, _) = outcome(&sidetrack(&["wast", &repository("tests/scripts")]));
    assert_eq!(code, Some(1));
    let last = output.lines().last().expect("there is a summary");
    // Scripts that pass are added to the folder.
    assert!(last.ends_with(" passed, 31 failed, 5 skipped"), "{last}");
    assert!(output.contains("misses.wast:14:2: assert_return: expected i32:2, got i32:1\n"), "{output}");
    assert!(output.contains("refused.wast: skipped: garbage collection (4)\n"), "{output}");
    let (code, _, error) = outcome(&sidetrack(&["wast", "/no/such/script.wast"]));
    assert_eq!(code, Some(1));
    assert!(error.contains("/no/such/script.wast"), "{error}");
    let binary = file("binary.wast", &[0xff, 0xfe, 0, 1]);
    assert_eq!(outcome(&sidetrack(&["wast", &binary])).0, Some(1));
    assert!(text(&sidetrack(&["wast"]).stderr).contains("required"));
}
