//! W8: how many bytes messages are, in both codecs, as they are and gzipped.

use crate::shapes::{shape, shape_id};
use anyhow::{Result, anyhow};
use flate2::{Compression, write::GzEncoder};
use roomsync::{ClientMessage, Codec, Frame, ServerMessage};
use serde_json::{Map, json};
use std::io::Write as _;

/// A message in both codecs.
#[derive(Clone, Debug)]
pub struct Sizes {
    pub message: &'static str,
    pub json: usize,
    pub json_gzip: usize,
    pub postcard: usize,
    pub postcard_gzip: usize,
    /// The most that postcard may be of JSON.
    pub target: Option<f64>,
}

/// The messages of a drag, a cursor and a hydration.
pub fn sizes() -> Result<Vec<Sizes>> {
    let id = shape_id(7);
    let diff = json!({ &id: ["patch", { "x": ["put", 1234.5678], "y": ["put", -87.25] }] });
    let drag = json!({ "type": "push", "clientClock": 4321, "diff": diff });
    let cursor = json!({ "cursor": ["put", { "x": 1234.5678, "y": -87.25, "type": "default", "rotation": 0 }] });
    let cursor = json!({ "type": "push", "clientClock": 4322, "presence": ["patch", cursor] });
    let result = json!({ "type": "push_result", "clientClock": 4321, "serverClock": 98_765, "action": "commit" });
    let patch = json!({ "type": "patch", "diff": diff, "serverClock": 98_765 });
    let puts: Map<_, _> =
        (0..10_000).map(|number| (shape_id(number), json!(["put", shape(number)]))).collect();
    let hydration = json!({
        "type": "connect", "connectRequestId": "r1", "hydrationType": "wipe_all", "protocolVersion": 8,
        "schema": { "schemaVersion": 2, "sequences": {} }, "diff": puts, "serverClock": 98_765,
        "isReadonly": false, "objectAccess": "write",
    });
    let data = |entry| json!({ "type": "data", "data": [entry] });
    Ok(vec![
        Sizes::of_client("a drag's push", &drag, Some(0.45))?,
        Sizes::of_server("its answer", &data(result), None)?,
        Sizes::of_server("its broadcast", &data(patch), Some(0.45))?,
        Sizes::of_client("a cursor", &cursor, None)?,
        Sizes::of_server("hydration of 10,000 shapes", &hydration, Some(0.40))?,
    ])
}

/// More than any of these nests.
const DEPTH: usize = 64;

impl Sizes {
    fn of_client(
        name: &'static str,
        json: &serde_json::Value,
        target: Option<f64>,
    ) -> Result<Self> {
        let message = ClientMessage::decode(json.to_string().as_bytes(), DEPTH);
        let message = message.map_err(|_| anyhow!("no message: {json}"))?;
        Self::of(name, |codec| message.encode(codec), target)
    }

    fn of_server(
        name: &'static str,
        json: &serde_json::Value,
        target: Option<f64>,
    ) -> Result<Self> {
        let message = ServerMessage::decode(json.to_string().as_bytes(), DEPTH);
        let message = message.map_err(|_| anyhow!("no message: {name}"))?;
        Self::of(name, |codec| message.encode(codec), target)
    }

    fn of(
        message: &'static str,
        encode: impl Fn(Codec) -> Frame,
        target: Option<f64>,
    ) -> Result<Self> {
        let (json, postcard) = (encode(Codec::Json), encode(Codec::Postcard));
        Ok(Self {
            message,
            json: json.len(),
            json_gzip: gzipped(&json.to_bytes()).len(),
            postcard: postcard.len(),
            postcard_gzip: gzipped(&postcard.to_bytes()).len(),
            target,
        })
    }
}

pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory takes everything")
}
