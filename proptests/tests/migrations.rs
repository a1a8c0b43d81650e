//! Migrations of random schemas: their order, and the way up and back down.

use proptest::prelude::*;
use roomsync::{
    Migration, MigrationFailed, MigrationSequence, Object, Schema, SchemaError, SerializedSchema,
    StoredRecords, Value,
};
use roomsync_proptests::arb;
use std::collections::BTreeSet;

/// What a migration does to a record, so that nothing of any record is lost.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Two fields change places.
    Swap,
    /// A field is put into an object of its own.
    Wrap,
    /// The same, of records that have the field.
    WrapSome,
}

/// A migration: what it does, to which fields, and which of those before it must come first.
type Step = (Change, usize, Vec<prop::sample::Index>);

const FIELDS: [&str; 4] = ["a", "b", "props", "x"];

fn field(at: usize) -> &'static str {
    FIELDS[at % FIELDS.len()]
}

fn swap(record: &mut Object, at: usize) -> Result<(), MigrationFailed> {
    let (one, other) = (field(at), field(at + 1));
    let (first, second) = (record.remove(one), record.remove(other));
    first.map(|value| record.insert(other, value));
    second.map(|value| record.insert(one, value));
    Ok(())
}

fn wrap(record: &mut Object, at: usize) -> Result<(), MigrationFailed> {
    if let Some(value) = record.remove(field(at)) {
        let wrapped: Object = [("was", value)].into_iter().collect();
        record.insert(field(at), wrapped);
    }
    Ok(())
}

fn unwrap(record: &mut Object, at: usize) -> Result<(), MigrationFailed> {
    let Some(value) = record.remove(field(at)) else { return Ok(()) };
    let was = value.as_object().and_then(|wrapped| wrapped.get("was"));
    record.insert(field(at), was.ok_or(MigrationFailed)?.clone());
    Ok(())
}

fn migration(id: &str, change: Change, at: usize) -> Migration {
    match change {
        Change::Swap => {
            Migration::reversible_record(id, move |it| swap(it, at), move |it| swap(it, at))
        }
        Change::Wrap => {
            Migration::reversible_record(id, move |it| wrap(it, at), move |it| unwrap(it, at))
        }
        Change::WrapSome => migration(id, Change::Wrap, at)
            .with_filter(move |record| record.get(field(at)).is_some()),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![Just(Change::Swap), Just(Change::Wrap), Just(Change::WrapSome)];
    (change, 0..4_usize, prop::collection::vec(any::<prop::sample::Index>(), 0..3))
}

/// Migrations of up to four sequences, in an order in which each may need those before it.
fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    prop::collection::vec((0..4_usize, step()), 1..12)
}

/// The sequences, and of each migration its id and what must come before it.
fn sequences(steps: &[(usize, Step)]) -> (Vec<MigrationSequence>, Vec<(String, Vec<String>)>) {
    let names = ["alpha", "beta", "gamma", "delta"];
    let mut sequences = names.map(MigrationSequence::new);
    let mut lengths = [0; 4];
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    for (sequence, (change, at, needs)) in steps {
        lengths[*sequence] += 1;
        let id = format!("{}/{}", names[*sequence], lengths[*sequence]);
        let needed = needs.iter().filter(|_| !known.is_empty());
        let mut before: Vec<String> = needed.map(|index| index.get(&known).0.clone()).collect();
        let own = migration(&id, *change, *at);
        let own = before.iter().fold(own, |own, needed| own.depends_on(needed));
        sequences[*sequence] = sequences[*sequence].clone().then(own);
        if lengths[*sequence] > 1 {
            before.push(format!("{}/{}", names[*sequence], lengths[*sequence] - 1));
        }
        known.push((id, before));
    }
    (sequences.into(), known)
}

fn build(sequences: &[MigrationSequence]) -> Result<Schema, SchemaError> {
    sequences.iter().cloned().fold(Schema::builder(), roomsync::SchemaBuilder::migrations).build()
}

/// The ids of the migrations since those versions.
fn ids(schema: &Schema, from: &SerializedSchema) -> Vec<String> {
    let path = schema.migration_path(from).unwrap();
    path.ids().map(|id| id.to_string()).collect()
}

