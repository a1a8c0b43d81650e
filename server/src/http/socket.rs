//! `/connect/{room}?sessionId=…`: a WebSocket of the protocol.
//!
//! A browser does not show its page the answer to a failed upgrade. So whatever a client should be
//! told it is told by a close after the upgrade, as stock servers do.

use super::address::Slot;
use super::upgrade::{self, Socket, messages};
use super::{App, bearer, refuse, room_id};
use crate::auth::Entry;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Extension, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{self, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use roomsync::{CloseReason, ObjectAccess};
use roomsync_tokio::{Incoming, RoomId};
use serde::Deserialize;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};
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
    Extension(place): Extension<Arc<Slot>>,
    query: Result<Query<ConnectQuery>, QueryRejection>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    if !app.origins.permit(headers) {
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
    let Some(slot) = app.connections.enter(peer, headers) else {
        app.metrics.refused("connections");
        return refuse(StatusCode::TOO_MANY_REQUESTS, "there are too many connections");
    };
    let token = bearer(headers).or(query.token.as_deref());
    let admitted = admit(&app, &room, session, token, query.readonly.unwrap_or(false));
    let (response, socket) = match upgrade::upgrade(&mut request, app.limits.message_bytes) {
        Ok(upgrade) => upgrade,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    tokio::spawn(async move {
        // Until the socket has ended, they are taken.
        let _places = (place, slot);
        let Some(socket) = socket.await else { return };
        match admitted {
            Ok((room, entry)) => serve(&app, room, entry, socket).await,
            Err(reason) => {
                debug!(%room, %reason, "turned away");
                app.metrics.closed(&reason);
                let (sink, stream) = socket.split();
                end(sink, stream, (reason.code(), reason.text()), app.close_timeout).await;
            }
        }
    });
    response
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
    if readonly {
        entry.params.readonly = true;
        entry.params.object_access = ObjectAccess::Read;
    }
    entry.may_create &= app.new_rooms;
    Ok((room, entry))
}

async fn serve(app: &App, room: RoomId, entry: Entry, socket: Socket) {
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
    let outgoing = (&mut sink).with_flat_map(messages);
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
    let end = async {
        if sink.send(upgrade::close(code, reason)).await.is_ok() {
            while stream.next().await.is_some() {}
        }
    };
    // Whether the peer answers or not, it has had its time.
    timeout(patience, end).await.ok();
}

type Receiver = Option<SplitStream<Socket>>;

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
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {}
            Err(Error::Capacity(_)) => return Some((Incoming::TooLong, None)),
            Err(_) => return None,
        }
    }
}
