//! How changes are told to sessions. Those of one dialect hear the same bytes.

use super::lens::Lens;
use crate::diff::{RecordOp, StringAppend};
use crate::ids::RecordId;
use crate::schema::{MigrationError, SerializedSchema};
use crate::store::Look;
use crate::value::Object;
use crate::wire::{Codec, json_records};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// What tells one dialect from another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    /// Whether the clients know string appends.
    pub(super) strings: StringAppend,
    pub(super) codec: Codec,
    /// How the clients see records, if not as they are.
    pub(super) lens: Option<Arc<Lens>>,
}

impl Form {
    /// What a client of that protocol version is told.
    pub(super) const fn new(version: u32, codec: Codec, lens: Option<Arc<Lens>>) -> Self {
        let strings = if version < 8 { StringAppend::Legacy } else { StringAppend::Allowed };
        Self { strings, codec, lens }
    }

    /// What is told of a record that is so, or that is gone.
    pub(super) fn state(&self, record: Option<&Object>) -> Result<RecordOp, MigrationError> {
        Ok(match (record, &self.lens) {
            (Some(record), Some(lens)) => RecordOp::Put(lens.view(record)?),
            (Some(record), None) => RecordOp::Put(record.clone()),
            (None, _) => RecordOp::Remove,
        })
    }

    /// Documents encoded for an answer to `connect`, right from how they are kept where that can be.
    pub(super) fn documents(&self, documents: &[Look<'_>]) -> Result<Bytes, MigrationError> {
        if self.codec == Codec::Json && self.lens.is_none() {
            return Ok(json_records(
                documents.iter().map(|it| (it.id, |out: &mut _| it.write_json(out))),
            ));
        }
        let objects: Vec<_> = documents.iter().map(|it| (it.id, it.object())).collect();
        self.records(objects.iter().map(|(id, object)| (*id, Some(&**object))))
    }

    /// Records that are so, or gone, encoded for an answer to `connect`.
    pub(super) fn records<'a>(
        &self,
        records: impl Iterator<Item = (&'a RecordId, Option<&'a Object>)>,
    ) -> Result<Bytes, MigrationError> {
        let Some(lens) = &self.lens else { return Ok(self.codec.records(records)) };
        let view = |(id, record): (_, Option<&Object>)| {
            Ok((id, record.map(|record| lens.view(record)).transpose()?))
        };
        let viewed = records.map(view).collect::<Result<Vec<_>, MigrationError>>()?;
        Ok(self.codec.records(viewed.iter().map(|(id, record)| (*id, record.as_ref()))))
    }
}

/// A form that sessions of the room are spoken to in. They hold it as long as they are connected.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    /// Where each entry of the log keeps what is told in this dialect.
    pub(super) slot: usize,
    pub(super) form: Form,
}

/// The dialects of a room, each at its slot.
///
/// One is spoken as long as a session holds it, and only then is anything encoded in it. Its slot
/// goes to another when it is not: whoever speaks that one reads nothing from before.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialects(Vec<Arc<Dialect>>);

impl Dialects {
    /// The dialect of that form.
    pub(super) fn of(&mut self, form: Form) -> Arc<Dialect> {
        if let Some(known) = self.0.iter().find(|dialect| dialect.form == form) {
            return Arc::clone(known);
        }
        let free = self.0.iter_mut().enumerate().find(|(_, dialect)| !is_spoken(dialect));
        if let Some((slot, free)) = free {
            *free = Arc::new(Dialect { slot, form });
            return Arc::clone(free);
        }
        let dialect = Arc::new(Dialect { slot: self.0.len(), form });
        self.0.push(Arc::clone(&dialect));
        dialect
    }

    /// The lens of clients of that schema, if it was made already.
    pub(super) fn lens_of(&self, schema: &SerializedSchema) -> Option<&Arc<Lens>> {
        let mut lenses = self.0.iter().filter_map(|dialect| dialect.form.lens.as_ref());
        lenses.find(|lens| lens.client == *schema)
    }

    /// Whether anybody sees records other than they are.
    pub(super) fn have_lenses(&self) -> bool {
        self.by_slot().flatten().any(|dialect| dialect.form.lens.is_some())
    }

    /// One after another by slot, those left out that nobody speaks.
    pub(super) fn by_slot(&self) -> impl ExactSizeIterator<Item = Option<&Dialect>> {
        self.0.iter().map(|dialect| is_spoken(dialect).then_some(&**dialect))
    }
}

fn is_spoken(dialect: &Arc<Dialect>) -> bool {
    Arc::strong_count(dialect) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_once_nobody_speaks_its_dialect() {
        let mut dialects = Dialects::default();
        let spoken = |dialects: &Dialects| -> Vec<bool> {
            dialects.by_slot().map(|dialect| dialect.is_some()).collect()
        };
        let form = |version| Form::new(version, Codec::Json, None);
        let [new, old] = [8, 7].map(|version| dialects.of(form(version)));
        let again = dialects.of(form(8));
        assert!(Arc::ptr_eq(&new, &again));
        assert_eq!((new.slot, old.slot, spoken(&dialects)), (0, 1, Vec::from([true, true])));
        drop(new);
        assert_eq!(spoken(&dialects), [true, true]);
        drop(again);
        assert_eq!(spoken(&dialects), [false, true]);
        drop(old);
        let old = dialects.of(form(7));
        assert_eq!((old.slot, spoken(&dialects)), (1, Vec::from([false, true])));
    }
}
