//! What a client is, and how it reaches its room.

use roomsync::{ClientConfig, ClientId, Schema, SessionId};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::client::Request;

/// What a client is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// What the client calls its session. Each client of a room needs a name of its own: a second
    /// one with the same takes the place of the first.
    pub session: SessionId,
    /// The record types, with the versions that are told to the room.
    pub schema: Arc<Schema>,
    /// How the client behaves. Its [`ClientConfig::client_id`] is a new random one, unless the
    /// system has no randomness to give, so that each push takes effect once.
    /// [`ClientConfig::persist`] goes by whether there is a store.
    pub config: ClientConfig,
    /// Events that are kept for a subscriber that is behind.
    pub event_capacity: usize,
    /// What each attempt to connect asks first, if anything.
    pub before_dial: Option<BeforeDial>,
    /// Whom to trust at `wss://` addresses, instead of those whom browsers trust.
    #[cfg(feature = "tls")]
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

type Prepared = Pin<Box<dyn Future<Output = Result<Request, Box<dyn Error + Send + Sync>>> + Send>>;

/// Prepares the request of each attempt to connect.
#[derive(Clone)]
pub struct BeforeDial(Arc<dyn Fn(Request) -> Prepared + Send + Sync>);

impl ClientOptions {
    /// A client with the default configuration and a client id of its own.
    #[must_use]
    pub fn new(session: impl Into<SessionId>, schema: Arc<Schema>) -> Self {
        let mut config = ClientConfig::default();
        config.client_id = random_client_id();
        Self {
            session: session.into(),
            schema,
            config,
            event_capacity: 4096,
            before_dial: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Lets `prepare` have the request of each attempt to connect, for example to give it a token
    /// that has not expired. When it fails, so does the attempt; there will be others.
    ///
    /// ```
    /// # async fn fresh_token() -> Result<String, std::io::Error> { Ok("secret".into()) }
    /// # let schema = std::sync::Arc::new(roomsync::Schema::tldraw());
    /// use roomsync_tokio::ClientOptions;
    ///
    /// let options = ClientOptions::new("alice", schema).with_before_dial(|mut request| async {
    ///     let bearer = format!("Bearer {}", fresh_token().await?);
    ///     request.headers_mut().insert("authorization", bearer.parse()?);
    ///     Ok(request)
    /// });
    /// ```
    #[must_use]
    pub fn with_before_dial<F>(
        mut self,
        prepare: impl Fn(Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Request, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.before_dial = Some(BeforeDial(Arc::new(move |request| Box::pin(prepare(request)))));
        self
    }
}

impl BeforeDial {
    pub(super) fn prepare(&self, request: Request) -> Prepared {
        (self.0)(request)
    }
}

impl fmt::Debug for BeforeDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeDial").finish_non_exhaustive()
    }
}

/// An id that nobody else has or guesses.
fn random_client_id() -> Option<ClientId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(ClientId::from(format!("{:032x}", u128::from_le_bytes(bytes))))
}
