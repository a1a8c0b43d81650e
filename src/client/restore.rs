//! How a client goes on where it was, from what its host has kept.

use super::config::ClientConfig;
use super::keep::Keeper;
use super::persist::{ClientSnapshot, Entry, Meta, record_key};
use super::replica::Replica;
use super::{Client, ClientEvent};
use crate::diff::{NetworkDiff, RecordOp};
use crate::error::RestoreError;
use crate::ids::RecordId;
use crate::schema::{Schema, SerializedSchema, identity};
use crate::store::check_document;
use crate::time::Instant;
use crate::value::Object;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A snapshot, understood.
#[derive(Default)]
pub(super) struct Kept {
    meta: Option<Meta>,
    schema: Option<SerializedSchema>,
    pub(super) records: BTreeMap<RecordId, Object>,
    pub(super) aside: BTreeMap<RecordId, Object>,
    pub(super) pushes: BTreeMap<u64, NetworkDiff>,
    pub(super) edits: BTreeMap<RecordId, RecordOp>,
    outruns: BTreeMap<RecordId, u64>,
}

impl Client {
    /// A client that goes on where the one was whose commits made `snapshot`: with what the room
    /// had confirmed, the pushes that it had not answered, and the changes that were not pushed.
    /// Events tell nothing of what is restored, but [`ClientEvent::GivenUp`] tells of changes that the
    /// schema of today does not let happen any more.
    ///
    /// The client persists, whatever [`ClientConfig::persist`] says, as what is kept would be out
    /// of date soon. It also keeps the client id of the snapshot: its pushes are counted under it.
    /// Records of session scope are not kept. When the schema is another one than the snapshot's,
    /// the room is asked for all of its records; where migrations lead from there, what was kept is
    /// migrated, the changes that were not pushed included. Records that were kept and are not valid
    /// any more are not shown until then.
    ///
    /// An empty snapshot is that of a client that has never run.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use roomsync::{Client, ClientAction, ClientConfig, ClientSnapshot, Instant, Object, RecordType, Schema, Scope};
    ///
    /// let note = RecordType::new(Scope::Document);
    /// let schema = Arc::new(Schema::builder().record_type("note", note).build()?);
    /// let (now, config) = (Instant::ZERO, ClientConfig::default());
    /// let mut kept = ClientSnapshot::default();
    /// let mut client = Client::restore(now, config.clone(), Arc::clone(&schema), &kept)?;
    /// let note: Object = r#"{"id":"note:a","typeName":"note"}"#.parse()?;
    /// client.transact(now, |tx| tx.put(note))?;
    /// while let Some(action) = client.poll_action() {
    ///     if let ClientAction::Persist(commit) = action {
    ///         kept.apply(&commit);
    ///     }
    /// }
    ///
    /// // The process ends. The next one has the note, and brings it to the room.
    /// let client = Client::restore(now, config, schema, &kept)?;
    /// assert!(client.record("note:a").is_some() && !client.is_settled());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, the snapshot is not what a client has left, or a
    /// migration fails for what the room had confirmed.
    pub fn restore(
        now: Instant,
        mut config: ClientConfig,
        schema: Arc<Schema>,
        snapshot: &ClientSnapshot,
    ) -> Result<Self, RestoreError> {
        config.persist = true;
        let mut kept = Kept::read(snapshot)?;
        let Some(meta) = kept.meta.take() else { return Ok(Self::new(now, config, schema)?) };
        if meta.client_id.is_some() {
            config.client_id = meta.client_id;
        }
        let is_same_schema = kept.schema.as_ref() == schema.serialized();
        let server_clock = meta.server_clock.filter(|_| is_same_schema);
        let mut keeper = Keeper::of_kept(kept.edits.keys(), kept.aside.keys());
        if is_same_schema {
            keeper = keeper.at(server_clock);
        } else {
            kept.rewrite(&mut keeper);
        }
        let path = kept.schema.as_ref().and_then(|kept| schema.migration_path(kept).ok());
        let mut given_up = Vec::new();
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            given_up = kept.migrate(&path)?;
            // Migrations may add records, which are to be kept as well.
            kept.rewrite(&mut keeper);
        }
        let depth = config.limits.value_depth;
        let Kept { mut records, aside, pushes, edits, outruns, .. } = kept;
        // Which of them can be read depends on the schema of today.
        records.extend(aside);
        let is_readable = |_: &RecordId, record: &mut Object| {
            matches!(check_document(record, &schema, depth), Ok(Some(_)))
        };
        let aside = records.extract_if(.., |id, record| !is_readable(id, record)).collect();
        let (mut replica, not_restored) =
            Replica::restore(&schema, records, aside, pushes, edits, outruns);
        given_up.extend(not_restored);
        replica.keeper = Some(keeper);
        given_up.iter().for_each(|given_up| replica.keep_edit(&given_up.id));
        let mut client = Self::with_replica(now, config, schema, replica)?;
        client.server_clock = server_clock;
        client.last_push = meta.last_push;
        client.last_acked_push = meta.last_acked_push;
        client.told_settled = client.replica.is_settled();
        if !given_up.is_empty() {
            client.emit(ClientEvent::GivenUp(given_up));
        }
        Ok(client)
    }
}

