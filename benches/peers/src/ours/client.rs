//! The client in process.

use super::{nanoseconds, schema};
use crate::request::Answer;
use crate::shapes::{shape, shape_id};
use roomsync::{
    Client, ClientAction, ClientConfig, ClientEvent, Codec, Instant, LinkId, ServerMessage,
};
use serde_json::{Map, json};
use std::hint::black_box;
use std::time::Duration;

const A_FRAME: Duration = Duration::from_millis(60);

struct Connected {
    machine: Client,
    link: LinkId,
    now: Instant,
    sent: Vec<serde_json::Value>,
}

impl Connected {
    fn new(codec: Codec) -> Self {
        let now = Instant::ZERO;
        let mut config = ClientConfig::default();
        config.codec = codec;
        let mut machine = Client::new(now, config, schema()).expect("it is sound");
        let link = machine.handle_connected(now);
        let mut client = Self { machine, link, now, sent: Vec::new() };
        client.drain();
        client
    }

    fn drain(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                ClientAction::Send { frame, .. } => {
                    let message = serde_json::from_slice(&frame.to_bytes()).expect("it is JSON");
                    self.sent.push(message);
                }
                ClientAction::Close { reason, .. } => panic!("the client closed: {reason}"),
                ClientAction::Event(ClientEvent::Status(_)) | ClientAction::Dial => {}
                other => drop(black_box(other)),
            }
        }
        black_box(self.machine.poll_timeout());
    }

    fn pass(&mut self) {
        self.now = self.now.saturating_add(A_FRAME);
        self.machine.handle_timeout(self.now);
        self.drain();
    }

    fn receive(&mut self, message: &[u8]) {
        self.machine.handle_message(self.now, self.link, message);
        self.drain();
    }

    fn answer(&self, shapes: usize) -> String {
        let request = self.sent.first().and_then(|message| message.get("connectRequestId"));
        let puts = (0..shapes).map(|number| (shape_id(number), json!(["put", shape(number)])));
        json!({
            "type": "connect", "connectRequestId": request, "hydrationType": "wipe_all", "protocolVersion": 8,
            "schema": { "schemaVersion": 2, "sequences": {} }, "diff": puts.collect::<Map<_, _>>(),
            "serverClock": 1, "isReadonly": false, "objectAccess": "write",
        })
        .to_string()
    }

    fn x(&self, number: usize) -> Option<f64> {
        self.machine.record(&shape_id(number))?.get("x")?.as_number().map(|x| x.as_f64())
    }
}

pub(super) fn rebase(shapes: usize, unconfirmed: usize, patches: usize) -> Answer {
    let mut client = Connected::new(Codec::Json);
    let text = client.answer(shapes);
    client.receive(text.as_bytes());
    client.pass();
    for number in 0..unconfirmed {
        let id = shape_id(number);
        let step = |record: &mut roomsync::Object| record.insert("x", 1e6 + number as f64);
        let changed =
            client.machine.transact(client.now, |tx| tx.update(&id, |record| drop(step(record))));
        changed.expect("the shape is there");
    }
    client.pass();
    let mut ns = 0.0;
    let others = shapes - unconfirmed;
    for step in 1..=patches {
        let id = shape_id(unconfirmed + step % others);
        let text = format!(
            r#"{{"type":"data","data":[{{"type":"patch","diff":{{"{id}":["patch",{{"x":["put",{step}.5],"y":["put",{}]}}]}},"serverClock":{}}}]}}"#,
            step * 2,
            step + 1
        );
        let start = std::time::Instant::now();
        client.receive(text.as_bytes());
        ns += nanoseconds(start);
        // Only the time passes here; pings and their answers are no part of this.
        client.now = client.now.saturating_add(A_FRAME);
    }
    assert_eq!(client.x(unconfirmed + patches % others), Some(patches as f64 + 0.5));
    Answer { ns, ..Answer::default() }
}

pub(super) fn hydration(shapes: usize, binary: bool) -> Answer {
    let codec = if binary { Codec::Postcard } else { Codec::Json };
    let mut client = Connected::new(codec);
    let answer = ServerMessage::decode(client.answer(shapes).as_bytes(), 40);
    let message = answer.expect("it is sound").encode(codec).to_bytes();
    let start = std::time::Instant::now();
    client.receive(&message);
    let ns = nanoseconds(start);
    assert!(shapes == 0 || client.x(shapes - 1).is_some(), "the shapes were taken");
    Answer { ns, ..Answer::default() }
}
