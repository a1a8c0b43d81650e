//! How records of one version become records of the next, and back: what a schema's author writes.

use super::identity;
use crate::ids::{Key, RecordId};
use crate::value::{Object, Value};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A migration met what it cannot migrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationFailed;

type RecordFn = Arc<dyn Fn(&mut Object) -> Result<(), MigrationFailed> + Send + Sync>;
type StoreFn = Arc<dyn Fn(&mut StoredRecords) -> Result<(), MigrationFailed> + Send + Sync>;
type Filter = Arc<dyn Fn(&Object) -> bool + Send + Sync>;

/// The migrations of one part of a schema, numbered from 1 without gaps.
///
/// The number of the last is the version of the sequence; without any it is 0.
#[derive(Clone, Debug)]
pub struct MigrationSequence {
    pub(super) id: Key,
    pub(super) is_retroactive: bool,
    pub(super) migrations: Vec<Migration>,
}

impl MigrationSequence {
    /// A sequence of that id, like `com.example.note`: some text without `/`.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: Key::from(id), is_retroactive: true, migrations: Vec::new() }
    }

    /// Adds the next migration.
    #[must_use]
    pub fn then(mut self, migration: Migration) -> Self {
        self.migrations.push(migration);
        self
    }

    /// Leaves records alone whose schema lacks the sequence. Without this they are taken to be of
    /// its version 0, and all of its migrations apply to them.
    #[must_use]
    pub const fn not_retroactive(mut self) -> Self {
        self.is_retroactive = false;
        self
    }
}

/// A step from one version of a sequence to the next.
///
/// What it calls must be pure, so that the same records always become the same, and should not
/// panic, since nothing here catches that. For what it cannot migrate it returns
/// [`MigrationFailed`], and then nothing is kept of what was done along with it.
///
/// ```
/// use roomsync::{Migration, MigrationFailed, Object};
///
/// fn rename(note: &mut Object, from: &str, to: &str) -> Result<(), MigrationFailed> {
///     let text = note.remove(from).ok_or(MigrationFailed)?;
///     note.insert(to, text);
///     Ok(())
/// }
///
/// // From version 3 on, the title of a note is its name.
/// let migration = Migration::reversible_record(
///     "com.example.note/3",
///     |note| rename(note, "title", "name"),
///     |note| rename(note, "name", "title"),
/// )
/// .for_type("note");
/// # let _ = migration;
/// ```
#[derive(Clone)]
pub struct Migration {
    pub(super) id: Key,
    pub(super) depends_on: Vec<Key>,
    type_name: Option<Key>,
    filter: Option<Filter>,
    work: Work,
}

/// What a migration works on, and how.
#[derive(Clone)]
enum Work {
    Record { up: RecordFn, down: Option<RecordFn> },
    Store { up: StoreFn, down: Option<StoreFn> },
}

/// Which way a migration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// Why a migration did not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationFault {
    /// It said so itself.
    Failed,
    /// It goes only up.
    OnlyUp,
    /// It needs all records at once and cannot migrate a single one.
    NeedsAllRecords,
    /// It changed the `id` or the `typeName` of a record.
    IdentityChanged,
}

impl Migration {
    /// Migrates records one by one, and only up. Its id is that of its sequence, `/` and its
    /// number there.
    ///
    /// It changes neither the `id` nor the `typeName` of a record. Without a way down, clients of
    /// the version before are too old for a room of this one.
    #[must_use]
    pub fn record(
        id: &str,
        up: impl Fn(&mut Object) -> Result<(), MigrationFailed> + Send + Sync + 'static,
    ) -> Self {
        Self::new(id, Work::Record { up: Arc::new(up), down: None })
    }

    /// Migrates records one by one, up and down again.
    ///
    /// A room of this version serves clients of the one before: it migrates up what they send and
    /// down what they are sent.
    #[must_use]
    pub fn reversible_record(
        id: &str,
        up: impl Fn(&mut Object) -> Result<(), MigrationFailed> + Send + Sync + 'static,
        down: impl Fn(&mut Object) -> Result<(), MigrationFailed> + Send + Sync + 'static,
    ) -> Self {
        Self::new(id, Work::Record { up: Arc::new(up), down: Some(Arc::new(down)) })
    }

    /// Migrates all records at once, and only up: it may add and remove some, or look at several
    /// to change one.
    #[must_use]
    pub fn store(
        id: &str,
        up: impl Fn(&mut StoredRecords) -> Result<(), MigrationFailed> + Send + Sync + 'static,
    ) -> Self {
        Self::new(id, Work::Store { up: Arc::new(up), down: None })
    }

    /// Migrates all records at once, up and down again. Since a client does not have all records
    /// of a room in one version, clients of the version before are too old all the same.
    #[must_use]
    pub fn reversible_store(
        id: &str,
        up: impl Fn(&mut StoredRecords) -> Result<(), MigrationFailed> + Send + Sync + 'static,
        down: impl Fn(&mut StoredRecords) -> Result<(), MigrationFailed> + Send + Sync + 'static,
    ) -> Self {
        Self::new(id, Work::Store { up: Arc::new(up), down: Some(Arc::new(down)) })
    }

    fn new(id: &str, work: Work) -> Self {
        Self { id: Key::from(id), depends_on: Vec::new(), type_name: None, filter: None, work }
    }

