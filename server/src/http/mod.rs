//! Which address does what.

mod address;
mod admin;
mod listen;
mod origin;
mod page;
mod socket;
mod upgrade;

use crate::auth::Tokens;
use crate::cli::Options;
use crate::metrics::Metrics;
use address::{Connections, Places};
use admin::Admin;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use listen::listen;
use origin::Origins;
use roomsync::Limits;
use roomsync_tokio::{HostOptions, RoomHost, RoomId};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const MAX_ROOM_NAME: usize = 128;

/// What requests are answered with.
#[derive(Clone, Debug)]
pub(crate) struct App {
    host: RoomHost,
    limits: Limits,
    close_timeout: Duration,
    new_rooms: bool,
    tokens: Option<Arc<Tokens>>,
    origins: Arc<Origins>,
    connections: Arc<Connections>,
    admin: Option<Arc<Admin>>,
    metrics: Arc<Metrics>,
}

impl App {
    pub(crate) fn new(
        host: RoomHost,
        host_options: &HostOptions,
        options: &Options,
        tokens: Option<Tokens>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let connections = Connections::new(
            options.max_connections,
            options.max_connections_per_address,
            options.trust_forwarded_for,
        );
        Self {
            host,
            limits: host_options.room.limits.clone(),
            close_timeout: host_options.close_timeout,
            new_rooms: !options.no_new_rooms,
            tokens: tokens.map(Arc::new),
            origins: Arc::new(Origins::new(options.allow_origin.clone())),
            connections: Arc::new(connections),
            admin: options.admin_token().map(|token| Arc::new(Admin::new(token))),
            metrics,
        }
    }
}

/// Serves requests until `stop` resolves and those under way have ended.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (taken, metrics) = (Arc::clone(&app.connections.taken), Arc::clone(&app.metrics));
    let router = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/connect/{room}", get(socket::connect))
        .route("/admin/rooms/{room}/snapshot", get(admin::get_snapshot).put(admin::put_snapshot))
        .merge(page::routes())
        .with_state(app);
    listen(listener, router, taken, || metrics.refused("connections"), stop).await;
}

/// Serves the metrics until `stop` resolves. They are for whoever reaches the address.
pub(crate) async fn serve_metrics(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new().route("/metrics", get(metrics)).with_state(app);
    listen(listener, router, Arc::new(Places::default()), || {}, stop).await;
}

async fn metrics(State(app): State<App>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match app.metrics.text(&app.host, app.connections.sockets()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The room of that name, if it can be one: 1 to 128 characters that need no escape in an address.
pub(crate) fn room_id(name: &str) -> Option<RoomId> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let fits = (1..=MAX_ROOM_NAME).contains(&name.len()) && name.bytes().all(plain);
    fits.then(|| RoomId::from(name))
}

/// The token in the header of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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
