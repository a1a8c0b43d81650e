//! `/connect/{room}?sessionId=…`: a WebSocket of the protocol.
//!
//! A browser does not show its page the answer to a failed upgrade. So whatever a client should be
//! told it is told by a close after the upgrade, as stock servers do.

use super::{App, bearer, refuse, room_id};
use crate::auth::Entry;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use roomsync::CloseReason;
use roomsync_tokio::{Incoming, Outgoing, RoomId};
use serde::Deserialize;
use std::future::{pending, ready};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite;
use tracing::debug;

/// Ends a connection whose token has expired. The client connects again, with a new token if it
/// gets one.
const TOKEN_EXPIRED: (u16, &str) = (1000, "TOKEN_EXPIRED");

#[derive(Debug, Deserialize)]
pub(super) struct ConnectQuery {
    #[serde(rename = "sessionId")]
    session_id: Option<String>,
    readonly: Option<bool>,
    token: Option<String>,
}

pub(super) async fn connect(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(room): Path<String>,
    query: Result<Query<ConnectQuery>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !app.origins.permit(&headers) {
        app.metrics.refused("origin");
        return refuse(StatusCode::FORBIDDEN, "pages of this origin may not connect");
    }
    let Ok(Query(query)) = query else {
        let line = "`sessionId` and `token` stand at most once, and `readonly` is true or false";
        return refuse(StatusCode::BAD_REQUEST, line);
    };
    let longest = app.limits.id_bytes;
    let session = query.session_id.as_deref().filter(|id| (1..=longest).contains(&id.len()));
    let Some(session) = session else {
        let line = format!("`sessionId` of 1 to {longest} bytes is missing");
        return refuse(StatusCode::BAD_REQUEST, &line);
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Some(slot) = app.connections.enter(peer, &headers) else {
        app.metrics.refused("connections");
        return refuse(StatusCode::TOO_MANY_REQUESTS, "there are too many connections");
    };
    let token = bearer(&headers).or(query.token.as_deref());
    let admitted = admit(&app, &room, session, token, query.readonly.unwrap_or(false));
    let longest = app.limits.message_bytes;
    upgrade.max_message_size(longest).max_frame_size(longest).on_upgrade(async move |socket| {
        let _slot = slot;
        match admitted {
            Ok((room, entry)) => serve(&app, room, entry, socket).await,
            Err(reason) => {
                debug!(%room, %reason, "turned away");
                app.metrics.closed(&reason);
                let (sink, stream) = socket.split();
                end(sink, stream, (reason.code(), reason.text()), app.close_timeout).await;
            }
        }
    })
}

/// What the session may do where, or what it is told instead.
fn admit(
    app: &App,
    room: &str,
    session: &str,
    token: Option<&str>,
    readonly: bool,
) -> Result<(RoomId, Entry), CloseReason> {
    let room = room_id(room).ok_or(CloseReason::NotFound)?;
    let mut entry = match &app.tokens {
        Some(tokens) => tokens.admit(token, &room, session)?,
        None => Entry::open(session),
    };
    entry.params.readonly |= readonly;
    entry.may_create &= app.new_rooms;
    Ok((room, entry))
}

async fn serve(app: &App, room: RoomId, entry: Entry, socket: WebSocket) {
    let Entry { params, may_create, lasts } = entry;
    let (mut sink, stream) = socket.split();
    let expiry = Box::pin(async move {
        match lasts {
            Some(lasts) => sleep(lasts).await,
            None => pending().await,
        }
    });
    let incoming = stream::unfold(Some(stream), |stream| Box::pin(receive(stream)));
    let mut incoming = Box::pin(incoming).take_until(expiry);
    let outgoing = (&mut sink).with(|outgoing| ready(to_message(outgoing)));
    let reason = if may_create {
        app.host.connect(room.clone(), params, &mut incoming, outgoing).await
    } else {
        app.host.connect_existing(room.clone(), params, &mut incoming, outgoing).await
    };
    if incoming.take_result().is_some() {
        let (_, reason) = TOKEN_EXPIRED;
        debug!(%room, reason, "connection ended");
        app.metrics.closed_with(reason);
        end(sink, incoming.into_inner(), TOKEN_EXPIRED, app.close_timeout).await;
    } else {
        debug!(%room, %reason, "connection ended");
        app.metrics.closed(&reason);
    }
}

/// Closes a WebSocket, and gives the peer a while to answer: one that is dropped with unread bytes
/// may never deliver its last message.
async fn end(
    mut sink: impl Sink<Message> + Unpin,
    mut stream: impl Stream + Unpin,
    (code, reason): (u16, &str),
    patience: Duration,
) {
    let close = CloseFrame { code, reason: reason.into() };
    let end = async {
        if sink.send(Message::Close(Some(close))).await.is_ok() {
            while stream.next().await.is_some() {}
        }
    };
    // Whether the peer answers or not, it has had its time.
    timeout(patience, end).await.ok();
}

type Receiver = Option<SplitStream<WebSocket>>;
/// The next message, and the stream of those after it.
async fn receive(stream: Receiver) -> Option<(Incoming, Receiver)> {
    let Some(mut stream) = stream else {
        // The rest of a message that is too long cannot be told from what follows. Whoever sent
        // it has a while to read why the connection ends.
        return pending().await;
    };
    loop {
        match stream.next().await? {
            Ok(Message::Text(text)) => return Some((Incoming::Message(text.into()), Some(stream))),
            Ok(Message::Binary(bytes)) => return Some((Incoming::Message(bytes), Some(stream))),
            // Pings and closes are answered by the socket, which ends after a close.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => {}
            Err(error) => return is_too_long(error).then_some((Incoming::TooLong, None)),
        }
    }
}

fn is_too_long(error: axum::Error) -> bool {
    let error = error.into_inner().downcast::<tungstenite::Error>();
    error.is_ok_and(|error| matches!(*error, tungstenite::Error::Capacity(_)))
}

fn to_message(outgoing: Outgoing) -> Result<Message, axum::Error> {
    Ok(match outgoing {
        Outgoing::Frame(frame) if frame.is_binary() => Message::Binary(frame.into()),
        Outgoing::Frame(frame) => {
            Message::Text(Utf8Bytes::try_from(bytes::Bytes::from(frame)).map_err(axum::Error::new)?)
        }
        Outgoing::Close(reason) => Message::Close(Some(CloseFrame {
            code: reason.code(),
            reason: Utf8Bytes::from(reason.text()),
        })),
    })
}
