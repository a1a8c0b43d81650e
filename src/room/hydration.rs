//! All documents as new clients are told them, encoded once and then only where they have changed.

use super::dialect::Form;
use crate::ids::RecordId;
use crate::schema::MigrationError;
use crate::store::{Look, Store};
use alloc::vec::Vec;
use bytes::Bytes;

/// So many records are encoded as one. A change costs their encoding when the next client comes; a
/// binary segment names each word once.
const SEGMENT_RECORDS: usize = 128;

/// The documents of a room in one codec and schema, as they were at a clock.
#[derive(Clone, Debug)]
pub(super) struct Hydration {
    form: Form,
    clock: u64,
    /// In order; each holds the records from its first id to the next one's.
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
struct Segment {
    first: RecordId,
    records: Bytes,
    is_outdated: bool,
}

impl Hydration {
    pub(super) const fn new(form: Form) -> Self {
        Self { form, clock: 0, segments: Vec::new() }
    }

    /// Whether clients of that form are told this.
    pub(super) fn is_for(&self, form: &Form) -> bool {
        self.form.codec == form.codec && self.form.lens == form.lens
    }

    /// The parts of a hydration with the documents as they are now.
    pub(super) fn documents(
        &mut self,
        store: &Store,
    ) -> Result<impl Iterator<Item = Bytes>, MigrationError> {
        let before = core::mem::take(&mut self.segments);
        if before.is_empty() || !store.knows_since(self.clock) {
            self.encode(store, None, None)?;
        } else if self.clock == store.clock() {
            self.segments = before;
        } else {
            self.update(store, before)?;
        }
        self.clock = store.clock();
        Ok(self.segments.iter().map(|segment| segment.records.clone()))
    }

    /// Keeps what was encoded before, and encodes anew what holds a record that has changed.
    fn update(&mut self, store: &Store, mut before: Vec<Segment>) -> Result<(), MigrationError> {
        for (id, _) in store.changes_since(self.clock) {
            let after = before.partition_point(|segment| segment.first <= *id);
            // What comes before all segments belongs to the first one.
            if let Some(segment) = before.get_mut(after.saturating_sub(1)) {
                segment.is_outdated = true;
            }
        }
        let mut before = before.into_iter().peekable();
        while let Some(segment) = before.next() {
            if !segment.is_outdated {
                self.segments.push(segment);
                continue;
            }
            // Neighbours together, so that segments do not get smaller and smaller.
            while before.next_if(|next| next.is_outdated).is_some() {}
            let from = (!self.segments.is_empty()).then_some(&segment.first);
            self.encode(store, from, before.peek().map(|next| &next.first))?;
        }
        Ok(())
    }