proptest! {
    #[test]
    fn migrations_come_in_one_order_after_all_that_they_need(
        (steps, shuffled) in steps().prop_flat_map(|steps| {
            let sequences = sequences(&steps).0;
            (Just(steps), Just(sequences).prop_shuffle())
        }),
    ) {
        let (sequences, known) = sequences(&steps);
        let nothing = SerializedSchema::default();
        let order = ids(&build(&sequences).unwrap(), &nothing);
        prop_assert_eq!(&order, &ids(&build(&shuffled).unwrap(), &nothing));
        prop_assert_eq!(order.len(), steps.len());
        let mut done = BTreeSet::new();
        for id in order {
            let (_, before) = known.iter().find(|(known, _)| *known == id).unwrap();
            prop_assert!(before.iter().all(|needed| done.contains(needed)), "{} came early", id);
            done.insert(id);
        }
    }

    #[test]
    fn what_goes_up_comes_down_the_same(
        steps in steps(),
        versions in prop::collection::vec(any::<prop::sample::Index>(), 4),
        records in prop::collection::vec(arb::record(), 1..4),
    ) {
        let schema = build(&sequences(&steps).0).unwrap();
        let mut from = SerializedSchema::default();
        for ((id, newest), version) in schema.serialized().unwrap().iter().zip(&versions) {
            from.insert(id, version.index(newest as usize + 1) as u64);
        }
        let path = schema.migration_path(&from).unwrap();
        prop_assert!(path.is_reversible());
        let numbered = records.into_iter().zip(0_u32..).map(|(mut record, number)| {
            record.insert("id", format!("thing:{number}"));
            record
        });
        let all: StoredRecords = numbered.collect();
        let all_up = path.migrate_all_up(all.clone()).unwrap();
        for (_, record) in all.entries() {
            let text = record.to_string();
            let up = path.migrate_up(record.clone()).unwrap();
            prop_assert_eq!(all_up.get(id_of(record)), Some(&up));
            prop_assert_eq!(&path.migrate_down(up).unwrap(), record);
            prop_assert_eq!(record.to_string(), text, "a record changed that others hold");
        }
        prop_assert_eq!(path.migrate_all_down(all_up).unwrap(), all);
    }

    #[test]
    fn a_migration_that_needs_a_later_one_is_refused_by_name(
        steps in steps(),
        (early, late) in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (_, known) = sequences(&steps);
        let (early, late) = (early.index(known.len()), late.index(known.len()));
        let needs_early = |id: &str| {
            let (mut reached, mut todo) = (BTreeSet::new(), vec![id.to_owned()]);
            while let Some(next) = todo.pop() {
                let before = &known.iter().find(|(known, _)| *known == next).unwrap().1;
                todo.extend(before.iter().filter(|it| reached.insert((*it).clone())).cloned());
            }
            reached.insert(id.to_owned());
            reached.contains(&known[early].0)
        };
        prop_assume!(needs_early(&known[late].0));
        // All over again, with one need more.
        let plain = known.iter().map(|(id, before)| {
            let own = Migration::record(id, |_| Ok(()));
            let own = before.iter().fold(own, |own, needed| own.depends_on(needed));
            if *id == known[early].0 { own.depends_on(&known[late].0) } else { own }
        });
        let plain: Vec<(String, Migration)> =
            known.iter().map(|(id, _)| id.clone()).zip(plain).collect();
        let names: BTreeSet<&str> =
            known.iter().filter_map(|(id, _)| id.split('/').next()).collect();
        let sequences: Vec<MigrationSequence> = names.into_iter().map(|name| {
            let own = plain.iter().filter(|(id, _)| id.split('/').next() == Some(name));
            own.fold(MigrationSequence::new(name), |it, (_, own)| it.then(own.clone()))
        }).collect();
        let fault = build(&sequences).map(drop);
        let Err(SchemaError::Cycle(id)) = &fault else {
            return Err(TestCaseError::fail(format!("{fault:?}")));
        };
        prop_assert!(needs_early(id), "{} is on no cycle", id);
    }
}

fn id_of(record: &Object) -> &str {
    record.get("id").and_then(Value::as_str).unwrap()
}
