//! The migration sequences of a schema: what is wrong with them, in which order they go, and which
//! of them lie between two versions.

use super::migration::{Migration, MigrationSequence};
use super::path::MigrationPath;
use super::{SchemaError, SchemaMismatch, SerializedSchema};
use crate::ids::Key;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The place of a migration: its sequence, and its number there.
type Place = (Key, u64);

/// All migrations of a schema, in the order in which they go up.
///
/// They stand in their sequences' order and after what they depend on. Among those that might come
/// next the first by sequence id does, so the order is the same everywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences {
    migrations: Vec<(Place, Arc<Migration>)>,
    /// For each sequence with migrations, whether they apply to records whose schema lacks it.
    is_retroactive: BTreeMap<Key, bool>,
}

impl Sequences {
    /// Checks and orders the migrations, and adds the version of each sequence to `versions`.
    pub(super) fn build(
        sequences: Vec<MigrationSequence>,
        versions: &mut SerializedSchema,
    ) -> Result<Self, SchemaError> {
        let mut is_retroactive = BTreeMap::new();
        let mut places: BTreeMap<Key, Place> = BTreeMap::new();
        let mut waiting: BTreeMap<Place, Arc<Migration>> = BTreeMap::new();
        for sequence in sequences {
            if sequence.id.is_empty() || sequence.id.contains('/') {
                return Err(SchemaError::BadSequenceId(sequence.id));
            }
            if versions.version(&sequence.id).is_some() {
                return Err(SchemaError::RepeatedSequence(sequence.id));
            }
            versions.insert(&sequence.id, sequence.migrations.len() as u64);
            is_retroactive.insert(sequence.id.clone(), sequence.is_retroactive);
            for (number, migration) in (1..).zip(sequence.migrations) {
                let expected = Key::from(format!("{}/{number}", sequence.id));
                if migration.id != expected {
                    let found = migration.id;
                    return Err(SchemaError::WrongMigrationId { expected, found });
                }
                if migration.is_filter_misplaced() {
                    return Err(SchemaError::FilterOfAllRecords(migration.id));
                }
                let place = (sequence.id.clone(), number);
                places.insert(expected, place.clone());
                waiting.insert(place, Arc::new(migration));
            }
        }
        let needs = needs(&waiting, &places)?;
        Ok(Self { migrations: order(waiting, needs)?, is_retroactive })
    }

    /// The migrations that lie between records of `from` and those of `own`, whose migrations these
    /// are.
    pub(super) fn path(
        &self,
        own: &SerializedSchema,
        from: &SerializedSchema,
    ) -> Result<MigrationPath, SchemaMismatch> {
        if own == from {
            return Ok(MigrationPath::default());
        }
        let is_known = |id: &Key, version: u64| own.version(id).is_some_and(|own| version <= own);
        if !from.iter().all(|(id, version)| is_known(id, version)) {
            return Err(SchemaMismatch::TooNew);
        }
        let start = |id: &Key, own: u64| match (from.version(id), self.is_retroactive.get(id)) {
            (Some(version), _) => version,
            (None, Some(false)) => own,
            (None, Some(true) | None) => 0,
        };
        let mut starts = BTreeMap::new();
        for (id, version) in own.iter() {
            let start = start(id, version);
            if start < version && !self.is_retroactive.contains_key(id) {
                // There is something between, and nobody knows what.
                return Err(SchemaMismatch::TooOld);
            }
            starts.insert(id, start);
        }
        let is_after = |(id, number): &Place| starts.get(id).is_some_and(|start| start < number);
        let later = self.migrations.iter().filter(|(place, _)| is_after(place));
        Ok(MigrationPath::new(later.map(|(_, migration)| Arc::clone(migration)).collect()))
    }
}

/// What has to come before each migration.
fn needs(
    migrations: &BTreeMap<Place, Arc<Migration>>,
    places: &BTreeMap<Key, Place>,
) -> Result<BTreeMap<Place, BTreeSet<Place>>, SchemaError> {
    let mut needs = BTreeMap::new();
    for ((sequence, number), migration) in migrations {
        let mut before = BTreeSet::new();
        if *number > 1 {
            before.insert((sequence.clone(), number - 1));
        }
        for dependency in &migration.depends_on {
            let place = places.get(dependency).ok_or_else(|| SchemaError::MissingDependency {
                migration: migration.id.clone(),
                dependency: dependency.clone(),
            })?;
            before.insert(place.clone());
        }
        needs.insert((sequence.clone(), *number), before);
    }
    Ok(needs)
}

/// The migrations in an order in which each has before it what it needs.
fn order(
    mut waiting: BTreeMap<Place, Arc<Migration>>,
    mut needs: BTreeMap<Place, BTreeSet<Place>>,
) -> Result<Vec<(Place, Arc<Migration>)>, SchemaError> {
    let mut needed_by: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    for (place, before) in &needs {
        for needed in before {
            needed_by.entry(needed.clone()).or_default().push(place.clone());
        }
    }
    let free = needs.iter().filter(|(_, before)| before.is_empty());
    let mut free: BTreeSet<Place> = free.map(|(place, _)| place.clone()).collect();
    let mut ordered = Vec::new();
    while let Some(place) = free.pop_first() {
        for later in needed_by.remove(&place).unwrap_or_default() {
            if let Some(before) = needs.get_mut(&later) {
                before.remove(&place);
                if before.is_empty() {
                    free.insert(later);
                }
            }
        }
        needs.remove(&place);
        ordered.extend(waiting.remove(&place).map(|migration| (place, migration)));
    }
    match on_a_cycle(&needs).and_then(|place| waiting.get(place)) {
        Some(migration) => Err(SchemaError::Cycle(migration.id.clone())),
        None => Ok(ordered),
    }
}

/// One of those that need themselves, when all others that are left need such ones.
fn on_a_cycle(needs: &BTreeMap<Place, BTreeSet<Place>>) -> Option<&Place> {
    let mut place = needs.keys().next()?;
    // So many steps back from anywhere end on a cycle.
    for _ in 0..needs.len() {
        place = needs.get(place)?.first()?;
    }
    Some(place)
}
