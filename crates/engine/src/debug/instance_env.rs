//! An instance as its functions' shadows see it.

use super::Environment;
use crate::instance::InstanceData;
use crate::store::StoreOpaque;
use crate::vm::context;

/// An instance in its store.
pub(crate) struct InstanceEnv<'a> {
    pub store: &'a StoreOpaque,
    pub instance: &'a InstanceData,
}

impl Environment for InstanceEnv<'_> {
    fn memory(&self, memory: u32) -> &[u8] {
        self.instance.memories()[memory as usize].get(self.store).data()
    }

    fn memory_key(&self, memory: u32) -> u64 {
        self.instance.memories()[memory as usize].number()
    }

    fn global(&self, global: u32) -> u128 {
        let ty = self.instance.module().info().globals[global as usize].content;
        self.instance.global(global).get(self.store).bits(ty)
    }

    fn global_key(&self, global: u32) -> u64 {
        self.instance.global(global).number()
    }

    fn table(&self, table: u32) -> &[u64] {
        self.instance.tables()[table as usize].get(self.store).elements()
    }

    fn function(&self, func: u32) -> u64 {
        self.instance.function(func).number()
    }

    fn has_type(&self, reference: u64, ty: u32) -> bool {
        let record = context::record_at(self.store, reference);
        let wanted = self.instance.module().type_id(ty);
        record.is_some_and(|record| context::type_id(self.store, record) == wanted)
    }
}
