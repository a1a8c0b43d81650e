//! Clients at `wss://` addresses.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use futures_util::StreamExt;
use roomsync::Schema;
use roomsync_tokio::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use roomsync_tokio::rustls::{ClientConfig, RootCertStore, ServerConfig};
use roomsync_tokio::{Client, ClientOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the first client to connect says first, or `None` when it hangs up before.
async fn first_words(trusts: bool) -> Option<String> {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let server = ServerConfig::builder().with_no_client_auth();
    let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/plans", listener.local_addr().unwrap().port());

    let mut options = ClientOptions::new("alice", Arc::new(schema()));
    if trusts {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        options.tls = Some(Arc::new(config));
    }
    let client = Client::connect(&url, options).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.ok()?;
    let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
    let text = socket.next().await?.ok()?.into_text().ok()?.to_string();
    drop(client);
    Some(text)
}

fn schema() -> Schema {
    Schema::builder().build().unwrap()
}

#[tokio::test]
async fn a_client_speaks_to_a_server_that_it_trusts_and_to_no_other() {
    let limit = Duration::from_secs(20);
    let said = tokio::time::timeout(limit, first_words(true)).await.unwrap().unwrap();
    assert!(said.contains(r#""type":"connect""#));
    assert_eq!(tokio::time::timeout(limit, first_words(false)).await.unwrap(), None);
}
