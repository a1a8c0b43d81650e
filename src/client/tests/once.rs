//! Each push takes effect once: what the room has taken is not pushed again, what it has not is.

use super::*;
use crate::ids::ConnectionId;
use crate::room::{Room, RoomAction, RoomConfig, SessionParams};

fn config(client_id: Option<&str>) -> ClientConfig {
    ClientConfig { client_id: client_id.map(Into::into), ..ClientConfig::default() }
}

/// The answer to the latest request, of a room that says what it has taken.
fn answer_with(probe: &mut Probe, applied: &str, diff: &str, clock: u64) -> Done {
    let request = probe.client.last_request.to_string();
    let answer = connect_answer(&request, "wipe_presence", diff, clock);
    let answer = answer.strip_suffix('}').unwrap();
    probe.hear(&format!(r#"{answer},"lastAppliedPush":{applied}}}"#));
    probe.done()
}

/// A client with three pushes of one record each on their way, cut and connected again.
fn with_three_pushes(client_id: Option<&str>) -> Probe {
    let mut probe = Probe::online_with(config(client_id), "{}");
    for id in ["a", "b", "c"] {
        probe.put(note(id, ""));
        probe.sleep(40);
    }
    assert_eq!(probe.client.last_push, 3);
    probe.cut();
    probe.connect();
    probe
}

#[test]
fn a_client_says_who_it_is_and_what_it_has_the_answer_of() {
    let mut probe = Probe::with(config(Some("me")));
    probe.connect();
    let said = probe.done().sent.concat();
    assert!(said.ends_with(r#","clientId":"me","lastAckedPush":0}"#), "{said}");
    answer_with(&mut probe, "0", "{}", 0);
    probe.put(note("a", ""));
    probe.data(&result(1, 1, COMMIT));
    probe.sleep(40);
    probe.put(note("b", ""));
    probe.cut();
    probe.connect();
    let said = probe.done().sent.pop().unwrap();
    assert!(said.ends_with(r#","clientId":"me","lastAckedPush":1}"#), "{said}");
}

#[test]
fn a_client_without_an_id_says_nothing_of_it_and_believes_nothing() {
    let mut probe = with_three_pushes(None);
    let said = probe.done().sent.concat();
    assert!(!said.contains("clientId") && !said.contains("lastAckedPush"), "{said}");
    let done = answer_with(&mut probe, "3", "{}", 3);
    assert_eq!(pushed(&done.sent[0]).len(), 3);
}

#[test]
fn pushes_that_were_taken_are_done_and_later_ones_become_one_push() {
    let mut probe = with_three_pushes(Some("me"));
    probe.done();
    let both = r#"{"note:a":["put",{"id":"note:a","typeName":"note"}],
        "note:b":["put",{"id":"note:b","typeName":"note","text":"of others"}]}"#;
    let done = answer_with(&mut probe, "2", both, 3);
    let push = pushed(&done.sent[0]);
    assert_eq!(push.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["note:c"]);
    assert!(done.sent[0].contains(r#""clientClock":4"#));
    assert_eq!(probe.text("note:b"), Some("of others"));
    probe.data(&result(4, 4, COMMIT));
    assert_eq!(probe.done().settled, 1);
}

#[test]
fn all_is_settled_when_all_was_taken() {
    let mut probe = with_three_pushes(Some("me"));
    let done = answer_with(&mut probe, "3", "{}", 3);
    assert_eq!((done.sent.len(), done.settled), (1, 1), "only the request was sent");
    assert!(probe.client.is_settled());
    // What was pushed had become nothing since.
    assert_eq!(probe.client.records().count(), 0);
}

#[test]
fn a_room_that_does_not_tell_is_a_stock_one() {
    for applied in ["null", "-1", "\"3\""] {
        let mut probe = with_three_pushes(Some("me"));
        probe.done();
        let done = answer_with(&mut probe, applied, "{}", 3);
        assert_eq!(pushed(&done.sent[0]).len(), 3, "{applied}");
    }
}

#[test]
fn numbers_that_an_earlier_life_has_used_are_not_used_again() {
    let mut probe = Probe::with(config(Some("me")));
    probe.put(note("a", ""));
    probe.connect();
    probe.done();
    let done = answer_with(&mut probe, "17", "{}", 3);
    assert!(done.sent[0].contains(r#""clientClock":18"#), "{:?}", done.sent);
}

#[test]
fn a_number_that_was_never_given_says_nothing_of_what_was_pushed_here() {
    let mut probe = with_three_pushes(Some("me"));
    probe.done();
    let done = answer_with(&mut probe, "9", "{}", 3);
    assert_eq!(pushed(&done.sent[0]).len(), 3);
    assert!(done.sent[0].contains(r#""clientClock":10"#), "{:?}", done.sent);
}

/// The next push had a number that no room can read, which ended the client for good.
#[test]
fn an_answer_after_which_no_push_can_be_counted_makes_no_sense() {
    let last = (1_u64 << 53) - 1;
    for (applied, makes_sense) in [(last - 1, true), (last, false), (u64::MAX >> 1, false)] {
        let mut probe = with_three_pushes(Some("me"));
        probe.done();
        answer_with(&mut probe, &applied.to_string(), "{}", 3);
        let is_online = *probe.client.status() == Status::Online;
        assert_eq!(
            (is_online, probe.client.last_push > 4),
            (makes_sense, makes_sense),
            "{applied}"
        );
    }
}

#[test]
fn a_number_that_leaves_none_for_the_next_push_is_a_fault_of_the_room() {
    for (applied, is_fault) in [
        ("9007199254740990", false),
        ("9007199254740991", true),
        ("9007199254740992", true),
        ("9223372036854775807", true),
        ("1e300", true),
    ] {
        let mut probe = with_three_pushes(Some("me"));
        probe.done();
        let done = answer_with(&mut probe, applied, "{}", 3);
        assert_eq!(done.closed.contains(&CloseReason::Reset), is_fault, "{applied}");
        let clock = r#""clientClock":9007199254740991"#;
        assert_eq!(done.sent.concat().contains(clock), !is_fault, "{applied}");
    }
}

#[test]
fn an_answer_that_cannot_be_applied_drops_no_push() {
    let mut probe = with_three_pushes(Some("me"));
    let wrong = r#"{"note:x":["put",{"id":"note:y","typeName":"note"}]}"#;
    answer_with(&mut probe, "3", wrong, 3);
    assert!(!probe.client.is_settled());
    probe.connect();
    probe.done();
    let done = answer_with(&mut probe, "2", "{}", 3);
    assert_eq!(pushed(&done.sent[0]).len(), 1);
}

#[test]
fn a_client_id_has_some_bytes_but_not_too_many() {
    let most = ClientConfig::default().limits.id_bytes;
    for (len, fits) in [(0, false), (1, true), (most, true), (most + 1, false)] {
        let config = config(Some(&"x".repeat(len)));
        let made = Client::new(Instant::ZERO, config, schema()).map(drop);
        assert_eq!(made, if fits { Ok(()) } else { Err(ConfigError::BadClientId) });
    }
}

/// Two clients and a room. Nothing is lost unless a test loses it.
struct Scene {
    now: Instant,
    config: RoomConfig,
    room: Room,
    peers: Vec<Peer>,
}

struct Peer {
    name: &'static str,
    client: Client,
    wire: Option<(LinkId, ConnectionId)>,
    to_room: Vec<Vec<u8>>,
    to_client: Vec<Vec<u8>>,
}

const A: usize = 0;
const B: usize = 1;

impl Scene {
    /// Both are in. `A` counts its pushes, or not.
    fn new(counts: bool) -> Self {
        let mut room_config = RoomConfig::default();
        room_config.limits.tombstones = 1;
        let peer = |name: &'static str, counts: bool| Peer {
            name,
            client: Client::new(Instant::ZERO, config(counts.then_some(name)), schema()).unwrap(),
            wire: None,
            to_room: Vec::new(),
            to_client: Vec::new(),
        };
        let mut scene = Self {
            now: Instant::ZERO,
            room: Room::new(room_config.clone(), schema()).unwrap(),
            config: room_config,
            peers: [peer("a", counts), peer("b", true)].into(),
        };
        scene.connect(A);
        scene.connect(B);
        scene.settle();
        scene
    }

    fn connect(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        let connection = self.room.handle_connect(self.now, SessionParams::new(peer.name)).unwrap();
        peer.wire = Some((peer.client.handle_connected(self.now), connection));
    }

    /// The connection of `who` is gone, and with it what was on its way.
    fn cut(&mut self, who: usize) {
        self.collect();
        let peer = &mut self.peers[who];
        let (link, connection) = peer.wire.take().unwrap();
        peer.client.handle_disconnected(self.now, link, CloseReason::Disconnected);
        self.room.handle_disconnect(self.now, connection);
        self.peers[who].to_room.clear();
        self.peers[who].to_client.clear();
    }

    fn collect(&mut self) {
        for peer in &mut self.peers {
            while let Some(action) = peer.client.poll_action() {
                if let ClientAction::Send { frame, .. } = action {
                    peer.to_room.push(frame.to_bytes().to_vec());
                }
            }
        }
        while let Some(action) = self.room.poll_action() {
            if let RoomAction::Send { to, frame } = action {
                let is_to = |peer: &&mut Peer| peer.wire.is_some_and(|(_, it)| to.contains(&it));
                for peer in self.peers.iter_mut().filter(is_to) {
                    peer.to_client.push(frame.to_bytes().to_vec());
                }
            }
        }
    }

    /// What `who` has said reaches the room. The room's answer is still on its way.
    fn reach_room(&mut self, who: usize) {
        self.collect();
        let peer = &mut self.peers[who];
        let Some((_, connection)) = peer.wire else { return };
        for bytes in core::mem::take(&mut peer.to_room) {
            self.room.handle_message(self.now, connection, &bytes);
        }
        self.collect();
    }

    fn reach_client(&mut self, who: usize) {
        self.collect();
        let peer = &mut self.peers[who];
        let Some((link, _)) = peer.wire else { return };
        for bytes in core::mem::take(&mut peer.to_client) {
            peer.client.handle_message(self.now, link, &bytes);
        }
    }

    /// Time passes, and all that is said is heard.
    fn settle(&mut self) {
        for _ in 0..10 {
            for who in [A, B] {
                self.reach_room(who);
                self.reach_client(who);
            }
            self.now = self.now.saturating_add(Duration::from_millis(40));
            self.room.handle_timeout(self.now);
            self.peers.iter_mut().for_each(|peer| peer.client.handle_timeout(self.now));
        }
    }

    /// `A` makes an edit that reaches the room, and loses the answer with its connection.
    fn a_edits_and_loses_the_answer(&mut self, edit: impl FnOnce(&mut Client, Instant)) {
        edit(&mut self.peers[A].client, self.now);
        self.reach_room(A);
        self.cut(A);
    }

    fn edit(&mut self, who: usize, edit: impl FnOnce(&mut Client, Instant)) {
        edit(&mut self.peers[who].client, self.now);
        self.settle();
    }

    /// The room's process dies and comes back with what it keeps; `B` comes back with it.
    fn restart_room(&mut self) {
        self.cut(B);
        let json = self.room.snapshot().to_value().to_string();
        let snapshot = crate::RoomSnapshot::from_json(&json).unwrap();
        self.room = Room::restore(self.config.clone(), schema(), snapshot).unwrap();
        self.connect(B);
    }

    /// `A` comes back, and all agree. Gives the text of the note, if it is there.
    fn end(mut self) -> Option<String> {
        self.connect(A);
        self.settle();
        for peer in &self.peers {
            assert!(peer.client.is_settled(), "{} is settled", peer.name);
            assert!(peer.client.records().eq(self.room.records()), "{} agrees", peer.name);
        }
        let note = self.room.record("note:n")?;
        Some(note.get("text").and_then(Value::as_str).unwrap_or_default().into())
    }
}

fn set_text(text: &'static str) -> impl FnOnce(&mut Client, Instant) {
    move |client, now| {
        client.transact(now, |tx| tx.put(note("n", &format!(r#","text":"{text}""#)))).unwrap();
    }
}

fn remove_note(id: &'static str) -> impl FnOnce(&mut Client, Instant) {
    move |client, now| client.transact(now, |tx| tx.remove(id)).unwrap()
}

#[test]
fn an_old_change_is_not_made_again_over_newer_ones_of_others() {
    let story = |counts: bool, restarts: bool| {
        let mut scene = Scene::new(counts);
        scene.edit(B, set_text("first"));
        scene.a_edits_and_loses_the_answer(set_text("old"));
        if restarts {
            scene.restart_room();
        }
        scene.settle();
        scene.edit(B, set_text("new"));
        scene.end()
    };
    for restarts in [false, true] {
        assert_eq!(story(true, restarts).as_deref(), Some("new"));
        assert_eq!(story(false, restarts).as_deref(), Some("old"), "as between stock peers");
    }
}

#[test]
fn a_record_that_others_removed_is_not_resurrected() {
    let story = |counts: bool, restarts: bool| {
        let mut scene = Scene::new(counts);
        scene.a_edits_and_loses_the_answer(set_text("old"));
        if restarts {
            scene.restart_room();
        }
        scene.settle();
        scene.edit(B, remove_note("note:n"));
        // The room forgets that there ever was such a record.
        for id in ["x", "y"] {
            scene.edit(B, |client, now| client.transact(now, |tx| tx.put(note(id, ""))).unwrap());
        }
        scene.edit(B, remove_note("note:x"));
        scene.edit(B, remove_note("note:y"));
        scene.end()
    };
    for restarts in [false, true] {
        assert_eq!(story(true, restarts), None);
        assert_eq!(story(false, restarts).as_deref(), Some("old"), "as between stock peers");
    }
}

#[test]
fn a_push_that_had_no_effect_has_none_later() {
    let story = |counts: bool, restarts: bool| {
        let mut scene = Scene::new(counts);
        scene.edit(B, set_text("first"));
        // The patch meets a record that is gone.
        remove_note("note:n")(&mut scene.peers[B].client, scene.now);
        scene.reach_room(B);
        scene.a_edits_and_loses_the_answer(set_text("old"));
        if restarts {
            scene.restart_room();
        }
        scene.settle();
        scene.edit(B, set_text("second"));
        scene.end()
    };
    for restarts in [false, true] {
        assert_eq!(story(true, restarts).as_deref(), Some("second"));
        assert_eq!(story(false, restarts).as_deref(), Some("old"), "as between stock peers");
    }
}

#[test]
fn a_push_that_did_not_arrive_takes_effect_though_others_removed_such_a_record() {
    let story = |counts: bool| {
        let mut scene = Scene::new(counts);
        set_text("mine")(&mut scene.peers[A].client, scene.now);
        scene.cut(A);
        scene.edit(B, set_text("theirs"));
        scene.edit(B, remove_note("note:n"));
        scene.end()
    };
    assert_eq!(story(true).as_deref(), Some("mine"));
    assert_eq!(story(false), None, "it cannot be told from one that arrived");
}
