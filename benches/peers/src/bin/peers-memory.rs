//! Does requests under an allocator that counts, which would spoil the times of the other program.

use anyhow::Result;
use cap::Cap;
use roomsync_peers::crdt::{self, Size};
use roomsync_peers::memory::Question;
use roomsync_peers::ours::{self, Heap};
use std::alloc::System;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> Result<()> {
    let heap = Heap { live: || HEAP.allocated(), most: || HEAP.max_allocated() };
    for line in std::io::stdin().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Question::Ours(request) => serde_json::to_string(&ours::run(&request, heap))?,
            Question::Crdt { name, records } => {
                let size = Size { records, edits: records, writers: 1, receivers: 1 };
                serde_json::to_string(&crdt::run(&name, size, heap.live, || {}))?
            }
        };
        println!("{answer}");
    }
    Ok(())
}
