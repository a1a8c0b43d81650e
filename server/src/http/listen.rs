//! How connections are taken and counted, and how those end that say nothing.

use super::address::Places;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower_service::Service;
use tracing::{debug, warn};

/// How long a connection may take with a request, and be idle between two.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What somebody is told for whom there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\n\
    content-type: text/plain; charset=utf-8\r\ncontent-length: 31\r\n\r\nthere are too many connections\n";

/// How many of those are told at a time. Others are cut.
const TOLD_AT_A_TIME: usize = 64;

/// How long that may take.
const TELL_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait when the system has no more connections to give.
const NO_MORE: Duration = Duration::from_secs(1);

/// Serves requests until `stop` resolves and those under way have ended.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    places: Arc<Places>,
    refused: impl Fn(),
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let told = Arc::new(Semaphore::new(TOLD_AT_A_TIME));
    // Connections hold a receiver each: a change tells them to end, and when all are gone they have.
    let (ending, end) = watch::channel(());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut stop => break,
        };
        match places.enter(peer.ip()) {
            Some(slot) => {
                let serve = serve(stream, peer, router.clone(), Arc::new(slot), end.clone());
                tokio::spawn(serve);
            }
            None => {
                refused();
                if let Ok(permit) = Arc::clone(&told).try_acquire_owned() {
                    tokio::spawn(async move {
                        // Whether it was heard or not, it has had its time.
                        timeout(TELL_TIMEOUT, turn_away(stream)).await.ok();
                        drop(permit);
                    });
                }
            }
        }
    }
    drop((listener, end));
    ending.send_replace(());
    ending.closed().await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // Of a peer that was gone before it was taken.
            Err(error) if is_of_one(&error) => debug!(%error, "cannot take a connection"),
            Err(error) => {
                warn!(%error, "cannot take connections for now");
                sleep(NO_MORE).await;
            }
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}

/// Serves one connection. Its place is that of all of its requests, and of what becomes of them.
async fn serve<P: Clone + Send + Sync + 'static>(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: P,
    mut end: watch::Receiver<()>,
) {
    // Small frames must not wait for company.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(place.clone());
        router.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        _ = end.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "connection failed");
    }
}

async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(NO_PLACE).await?;
    stream.shutdown().await?;
    // One that is dropped with unread bytes may never deliver what was written.
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
