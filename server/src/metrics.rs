//! What the server counts, for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use roomsync::{CloseReason, RoomSnapshot};
use roomsync_tokio::{HostTotals, RoomCommit, RoomHost, RoomId, Storage, StorageError};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

/// Bounds of the histograms, in seconds: from a fast disk to one that hangs.
const SECONDS: [f64; 12] =
    [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// What is counted. No label is anything that a client can choose.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    rooms: Gauge,
    connections: Gauge,
    sessions: Gauge,
    messages_in: Counter,
    bytes_in: Counter,
    messages_out: Counter,
    bytes_out: Counter,
    pushes: Family<Outcome, Counter>,
    closes: Family<Reason, Counter>,
    refusals: Family<Reason, Counter>,
    loads: Histogram,
    writes: Histogram,
    commits: Family<Outcome, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    result: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("roomsync"),
            rooms: Gauge::default(),
            connections: Gauge::default(),
            sessions: Gauge::default(),
            messages_in: Counter::default(),
            bytes_in: Counter::default(),
            messages_out: Counter::default(),
            bytes_out: Counter::default(),
            pushes: Family::default(),
            closes: Family::default(),
            refusals: Family::default(),
            loads: Histogram::new(SECONDS),
            writes: Histogram::new(SECONDS),
            commits: Family::default(),
        };
        let Self {
            registry,
            rooms,
            connections,
            sessions,
            messages_in,
            bytes_in,
            messages_out,
            bytes_out,
            pushes,
            closes,
            refusals,
            loads,
            writes,
            commits,
        } = &mut metrics;
        registry.register("rooms", "Rooms that are loaded", rooms.clone());
        registry.register("connections", "WebSockets that are open", connections.clone());
        let help = "Sessions in rooms, with those that may come back after a cut";
        registry.register("sessions", help, sessions.clone());
        registry.register("messages_in", "Messages that clients sent", messages_in.clone());
        let help = "What clients sent, before compression and framing";
        registry.register_with_unit("in", help, Unit::Bytes, bytes_in.clone());
        registry.register("messages_out", "Messages to clients", messages_out.clone());
        let help = "What clients were sent, before compression and framing";
        registry.register_with_unit("out", help, Unit::Bytes, bytes_out.clone());
        registry.register("pushes", "Changes that clients asked for, by result", pushes.clone());
        registry.register("closes", "Connections that ended, by reason", closes.clone());
        let help = "Requests to connect that got no WebSocket, by reason";
        registry.register("refusals", help, refusals.clone());
        let help = "How long it took to read a room";
        registry.register_with_unit("load", help, Unit::Seconds, loads.clone());
        let help = "How long it took to make a batch of commits durable";
        registry.register_with_unit("write", help, Unit::Seconds, writes.clone());
        registry.register("commits", "Commits that were to be made durable", commits.clone());
        metrics
    }

    /// A connection has ended.
    pub(crate) fn closed(&self, reason: &CloseReason) {
        // Of the host's own there could be any number.
        let is_custom = matches!(reason, CloseReason::Custom(_));
        self.closed_with(if is_custom { "CUSTOM" } else { reason.text() });
    }

    /// The same, for a reason of the server's own.
    pub(crate) fn closed_with(&self, reason: &str) {
        self.closes.get_or_create(&Reason { reason: reason.to_owned() }).inc();
    }

    /// Somebody got no WebSocket.
    pub(crate) fn refused(&self, reason: &str) {
        self.refusals.get_or_create(&Reason { reason: reason.to_owned() }).inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, host: &RoomHost, connections: usize) -> Result<String, fmt::Error> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.rooms.set(number(host.open_rooms()));
        self.connections.set(number(connections));
        let HostTotals { sessions, counters, .. } = host.totals();
        self.sessions.set(number(sessions));
        raise(&self.messages_in, counters.messages_in);
        raise(&self.bytes_in, counters.bytes_in);
        raise(&self.messages_out, counters.frames_out);
        raise(&self.bytes_out, counters.bytes_out);
        for (result, total) in [
            ("commit", counters.pushes_committed),
            ("rebase", counters.pushes_rebased),
            ("discard", counters.pushes_discarded),
            ("reject", counters.pushes_rejected),
        ] {
            let result = Outcome { result: result.to_owned() };
            raise(&self.pushes.get_or_create(&result), total);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Brings a counter to a total. Of two readers at once the slower one has an older total.
fn raise(counter: &Counter, total: u64) {
    counter.inner().fetch_max(total, Ordering::Relaxed);
}

/// A storage whose work is timed.
pub(crate) struct Timed<S> {
    pub(crate) storage: S,
    pub(crate) metrics: Arc<Metrics>,
}

impl<S: Storage> Storage for Timed<S> {
    fn load(&mut self, room: &RoomId) -> Result<Option<RoomSnapshot>, StorageError> {
        let start = Instant::now();
        let loaded = self.storage.load(room);
        self.metrics.loads.observe(start.elapsed().as_secs_f64());
        loaded
    }

    fn commit(&mut self, commits: &[RoomCommit]) -> Result<(), StorageError> {
        let start = Instant::now();
        let written = self.storage.commit(commits);
        self.metrics.writes.observe(start.elapsed().as_secs_f64());
        let first = commits.first().map(|commit| &commit.room);
        if written.is_err() && commits.iter().any(|commit| Some(&commit.room) != first) {
            // Those of each room are tried once more by themselves.
            return written;
        }
        let result = if written.is_ok() { "durable" } else { "lost" };
        let count = u64::try_from(commits.len()).unwrap_or(u64::MAX);
        self.metrics.commits.get_or_create(&Outcome { result: result.to_owned() }).inc_by(count);
        written
    }
}
