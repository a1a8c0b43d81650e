//! `/admin/…`: for operators who know the token. Without one configured there is no such thing.

use super::{App, bearer, not_found, refuse, room_id};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomsync::RoomSnapshot;
use roomsync_tokio::{CommandError, RoomHandle};
use std::fmt;
use subtle::ConstantTimeEq;
use tokio::task::spawn_blocking;

/// Bytes of a snapshot at most.
const MAX_SNAPSHOT: usize = 256 << 20;

/// Who may use it.
pub(super) struct Admin {
    token: String,
}

impl Admin {
    pub(super) fn new(token: &str) -> Self {
        Self { token: token.to_owned() }
    }

    /// Whether the request bears the token. Takes as long whatever it bears instead.
    fn permit(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|it| it.as_bytes().ct_eq(self.token.as_bytes()).into())
    }
}

pub(super) async fn get_snapshot(
    State(app): State<App>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Response {
    let room = match enter(&app, &room, &headers) {
        Ok(room) => room,
        Err(refusal) => return *refusal,
    };
    match room.exists().await {
        Ok(true) => {}
        Ok(false) => return refuse(StatusCode::NOT_FOUND, "there is no such room"),
        Err(_) => return unavailable(),
    }
    let Ok(snapshot) = room.snapshot().await else { return unavailable() };
    // Writing a large room takes a while, and others share this thread.
    match spawn_blocking(move || snapshot.to_value().to_string()).await {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => unavailable(),
    }
}

pub(super) async fn put_snapshot(
    State(app): State<App>,
    Path(room): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let room = match enter(&app, &room, &headers) {
        Ok(room) => room,
        Err(refusal) => return *refusal,
    };
    let body = match read(body, MAX_SNAPSHOT).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let bad = |line: &dyn fmt::Display| refuse(StatusCode::BAD_REQUEST, &line.to_string());
    let read = spawn_blocking(move || {
        let text = std::str::from_utf8(&body).map_err(|error| error.to_string())?;
        RoomSnapshot::from_json(text).map_err(|error| error.to_string())
    });
    let snapshot = match read.await {
        Ok(Ok(snapshot)) => snapshot,
        Ok(Err(line)) => return bad(&line),
        Err(_) => return unavailable(),
    };
    match room.load_snapshot(snapshot).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(CommandError::Refused(error)) => bad(&error),
        Err(CommandError::Unavailable(_)) => unavailable(),
    }
}

async fn read(body: Body, most: usize) -> Result<Bytes, Box<Response>> {
    to_bytes(body, most).await.map_err(|_| {
        let line = format!("a snapshot of at most {} MiB is expected", most >> 20);
        Box::new(refuse(StatusCode::PAYLOAD_TOO_LARGE, &line))
    })
}

/// The room, for whoever may touch it.
fn enter(app: &App, room: &str, headers: &HeaderMap) -> Result<RoomHandle, Box<Response>> {
    let Some(admin) = &app.admin else { return Err(Box::new(not_found())) };
    if !admin.permit(headers) {
        let mut response = refuse(StatusCode::UNAUTHORIZED, "the admin token is missing or wrong");
        let challenge = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return Err(Box::new(response));
    }
    let room = room_id(room).ok_or_else(|| Box::new(not_found()))?;
    Ok(app.host.room(room))
}

fn unavailable() -> Response {
    let line = "the room cannot be loaded or stored for now; the server's log says why";
    refuse(StatusCode::SERVICE_UNAVAILABLE, line)
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_snapshot_has_so_many_bytes() {
        let read = async |length: usize| read(Body::from(vec![b' '; length]), 1 << 20).await;
        assert_eq!(read(1 << 20).await.unwrap().len(), 1 << 20);
        assert_eq!(read((1 << 20) + 1).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
