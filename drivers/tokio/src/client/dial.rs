//! Where a client connects to, and how.

use super::options::{BeforeDial, ClientOptions};
use super::store::StoreError;
use roomsync::{ConfigError, RestoreError, SessionId};
use std::error::Error;
use std::fmt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a client cannot even begin to connect.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    Url(String),
    /// The address is neither `ws://`, nor `wss://` with the feature `tls`.
    Scheme,
    /// The configuration cannot work.
    Config(ConfigError),
    /// The store cannot be read.
    Store(StoreError),
    /// The store holds something that no client has left, or that cannot be gone on from.
    Restore(RestoreError),
}

/// Connects to one address, as often as it takes.
#[derive(Clone)]
pub(super) struct Dialer {
    request: Request,
    before_dial: Option<BeforeDial>,
    config: WebSocketConfig,
    #[cfg(feature = "tls")]
    connector: tokio_tungstenite::Connector,
}

impl Dialer {
    pub(super) fn new(url: &str, options: &ClientOptions) -> Result<Self, ConnectError> {
        let message_bytes = options.config.limits.message_bytes;
        let request = with_session(url, &options.session).into_client_request();
        let request = request.map_err(|error| ConnectError::Url(error.to_string()))?;
        match request.uri().scheme_str() {
            Some("ws") => {}
            Some("wss") if cfg!(feature = "tls") => {}
            Some(_) | None => return Err(ConnectError::Scheme),
        }
        // Each look at the socket clears as much, also where there is nothing to read.
        let config = WebSocketConfig::default()
            .read_buffer_size(16 << 10)
            .max_message_size(Some(message_bytes))
            .max_frame_size(Some(message_bytes));
        Ok(Self {
            request,
            before_dial: options.before_dial.clone(),
            config,
            #[cfg(feature = "tls")]
            connector: tls(options),
        })
    }

    pub(super) async fn dial(self) -> Result<Socket, Box<dyn Error + Send + Sync>> {
        let (mut request, config) = (self.request, Some(self.config));
        if let Some(before_dial) = self.before_dial {
            request = before_dial.prepare(request).await?;
        }
        // Small frames must not wait for company.
        let no_delay = true;
        #[cfg(feature = "tls")]
        let dialed = tokio_tungstenite::connect_async_tls_with_config(
            request,
            config,
            no_delay,
            Some(self.connector),
        );
        #[cfg(not(feature = "tls"))]
        let dialed = tokio_tungstenite::connect_async_with_config(request, config, no_delay);
        Ok(dialed.await?.0)
    }
}

#[cfg(feature = "tls")]
fn tls(options: &ClientOptions) -> tokio_tungstenite::Connector {
    let config = options.tls.clone().unwrap_or_else(|| {
        // Whom browsers trust.
        let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        config.with_no_client_auth().into()
    });
    tokio_tungstenite::Connector::Rustls(config)
}

/// `url` with `sessionId` added to its query.
fn with_session(url: &str, session: &SessionId) -> String {
    let (url, _fragment) = url.split_once('#').unwrap_or((url, ""));
    let separator = if url.contains('?') { '&' } else { '?' };
    let mut url = format!("{url}{separator}sessionId=");
    for byte in session.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "the address cannot be read: {error}"),
            Self::Scheme if cfg!(feature = "tls") => {
                f.write_str("the address is not like ws://host/path or wss://host/path")
            }
            Self::Scheme => f.write_str(
                "the address is not like ws://host/path; for wss:// the feature `tls` is needed",
            ),
            Self::Config(error) => error.fmt(f),
            Self::Store(error) => write!(f, "the store cannot be read: {error}"),
            Self::Restore(error) => write!(f, "what the store holds cannot be used: {error}"),
        }
    }
}

impl Error for ConnectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_added_to_the_query() {
        for (url, session, expected) in [
            ("ws://h/connect/r", "a-1", "ws://h/connect/r?sessionId=a-1"),
            ("ws://h/r?readonly=true", "a b&c", "ws://h/r?readonly=true&sessionId=a%20b%26c"),
            ("ws://h/r#top", "é", "ws://h/r?sessionId=%C3%A9"),
        ] {
            assert_eq!(with_session(url, &session.into()), expected);
        }
    }

    #[test]
    fn what_is_no_websocket_address_is_refused() {
        let options = ClientOptions::new("a", std::sync::Arc::new(roomsync::Schema::tldraw()));
        let dialer = |url| Dialer::new(url, &options);
        for url in ["http://h/r", "h/r", "", "ws://", "ws://a b/r"] {
            assert!(dialer(url).is_err(), "{url}");
        }
        assert!(dialer("ws://h/r").is_ok());
        assert_eq!(dialer("wss://h/r").is_ok(), cfg!(feature = "tls"));
    }
}
