//! From the start to the end of a server.

use crate::cli::Options;
use crate::http::{self, App};
use crate::storage::{OpenError, SqliteStorage};
use roomsync::{Schema, SchemaError};
use roomsync_tokio::{HostOptions, RoomHost, StartError};
use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
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
    let schema = read_schema(options)?;
    let listen = |error| RunError::Listen(options.listen.clone(), error);
    let listener = TcpListener::bind(&options.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let storage = SqliteStorage::open(&options.data)
        .map_err(|error| RunError::Data(options.data.clone(), error))?;
    let stop = stop_signal().map_err(RunError::System)?;

    let host_options = HostOptions::default();
    let limits = host_options.room.limits.clone();
    let host = RoomHost::start(storage, schema, host_options).map_err(RunError::Host)?;
    let app = App::new(host.clone(), options, limits);
    let (stopping, mut stopped) = watch::channel(());
    let server = http::serve(listener, app, async move {
        // The sender is dropped, which is the signal.
        stopped.changed().await.ok();
    });
    let server = tokio::spawn(server);
    writeln!(io::stdout(), "roomsync-server listens on http://{address}")
        .and_then(|()| io::stdout().flush())
        .map_err(RunError::System)?;
    info!(%address, data = %options.data.display(), "started");

    stop.await;
    info!("stopping");
    drop(stopping);
    host.shutdown().await;
    if timeout(LAST_REQUESTS, server).await.is_err() {
        warn!("some requests did not end in time");
    }
    Ok(())
}

fn read_schema(options: &Options) -> Result<Arc<Schema>, RunError> {
    let Some(path) = &options.schema else { return Ok(Arc::new(Schema::tldraw())) };
    let text =
        std::fs::read_to_string(path).map_err(|error| RunError::ReadSchema(path.clone(), error))?;
    let schema = Schema::from_json(&text).map_err(|error| RunError::Schema(path.clone(), error))?;
    Ok(Arc::new(schema))
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
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Data(path, error) => write!(f, "cannot open {}: {error}", path.display()),
            Self::Host(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}