impl Kept {
    fn read(snapshot: &ClientSnapshot) -> Result<Self, RestoreError> {
        let mut kept = Self::default();
        for (key, value) in snapshot.iter() {
            match Entry::read(key, value)? {
                Entry::Meta(meta) => kept.meta = Some(meta),
                Entry::Schema(schema) => kept.schema = Some(schema),
                Entry::Record(id, record) if is_of(&id, &record) => {
                    kept.records.insert(id, record);
                }
                Entry::Aside(id, record) if is_of(&id, &record) => {
                    drop(kept.aside.insert(id, record))
                }
                Entry::Push(clock, diff) if diff.iter().all(|(id, op)| puts_own(id, op)) => {
                    kept.pushes.insert(clock, diff);
                }
                Entry::Edit(id, op) if puts_own(&id, &op) => {
                    kept.edits.insert(id, op);
                }
                Entry::Record(..) | Entry::Aside(..) | Entry::Push(..) | Entry::Edit(..) => {
                    return Err(RestoreError::BadEntry(key.clone()));
                }
                Entry::Outrun(id, clock) => drop(kept.outruns.insert(id, clock)),
            }
        }
        if let Some(id) = kept.aside.keys().find(|id| kept.records.contains_key(*id)) {
            return Err(RestoreError::BadEntry(record_key(id)));
        }
        let last_push = kept.meta.as_ref().map_or(0, |meta| meta.last_push);
        if (kept.meta.is_none() && !snapshot.is_empty())
            || kept.pushes.last_key_value().is_some_and(|(clock, _)| *clock > last_push)
        {
            // Without its number a push may be made twice.
            return Err(RestoreError::BadEntry("meta".into()));
        }
        Ok(kept)
    }
}

/// Whether the record is the one of that id.
fn is_of(id: &RecordId, record: &Object) -> bool {
    identity(record).is_some_and(|(own_id, _)| own_id == &**id)
}

/// Whether what the op puts, if it does, is the record of that id.
fn puts_own(id: &RecordId, op: &RecordOp) -> bool {
    match op {
        RecordOp::Put(record) => is_of(id, record),
        RecordOp::Patch(_) | RecordOp::Remove => true,
    }
}

impl Kept {
    /// All of it is to be written again.
    fn rewrite(&self, keeper: &mut Keeper) {
        let Self { records, aside, pushes, edits, outruns, .. } = self;
        let records = records.keys().chain(aside.keys());
        keeper.rewrite(records, pushes.keys(), edits.keys(), outruns.keys());
    }
}
