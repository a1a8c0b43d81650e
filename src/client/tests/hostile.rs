//! A room that says whatever it likes: nothing panics, and the client stays true to itself.

use super::persist::essence;
use super::together::{Random, tell};
use super::*;

const IDS: [&str; 4] = ["note:0", "note:1", "page:0", "cursor:0"];

fn op(random: &mut Random, id: &str) -> String {
    let type_name = ["note", "note", "page", "cursor", "camera", "unknown"][random.below(6)];
    let type_name = if random.one_in(4) { type_name } else { id.split(':').next().unwrap() };
    let own_id = if random.one_in(30) { IDS[random.below(4)] } else { id };
    let text = if random.one_in(60) { "bad" } else { ["", "a", "ab"][random.below(3)] };
    match random.below(9) {
        0 => r#"["remove"]"#.into(),
        1 => r#"["patch",{"text":["append","b",1]}]"#.into(),
        2 => format!(r#"["patch",{{"text":["put","{text}"],"x":["put",[1,2]]}}]"#),
        3 => r#"["patch",{"x":["patch",{"0":["put",{"y":1}],"7":["delete"]}]}]"#.into(),
        4 if random.one_in(9) => r#"["patch",{"typeName":["delete"]}]"#.into(),
        5 if random.one_in(9) => r#"["zap"]"#.into(),
        _ => format!(
            r#"["put",{{"id":"{own_id}","typeName":"{type_name}","text":"{text}","x":["a"]}}]"#
        ),
    }
}

fn diff(random: &mut Random) -> String {
    let mut entries = Vec::new();
    for id in IDS {
        if random.one_in(3) {
            entries.push(format!(r#""{id}":{}"#, op(random, id)));
        }
    }
    format!("{{{}}}", entries.join(","))
}

fn entry(random: &mut Random, oldest_push: u64) -> String {
    let clock = random.below(100) as u64;
    if random.one_in(2) {
        return patch(&diff(random), clock);
    }
    let push = if random.one_in(20) { random.below(9) as u64 } else { oldest_push };
    match random.below(3) {
        0 => result(push, clock, COMMIT),
        1 => result(push, clock, DISCARD),
        _ => result(push, clock, &rebase(&diff(random))),
    }
}

fn message(random: &mut Random, client: &Client) -> Vec<u8> {
    let oldest_push = client.replica.pending().front().map_or(1, |push| push.clock);
    let mut bytes = match random.below(12) {
        0 => r#"{"type":"pong"}"#.into(),
        1 => r#"{"type":"custom","data":[{}]}"#.into(),
        2..6 => {
            let hydration = ["wipe_all", "wipe_presence"][random.below(2)];
            let request = client.last_request.to_string();
            connect_answer(&request, hydration, &diff(random), random.below(100) as u64)
        }
        _ => {
            let entries = (0..random.below(3)).map(|_| entry(random, oldest_push));
            format!(r#"{{"type":"data","data":[{}]}}"#, entries.collect::<Vec<_>>().join(","))
        }
    }
    .into_bytes();
    if random.one_in(40) {
        let at = random.below(bytes.len());
        bytes[at] = u8::try_from(random.below(256)).unwrap();
    }
    bytes
}

#[test]
fn a_hostile_room_finds_no_way_in() {
    let (mut edits, mut onlines, mut resets, mut settled, mut unreadable) = (0, 0, 0, 0, 0);
    for seed in 1..=200 {
        let mut random = Random::new(seed);
        let config = ClientConfig { persist: true, ..ClientConfig::default() };
        let client = Client::new(Instant::ZERO, config, schema()).unwrap();
        let mut probe = Probe { client, link: LinkId(0), now: Instant::ZERO };
        let mut store = ClientSnapshot::default();
        let (mut told, mut told_presence) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..200 {
            match random.below(10) {
                0 => probe.connect(),
                1 if random.one_in(9) => probe.cut(),
                2 => probe.pass(random.below(3_000) as u64),
                3..6 => {
                    let id = IDS[random.below(2)];
                    let text = ["", "a", "ab", "abc"][random.below(4)];
                    let remove = random.one_in(4);
                    // Refused when there is nothing to remove, or another type.
                    let edit = probe.client.transact(probe.now, |tx| match remove {
                        true => tx.remove(id),
                        false => tx.put(note(&id[5..], &format!(r#","text":"{text}""#))),
                    });
                    edits += usize::from(edit.is_ok());
                }
                _ => {
                    let bytes = message(&mut random, &probe.client);
                    probe.client.handle_message(probe.now, probe.link, &bytes);
                }
            }
            while let Some(action) = probe.client.poll_action() {
                match action {
                    ClientAction::Event(ClientEvent::Changed { changes, .. }) => {
                        tell(&mut told, changes);
                    }
                    ClientAction::Event(ClientEvent::Presence(changes)) => {
                        tell(&mut told_presence, changes);
                    }
                    ClientAction::Event(ClientEvent::Status(Status::Online)) => onlines += 1,
                    ClientAction::Event(ClientEvent::Settled) => settled += 1,
                    ClientAction::Close { reason: CloseReason::Reset, .. } => resets += 1,
                    ClientAction::Dial | ClientAction::Send { .. } | ClientAction::Close { .. } => {
                    }
                    ClientAction::Persist(commit) => store.apply(&commit),
                    ClientAction::Event(ClientEvent::Unreadable(_)) => unreadable += 1,
                    ClientAction::Event(_) => {}
                }
            }
            if random.one_in(4) {
                let config = ClientConfig::default();
                let restored = Client::restore(probe.now, config, schema(), &store).unwrap();
                assert_eq!(essence(&restored), essence(&probe.client), "seed {seed}");
            }
            assert!(told.iter().eq(probe.client.records()), "seed {seed}");
            assert!(told_presence.iter().eq(probe.client.presence()), "seed {seed}");
            assert_valid(&probe.client);
            probe.client.handle_timeout(probe.now);
            while let Some(action) = probe.client.poll_action() {
                match action {
                    ClientAction::Event(ClientEvent::Presence(changes)) => {
                        tell(&mut told_presence, changes);
                    }
                    ClientAction::Event(event) => {
                        assert!(
                            !matches!(event, ClientEvent::Changed { .. }),
                            "time changes nothing"
                        );
                    }
                    ClientAction::Dial | ClientAction::Send { .. } | ClientAction::Close { .. } => {
                    }
                    ClientAction::Persist(commit) => store.apply(&commit),
                }
            }
            let next = probe.client.poll_timeout();
            assert!(next.is_none_or(|next| next > probe.now), "seed {seed}");
        }
    }
    let reached = edits > 2000 && onlines > 500 && resets > 200 && settled > 200;
    assert!(reached && unreadable > 200, "{edits} {onlines} {resets} {settled} {unreadable}");
}

/// What the application sees is valid, whatever the room says.
fn assert_valid(client: &Client) {
    for (id, record) in client.records().chain(client.presence()) {
        let (own_id, type_name) = crate::schema::identity(record).unwrap();
        assert_eq!(own_id, id.as_str());
        assert_eq!(client.schema.validate(type_name, record), Ok(()));
    }
    assert_eq!(client.is_settled(), client.told_settled);
}
