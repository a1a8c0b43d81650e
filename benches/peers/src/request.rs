//! What is measured: one request for us and for a stock peer, so that both do the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A workload and its size. `shapes` is how many of the shapes of the run the room or client has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Request {
    /// W1: one of the sessions drags; a flush follows every `burst` pushes.
    Drag { shapes: usize, sessions: usize, pushes: usize, burst: usize },
    /// W2: all push in turn a patch of a shape of their own and their cursor.
    Everyone { shapes: usize, sessions: usize, rounds: usize },
    /// W3: a string grows to this length by appends of 60.
    Stroke { shapes: usize, sessions: usize, length: usize },
    /// W4: clients enter one after the other, after a change each if `cold`.
    Hydrate { shapes: usize, clients: usize, cold: bool, up_to_date: bool },
    /// W4: clients enter at once, and no frame leaves before all are answered.
    Storm { shapes: usize, clients: usize },
    /// W5: a client with unconfirmed changes hears patches of other shapes.
    Rebase { shapes: usize, unconfirmed: usize, patches: usize },
    /// W5: a client hears the answer that brings all shapes: in JSON, or in what of ours is binary.
    Hydration { shapes: usize, binary: bool },
    /// W6: the diff of two records.
    Diff { before: Value, after: Value, iterations: usize },
    /// W6: applying that diff: to a record that others hold too, again and again, or there and back to
    /// one that nobody else holds, as a room does.
    Apply { before: Value, after: Value, iterations: usize, shared: bool },
    /// W7: a room of these shapes.
    Records { shapes: usize },
    /// W7: sessions that do nothing.
    Sessions { shapes: usize, sessions: usize },
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Nanoseconds, of what the workload is about.
    pub ns: f64,
    /// Messages to clients, to see that both sides did the same.
    pub sent: usize,
    /// W3: nanoseconds of each tenth of the way.
    #[serde(default)]
    pub deciles: Vec<f64>,
    /// Bytes that live at the end beyond those at the beginning.
    #[serde(default)]
    pub bytes: f64,
    /// W4: the most bytes that ever lived, making the room included, beyond those at the beginning.
    #[serde(default)]
    pub most_bytes: f64,
}
