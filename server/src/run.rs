//! From the start to the end of a server.

use crate::auth::{KeyError, Tokens};
use crate::cli::Options;
use crate::config::{self, ConfigError};
use crate::http::{self, App};
use crate::metrics::{Metrics, Timed};
use crate::storage::{OpenError, SqliteStorage};
use roomsync::{Schema, SchemaError};
use roomsync_tokio::{HostOptions, RoomHost, StartError};
use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

/// How long requests may take to end after the rooms have.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Why the server does not start, or ended by itself. One line, for the operator.
#[derive(Debug)]
pub(crate) enum RunError {
    ReadSchema(PathBuf, io::Error),
    Schema(PathBuf, SchemaError),
    Config(PathBuf, ConfigError),
    AuthKey(PathBuf, KeyError),
    Listen(String, io::Error),
    Data(PathBuf, OpenError),
    Host(StartError),
    System(io::Error),
}

/// Runs the server until it is told to stop.
pub(crate) fn run(options: &Options) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(RunError::System)?.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<(), RunError> {
    let schema = read_schema(options.schema.as_deref())?;
    let host_options = read_config(options.config.as_deref())?;
    let tokens = read_key(options.auth_key.as_deref())?;
    let (listener, address) = listen(&options.listen).await?;
    let metrics_listener = match &options.metrics_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let file = &options.data.file;
    let storage = open(options).map_err(|error| RunError::Data(file.clone(), error))?;
    let stop = stop_signal().map_err(RunError::System)?;

    let metrics = Arc::new(Metrics::new());
    let storage = Timed { storage, metrics: Arc::clone(&metrics) };
    let host = RoomHost::start(storage, schema, host_options.clone()).map_err(RunError::Host)?;
    let is_open = tokens.is_none();
    let app = App::new(host.clone(), &host_options, options, tokens, metrics);
    let (stopping, stopped) = watch::channel(());
    let stopped = move || {
        let mut stopped = stopped.clone();
        // The sender is dropped, which is the signal.
        async move { drop(stopped.changed().await) }
    };
    let server = tokio::spawn(http::serve(listener, app.clone(), stopped()));
    print(&format!("roomsync-server listens on http://{address}"))?;
    if let Some((listener, address)) = metrics_listener {
        tokio::spawn(http::serve_metrics(listener, app, stopped()));
        print(&format!("roomsync-server has metrics at http://{address}/metrics"))?;
    }
    info!(%address, data = %file.display(), "started");
    if is_open && !address.ip().is_loopback() {
        warn!("whoever reaches this address may enter every room: there is no --auth-key");
    }

    stop.await;
    info!("stopping");
    drop(stopping);
    host.shutdown().await;
    if timeout(LAST_REQUESTS, server).await.is_err() {
        warn!("some requests did not end in time");
    }
    Ok(())
}

/// The record types of that file, or those of tldraw.
pub(crate) fn read_schema(path: Option<&Path>) -> Result<Arc<Schema>, RunError> {
    let Some(path) = path else { return Ok(Arc::new(Schema::tldraw())) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| RunError::ReadSchema(path.to_owned(), error))?;
    let schema =
        Schema::from_json(&text).map_err(|error| RunError::Schema(path.to_owned(), error))?;
    Ok(Arc::new(schema))
}

fn read_config(path: Option<&Path>) -> Result<HostOptions, RunError> {
    let Some(path) = path else { return Ok(HostOptions::default()) };
    config::read(path).map_err(|error| RunError::Config(path.to_owned(), error))
}

fn read_key(path: Option<&Path>) -> Result<Option<Tokens>, RunError> {
    let read = |path| Tokens::read(path).map_err(|error| RunError::AuthKey(path.to_owned(), error));
    path.map(read).transpose()
}

async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), RunError> {
    let failed = |error| RunError::Listen(address.to_owned(), error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn print(line: &str) -> Result<(), RunError> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(RunError::System)
}

fn open(options: &Options) -> Result<SqliteStorage, OpenError> {
    let storage = SqliteStorage::open(&options.data.file)?;
    if let Some(mib) = options.max_data_mib {
        storage.limit(mib)?;
    }
    Ok(storage)
}

/// Resolves when the process is asked to end. Listens from now on.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadSchema(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Schema(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Config(path, error) => write!(f, "{}: {error}", path.display()),
            Self::AuthKey(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Data(path, error) => write!(f, "cannot open {}: {error}", path.display()),
            Self::Host(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}
