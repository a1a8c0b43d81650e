//! From a request to a WebSocket, and from what a room sends to its frames.
//!
//! A long message goes out in fragments. So those who are told the same share it until it is
//! written, and a peer that does not read holds a fragment or two of its own and not a message.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
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
    let mut pieces = frame.pieces(FRAGMENT).peekable();
    iter::from_fn(move || {
        let piece = pieces.next()?;
        let kind = OpCode::Data(mem::replace(&mut kind, Data::Continue));
        Some(Message::Frame(Fragment::message(piece, kind, pieces.peek().is_none())))
    })
}
