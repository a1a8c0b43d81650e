//! How a record is held: as what it is, or packed while nobody looks at it.

use crate::ids::RecordId;
use crate::value::{Object, PackTable, Packed, write_object};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::fmt;

/// A record as an object, packed, or both as long as it is only looked at. One of the two is there.
#[derive(Clone)]
pub(super) struct Kept {
    object: OnceCell<Object>,
    packed: Option<Packed>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object.get() {
            Some(object) => object.fmt(f),
            None => self.packed.fmt(f),
        }
    }
}

impl From<Object> for Kept {
    fn from(record: Object) -> Self {
        Self { object: OnceCell::from(record), packed: None }
    }
}

impl Kept {
    pub(super) fn is_unpacked(&self) -> bool {
        self.object.get().is_some()
    }

    /// The record, which is unpacked for it and stays so.
    pub(super) fn get(&self, id: &RecordId, table: &PackTable) -> &Object {
        self.object.get_or_init(|| self.unpack(id, table))
    }

    /// Changes the record.
    pub(super) fn change<T>(
        &mut self,
        id: &RecordId,
        table: &PackTable,
        change: impl FnOnce(&mut Object) -> T,
    ) -> T {
        let mut record = self.object.take().unwrap_or_else(|| self.unpack(id, table));
        let changed = change(&mut record);
        *self = Self::from(record);
        changed
    }

    /// Appends the JSON text of the record, which stays packed if it is.
    pub(super) fn write_json(&self, out: &mut Vec<u8>, id: &RecordId, table: &PackTable) {
        match (self.object.get(), &self.packed) {
            (Some(object), _) => write_object(out, object),
            (None, packed) => packed.iter().for_each(|it| table.write_json(out, id, it)),
        }
    }

    /// The record, which stays packed if it is.
    pub(super) fn look(&self, id: &RecordId, table: &PackTable) -> Cow<'_, Object> {
        match self.object.get() {
            Some(object) => Cow::Borrowed(object),
            None => Cow::Owned(self.unpack(id, table)),
        }
    }

    pub(super) fn into_object(mut self, id: &RecordId, table: &PackTable) -> Object {
        self.object.take().unwrap_or_else(|| self.unpack(id, table))
    }

    pub(super) fn pack(&mut self, id: &RecordId, table: &mut PackTable) {
        if let Some(object) = self.object.take()
            && self.packed.is_none()
        {
            self.packed = Some(table.pack(id, &object));
        }
    }

    fn unpack(&self, id: &RecordId, table: &PackTable) -> Object {
        self.packed.as_ref().map(|packed| table.unpack(id, packed)).unwrap_or_default()
    }
}
