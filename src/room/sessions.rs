//! The sessions of a room, in order of their appearance.

use super::session::{Session, SessionKey};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// In order of the keys, so who comes stands last: they are gone over with every push, and found
/// by key now and then.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Vec<(SessionKey, Box<Session>)>);

impl Sessions {
    pub(super) fn get(&self, key: &SessionKey) -> Option<&Session> {
        let at = self.position(key).ok()?;
        self.0.get(at).map(|(_, session)| &**session)
    }

    pub(super) fn get_mut(&mut self, key: &SessionKey) -> Option<&mut Session> {
        let at = self.position(key).ok()?;
        self.0.get_mut(at).map(|(_, session)| &mut **session)
    }

    /// Adds one whose key is new.
    pub(super) fn insert(&mut self, key: SessionKey, session: Session) {
        if let Err(at) = self.position(&key) {
            self.0.insert(at, (key, Box::new(session)));
        }
    }

    pub(super) fn remove(&mut self, key: &SessionKey) -> Option<Session> {
        let at = self.position(key).ok()?;
        Some(*self.0.remove(at).1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&SessionKey, &Session)> {
        self.0.iter().map(|(key, session)| (key, &**session))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&SessionKey, &mut Session)> {
        self.0.iter_mut().map(|(key, session)| (&*key, &mut **session))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &SessionKey> {
        self.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Session> {
        self.iter().map(|(_, session)| session)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.iter_mut().map(|(_, session)| session)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, key: &SessionKey) -> Result<usize, usize> {
        self.0.binary_search_by_key(key, |(key, _)| *key)
    }
}
