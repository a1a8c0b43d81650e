//! A room and a client in both codecs, on an allocator and a panic handler of their own. std brings
//! another panic handler, so that whatever links it stops this from building.
#![no_std]

extern crate alloc;

use alloc::sync::Arc;
use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};
use roomsync::{
    Client, ClientAction, ClientConfig, ClientMessage, Codec, Instant, Limits, RecordType, Room,
    RoomAction, RoomConfig, Schema, Scope, ServerMessage, SessionParams,
};

/// Lets a client into a room and tells how many messages went to and fro, or −1.
#[unsafe(no_mangle)]
pub extern "C" fn roomsync_no_std(binary: bool) -> i32 {
    run(if binary { Codec::Postcard } else { Codec::Json }).unwrap_or(-1)
}

fn run(codec: Codec) -> Option<i32> {
    let note = RecordType::new(Scope::Document);
    let schema = Schema::builder().record_type("note", note).sequence("com.example", 1).build();
    let schema = Arc::new(schema.ok()?);
    let mut room = Room::new(RoomConfig::default(), Arc::clone(&schema)).ok()?;
    let mut config = ClientConfig::default();
    config.codec = codec;
    let now = Instant::ZERO;
    let mut client = Client::new(now, config, schema).ok()?;
    let connection = room.handle_connect(now, SessionParams::new("a")).ok()?;
    let link = client.handle_connected(now);
    let mut messages = 0;
    while let Some(action) = client.poll_action() {
        let ClientAction::Send { frame, .. } = action else { continue };
        ClientMessage::decode(&frame.to_bytes(), Limits::MAX_VALUE_DEPTH).ok()?;
        room.handle_message(now, connection, &frame.to_bytes());
        messages += 1;
    }
    while let Some(action) = room.poll_action() {
        let RoomAction::Send { frame, .. } = action else { continue };
        ServerMessage::decode(&frame.to_bytes(), Limits::MAX_VALUE_DEPTH).ok()?;
        client.handle_message(now, link, &frame.to_bytes());
        messages += 1;
    }
    Some(messages)
}

/// Hands out memory once and takes none back.
struct Bump;

const HEAP: usize = 1 << 20;

#[repr(align(64))]
struct Heap(core::cell::UnsafeCell<[u8; HEAP]>);

// SAFETY: each byte is handed out once.
unsafe impl Sync for Heap {}

static MEMORY: Heap = Heap(core::cell::UnsafeCell::new([0; HEAP]));
static USED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: what is handed out lies in `MEMORY`, is aligned, and is handed out once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size() + layout.align();
        let start = USED.fetch_add(size, Ordering::Relaxed);
        if start + size > HEAP {
            return core::ptr::null_mut();
        }
        let memory = MEMORY.0.get().cast::<u8>();
        // SAFETY: there is room for the size and for the way to the next aligned address.
        unsafe {
            let free = memory.add(start);
            free.add(free.align_offset(layout.align()))
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
