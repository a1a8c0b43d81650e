//! From a request to a WebSocket, and from what a room sends to its frames.
//!
//! A long message goes out in fragments. So those who are told the same share it until it is
//! written, and a peer that does not read holds a fragment or two of its own and not a message.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use roomsync::Frame;
use roomsync_tokio::Outgoing;
use std::future::Future;
use std::{iter, mem};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Fragment;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tracing::debug;

/// Bytes of a fragment at most.
const FRAGMENT: usize = 64 << 10;

/// Bytes that are read at once, and that are written at once.
const BUFFER: usize = 64 << 10;

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The answer to a request that asks for a WebSocket, and the WebSocket once that is sent. It reads
/// messages of so many bytes.
pub(super) fn upgrade(
    request: &mut Request,
    longest: usize,
) -> Result<(Response, impl Future<Output = Option<Socket>> + use<>), Error> {
    let response = create_response_with_body(request, Body::empty)?;
    let upgraded = hyper::upgrade::on(request);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest));
    let socket = async move {
        match upgraded.await {
            Ok(stream) => {
                let stream = TokioIo::new(stream);
                Some(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
            }
            Err(error) => {
                debug!(%error, "a connection ended while it was upgraded");
                None
            }
        }
    };
    Ok((response, socket))
}

/// What goes over a WebSocket for what a room sends.
pub(super) fn messages(outgoing: Outgoing) -> impl Stream<Item = Result<Message, Error>> + Unpin {
    let (frame, close) = match outgoing {
        Outgoing::Frame(frame) => (Some(frame), None),
        Outgoing::Close(reason) => (None, Some(close(reason.code(), reason.text()))),
    };
    stream::iter(frame.into_iter().flat_map(fragments).chain(close).map(Ok))
}

pub(super) fn close(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::from(reason) }))
}

fn fragments(frame: Frame) -> impl Iterator<Item = Message> {
    let mut kind = if frame.is_binary() { Data::Binary } else { Data::Text };
    let mut place = (0, 0);
    iter::from_fn(move || {
        let parts = frame.parts();
        (place.0 < parts.len()).then(|| {
            let payload = take(parts, &mut place);
            let kind = OpCode::Data(mem::replace(&mut kind, Data::Continue));
            Message::Frame(Fragment::message(payload, kind, place.0 == parts.len()))
        })
    })
}

/// The bytes from this part and this byte of it, as far as a fragment goes.
fn take(parts: &[Bytes], (index, offset): &mut (usize, usize)) -> Bytes {
    let mut joined = BytesMut::new();
    while let Some(part) = parts.get(*index) {
        let end = part.len().min(*offset + FRAGMENT - joined.len());
        let piece = part.slice(mem::replace(offset, end)..end);
        if end == part.len() {
            (*index, *offset) = (*index + 1, 0);
        }
        // What fills a fragment by itself is not copied.
        if joined.is_empty() && (piece.len() == FRAGMENT || *index == parts.len()) {
            return piece;
        }
        joined.extend_from_slice(&piece);
        if joined.len() == FRAGMENT {
            break;
        }
    }
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the fragments that these parts become.
    fn lengths(parts: &[usize]) -> Vec<usize> {
        let parts: Vec<Bytes> =
            parts.iter().map(|length| Bytes::from(vec![b'x'; *length])).collect();
        let mut place = (0, 0);
        let mut fragments = Vec::new();
        while place.0 < parts.len() {
            fragments.push(take(&parts, &mut place));
        }
        assert_eq!(fragments.concat(), parts.concat());
        fragments.iter().map(Bytes::len).collect()
    }

    #[test]
    fn parts_become_fragments_of_so_many_bytes() {
        assert_eq!(lengths(&[5]), [5]);
        assert_eq!(lengths(&[5, 1, 7]), [13]);
        assert_eq!(lengths(&[FRAGMENT]), [FRAGMENT]);
        assert_eq!(lengths(&[FRAGMENT + 1]), [FRAGMENT, 1]);
        assert_eq!(lengths(&[FRAGMENT, 1, 0]), [FRAGMENT, 1]);
        assert_eq!(lengths(&[1, 3 * FRAGMENT, 1]), [FRAGMENT, FRAGMENT, FRAGMENT, 2]);
        assert_eq!(lengths(&[0, FRAGMENT, 0]), [FRAGMENT, 0]);
    }

    #[test]
    fn what_fills_a_fragment_is_shared_and_not_copied() {
        let parts = [Bytes::from(vec![b'x'; 2 * FRAGMENT])];
        let mut place = (0, 0);
        let fragments = [(); 2].map(|()| take(&parts, &mut place));
        let starts = fragments.each_ref().map(|it| it.as_ptr());
        assert_eq!(starts, [0, FRAGMENT].map(|at| parts[0][at..].as_ptr()));
    }
}
