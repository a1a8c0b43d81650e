//! Rooms of very many records.

use super::*;

const RECORDS: u64 = 150_000;

/// Stock rooms of more than 120,000 records cannot be opened again.
#[test]
fn a_room_of_150_000_records_opens_and_works() {
    let documents = (0..RECORDS).map(|n| {
        let record = page(&format!("p{n}"), &format!(r#","x":{n}"#));
        (record.parse::<Object>().unwrap(), n + 1)
    });
    let snapshot =
        RoomSnapshot { clock: RECORDS, documents: documents.collect(), ..RoomSnapshot::default() };
    let config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
    let room = Room::restore(config.clone(), Arc::new(schema()), snapshot.clone()).unwrap();
    let mut world = World::of(room);
    let a = world.open("a");
    let answer = world.hello(a, -1);
    assert_eq!(answer.matches(r#"["put""#).count() as u64, RECORDS);
    world.push(a, 1, r#"{"p7":["patch",{"x":["put",0]}],"p8":["remove"]}"#);
    world.assert_data(a, &[commit(1, RECORDS + 1)]);
    // Who knows most of it is told the rest alone.
    let b = world.open("b");
    let answer = world.hello(b, i64::try_from(RECORDS - 1).unwrap());
    assert_eq!((answer.matches(r#"["put""#).count(), answer.matches("remove").count()), (2, 1));
    let clear = world.act(|room, now| {
        room.transact(now, |tx| {
            let ids: Vec<RecordId> = tx.records().map(|(id, _)| id.clone()).collect();
            ids.iter().skip(1).try_for_each(|id| tx.remove(id))
        })
    });
    assert_eq!((clear, world.room.records().count()), (Ok(()), 1));
    // Removals beyond memory are forgotten all at once, since they are of one clock.
    assert_eq!(world.persisted().last().unwrap().pruned.len() as u64, RECORDS - 1);
    // All of it comes back by one snapshot, and a second time changes nothing.
    for commits in [1, 0] {
        world.act(|room, now| room.load_snapshot(now, snapshot.clone())).unwrap();
        assert_eq!(world.persisted().len(), commits);
        assert_eq!(world.room.records().count() as u64, RECORDS);
    }
    let kept = world.room.snapshot().to_value().to_string();
    let again = Room::restore(config, Arc::new(schema()), RoomSnapshot::from_json(&kept).unwrap());
    assert_eq!(again.unwrap().snapshot(), world.room.snapshot());
}
