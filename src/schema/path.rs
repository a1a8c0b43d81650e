//! The migrations that lie between two versions of a schema.

use super::migration::{Direction, Migration, MigrationFault, StoredRecords};
use crate::error::display;
use crate::ids::Key;
use crate::value::Object;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The migrations that lie between an older schema and this one, in order.
///
/// Got from [`Schema::migration_path`](super::Schema::migration_path). What fails gives nothing
/// back, so records are migrated all the way or not at all.
#[derive(Clone, Debug, Default)]
pub struct MigrationPath(Vec<Arc<Migration>>);

/// A migration that did not do its work. The fault is its author's, or of whoever wrote the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationError {
    /// Its id.
    pub migration: Key,
    /// Why.
    pub fault: MigrationFault,
}

display!(MigrationError, self, f => {
    let Self { migration, fault } = self;
    match fault {
        MigrationFault::Failed => write!(f, "the migration `{migration}` failed"),
        MigrationFault::OnlyUp => write!(f, "the migration `{migration}` has no way down"),
        MigrationFault::NeedsAllRecords => {
            write!(f, "the migration `{migration}` needs all records at once")
        }
        MigrationFault::IdentityChanged => {
            write!(f, "the migration `{migration}` changed the `id` or `typeName` of a record")
        }
    }
});

impl MigrationPath {
    pub(super) const fn new(migrations: Vec<Arc<Migration>>) -> Self {
        Self(migrations)
    }

    /// Whether there is nothing to migrate.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids of the migrations, in the order in which they go up.
    #[must_use]
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = &Key> {
        self.0.iter().map(|migration| &migration.id)
    }

    /// Whether single records can be migrated in both directions, so that a room of the newer
    /// schema can serve clients of the older one.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.0.iter().all(|migration| migration.is_reversible_record())
    }

    /// Whether a migration works on all records at once.
    pub(crate) fn needs_all_records(&self) -> bool {
        self.0.iter().any(|migration| migration.needs_all_records())
    }

    /// Whether a migration may change records of that type.
    pub(crate) fn may_see(&self, type_name: &str) -> bool {
        self.0.iter().any(|migration| migration.may_see(type_name))
    }

    /// A record of the older schema as one of the newer. Where no migration sees it, the very same
    /// comes back.
    ///
    /// # Errors
    ///
    /// When a migration fails or needs more than one record.
    pub fn migrate_up(&self, mut record: Object) -> Result<Object, MigrationError> {
        for migration in &self.0 {
            let migrated = migration.migrate(&mut record, Direction::Up);
            migrated.map_err(|fault| error(migration, fault))?;
        }
        Ok(record)
    }

    /// A record of the newer schema as one of the older. Where no migration sees it, the very same
    /// comes back.
    ///
    /// # Errors
    ///
    /// When a migration fails, has no way down or needs more than one record.
    pub fn migrate_down(&self, mut record: Object) -> Result<Object, MigrationError> {
        for migration in self.0.iter().rev() {
            let migrated = migration.migrate(&mut record, Direction::Down);
            migrated.map_err(|fault| error(migration, fault))?;
        }
        Ok(record)
    }

    /// All records of the older schema as those of the newer.
    ///
    /// # Errors
    ///
    /// When a migration fails.
    pub fn migrate_all_up(
        &self,
        mut records: StoredRecords,
    ) -> Result<StoredRecords, MigrationError> {
        for migration in &self.0 {
            let migrated = migration.migrate_all(&mut records, Direction::Up);
            migrated.map_err(|fault| error(migration, fault))?;
        }
        Ok(records)
    }

    /// All records of the newer schema as those of the older.
    ///
    /// # Errors
    ///
    /// When a migration fails or has no way down.
    pub fn migrate_all_down(
        &self,
        mut records: StoredRecords,
    ) -> Result<StoredRecords, MigrationError> {
        for migration in self.0.iter().rev() {
            let migrated = migration.migrate_all(&mut records, Direction::Down);
            migrated.map_err(|fault| error(migration, fault))?;
        }
        Ok(records)
    }
}

fn error(migration: &Migration, fault: MigrationFault) -> MigrationError {
    MigrationError { migration: migration.id.clone(), fault }
}
