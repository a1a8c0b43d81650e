//! `/connect/{room}?sessionId=…`: a WebSocket of the protocol.

use super::{App, not_found, refuse, room_id};
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use roomsync::SessionParams;
use roomsync_tokio::{Incoming, Outgoing};
use serde::Deserialize;
use std::future::ready;
use tokio_tungstenite::tungstenite;
use tracing::debug;

#[derive(Debug, Deserialize)]
pub(super) struct ConnectQuery {
    #[serde(rename = "sessionId")]
    session_id: Option<String>,
    readonly: Option<bool>,
}

pub(super) async fn connect(
    State(app): State<App>,
    Path(room): Path<String>,
    query: Result<Query<ConnectQuery>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Some(room) = room_id(&room) else { return not_found() };
    if !app.origins.permit(&headers) {
        return refuse(StatusCode::FORBIDDEN, "pages of this origin may not connect");
    }
    let Ok(Query(ConnectQuery { session_id, readonly })) = query else {
        let line = "`sessionId` stands at most once, and `readonly` is true or false";
        return refuse(StatusCode::BAD_REQUEST, line);
    };
    let longest = app.limits.id_bytes;
    let Some(session) = session_id.filter(|id| (1..=longest).contains(&id.len())) else {
        let line = format!("`sessionId` of 1 to {longest} bytes is missing");
        return refuse(StatusCode::BAD_REQUEST, &line);
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let mut params = SessionParams::new(session);
    params.readonly = readonly.unwrap_or(false);
    let longest = app.limits.message_bytes;
    upgrade.max_message_size(longest).max_frame_size(longest).on_upgrade(async move |socket| {
        let (outgoing, incoming) = split(socket);
        let reason = app.host.connect(room.clone(), params, incoming, outgoing).await;
        debug!(%room, %reason, "connection ended");
    })
}

fn split(
    socket: WebSocket,
) -> (impl Sink<Outgoing> + Unpin + Send, impl Stream<Item = Incoming> + Unpin + Send) {
    let (sink, stream) = socket.split();
    let outgoing = sink.with(|outgoing| ready(to_message(outgoing)));
    let incoming = stream::unfold(Some(stream), |stream| Box::pin(receive(stream)));
    (outgoing, Box::pin(incoming))
}

type Receiver = Option<SplitStream<WebSocket>>;

/// The next message, and the stream of those after it.
async fn receive(stream: Receiver) -> Option<(Incoming, Receiver)> {
    let Some(mut stream) = stream else {
        // The rest of a message that is too long cannot be told from what follows. Whoever sent
        // it has a while to read why the connection ends.
        return std::future::pending().await;
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
