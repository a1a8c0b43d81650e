//! Clients of older schemas beside current ones: each speaks and hears its own version.

use super::migrations::{enter, older, room_of_version_3, version_3};
use super::*;
use crate::schema::{Migration, MigrationSequence};
use crate::value::Value;

/// A client of version 0 and one of version 3. The page `p` is blue and called `ab`, and the
/// current client shows a cursor.
fn mixed() -> (World, ConnectionId, ConnectionId) {
    mixed_over(8, |_| ())
}

fn mixed_over(
    protocol: u32,
    configure: impl FnOnce(&mut RoomConfig),
) -> (World, ConnectionId, ConnectionId) {
    let mut world = room_of_version_3(configure);
    let (old, new) = (world.open("old"), world.open("new"));
    enter(&mut world, old, &older(0), protocol);
    enter(&mut world, new, &older(3), 8);
    world.push(new, 1, &format!(r#"{{"p":["put",{BLUE}]}}"#));
    world.present(new, 2, r#"["put",{"at":"x"}]"#);
    world.actions.clear();
    (world, old, new)
}

const BLUE: &str = r#"{"color":"blue","id":"p","name":"ab","typeName":"page"}"#;

fn why_closed(schema: Schema, client: &str) -> Option<CloseReason> {
    let mut world = World::of(Room::new(RoomConfig::default(), Arc::new(schema)).unwrap());
    let connection = world.open("a");
    let answer = enter(&mut world, connection, client, 8);
    let reason = world.closed(connection);
    assert_eq!(reason.is_none(), answer.contains("wipe_all"));
    reason
}

#[test]
fn a_client_is_served_if_single_records_go_both_ways() {
    let up_only = || Migration::record("app/1", |_| Ok(()));
    let reversible = || Migration::reversible_record("app/1", |_| Ok(()), |_| Ok(()));
    let store = || Migration::reversible_store("app/1", |_| Ok(()), |_| Ok(()));
    let schema =
        |sequence: MigrationSequence| Schema::builder().migrations(sequence).build().unwrap();
    let app = || MigrationSequence::new("app");
    let none = r#"{"schemaVersion":2,"sequences":{}}"#;
    let too_old = Some(CloseReason::ClientTooOld);
    let too_new = Some(CloseReason::ServerTooOld);
    for client in [&older(0), none] {
        assert_eq!(why_closed(schema(app().then(reversible())), client), None);
        assert_eq!(why_closed(schema(app().then(up_only())), client), too_old);
        assert_eq!(why_closed(schema(app().then(store())), client), too_old);
    }
    assert_eq!(why_closed(schema(app().then(up_only()).not_retroactive()), none), None);
    let plain = Schema::builder().sequence("app", 1).build().unwrap();
    assert_eq!(why_closed(plain, &older(0)), too_old);
    assert_eq!(why_closed(version_3(), &older(4)), too_new);
    let unknown = r#"{"schemaVersion":2,"sequences":{"app":0,"x":0}}"#;
    assert_eq!(why_closed(version_3(), unknown), too_new);
}

#[test]
fn a_hydration_is_migrated_down_and_names_the_rooms_schema() {
    let (mut world, old, _) = mixed();
    let answer = enter(&mut world, old, &older(0), 8);
    let diff = r#""diff":{"cursor:1":["put",{"c":"x","id":"cursor:1","typeName":"cursor"}],"p":["put",{"id":"p","title":"ab","typeName":"page"}]}"#;
    assert!(answer.contains(diff) && answer.contains(&older(3)), "{answer}");
    let since = |world: &mut World, schema: &str| {
        let connection = world.open("since");
        world.say(connection, &connect(0, "8", schema));
        world.heard(connection).concat()
    };
    let since_0 = since(&mut world, &older(0));
    assert!(since_0.contains("wipe_presence") && since_0.contains(diff), "{since_0}");
    let since_1 = since(&mut world, &older(1));
    assert!(
        since_1.contains(r#""p":["put",{"id":"p","name":"ab","typeName":"page"}]"#),
        "{since_1}"
    );
    assert!(since(&mut world, &older(3)).contains(BLUE));
}

#[test]
fn a_broadcast_is_what_changes_in_the_clients_version() {
    let (mut world, old, new) = mixed();
    let middle = world.open("middle");
    enter(&mut world, middle, &older(1), 8);
    world.push(new, 3, r#"{"p":["patch",{"color":["put","red"],"name":["append","c",2]}]}"#);
    world.assert_data(old, &[patch(2, r#"{"p":["patch",{"title":["append","c",2]}]}"#)]);
    world.assert_data(middle, &[patch(2, r#"{"p":["patch",{"name":["append","c",2]}]}"#)]);
    world.push(new, 4, &format!(r#"{{"q":["put",{}]}}"#, BLUE.replace(r#""p""#, r#""q""#)));
    let put = r#"{"q":["put",{"id":"q","title":"ab","typeName":"page"}]}"#;
    world.assert_data(old, &[patch(3, put)]);
    world.push(new, 5, r#"{"p":["remove"]}"#);
    world.assert_data(old, &[patch(4, r#"{"p":["remove"]}"#)]);
    let write =
        |tx: &mut crate::Transaction<'_>| tx.update("q", |page| drop(page.insert("name", "z")));
    world.act(|room, now| room.transact(now, write)).unwrap();
    world.assert_data(old, &[patch(5, r#"{"q":["patch",{"title":["put","z"]}]}"#)]);
}

#[test]
fn what_does_not_show_in_a_version_is_not_told_in_it() {
    let (mut world, old, new) = mixed();
    world.push(new, 3, r#"{"p":["patch",{"color":["put","red"]}]}"#);
    world.assert_silence(old);
    world.push(new, 4, r#"{"s":["put",{"id":"s","typeName":"shape"}]}"#);
    world.assert_data(old, &[patch(3, r#"{"s":["put",{"id":"s","typeName":"shape"}]}"#)]);
}

#[test]
fn a_put_is_migrated_up() {
    let (mut world, old, new) = mixed();
    world.push(old, 1, r#"{"q":["put",{"id":"q","title":"t","typeName":"page"}]}"#);
    world.assert_data(old, &[commit(1, 2)]);
    let put = r#"{"q":["put",{"color":"red","id":"q","name":"t","typeName":"page"}]}"#;
    world.assert_data(new, &[patch(2, put)]);
    // Of a record that is there only what differs counts.
    world.push(old, 2, r#"{"p":["put",{"id":"p","title":"abc","typeName":"page","x":1}]}"#);
    let changes = r#"{"p":["patch",{"title":["append","c",2],"x":["put",1]}]}"#;
    world.assert_data(old, &[rebase(2, 3, changes)]);
    world.assert_data(new, &[patch(3, &changes.replace("title", "name"))]);
    world.push(old, 3, r#"{"p":["put",{"id":"p","title":"abc","typeName":"page","x":1}]}"#);
    world.assert_data(old, &[discard(3, 3)]);
    world.assert_silence(new);
}

#[test]
fn a_patch_changes_the_clients_version_and_keeps_what_that_does_not_have() {
    let (mut world, old, new) = mixed();
    world.push(old, 1, r#"{"p":["patch",{"title":["append","c",2]}]}"#);
    world.assert_data(old, &[commit(1, 2)]);
    world.assert_data(new, &[patch(2, r#"{"p":["patch",{"name":["append","c",2]}]}"#)]);
    assert_eq!(world.record("p"), BLUE.replace("ab", "abc"));
    // What it knows only by another name, or not at all, it cannot change.
    world.push(old, 2, r#"{"p":["patch",{"title":["put","abc"],"name":["delete"]}]}"#);
    world.assert_data(old, &[discard(2, 2)]);
    world.push(old, 3, r#"{"p":["patch",{"color":["put","green"]}]}"#);
    world.assert_data(old, &[discard(3, 2)]);
    world.push(old, 4, r#"{"p":["patch",{"title":["put","abc"],"y":["put",1]}]}"#);
    world.assert_data(old, &[rebase(4, 3, r#"{"p":["patch",{"y":["put",1]}]}"#)]);
    world.push(old, 5, r#"{"p":["remove"],"missing":["patch",{"title":["put",1]}]}"#);
    world.assert_data(old, &[rebase(5, 4, r#"{"p":["remove"]}"#)]);
}

#[test]
fn types_that_no_migration_changes_are_served_as_ever() {
    let (mut world, old, new) = mixed();
    world.push(old, 1, r#"{"s":["put",{"id":"s","t":"a","typeName":"shape"}]}"#);
    world.push(old, 2, r#"{"s":["patch",{"t":["put","ab"]}],"x":["remove"]}"#);
    let told = r#"{"s":["patch",{"t":["put","ab"]}]}"#;
    assert_eq!(world.heard(old), [data(&[commit(1, 2)]), data(&[rebase(2, 3, told)])]);
    // Both read what both were told, in one text.
    for connection in [old, new] {
        world.writable(connection, false);
    }
    let third = world.join_current("third");
    let end = world.room.log.end();
    world.push(third, 1, r#"{"s":["patch",{"t":["append","c",2]}]}"#);
    let entry = world.room.log.since(end).next().unwrap();
    assert_eq!(entry.patches[0].as_ptr(), entry.patches[1].as_ptr());
}

impl World {
    pub(super) fn join_current(&mut self, name: &str) -> ConnectionId {
        let connection = self.open(name);
        enter(self, connection, &older(3), 8);
        connection
    }

    /// Whether the push of `old` is refused like this, without a trace.
    #[track_caller]
    fn assert_refused(&mut self, old: ConnectionId, diff: &str, reason: CloseReason) {
        let (before, clock) = (self.room.snapshot(), self.room.clock());
        self.push(old, 9, diff);
        assert_eq!(self.closed(old), Some(reason), "{diff}");
        assert_eq!((self.room.snapshot(), self.room.clock()), (before, clock));
        assert!(self.persisted().is_empty());
    }
}

#[test]
fn a_push_that_cannot_be_migrated_refuses_its_client_without_a_trace() {
    use CloseReason::{ClientTooOld, InvalidRecord};
    let good = r#""a":["put",{"id":"a","title":"t","typeName":"page"}]"#;
    let refused = [
        (r#""q":["put",{"id":"q","stuck":1,"typeName":"page"}]"#, ClientTooOld),
        (r#""p":["patch",{"stuck":["put",1]}]"#, ClientTooOld),
        (r#""q":["put",{"id":"q","modern":1,"typeName":"page"}]"#, ClientTooOld),
        (r#""q":["put",{"bad":1,"id":"q","typeName":"page"}]"#, InvalidRecord),
        (r#""p":["patch",{"bad":["put",1]}]"#, InvalidRecord),
        (r#""p":["patch",{"id":["put","q"]}]"#, InvalidRecord),
        (r#""p":["patch",{"typeName":["put","shape"]}]"#, InvalidRecord),
        (r#""q":["put",{"id":"z","typeName":"page"}]"#, InvalidRecord),
    ];
    for (op, reason) in refused {
        let (mut world, old, _) = mixed();
        world.assert_refused(old, &format!("{{{good},{op}}}"), reason);
    }
    let (mut world, old, new) = mixed();
    world.push(new, 3, r#"{"s":["put",{"id":"s","typeName":"shape"}]}"#);
    // No put changes the type of what is there.
    world.actions.clear();
    world.push(old, 1, r#"{"s":["put",{"id":"s","title":"t","typeName":"page"}]}"#);
    world.assert_data(old, &[discard(1, 2)]);
    // Rights come before migrations, which may fail.
    let mut params = SessionParams::new("reader");
    params.readonly = true;
    let reader = world.open_as(params);
    enter(&mut world, reader, &older(0), 8);
    let stuck =
        r#"{"p":["patch",{"stuck":["put",1]}],"q":["put",{"id":"q","stuck":1,"typeName":"page"}]}"#;
    world.push(reader, 1, stuck);
    world.assert_data(reader, &[discard(1, 2)]);
}

#[test]
fn a_client_that_cannot_be_told_is_too_old_and_all_others_are_told() {
    let (mut world, old, new) = mixed();
    let (old_too, other) = (world.open("old too"), world.join_current("other"));
    enter(&mut world, old_too, &older(1), 8);
    world.push(new, 3, r#"{"p":["patch",{"modern":["put",1]}]}"#);
    for connection in [old, old_too] {
        assert_eq!(world.closed(connection), Some(CloseReason::ClientTooOld));
        world.assert_silence(connection);
    }
    world.assert_data(new, &[commit(3, 2)]);
    world.assert_data(other, &[patch(2, r#"{"p":["patch",{"modern":["put",1]}]}"#)]);
    // From then on such clients are turned away, until the record is gone.
    let again = world.open("old");
    enter(&mut world, again, &older(0), 8);
    assert_eq!(world.closed(again), Some(CloseReason::ClientTooOld));
    world.push(new, 4, r#"{"p":["remove"]}"#);
    let again = world.open("old");
    assert!(enter(&mut world, again, &older(0), 8).contains("wipe_all"));
}

#[test]
fn presence_is_migrated_both_ways() {
    let (mut world, old, new) = mixed();
    world.present(new, 3, r#"["patch",{"at":["append","y",1]}]"#);
    world.assert_data(old, &[patch(1, r#"{"cursor:1":["patch",{"c":["append","y",1]}]}"#)]);
    world.present(old, 1, r#"["put",{"c":"o"}]"#);
    let put = r#"{"cursor:0":["put",{"at":"o","id":"cursor:0","typeName":"cursor"}]}"#;
    assert_eq!(world.heard(new)[1], data(&[patch(1, put)]));
    world.present(old, 2, r#"["patch",{"c":["append","p",1]}]"#);
    world.present(old, 3, r#"["patch",{"at":["put",1]}]"#);
    let patched = patch(1, r#"{"cursor:0":["patch",{"at":["append","p",1]}]}"#);
    world.assert_data(new, &[patched]);
    assert_eq!(world.heard(old).concat().matches("commit").count(), 3);
}

#[test]
fn what_an_older_client_missed_is_told_in_its_version() {
    for log_bytes in [1, 1 << 20] {
        let (mut world, old, new) = mixed_over(8, |config| config.limits.log_bytes = log_bytes);
        world.writable(old, false);
        world.push(new, 3, r#"{"p":["patch",{"name":["append","c",2]}]}"#);
        world.present(new, 4, r#"["patch",{"at":["put","z"]}]"#);
        world.push(new, 5, r#"{"p":["patch",{"color":["put","red"]}]}"#);
        world.writable(old, true);
        let heard = world.heard(old).concat();
        assert!(heard.contains("title") && heard.contains(r#""c":"#), "{heard}");
        assert!(!heard.contains("name\"") && !heard.contains("color"), "{heard}");
    }
    // And one that cannot be told then is too old then.
    let (mut world, old, new) = mixed_over(8, |config| config.limits.log_bytes = 1);
    world.writable(old, false);
    world.push(new, 3, r#"{"p":["patch",{"name":["append","c",2]}]}"#);
    let write =
        |tx: &mut crate::Transaction<'_>| tx.update("p", |page| drop(page.insert("modern", 1)));
    world.act(|room, now| room.transact(now, write)).unwrap();
    assert_eq!(world.closed(old), Some(CloseReason::ClientTooOld));
}

#[test]
fn no_older_client_of_an_old_protocol_hears_an_append_by_any_path() {
    for protocol in 5..8 {
        let (mut world, old, new) = mixed_over(protocol, |config| config.limits.log_bytes = 300);
        world.push(new, 3, r#"{"p":["patch",{"name":["append","c",2]}]}"#);
        world.assert_data(old, &[patch(2, r#"{"p":["patch",{"title":["put","abc"]}]}"#)]);
        world.push(new, 4, r#"{"s":["put",{"id":"s","t":"a","typeName":"shape"}]}"#);
        world.push(
            new,
            5,
            r#"{"p":["patch",{"name":["append","d",3]}],"s":["patch",{"t":["append","b",1]}]}"#,
        );
        world.present(new, 6, r#"["patch",{"at":["append","y",1]}]"#);
        // The results of a put and of an append of its own.
        world.push(old, 1, r#"{"p":["put",{"id":"p","title":"abcde","typeName":"page"}]}"#);
        world.push(old, 2, r#"{"p":["patch",{"title":["append","f",5],"z":["delete"]}],"s":["put",{"id":"s","t":"abc","typeName":"shape"}]}"#);
        for missed in 0..9 {
            world.writable(old, false);
            for clock in 0..missed {
                let length = 6 + missed * 9 + clock;
                world.push(
                    new,
                    7,
                    &format!(r#"{{"p":["patch",{{"name":["append","-",{length}]}}]}}"#),
                );
                world.push(new, 7, r#"{"p":["patch",{"name":["put","abcdef"]}]}"#);
                world.push(new, 7, r#"{"p":["patch",{"name":["append","-",6]}]}"#);
            }
            world.writable(old, true);
        }
        let heard = world.heard(old).concat();
        assert!(heard.contains(r#"["put","abcdef-"]"#) || heard.contains(r#""title":"abcdef-""#));
        assert!(!heard.contains("append"), "{heard}");
        assert_eq!(world.closed(old), None);
    }
}

#[test]
fn sessions_of_one_older_schema_share_its_migrations() {
    let (mut world, old, _) = mixed();
    let (again, legacy) = (world.open("again"), world.open("legacy"));
    enter(&mut world, again, &older(0), 8);
    enter(&mut world, legacy, &older(0), 7);
    let lens = |world: &World, connection| {
        let session = world.room.sessions.get(&world.room.by_connection[&connection]).unwrap();
        session.reader().unwrap().dialect.form.lens.clone().unwrap()
    };
    for other in [again, legacy] {
        assert!(Arc::ptr_eq(&lens(&world, old), &lens(&world, other)));
    }
}

#[test]
fn a_client_that_comes_back_with_another_schema_is_spoken_to_in_that() {
    let (mut world, old, new) = mixed();
    enter(&mut world, old, &older(3), 8);
    world.push(new, 3, r#"{"p":["patch",{"name":["append","c",2]}]}"#);
    world.assert_data(old, &[patch(2, r#"{"p":["patch",{"name":["append","c",2]}]}"#)]);
    enter(&mut world, old, &older(0), 8);
    world.push(new, 4, r#"{"p":["patch",{"name":["append","d",3]}]}"#);
    world.assert_data(old, &[patch(3, r#"{"p":["patch",{"title":["append","d",3]}]}"#)]);
}

#[test]
fn who_sees_only_some_presence_sees_it_in_its_own_version() {
    let (mut world, old, new) = mixed_over(8, |config| {
        config.hooks = Hooks::default()
            .filter_presence(|_, _, record| record.get("at") != Some(&"hidden".into()));
    });
    world.present(new, 3, r#"["patch",{"at":["put","y"]}]"#);
    world.assert_data(old, &[patch(1, r#"{"cursor:1":["patch",{"c":["put","y"]}]}"#)]);
    world.present(new, 4, r#"["patch",{"at":["put","hidden"]}]"#);
    world.assert_data(old, &[patch(1, r#"{"cursor:1":["remove"]}"#)]);
    world.present(new, 5, r#"["patch",{"at":["put","z"]}]"#);
    let shown = r#"{"cursor:1":["put",{"c":"z","id":"cursor:1","typeName":"cursor"}]}"#;
    world.assert_data(old, &[patch(1, shown)]);
}

#[test]
fn a_resumed_client_goes_on_in_its_own_version() {
    let (mut world, old, new) = mixed();
    let kept = world.room.session_snapshot(old).unwrap();
    assert_eq!(kept.schema.version("app"), Some(0));
    world.disconnect(old);
    world.push(new, 3, r#"{"p":["patch",{"name":["append","c",2]}]}"#);
    let old = world.act(|room, now| room.handle_resume(now, kept, Meta::default())).unwrap();
    let missed = r#""p":["put",{"id":"p","title":"abc","typeName":"page"}]"#;
    assert!(world.heard(old).concat().contains(missed));
    world.push(new, 4, r#"{"p":["patch",{"name":["append","d",3]}]}"#);
    world.assert_data(old, &[patch(3, r#"{"p":["patch",{"title":["append","d",3]}]}"#)]);
}

#[test]
fn the_presence_of_a_kept_client_is_migrated_like_its_changes() {
    let (mut world, old, _) = mixed();
    world.present(old, 1, r#"["put",{"c":"o"}]"#);
    let kept = world.room.session_snapshot(old).unwrap();
    let own = |presence: Option<&Object>, key: &str| presence.unwrap().get(key).cloned();
    assert_eq!(own(kept.presence.as_ref(), "c"), Some("o".into()));
    let snapshot = world.room.snapshot();
    let room = Room::restore(RoomConfig::default(), Arc::new(version_3()), snapshot).unwrap();
    let mut again = World::of(room);
    again.act(|room, now| room.handle_resume(now, kept, Meta::default())).unwrap();
    let shown = again.room.presence().map(|(_, record)| record).next();
    assert_eq!(own(shown, "at"), Some("o".into()));
}

#[test]
fn a_record_that_turns_into_one_of_another_type_is_told_as_a_new_one() {
    let (mut world, old, _) = mixed();
    let turn = |tx: &mut crate::Transaction<'_>| {
        tx.remove("p")?;
        tx.put(r#"{"id":"p","typeName":"shape"}"#.parse::<Object>().unwrap())
    };
    world.act(|room, now| room.transact(now, turn)).unwrap();
    world.assert_data(old, &[patch(2, r#"{"p":["put",{"id":"p","typeName":"shape"}]}"#)]);
    let turn_back = |tx: &mut crate::Transaction<'_>| {
        tx.remove("p")?;
        tx.put(BLUE.parse::<Object>().unwrap())
    };
    world.act(|room, now| room.transact(now, turn_back)).unwrap();
    let page = r#"{"p":["put",{"id":"p","title":"ab","typeName":"page"}]}"#;
    world.assert_data(old, &[patch(3, page)]);
}

/// As diffs do, which go no deeper elsewhere.
#[test]
fn what_a_client_does_not_know_stays_inside_of_props_and_meta() {
    let app = MigrationSequence::new("app").then(Migration::reversible_record(
        "app/1",
        |page| recolor(page, Some("red")),
        |page| recolor(page, None),
    ));
    fn recolor(page: &mut Object, color: Option<&str>) -> Result<(), crate::MigrationFailed> {
        for key in ["props", "meta", "other"] {
            let Some(Value::Object(inside)) = page.get_mut(key) else { continue };
            match color {
                Some(color) => inside.insert("color", color),
                None => inside.remove("color"),
            };
        }
        Ok(())
    }
    let schema = Schema::builder()
        .record_type("page", RecordType::new(Scope::Document))
        .migrations(app)
        .build()
        .unwrap();
    let config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
    let mut world = World::of(Room::new(config, Arc::new(schema)).unwrap());
    let (old, new) = (world.open("old"), world.open("new"));
    enter(&mut world, old, &older(0), 8);
    enter(&mut world, new, &older(1), 8);
    for key in ["props", "meta", "other"] {
        world.push(new, 1, &put_page(key, &format!(r#","{key}":{{"color":"blue","w":1}}"#)));
        let patch = format!(r#"{{"{key}":["patch",{{"{key}":["put",{{"w":2}}]}}]}}"#);
        world.push(old, 1, &patch);
        let color = if key == "other" { "red" } else { "blue" };
        let fields = format!(r#","{key}":{{"color":"{color}","w":2}}"#);
        assert_eq!(world.record(key), sorted(&page(key, &fields)));
    }
}

#[test]
fn who_may_not_write_is_not_closed_for_what_has_no_effect() {
    let (mut world, _, _) = mixed();
    let mut params = SessionParams::new("reader");
    params.readonly = true;
    let reader = world.open_as(params);
    enter(&mut world, reader, &older(0), 8);
    world.push(reader, 1, r#"{"p":["patch",{"id":["put","q"]}]}"#);
    world.assert_data(reader, &[discard(1, 1)]);
    assert_eq!(world.closed(reader), None);
}
