//! Many writers on one document of nested maps, merged by a server and by receivers: roomsync beside
//! libraries of conflict-free replicated data types.

mod automerge;
mod loro;
mod roomsync;
mod yrs;

use crate::wire::gzipped;
use std::time::Instant;

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Records of the document.
    pub records: usize,
    /// Property edits, each merged by the server and by all receivers before the next.
    pub edits: usize,
    /// Who edits, in turn.
    pub writers: usize,
    /// Who only receives. Writers hear of each other's edits as well.
    pub receivers: usize,
}

/// An edit: which record's `x` shall be what.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// The record.
    pub record: usize,
    /// The value, new each time.
    pub x: f64,
}

/// What it took.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Outcome {
    /// Nanoseconds for all edits, from the writer's call until all replicas have merged.
    pub merge_ns: f64,
    /// Bytes from writers to the server and from there to everybody else.
    pub sent_bytes: f64,
    /// Bytes that a newcomer loads after all edits.
    pub load_bytes: f64,
    /// The same bytes gzipped, as by a transport that compresses.
    pub load_gzip_bytes: f64,
    /// Nanoseconds to make those bytes and load them into a new replica.
    pub load_ns: f64,
    /// Live bytes of that replica.
    pub replica_bytes: f64,
}

/// A library under test: a server, writers and receivers, all in one process.
trait Network: Sized {
    /// Everybody has these records.
    fn new(size: Size) -> Self;
    /// One writer edits; everybody merges. Returns the bytes that were sent.
    fn edit(&mut self, writer: usize, edit: Edit) -> usize;
    /// What a newcomer has to load.
    fn full(&mut self) -> Vec<u8>;
    /// A replica of what was loaded.
    fn load(&mut self, full: &[u8]) -> impl Sized;
    /// The value as the last receiver has it.
    fn received(&self, record: usize) -> f64;
}

/// The libraries by name.
pub const NAMES: [&str; 5] = ["roomsync", "roomsync, binary", "yrs", "loro", "automerge"];

/// Does it all with the library of that name.
pub fn run(name: &str, size: Size, live: fn() -> usize, step: impl FnMut()) -> Outcome {
    match name {
        "roomsync" => drive::<roomsync::Network<false>>(size, live, step),
        "roomsync, binary" => drive::<roomsync::Network<true>>(size, live, step),
        "yrs" => drive::<yrs::Network>(size, live, step),
        "loro" => drive::<loro::Network>(size, live, step),
        "automerge" => drive::<automerge::Network>(size, live, step),
        other => unreachable!("no library {other}"),
    }
}

/// `step` hears of every hundredth of the way.
fn drive<N: Network>(size: Size, live: fn() -> usize, mut step: impl FnMut()) -> Outcome {
    let mut network = N::new(size);
    let (mut sent, mut last) = (0, None);
    let hundredth = (size.edits / 100).max(1);
    let start = Instant::now();
    for number in 0..size.edits {
        // Each writer goes over all records; two seldom meet in one.
        let edit = Edit { record: number * 7919 % size.records, x: number as f64 + 0.5 };
        sent += network.edit(number % size.writers, edit);
        last = Some(edit);
        if number % hundredth == 0 {
            step();
        }
    }
    let merge_ns = start.elapsed().as_nanos() as f64;
    if let Some(Edit { record, x }) = last {
        assert_eq!(network.received(record), x, "the last receiver has the last edit");
    }
    let start = Instant::now();
    let full = network.full();
    let before = live();
    let replica = network.load(&full);
    let load_ns = start.elapsed().as_nanos() as f64;
    let replica_bytes = live().saturating_sub(before) as f64;
    drop(replica);
    Outcome {
        merge_ns,
        sent_bytes: sent as f64,
        load_bytes: full.len() as f64,
        load_gzip_bytes: gzipped(&full).len() as f64,
        load_ns,
        replica_bytes,
    }
}

/// The strings of a record, beside `x`, `y` and the nested `props`.
const STRINGS: [(&str, &str); 4] =
    [("typeName", "shape"), ("type", "geo"), ("parentId", "page:page"), ("index", "a1")];

/// What stands in `props`.
const PROPS: [(&str, &str); 6] = [
    ("geo", "rectangle"),
    ("color", "black"),
    ("fill", "none"),
    ("dash", "draw"),
    ("size", "m"),
    ("font", "draw"),
];