    /// Encodes the records from the one id to before the other.
    fn encode(
        &mut self,
        store: &Store,
        from: Option<&RecordId>,
        to: Option<&RecordId>,
    ) -> Result<(), MigrationError> {
        let mut rest = store.range(from, to);
        loop {
            let records: Vec<_> = rest.by_ref().take(SEGMENT_RECORDS).collect();
            let Some(Look { id: first, .. }) = records.first() else { return Ok(()) };
            self.segments.push(Segment {
                first: (*first).clone(),
                records: self.form.documents(&records)?,
                is_outdated: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Object;
    use crate::wire::{Codec, ServerMessage};
    use crate::{HydrationType, NetworkDiff, RecordOp};
    use alloc::format;

    fn id(number: usize) -> RecordId {
        RecordId::from(format!("p:{number:04}"))
    }

    fn put(store: &mut Store, numbers: impl IntoIterator<Item = usize>) {
        let mut edit = store.edit();
        for number in numbers {
            let text = format!(r#"{{"id":"{}","typeName":"page"}}"#, id(number));
            let mut record: Object = text.parse().unwrap();
            record.insert("clock", edit.len() as u64);
            edit.put(&id(number), record);
        }
        edit.commit();
    }

    fn remove(store: &mut Store, numbers: impl IntoIterator<Item = usize>) {
        let mut edit = store.edit();
        for number in numbers {
            edit.remove(&id(number));
        }
        edit.commit();
    }

    /// The parts, which together put each record of the store, and none twice.
    #[track_caller]
    fn parts(hydration: &mut Hydration, store: &Store) -> Vec<Bytes> {
        let parts: Vec<Bytes> = hydration.documents(store).unwrap().collect();
        let answer = crate::ConnectAnswer {
            connect_request_id: "r".into(),
            hydration_type: HydrationType::WipeAll,
            protocol_version: 8,
            schema: crate::SerializedSchema::default(),
            diff: NetworkDiff::default(),
            server_clock: store.clock(),
            is_readonly: false,
            object_access: None,
            last_applied_push: None,
        };
        let frame = hydration.form.codec.connect_answer(&answer, parts.clone());
        let Ok(ServerMessage::Connect(told)) = ServerMessage::decode(&frame.to_bytes(), 40) else {
            panic!("it is no answer")
        };
        let records: NetworkDiff = store
            .range(None, None)
            .map(|record| (record.id.clone(), RecordOp::Put(record.object().into_owned())))
            .collect();
        assert_eq!(told.diff, records);
        parts
    }

    fn kept(before: &[Bytes], after: &[Bytes]) -> usize {
        after.iter().filter(|part| before.iter().any(|old| old.as_ptr() == part.as_ptr())).count()
    }

    #[test]
    fn only_segments_that_hold_a_change_are_encoded_anew() {
        for codec in [Codec::Json, Codec::Postcard] {
            let mut store = Store::default();
            let mut hydration = Hydration::new(Form::new(8, codec, None));
            assert!(parts(&mut hydration, &store).is_empty());
            put(&mut store, (0..5 * SEGMENT_RECORDS).map(|number| number * 10 + 5));
            let mut before = parts(&mut hydration, &store);
            assert_eq!(before.len(), 5);
            let middle = SEGMENT_RECORDS * 25 + 5;
            for (change, most_kept) in
                [(&put as &dyn Fn(&mut Store, core::ops::Range<usize>), 4), (&remove, 4)]
            {
                change(&mut store, middle..middle + 1);
                let after = parts(&mut hydration, &store);
                assert_eq!((after.len(), kept(&before, &after)), (5, most_kept));
                before = after;
                assert_eq!(kept(&before, &parts(&mut hydration, &store)), 5);
            }
        }
    }

    #[test]
    fn what_comes_and_goes_at_either_end_and_by_segments_is_told() {
        for codec in [Codec::Json, Codec::Postcard] {
            let mut store = Store::default();
            let mut hydration = Hydration::new(Form::new(8, codec, None));
            put(&mut store, (0..3 * SEGMENT_RECORDS).map(|number| number * 10 + 1000));
            parts(&mut hydration, &store);
            let end = 3 * SEGMENT_RECORDS * 10 + 1000;
            put(&mut store, [0, end + 7]);
            assert_eq!(parts(&mut hydration, &store).len(), 5);
            // The first segment altogether, and then before what is first now.
            remove(&mut store, 0..SEGMENT_RECORDS * 10 + 1000);
            parts(&mut hydration, &store);
            put(&mut store, [3]);
            parts(&mut hydration, &store);
            // All but a few, which are one segment then.
            remove(&mut store, (0..=end + 7).filter(|number| number % 130 > 0));
            assert_eq!(parts(&mut hydration, &store).len(), 1);
            remove(&mut store, 0..=end + 7);
            assert!(parts(&mut hydration, &store).is_empty());
            put(&mut store, [5]);
            assert_eq!(parts(&mut hydration, &store).len(), 1);
        }
    }

    #[test]
    fn forgotten_removals_are_not_told_either() {
        let mut store = Store::default();
        let mut hydration = Hydration::new(Form::new(8, Codec::Json, None));
        put(&mut store, 0..10);
        parts(&mut hydration, &store);
        for number in 0..5 {
            remove(&mut store, [number]);
        }
        assert!(!store.prune_tombstones(1).is_empty());
        parts(&mut hydration, &store);
    }
}
