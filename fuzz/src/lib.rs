//! What all fuzzers share: an allocator that gives no input much memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// No input is more than some kilobytes, and nothing may take many times what it is given.
const MOST_BYTES: usize = 64 << 20;

struct Modest;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// All is done by the system's allocator; only the sum of what lives is counted.
unsafe impl GlobalAlloc for Modest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LIVE.fetch_add(layout.size(), Relaxed) + layout.size() > MOST_BYTES {
            // The fuzzer notes the input of whoever aborts.
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Modest = Modest;
