//! Who may enter which room: signed access tokens, which are JWTs.

mod key;

pub(crate) use key::KeyError;

use jsonwebtoken::{DecodingKey, Validation, decode, get_current_timestamp};
use roomsync::{CloseReason, Identity, ObjectAccess, SessionParams};
use roomsync_tokio::RoomId;
use serde::Deserialize;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// How far the clocks of the issuer and of this machine may differ.
const LEEWAY: Duration = Duration::from_secs(10);

/// Checks tokens.
pub(crate) struct Tokens {
    key: DecodingKey,
    validation: Validation,
}

/// What a token lets its bearer do.
#[derive(Debug, Deserialize)]
struct Claims {
    /// In seconds since 1970. `jsonwebtoken` checks it, and `nbf`.
    exp: f64,
    /// A room, or `*` for all.
    room: String,
    access: Access,
    #[serde(rename = "objectAccess")]
    object_access: Option<Access>,
    /// Who it is.
    sub: Option<String>,
    /// The only session that may be opened.
    session: Option<String>,
    /// Whether the room may be a new one.
    #[serde(default = "yes")]
    create: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Access {
    Read,
    Write,
}

/// A session as it may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) params: SessionParams,
    /// Whether the room may be a new one.
    pub(crate) may_create: bool,
    /// How long the connection may last.
    pub(crate) lasts: Option<Duration>,
}

impl Entry {
    /// What everybody may do where there are no tokens.
    pub(crate) fn open(session: &str) -> Self {
        Self { params: SessionParams::new(session), may_create: true, lasts: None }
    }
}

impl Tokens {
    /// Reads the key that tokens are signed with.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is neither a shared secret nor a public key.
    pub(crate) fn read(key: &Path) -> Result<Self, KeyError> {
        Self::new(&std::fs::read(key).map_err(KeyError::Read)?)
    }

    fn new(key: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, key) = key::parse(key)?;
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        Ok(Self { key, validation })
    }

    /// What a session may do in the room by the token.
    ///
    /// # Errors
    ///
    /// With what the peer is told: not authenticated when the token is missing, no token, of
    /// another key or out of its time; forbidden when it is for another room or session.
    pub(crate) fn admit(
        &self,
        token: Option<&str>,
        room: &RoomId,
        session: &str,
    ) -> Result<Entry, CloseReason> {
        let claims =
            token.and_then(|token| decode::<Claims>(token, &self.key, &self.validation).ok());
        let claims = claims.ok_or(CloseReason::NotAuthenticated)?.claims;
        let is_room = claims.room == "*" || claims.room == room.as_str();
        if !is_room || claims.session.is_some_and(|only| only != session) {
            return Err(CloseReason::Forbidden);
        }
        let mut entry = Entry::open(session);
        entry.params.readonly = claims.access == Access::Read;
        entry.params.object_access = match claims.object_access.unwrap_or(claims.access) {
            Access::Read => ObjectAccess::Read,
            Access::Write => ObjectAccess::Write,
        };
        entry.params.identity = claims.sub.as_deref().map(Identity::from);
        entry.may_create = claims.create;
        entry.lasts = Some(until(claims.exp));
        Ok(entry)
    }
}

/// How long a token of that end, in seconds since 1970, is taken. That ends with a whole second; a
/// connection that ended before could come back with it, to no end.
fn until(seconds: f64) -> Duration {
    let end = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let end = end.saturating_add(LEEWAY).saturating_add(Duration::from_secs(1));
    end.saturating_sub(Duration::from_secs(get_current_timestamp()))
}

const fn yes() -> bool {
    true
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
