//! Which address does what.

mod admin;
mod origin;
mod page;
mod socket;

use crate::cli::Options;
use admin::Admin;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use origin::Origins;
use roomsync::Limits;
use roomsync_tokio::{RoomHost, RoomId};
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tracing::error;

const MAX_ROOM_NAME: usize = 128;

/// What requests are answered with.
#[derive(Clone, Debug)]
pub(crate) struct App {
    host: RoomHost,
    limits: Limits,
    origins: Arc<Origins>,
    admin: Option<Arc<Admin>>,
}

impl App {
    pub(crate) fn new(host: RoomHost, options: &Options, limits: Limits) -> Self {
        Self {
            host,
            limits,
            origins: Arc::new(Origins::new(options.allow_origin.clone())),
            admin: options.admin_token().map(|token| Arc::new(Admin::new(token))),
        }
    }
}

/// Serves requests until `stop` resolves and those under way have ended.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/connect/{room}", get(socket::connect))
        .route("/admin/rooms/{room}/snapshot", get(admin::get_snapshot).put(admin::put_snapshot))
        .merge(page::routes())
        .with_state(app);
    // Small frames must not wait for company.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
        error!(%error, "stopped serving");
    }
}

/// The room of that name, if it can be one: 1 to 128 characters that need no escape in an address.
fn room_id(name: &str) -> Option<RoomId> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let fits = (1..=MAX_ROOM_NAME).contains(&name.len()) && name.bytes().all(plain);
    fits.then(|| RoomId::from(name))
}

fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "there is nothing here")
}

fn refuse(status: StatusCode, line: &str) -> Response {
    (status, format!("{line}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_names_need_no_escape_and_are_short() {
        for name in ["a", "team-7_plan.v2~", &"x".repeat(128)] {
            assert!(room_id(name).is_some(), "{name}");
        }
        for name in ["", "a b", "a/b", "é", "a%", &"x".repeat(129)] {
            assert!(room_id(name).is_none(), "{name}");
        }
    }
}
