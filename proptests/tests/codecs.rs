//! Both codecs: what is written is read back, they mean the same, and no bytes make them panic.

use proptest::prelude::*;
use roomsync::Codec;
use roomsync_proptests::arb_message::{client_message, server_message};
use roomsync_proptests::{harness, laws};

/// Deeper than any message that the strategies make.
const DEPTH: usize = 48;

/// `bytes` with something else at a place or two.
fn damaged(mut bytes: Vec<u8>, damage: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    for (at, how, byte) in damage {
        let at = at.index(bytes.len());
        match how % 4 {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 if bytes.len() > 1 => {
                bytes.remove(at);
            }
            _ => bytes[at] ^= 1 << (byte % 8),
        }
    }
    bytes
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..4)
}

proptest! {
    #[test]
    fn messages_of_clients_are_read_back_as_the_same(message in client_message()) {
        laws::client_message(&message, DEPTH);
    }

    #[test]
    fn messages_of_rooms_are_read_back_as_the_same(message in server_message()) {
        laws::server_message(&message, DEPTH);
    }

    #[test]
    fn damaged_messages_are_read_without_a_panic(
        client in client_message(),
        server in server_message(),
        damage in damage(),
    ) {
        for bytes in [client.encode(Codec::Postcard), server.encode(Codec::Postcard)] {
            harness::decode_message(&damaged(bytes.to_bytes().to_vec(), &damage));
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        kind in 0x80..0xA0_u8,
        bytes in prop::collection::vec(0..160_u8, 0..200),
    ) {
        harness::decode_message(&[&[kind], &bytes[..]].concat());
    }
}