    /// Lets a record migration see only records of that type.
    #[must_use]
    pub fn for_type(mut self, type_name: &str) -> Self {
        self.type_name = Some(Key::from(type_name));
        self
    }

    /// Lets a record migration see only records for which `filter` says so. On the way down it is
    /// asked of the record as the migration has left it on the way up.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Fn(&Object) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Puts the migration after that one, which is of another sequence. May be called again for
    /// further ones.
    #[must_use]
    pub fn depends_on(mut self, migration: &str) -> Self {
        self.depends_on.push(Key::from(migration));
        self
    }

    /// Whether it is told which single records it sees, which only a record migration can be.
    pub(super) fn is_filter_misplaced(&self) -> bool {
        let is_filtered = self.type_name.is_some() || self.filter.is_some();
        is_filtered && matches!(self.work, Work::Store { .. })
    }

    /// Whether it works on all records at once.
    pub(super) const fn needs_all_records(&self) -> bool {
        matches!(self.work, Work::Store { .. })
    }

    /// Whether it migrates single records in both directions.
    pub(super) const fn is_reversible_record(&self) -> bool {
        matches!(self.work, Work::Record { down: Some(_), .. })
    }

    /// Migrates one record. One that it does not see stays the very same.
    pub(super) fn migrate(
        &self,
        record: &mut Object,
        direction: Direction,
    ) -> Result<(), MigrationFault> {
        let migrate = match &self.work {
            Work::Store { .. } => return Err(MigrationFault::NeedsAllRecords),
            Work::Record { up, down } => pick(direction, up, down)?,
        };
        if self.sees(record) { migrate_one(migrate, record) } else { Ok(()) }
    }

    /// Migrates all records.
    pub(super) fn migrate_all(
        &self,
        records: &mut StoredRecords,
        direction: Direction,
    ) -> Result<(), MigrationFault> {
        match &self.work {
            Work::Store { up, down } => pick(direction, up, down)?(records)
                .map_err(|MigrationFailed| MigrationFault::Failed),
            Work::Record { up, down } => {
                let migrate = pick(direction, up, down)?;
                let mut seen = records.0.values_mut().filter(|record| self.sees(record));
                seen.try_for_each(|record| migrate_one(migrate, record))
            }
        }
    }

    /// Whether it may see records of that type.
    pub(super) fn may_see(&self, type_name: &str) -> bool {
        self.type_name.as_deref().is_none_or(|only| only == type_name)
    }

    fn sees(&self, record: &Object) -> bool {
        let type_name = record.get("typeName").and_then(Value::as_str).unwrap_or_default();
        self.may_see(type_name) && self.filter.as_ref().is_none_or(|filter| filter(record))
    }
}

fn pick<'a, F>(
    direction: Direction,
    up: &'a F,
    down: &'a Option<F>,
) -> Result<&'a F, MigrationFault> {
    match direction {
        Direction::Up => Ok(up),
        Direction::Down => down.as_ref().ok_or(MigrationFault::OnlyUp),
    }
}

fn migrate_one(migrate: &RecordFn, record: &mut Object) -> Result<(), MigrationFault> {
    // Not a copy of the record: that would make the migration copy it once more to change it.
    let identity = |record: &Object| ["id", "typeName"].map(|key| record.get(key).cloned());
    let before = identity(record);
    migrate(record).map_err(|MigrationFailed| MigrationFault::Failed)?;
    if identity(record) == before { Ok(()) } else { Err(MigrationFault::IdentityChanged) }
}

/// All records of a room or of a snapshot, by their ids, to be migrated.
///
/// ```
/// use roomsync::{Object, StoredRecords};
///
/// let note: Object = r#"{"id":"note:a","typeName":"note"}"#.parse()?;
/// let mut records: StoredRecords = [note].into_iter().collect();
/// assert_eq!(records.entries().count(), 1);
/// assert!(records.delete("note:a").is_some());
/// # Ok::<(), roomsync::JsonError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRecords(BTreeMap<RecordId, Object>);

impl StoredRecords {
    /// The record with that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Object> {
        self.0.get(id)
    }

    /// Makes the record with this record's `id` be this, and gives back what it was.
    ///
    /// # Errors
    ///
    /// When the record has no string `id` or `typeName`.
    pub fn set(&mut self, record: Object) -> Result<Option<Object>, MigrationFailed> {
        let (id, _) = identity(&record).ok_or(MigrationFailed)?;
        let id = RecordId::from(id);
        Ok(self.0.insert(id, record))
    }

    /// Takes the record out and gives back what it was.
    pub fn delete(&mut self, id: &str) -> Option<Object> {
        self.0.remove(id)
    }

    /// All records, in order of their ids.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&RecordId, &Object)> {
        self.0.iter()
    }
}

impl FromIterator<Object> for StoredRecords {
    /// Of records with one id the last counts. What is no record is left out.
    fn from_iter<I: IntoIterator<Item = Object>>(records: I) -> Self {
        let with_id = |record: Object| Some((RecordId::from(identity(&record)?.0), record));
        Self(records.into_iter().filter_map(with_id).collect())
    }
}

impl IntoIterator for StoredRecords {
    type Item = (RecordId, Object);
    type IntoIter = alloc::collections::btree_map::IntoIter<RecordId, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("id", &self.id).finish_non_exhaustive()
    }
}
