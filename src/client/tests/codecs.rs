//! A client that asks for another codec, in rooms that speak it and in those that do not.

use super::*;
use crate::wire::{ClientMessage, Codec, ServerMessage};

/// A client that asks for postcard and has a link, and the first thing that it says.
fn asking() -> (Probe, String) {
    let mut probe = Probe::with(ClientConfig { codec: Codec::Postcard, ..ClientConfig::default() });
    probe.connect();
    let sent = probe.done().sent.pop().unwrap();
    (probe, sent)
}

/// Says to the client what `json` says, in postcard.
fn hear_binary(probe: &mut Probe, json: &str) {
    let message = ServerMessage::decode(json.as_bytes(), 48).unwrap();
    let frame = message.encode(Codec::Postcard);
    assert!(frame.is_binary());
    probe.client.handle_message(probe.now, probe.link, &frame.to_bytes());
}

/// The frames that the client sends.
fn frames(probe: &mut Probe) -> Vec<crate::Frame> {
    let mut frames = Vec::new();
    while let Some(action) = probe.client.poll_action() {
        match action {
            ClientAction::Send { frame, .. } => frames.push(frame),
            ClientAction::Dial
            | ClientAction::Close { .. }
            | ClientAction::Persist(_)
            | ClientAction::Event(_) => {}
        }
    }
    frames
}

#[test]
fn the_request_to_connect_is_json_and_offers_the_codec() {
    let (_, sent) = asking();
    assert!(sent.contains(r#","codecs":["postcard-1"]"#), "{sent}");
    let mut stock = Probe::new();
    stock.connect();
    assert!(!stock.done().sent[0].contains("codecs"));
}

#[test]
fn a_client_speaks_the_codec_once_the_room_has_answered_in_it() {
    let (mut probe, _) = asking();
    let note = note("a", r#","text":"hi""#);
    let answer = connect_answer("1", "wipe_all", &format!(r#"{{"note:a":["put",{note}]}}"#), 1);
    hear_binary(&mut probe, &answer);
    assert_eq!(probe.client.record("note:a"), Some(&note));
    frames(&mut probe);
    probe.set("note:a", "text", "hi there");
    let sent = frames(&mut probe);
    assert!(sent[0].is_binary());
    let json = ClientMessage::decode(&sent[0].to_bytes(), 48).unwrap().encode(Codec::Json);
    assert!(json.to_text().unwrap().contains(r#"["append"," there",2]"#), "{json:?}");
    hear_binary(
        &mut probe,
        r#"{"type":"data","data":[{"type":"push_result","clientClock":1,"serverClock":2,"action":"commit"}]}"#,
    );
    assert!(probe.client.is_settled());
    // Whatever the room says later, in either codec, is understood.
    probe.data(r#"{"type":"patch","diff":{"note:a":["remove"]},"serverClock":3}"#);
    assert_eq!(probe.client.record("note:a"), None);
    // Each connection begins in JSON.
    probe.cut();
    probe.connect();
    assert!(!frames(&mut probe)[0].is_binary());
}

#[test]
fn in_a_room_that_answers_in_json_all_is_json() {
    let (mut probe, _) = asking();
    probe.answer("wipe_all", "{}", 0);
    frames(&mut probe);
    probe.put(note("a", ""));
    assert!(!frames(&mut probe)[0].is_binary());
}

#[test]
fn a_client_that_did_not_ask_goes_on_in_json() {
    let mut probe = Probe::new();
    probe.connect();
    hear_binary(&mut probe, &connect_answer("1", "wipe_all", "{}", 0));
    frames(&mut probe);
    probe.put(note("a", ""));
    assert!(!frames(&mut probe)[0].is_binary());
}

#[test]
fn binary_that_is_no_message_connects_anew() {
    for bytes in [&[0x80][..], &[0x93, 0], &[0x92, 9], &[0xFF]] {
        let mut probe = Probe::online();
        probe.client.handle_message(probe.now, probe.link, bytes);
        assert_eq!(probe.done().closed, [CloseReason::Reset], "{bytes:?}");
    }
}
