//! One script: what its directives do and claim.

use super::{spectest, traps, values};
use sidetrack_engine::{
    Engine, Error, Extern, Instance, Linker, Module, Store, ThrownException, Trap, UnsupportedFeature, Val,
};
use std::collections::HashMap;
use wast::{QuoteWat, WastDirective, WastExecute, WastInvoke, Wat};

/// Why a directive did not pass.
#[derive(Clone, Debug)]
pub enum Miss {
    /// What it claims is not so.
    Failed(String),
    /// It needs what the engine refuses, by this name.
    Skipped(String),
}

/// A directive's keyword.
pub fn kind(directive: &WastDirective<'_>) -> &'static str {
    match directive {
        WastDirective::Module(_) => "module",
        WastDirective::ModuleDefinition(_) => "module definition",
        WastDirective::ModuleInstance { .. } => "module instance",
        WastDirective::AssertMalformed { .. } => "assert_malformed",
        WastDirective::AssertInvalid { .. } => "assert_invalid",
        WastDirective::AssertInvalidCustom { .. } => "assert_invalid_custom",
        WastDirective::AssertMalformedCustom { .. } => "assert_malformed_custom",
        WastDirective::Register { .. } => "register",
        WastDirective::Invoke(_) => "invoke",
        WastDirective::AssertTrap { .. } => "assert_trap",
        WastDirective::AssertReturn { .. } => "assert_return",
        WastDirective::AssertExhaustion { .. } => "assert_exhaustion",
        WastDirective::AssertUnlinkable { .. } => "assert_unlinkable",
        WastDirective::AssertException { .. } => "assert_exception",
        WastDirective::AssertSuspension { .. } => "assert_suspension",
        WastDirective::Thread(_) => "thread",
        WastDirective::Wait { .. } => "wait",
    }
}

/// A module or an instance, or why there is none.
type Known<T> = Result<T, Miss>;

/// Named things, and the one that was made last.
struct Named<T> {
    last: Option<Known<T>>,
    by_name: HashMap<String, Known<T>>,
}

impl<T: Clone> Named<T> {
    fn new() -> Self {
        Named { last: None, by_name: HashMap::new() }
    }

    fn put(&mut self, name: Option<&str>, thing: Known<T>) {
        if let Some(name) = name {
            self.by_name.insert(name.to_string(), thing.clone());
        }
        self.last = Some(thing);
    }

    fn get(&self, name: Option<&str>) -> Known<T> {
        let found = match name {
            Some(name) => self.by_name.get(name),
            None => self.last.as_ref(),
        };
        found.cloned().unwrap_or_else(|| {
            let name = name.map_or(String::new(), |name| format!(" ${name}"));
            Err(Miss::Failed(format!("there is no module{name}")))
        })
    }
}

/// The state of a script.
pub struct Script {
    store: Store<()>,
    linker: Linker<()>,
    /// An engine that knows nothing newer.
    version_2: Engine,
    modules: Named<Module>,
    instances: Named<Instance>,
    /// Registered names whose modules were refused, with the reason.
    refused: HashMap<String, Miss>,
}

impl Script {
    /// A script at its start, with `spectest` to import from.
    ///
    /// # Errors
    /// If the host module cannot be made.
    pub fn new(engine: &Engine, version_2: &Engine) -> Result<Self, Error> {
        let mut store = Store::new(engine, ());
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        spectest::define(&mut linker, &mut store)?;
        let version_2 = version_2.clone();
        Ok(Script {
            store,
            linker,
            version_2,
            modules: Named::new(),
            instances: Named::new(),
            refused: HashMap::new(),
        })
    }

    /// Carries out one directive.
    ///
    /// # Errors
    /// Why it did not pass.
    pub fn directive(&mut self, directive: &mut WastDirective<'_>) -> Result<(), Miss> {
        match directive {
            WastDirective::Module(source) => {
                let name = source.name().map(|id| id.name());
                let module = self.define(source);
                self.instantiate_as(name, module)
            }
            WastDirective::ModuleDefinition(source) => self.define(source).map(drop),
            WastDirective::ModuleInstance { instance, module, .. } => {
                let module = self.modules.get(module.map(|id| id.name()));
                self.instantiate_as(instance.map(|id| id.name()), module)
            }
            WastDirective::Register { name, module, .. } => self.register(name, module.map(|id| id.name())),
            WastDirective::Invoke(call) => {
                let results = self.invoke(call)?;
                results.map(drop).map_err(|error| Miss::Failed(describe(&error)))
            }
            WastDirective::AssertReturn { exec, results: expected, .. } => {
                let results = self.execute(exec)?.map_err(|error| Miss::Failed(describe(&error)))?;
                values::check(&self.store, expected, &results).map_err(Miss::Failed)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let results = self.execute(exec)?;
                self.check_trap(results, message)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let results = self.invoke(call)?;
                self.check_trap(results, message)
            }
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Err(error) if error.downcast_ref::<ThrownException>().is_some() => Ok(()),
                Err(error) => Err(Miss::Failed(format!("expected an exception, got {}", describe(&error)))),
                Ok(results) => Err(self.unexpected("an exception", &results)),
            },
            WastDirective::AssertMalformed { module, message, .. } => match self.validate(module, message) {
                Ok(()) => Err(self.accepted(module, message)),
                Err(_) => Ok(()),
            },
            WastDirective::AssertInvalid { module, message, .. } => match self.validate(module, message) {
                Ok(()) => Err(self.accepted(module, message)),
                Err(Stage::Refused(reason)) => Err(Miss::Skipped(reason)),
                Err(Stage::Invalid) => Ok(()),
                Err(Stage::Malformed(error)) => {
                    Err(Miss::Failed(format!("malformed ({error}); expected `{message}`")))
                }
            },
            WastDirective::AssertUnlinkable { module, message, .. } => self.check_unlinkable(module, message),
            WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => {
                Err(Miss::Skipped("the contents of custom sections".to_string()))
            }
            WastDirective::AssertSuspension { .. } => Err(Miss::Skipped("stack switching".to_string())),
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                Err(Miss::Skipped("threads".to_string()))
            }
        }
    }

    /// Compiles a module and keeps it under its name.
    fn define(&mut self, source: &mut QuoteWat<'_>) -> Known<Module> {
        let name = source.name().map(|id| id.name());
        let module = if is_component(source) {
            Err(Miss::Skipped("the component model".to_string()))
        } else {
            source
                .encode()
                .map_err(|error| Miss::Failed(error.message()))
                .and_then(|bytes| self.compile(&bytes))
        };
        self.modules.put(name, module.clone());
        module
    }

    fn compile(&self, bytes: &[u8]) -> Known<Module> {
        Module::from_binary(self.store.engine(), bytes).map_err(|error| {
            refusal(&error)
                .map_or(Miss::Failed(format!("{error:#}")), |feature| Miss::Skipped(feature.to_string()))
        })
    }

    /// Makes an instance that is known under `name` from now on.
    fn instantiate_as(&mut self, name: Option<&str>, module: Known<Module>) -> Result<(), Miss> {
        let instance = module
            .and_then(|module| self.instantiate(&module)?.map_err(|error| Miss::Failed(describe(&error))));
        self.instances.put(name, instance.clone());
        instance.map(drop)
    }

    fn instantiate(&mut self, module: &Module) -> Result<Result<Instance, Error>, Miss> {
        match module.imports().find_map(|import| self.refused.get(import.module())) {
            Some(reason) => Err(reason.clone()),
            None => Ok(self.linker.instantiate(&mut self.store, module)),
        }
    }

    fn register(&mut self, name: &str, module: Option<&str>) -> Result<(), Miss> {
        match self.instances.get(module) {
            Ok(instance) => {
                self.refused.remove(name);
                let linked = self.linker.instance(&mut self.store, name, instance);
                linked.map(drop).map_err(|error| Miss::Failed(describe(&error)))
            }
            Err(miss) => {
                self.refused.insert(name.to_string(), miss.clone());
                Err(miss)
            }
        }
    }

    fn execute(&mut self, exec: &mut WastExecute<'_>) -> Result<Result<Vec<Val>, Error>, Miss> {
        match exec {
            WastExecute::Invoke(call) => self.invoke(call),
            WastExecute::Wat(module) => {
                let module = self.compile_text(module)?;
                Ok(self.instantiate(&module)?.map(|_| Vec::new()))
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instances.get(module.map(|id| id.name()))?;
                match instance.get_export(&mut self.store, global) {
                    Some(Extern::Global(global)) => Ok(Ok(vec![global.get(&mut self.store)])),
                    _ => Err(Miss::Failed(format!("there is no global `{global}`"))),
                }
            }
        }
    }

    fn compile_text(&self, module: &mut Wat<'_>) -> Known<Module> {
        if matches!(module, Wat::Component(_)) {
            return Err(Miss::Skipped("the component model".to_string()));
        }
        let bytes = module.encode().map_err(|error| Miss::Failed(error.message()))?;
        self.compile(&bytes)
    }

    fn invoke(&mut self, call: &WastInvoke<'_>) -> Result<Result<Vec<Val>, Error>, Miss> {
        let instance = self.instances.get(call.module.map(|id| id.name()))?;
        let Some(Extern::Func(func)) = instance.get_export(&mut self.store, call.name) else {
            return Err(Miss::Failed(format!("there is no function `{}`", call.name)));
        };
        let args: Result<Vec<Val>, String> =
            call.args.iter().map(|arg| values::argument(&mut self.store, arg)).collect();
        let args = args.map_err(Miss::Skipped)?;
        let mut results = vec![Val::I32(0); func.ty(&self.store).results.len()];
        Ok(func.call(&mut self.store, &args, &mut results).map(|()| results))
    }

    fn check_trap(&self, results: Result<Vec<Val>, Error>, message: &str) -> Result<(), Miss> {
        let expected = format!("the trap `{message}`");
        match results {
            Ok(results) => Err(self.unexpected(&expected, &results)),
            Err(error) => match error.downcast_ref::<Trap>() {
                Some(trap) if traps::is_expected(*trap, message) => Ok(()),
                _ => Err(Miss::Failed(format!("expected {expected}, got {}", describe(&error)))),
            },
        }
    }

    fn unexpected(&self, expected: &str, results: &[Val]) -> Miss {
        Miss::Failed(format!("expected {expected}, got {}", values::show_all(&self.store, results)))
    }

    fn check_unlinkable(&mut self, module: &mut Wat<'_>, message: &str) -> Result<(), Miss> {
        let module = self.compile_text(module)?;
        match self.instantiate(&module)? {
            Ok(_) => Err(Miss::Failed(format!("linked; expected `{message}`"))),
            Err(error) if error.downcast_ref::<Trap>().is_some() => {
                Err(Miss::Failed(format!("expected `{message}`, got {}", describe(&error))))
            }
            Err(_) => Ok(()),
        }
    }

    /// What to say of a module that is accepted and should not be. Scripts for version 2
    /// expect that what came after it is refused.
    fn accepted(&self, source: &mut QuoteWat<'_>, message: &str) -> Miss {
        let newer = source.encode().is_ok_and(|bytes| Module::validate(&self.version_2, &bytes).is_err());
        if newer {
            return Miss::Skipped("claims about version 2 that later versions lift".to_string());
        }
        Miss::Failed(format!("accepted; expected `{message}`"))
    }

    /// Whether a module is accepted, and if not, at which stage it is refused; `message`
    /// is what is expected.
    fn validate(&self, source: &mut QuoteWat<'_>, message: &str) -> Result<(), Stage> {
        if is_component(source) {
            return Err(Stage::Refused("the component model".to_string()));
        }
        let bytes = source.encode().map_err(|error| Stage::Malformed(error.message()))?;
        Module::validate(self.store.engine(), &bytes).map_err(|error| {
            match refusal(&error) {
                // The expected words show that the feature would not change it.
                Some(feature) if !format!("{error:#}").contains(message) => {
                    Stage::Refused(feature.to_string())
                }
                _ => Stage::Invalid,
            }
        })
    }
}

/// Where a module is refused.
enum Stage {
    /// Its text is not right.
    Malformed(String),
    /// Its binary is malformed or not valid.
    Invalid,
    /// It uses something that is not supported.
    Refused(String),
}

fn is_component(source: &QuoteWat<'_>) -> bool {
    matches!(source, QuoteWat::QuoteComponent(..) | QuoteWat::Wat(Wat::Component(_)))
}

/// The name of what is not supported, if that is the reason of an error.
fn refusal(error: &Error) -> Option<&str> {
    error.downcast_ref::<UnsupportedFeature>().map(|unsupported| unsupported.feature.as_str())
}

/// An error on one line: its cause, not where it happened.
fn describe(error: &Error) -> String {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trap.to_string();
    }
    if let Some(exception) = error.downcast_ref::<ThrownException>() {
        return exception.to_string();
    }
    format!("{error:#}").replace('\n', " ")
}
