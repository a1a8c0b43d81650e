//! What sessions still have to hear: each change once, encoded once, however many read it.

use super::session::SessionKey;
use crate::ids::RecordId;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

/// The recent changes, in order. Positions count from the room's beginning and are never reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// The position of the first entry that is still held.
    first: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// After the last entry that others than its pusher have to hear.
    broadcast_end: u64,
    /// After the last entry that does not mean the same to all others.
    audience_end: u64,
    /// Presence that was removed, for sessions that fell off the log, with its position.
    presence_removed: VecDeque<(u64, RecordId)>,
    /// Sessions that read at or before this position can no longer be told of removed presence.
    presence_known_since: u64,
}

/// A part of a data message to the others, and one to the pusher.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) pusher: Option<SessionKey>,
    /// For the pusher.
    pub(super) result: Bytes,
    /// For all others, by the slot of their dialect. Empty for those that have nothing to hear.
    pub(super) patches: Vec<Bytes>,
    /// Those others who hear something else.
    pub(super) audience: Audience,
}

/// Who hears what of an entry that does not mean the same to all.
#[derive(Clone, Debug, Default)]
pub(super) struct Audience {
    /// What is told to some, each by the slot of their dialect.
    versions: Vec<Vec<Bytes>>,
    /// Which of the versions a session is told. Sorted.
    hears: Vec<(SessionKey, usize)>,
}

impl Audience {
    /// Lets sessions hear `patches`.
    pub(super) fn add(&mut self, patches: Vec<Bytes>, who: impl Iterator<Item = SessionKey>) {
        let version = self.versions.len();
        self.versions.push(patches);
        self.hears.extend(who.map(|key| (key, version)));
        self.hears.sort_unstable();
    }

    const fn is_empty(&self) -> bool {
        self.hears.is_empty()
    }

    fn len(&self) -> usize {
        let versions = self.versions.iter().flatten().map(Bytes::len).sum::<usize>();
        versions + self.hears.len() * size_of::<(SessionKey, usize)>()
    }

    fn part_for(&self, key: SessionKey) -> Option<&Vec<Bytes>> {
        let position = self.hears.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.hears.get(position).and_then(|(_, version)| self.versions.get(*version))
    }
}

impl Entry {
    /// Its bytes. What dialects share counts for each, so this is never less than what it takes.
    fn len(&self) -> usize {
        let patches = self.patches.iter().map(Bytes::len).sum::<usize>();
        self.result.len() + patches + self.audience.len()
    }

    fn is_for_others(&self) -> bool {
        self.patches.iter().any(|patch| !patch.is_empty()) || !self.audience.is_empty()
    }

    /// What the session hears of this entry, if anything.
    pub(super) fn part_for(&self, key: SessionKey, slot: usize) -> Option<&Bytes> {
        if self.pusher == Some(key) {
            return Some(&self.result);
        }
        self.audience.part_for(key).unwrap_or(&self.patches).get(slot)
    }
}

impl Log {
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// The position that the next entry will have.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// After the last entry that others than its pusher have to hear.
    pub(super) const fn broadcast_end(&self) -> u64 {
        self.broadcast_end
    }

    /// Whether all who read from `position` on hear the same, but for results.
    pub(super) const fn is_common_since(&self, position: u64) -> bool {
        position >= self.audience_end
    }

    /// Adds an entry, unless nobody hears anything of it. The oldest fall off when the log is over
    /// `max_bytes`.
    pub(super) fn push(&mut self, entry: Entry, max_bytes: usize) {
        if entry.len() == 0 {
            return;
        }
        self.bytes += entry.len();
        if entry.is_for_others() {
            self.broadcast_end = self.end() + 1;
        }
        if !entry.audience.is_empty() {
            self.audience_end = self.end() + 1;
        }
        self.entries.push_back(entry);
        while self.bytes > max_bytes && self.entries.len() > 1 {
            self.drop_first();
        }
    }

    /// The entries from `position` on, which must not have fallen off.
    pub(super) fn since(&self, position: u64) -> impl Iterator<Item = &Entry> + Clone {
        let skip = usize::try_from(position.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }

    /// Forgets what stands before `position`: everybody has read it.
    pub(super) fn trim(&mut self, position: u64) {
        while self.first < position && !self.entries.is_empty() {
            self.drop_first();
        }
        while self.presence_removed.front().is_some_and(|(at, _)| *at < position) {
            self.presence_removed.pop_front();
        }
    }

    fn drop_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.first += 1;
            self.bytes -= entry.len();
        }
    }

    /// Remembers that a presence record goes with the next entry, and at `most` so many.
    pub(super) fn note_presence_removed(&mut self, id: &RecordId, most: usize) {
        self.presence_removed.push_back((self.end(), id.clone()));
        if self.presence_removed.len() > most
            && let Some((position, _)) = self.presence_removed.pop_front()
        {
            self.presence_known_since = position + 1;
        }
    }

    /// The presence records removed from `position` on, or `None` when that is forgotten.
    pub(super) fn presence_removed_since(&self, position: u64) -> Option<Vec<RecordId>> {
        let known = position >= self.presence_known_since;
        let since = self.presence_removed.iter().filter(|(at, _)| *at >= position);
        known.then(|| since.map(|(_, id)| id.clone()).collect())
    }
}
