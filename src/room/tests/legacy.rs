//! Clients before protocol 8, which do not know that strings can grow.

use super::*;

const TEXT: &str = "a text that is too long to stand inline";

/// An old client with the current one beside it, and a page with a text.
fn mixed(version: u32) -> (World, ConnectionId, ConnectionId) {
    let mut world = World::new();
    let old = world.join_as(SessionParams::new("old"), version);
    let new = world.join("new");
    let fields = format!(r#","list":["x",{{"t":"ab"}}],"meta":{{"t":"ab"}},"text":"{TEXT}""#);
    world.push(new, 1, &put_page("p", &fields));
    world.present(new, 2, r#"["put",{"chat":"he"}]"#);
    world.actions.clear();
    (world, old, new)
}

#[test]
fn a_broadcast_puts_the_strings_that_grew() {
    for version in 5..8 {
        let (mut world, old, new) = mixed(version);
        world.push(new, 3, r#"{"p":["patch",{"text":["append","!",39]}]}"#);
        world.assert_data(new, &[commit(3, 2)]);
        let put = format!(r#"{{"p":["patch",{{"text":["put","{TEXT}!"]}}]}}"#);
        world.assert_data(old, &[patch(2, &put)]);
    }
}

#[test]
fn strings_are_put_at_any_depth_and_arrays_still_grow() {
    let (mut world, old, new) = mixed(7);
    let diff = r#"{"p":["patch",{"list":["patch",{"0":["append","y",1],"1":["patch",{"t":["append","c",2]}]}],"meta":["patch",{"t":["append","c",2],"u":["put",1]}]}]}"#;
    world.push(new, 3, diff);
    world.push(new, 4, r#"{"p":["patch",{"list":["append",["z"],2]}]}"#);
    let whole = r#"{"p":["patch",{"list":["patch",{"0":["put","xy"],"1":["patch",{"t":["put","abc"]}]}],"meta":["patch",{"t":["put","abc"],"u":["put",1]}]}]}"#;
    let grown = patch(3, r#"{"p":["patch",{"list":["append",["z"],2]}]}"#);
    assert_eq!(world.heard(old), [data(&[patch(2, whole)]), data(&[grown])]);
}

#[test]
fn a_computed_patch_reaches_old_clients_without_appends() {
    let (mut world, old, new) = mixed(7);
    let fields = r#","list":[],"meta":{"t":"abc"},"text":"ab""#;
    world.push(new, 3, &put_page("p", fields));
    assert!(world.heard(new)[0].contains(r#""t":["append","c",2]"#));
    let heard = world.heard(old);
    assert!(heard[0].contains(r#""t":["put","abc"]"#) && !heard[0].contains("append"), "{heard:?}");
}

#[test]
fn a_result_tells_an_old_client_without_appends_what_happened() {
    let (mut world, old, new) = mixed(6);
    world.push(old, 1, &put_page("p", &format!(r#","text":"{TEXT}!""#)));
    let rest = r#""list":["delete"],"meta":["delete"],"#;
    let put = format!(r#"{{"p":["patch",{{{rest}"text":["put","{TEXT}!"]}}]}}"#);
    world.assert_data(old, &[rebase(1, 2, &put)]);
    let append = format!(r#"{{"p":["patch",{{{rest}"text":["append","!",39]}}]}}"#);
    world.assert_data(new, &[patch(2, &append)]);
}

#[test]
fn presence_reaches_old_clients_without_appends() {
    let (mut world, old, new) = mixed(7);
    world.present(new, 3, r#"["patch",{"chat":["append","y",2]}]"#);
    world.assert_data(old, &[patch(1, r#"{"cursor:1":["patch",{"chat":["put","hey"]}]}"#)]);
    world.present(new, 4, r#"["put",{"chat":"hey!"}]"#);
    world.assert_data(old, &[patch(1, r#"{"cursor:1":["patch",{"chat":["put","hey!"]}]}"#)]);
}

#[test]
fn a_change_of_the_host_reaches_old_clients_without_appends() {
    let (mut world, old, _) = mixed(7);
    let write = |tx: &mut crate::Transaction<'_>| {
        tx.update("p", |page| drop(page.insert("text", format!("{TEXT}!"))))
    };
    world.act(|room, now| room.transact(now, write)).unwrap();
    let heard = world.heard(old);
    assert!(heard[0].contains(r#"!"]"#) && !heard[0].contains("append"), "{heard:?}");
}

#[test]
fn what_waited_for_an_old_client_has_no_appends() {
    for log_bytes in [1, 1 << 20] {
        let mut world = World::with(|config| config.limits.log_bytes = log_bytes);
        let old = world.join_as(SessionParams::new("old"), 7);
        let new = world.join("new");
        world.push(new, 1, &put_page("p", &format!(r#","text":"{TEXT}""#)));
        world.actions.clear();
        world.writable(old, false);
        world.push(new, 2, r#"{"p":["patch",{"text":["append","!",39]}]}"#);
        world.push(new, 3, r#"{"p":["patch",{"text":["append","?",40]}]}"#);
        world.writable(old, true);
        let heard = world.heard(old).concat();
        assert!(heard.contains(&format!("{TEXT}!?")) && !heard.contains("append"), "{heard}");
    }
}

#[test]
fn current_clients_hear_appends_whoever_else_is_there() {
    let (mut world, old, new) = mixed(5);
    world.push(old, 1, r#"{"p":["patch",{"text":["append","!",39]}]}"#);
    world.assert_data(old, &[commit(1, 2)]);
    world.assert_data(new, &[patch(2, r#"{"p":["patch",{"text":["append","!",39]}]}"#)]);
}

#[test]
fn old_and_current_clients_that_read_alike_hear_each_their_own() {
    let (mut world, old, new) = mixed(7);
    let (old_2, reader) = (world.join_as(SessionParams::new("old 2"), 7), world.join("reader"));
    world.push(new, 3, r#"{"p":["patch",{"text":["append","!",39]}]}"#);
    for connection in [old, old_2] {
        assert!(!world.heard(connection)[0].contains("append"));
    }
    assert!(world.heard(reader)[0].contains("append"));
}

#[test]
fn a_client_that_comes_back_with_another_version_is_spoken_to_in_that() {
    let (mut world, old, new) = mixed(7);
    world.hello_as(old, 1, 8);
    world.push(new, 3, r#"{"p":["patch",{"text":["append","!",39]}]}"#);
    assert!(world.heard(old)[0].contains("append"));
    world.hello_as(old, 2, 7);
    world.push(new, 4, r#"{"p":["patch",{"text":["append","!",40]}]}"#);
    assert!(!world.heard(old)[0].contains("append"));
}

#[test]
fn what_appends_nothing_is_told_to_old_and_new_clients_in_one_text() {
    let (mut world, old, new) = mixed(7);
    let third = world.join("third");
    for connection in [old, new] {
        world.writable(connection, false);
    }
    for (op, is_shared) in [
        (r#"["patch",{"text":["put","x"],"meta":["patch",{"t":["put","y"]}]}]"#, true),
        (r#"["patch",{"meta":["patch",{"t":["append","z",1]}]}]"#, false),
    ] {
        let end = world.room.log.end();
        world.push(third, 1, &format!(r#"{{"p":{op}}}"#));
        let entry = world.room.log.since(end).next().unwrap();
        let [a, b] = [0, 1].map(|slot: usize| entry.patches[slot].as_ptr());
        assert_eq!(a == b, is_shared, "{op}");
    }
}
