//! Watches a room from outside: what reaches it, what it says, and what it wants kept.

use crate::hostile::kind;
use crate::invariant::{ANSWERS, EVENTS, MODEL, PERSISTED, PRESENCE, RIGHTS, Verdict, fail, same};
use crate::marker::Marks;
use crate::model::{self, Did, Records, Rights, clock_at};
use crate::once::Effects;
use crate::reach::{Counts, Reach};
use crate::refused::RefusedPresence;
use crate::storage::Storage;
use crate::tap::{Awaiting, Request, Tap, has_string_append};
use roomsync::{
    CloseReason, Commit, NetworkDiff, Object, Origin, Room, RoomEvent, SessionId, Value,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Something that the room has taken and that the model has yet to take.
#[derive(Clone, Debug)]
pub(crate) enum Pending {
    /// A push on a link.
    Push { link: usize, clock: u64, number: u64, diff: Option<Object>, shows: bool },
    /// A change of the host's.
    Host,
}

/// Watches the room from outside.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    /// What was met.
    pub reach: Counts,
    /// What clients' edits have reached the room.
    pub(crate) marks: Marks,
    /// Whether the room keeps next to nothing of what happened.
    pub(crate) has_small_log: bool,
    pub(crate) taps: Vec<Tap>,
    pending: VecDeque<Pending>,
    numbers: u64,
    /// The clocks of commits in which a string grew.
    pub(crate) appended_at: BTreeSet<u64>,
    /// The documents by the model.
    documents: Records,
    /// The documents by the room's events, and the presence.
    committed: Records,
    pub(crate) presence: BTreeMap<SessionId, Object>,
    pub(crate) joined: BTreeSet<SessionId>,
    /// What the host's rules have to do with presence.
    pub(crate) refused: RefusedPresence,
    /// What has taken effect.
    pub(crate) effects: Effects,
    /// Commits whose event is yet to come.
    uncommitted: VecDeque<Arc<Commit>>,
}

impl Oracle {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(has_small_log: bool, uncounted: u16) -> Self {
        let effects = Effects::new(uncounted);
        Self { has_small_log, effects, ..Self::default() }
    }

    /// A connection was made; its place is the number of those before.
    pub fn opened(&mut self, session: SessionId, rights: Rights, is_rude: bool, is_older: bool) {
        self.taps.push(Tap {
            session,
            rights,
            is_rude,
            is_older,
            requests: Vec::new(),
            version: None,
            told_clock: 0,
            awaiting: VecDeque::new(),
            closed: None,
            is_closing: false,
            is_gone: false,
            is_woken: false,
            may_catch_up: self.has_small_log,
        });
    }

    /// A message is about to reach the room, which knows its connection still.
    pub fn room_hears(&mut self, link: usize, message: &Value) {
        let Some(message) = message.as_object() else { return };
        let tap = &mut self.taps[link];
        match kind(message) {
            "connect" => {
                let id = message.get("connectRequestId").cloned().unwrap_or_default();
                let version = clock_at(message, "protocolVersion").unwrap_or(0);
                let clock = clock_at(message, "lastServerClock");
                let acked = clock_at(message, "lastAckedPush");
                let pushes = self.numbers;
                tap.requests.push(Request { id, version, clock, acked, pushes });
            }
            "push" => {
                let Some(clock) = clock_at(message, "clientClock") else { return };
                let diff = message.get("diff").and_then(Value::as_object).cloned();
                self.numbers += 1;
                let number = self.numbers;
                tap.awaiting.push_back(Awaiting {
                    clock,
                    number,
                    has_diff: diff.is_some(),
                    is_certain: tap.version.is_some(),
                    did: None,
                    around: None,
                });
                let shows = message.get("presence").is_some();
                self.pending.push_back(Pending::Push { link, clock, number, diff, shows });
            }
            _ => {}
        }
    }

    /// The room has closed a connection. That is carried out later, after commits that came later.
    pub fn will_close(&mut self, link: usize) {
        self.taps[link].is_closing = true;
    }

    /// The host changed documents.
    pub fn host_changed(&mut self) {
        self.pending.push_back(Pending::Host);
    }

    /// The room was told that nobody reads.
    pub fn unwritable(&mut self, link: usize) {
        self.taps[link].may_catch_up = true;
    }

    /// The room was told that a connection is gone, or closed it.
    #[allow(clippy::wildcard_enum_match_arm, reason = "other reasons need not be met")]
    pub fn closed(&mut self, link: usize, reason: CloseReason) {
        let reach = match &reason {
            CloseReason::Replaced => Some(Reach::Replaced),
            CloseReason::Idle => Some(Reach::Idle),
            CloseReason::StartTimeout => Some(Reach::StartTimeout),
            CloseReason::InvalidRecord => Some(Reach::InvalidRecord),
            CloseReason::UnknownError => Some(Reach::UnknownError),
            CloseReason::BadChunk => Some(Reach::BadChunk),
            CloseReason::Reset => Some(Reach::Overrun),
            CloseReason::ClientTooOld => Some(Reach::TooOld),
            CloseReason::ServerTooOld => Some(Reach::TooNew),
            _ => None,
        };
        reach.into_iter().for_each(|reach| self.reach.meet(reach));
        self.taps[link].closed.get_or_insert(reason);
    }

    /// The room made something durable, which `storage` has taken already.
    ///
    /// # Errors
    ///
    /// When it is not what the model expects.
    pub fn persisted(&mut self, commit: &Arc<Commit>) -> Verdict {
        self.uncommitted.push_back(Arc::clone(commit));
        self.marks.persisted(commit);
        if !commit.pruned.is_empty() {
            self.reach.meet(Reach::Pruned);
        }
        self.took_effect(commit)?;
        if commit.changes.is_empty() {
            return Ok(());
        }
        let before = self.documents.clone();
        match &commit.origin {
            Origin::Session { session, client_clock, identity: _ } => {
                self.take_push(session, *client_clock)?;
            }
            Origin::Host => {
                self.judge_until(|pending| matches!(pending, Pending::Host))?;
                if self.pending.pop_front().is_none() {
                    return fail(MODEL, "a commit of the host's, who changed nothing");
                }
                fold(&mut self.documents, commit);
            }
        }
        let (mut by_after, mut by_op) = (before.clone(), before);
        fold(&mut by_after, commit);
        let ops = commit.changes.iter().map(|change| (change.id.clone(), change.op.clone()));
        let ops: NetworkDiff = ops.collect();
        if let Some(Value::Object(ops)) = crate::hostile::parse(ops.to_string().as_bytes()) {
            if has_string_append(&ops) {
                self.appended_at.insert(commit.clock);
            }
            model::apply_patch(&mut by_op, &ops);
        }
        let what = format!("documents after the commit at {}", commit.clock);
        same(MODEL, &what, &self.documents, &by_after)?;
        same(MODEL, &format!("{what}, by its ops"), &self.documents, &by_op)
    }

    /// Finds the push that a commit is of; those before it must have done nothing.
    fn take_push(&mut self, session: &SessionId, clock: u64) -> Verdict {
        while let Some(pending) = self.pending.pop_front() {
            let Pending::Push { link, clock: own, number, diff, .. } = &pending else {
                return fail(MODEL, "a change of the host's has no commit");
            };
            let tap = &self.taps[*link];
            let is_it = tap.session == *session && *own == clock;
            if is_it
                && let Ok(taken) =
                    model::push(&self.documents, &diff.clone().unwrap_or_default(), tap.rights)
                && taken.did != Did::Nothing
            {
                if tap.is_rude && tap.rights.readonly && !tap.rights.objects {
                    return fail(RIGHTS, format!("{session} may not change documents and did"));
                }
                let (did, is_older) = (taken.did, tap.is_older);
                self.decided(&pending, &taken);
                let before = core::mem::replace(&mut self.documents, taken.documents);
                let is_told = did == Did::Part || is_older;
                let around = is_told.then(|| (before, self.documents.clone()));
                self.note(*link, *number, did, around);
                return Ok(());
            }
            self.judge(&pending)?;
        }
        fail(MODEL, format!("a commit of push {clock} of {session}, which nobody sent"))
    }

    /// A push that the room has taken and made no commit of: it must do nothing in the model too.
    fn judge(&mut self, pending: &Pending) -> Verdict {
        let Pending::Push { link, clock, number, diff, .. } = pending else {
            return fail(PERSISTED, "a change of the host's has no commit");
        };
        let diff = diff.clone().unwrap_or_default();
        let rights = self.taps[*link].rights;
        let taken = model::push(&self.documents, &diff, rights);
        // It may have been refused also where the room has nobody any more to tell so.
        if let Ok(taken) = &taken {
            self.decided(pending, taken);
        }
        let tap = &self.taps[*link];
        let is_certain = tap.awaiting.iter().any(|it| it.number == *number && it.is_certain);
        if tap.closed.is_some() || tap.is_closing || !is_certain {
            return Ok(());
        }
        match taken.map(|taken| taken.did) {
            Ok(Did::Nothing) => {
                self.note(*link, *number, Did::Nothing, None);
                Ok(())
            }
            other => fail(
                MODEL,
                format!(
                    "push {clock} of {} has no commit\n  expected {:?} of {diff}\n  documents {:?}",
                    tap.session, other, self.documents
                ),
            ),
        }
    }

    pub(crate) fn judge_until(&mut self, is_it: impl Fn(&Pending) -> bool) -> Verdict {
        while self.pending.front().is_some_and(|pending| !is_it(pending)) {
            if let Some(pending) = self.pending.pop_front() {
                self.judge(&pending)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, link: usize, number: u64, did: Did, around: Option<(Records, Records)>) {
        let awaiting = self.taps[link].awaiting.iter_mut().find(|it| it.number == number);
        if let Some(awaiting) = awaiting {
            (awaiting.did, awaiting.around) = (Some(did), around);
        }
    }

    /// The room tells the application something.
    ///
    /// # Errors
    ///
    /// When it is not what has happened.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive")]
    pub fn event(&mut self, event: RoomEvent) -> Verdict {
        match event {
            RoomEvent::Committed(commit) => {
                let persisted = self.uncommitted.pop_front();
                same(EVENTS, "a commit and its event", &persisted, &Some(Arc::clone(&commit)))?;
                fold(&mut self.committed, &commit);
            }
            RoomEvent::Presence { session, record: Some(record) } => {
                self.presence.insert(session, record);
            }
            RoomEvent::Presence { session, record: None } => {
                self.reach.meet(Reach::PresenceGone);
                if self.presence.remove(&session).is_none() {
                    return fail(EVENTS, format!("presence of {session} gone and was not there"));
                }
            }
            RoomEvent::Joined { session, .. } => {
                let is_new = self.joined.insert(session.clone());
                return same(EVENTS, &format!("{session} joins: was absent"), &true, &is_new);
            }
            RoomEvent::Left { session, .. } => {
                if self.presence.contains_key(&session) {
                    return fail(EVENTS, format!("{session} leaves before its presence"));
                }
                let was_there = self.joined.remove(&session);
                return same(EVENTS, &format!("{session} leaves: was there"), &true, &was_there);
            }
            RoomEvent::Empty if !self.joined.is_empty() => {
                return fail(EVENTS, format!("empty, with {:?} in it", self.joined));
            }
            _ => {}
        }
        Ok(())
    }

    /// All actions of the room are carried out.
    ///
    /// # Errors
    ///
    /// When copies of the room's state are not equal to it.
    pub fn drained(&mut self, room: &Room, storage: &Storage, is_thorough: bool) -> Verdict {
        self.judge_until(|_| false)?;
        self.check_refused_presence()?;
        self.taps.iter_mut().for_each(|tap| tap.is_gone = tap.closed.is_some());
        same(PERSISTED, "the clock", &room.clock(), &storage.clock())?;
        if let Some(missed) = self.uncommitted.front() {
            return fail(EVENTS, format!("no event for the commit at {}", missed.clock));
        }
        if !is_thorough {
            return Ok(());
        }
        let records: Records = records_of(room.records());
        same(MODEL, "the room's documents", &self.documents, &records)?;
        same(EVENTS, "documents by the room's events", &records, &self.committed)?;
        same(PERSISTED, "the snapshot", &room.snapshot(), &storage.told_snapshot())?;
        let presence = room.presence().map(|(session, record)| (session.clone(), record.clone()));
        same(EVENTS, "presence by the room's events", &presence.collect(), &self.presence)?;
        let stray = self.presence.keys().find(|owner| !self.joined.contains(*owner));
        stray.map_or(Ok(()), |owner| fail(PRESENCE, format!("{owner} shows itself and is not in")))
    }

    /// The room's memory is given up. All that it did is carried out.
    pub(crate) fn sleeps(&mut self) {
        self.presence.clear();
        self.joined.clear();
    }

    /// A session that was in is so again in another memory, which answers what has no answer yet.
    pub(crate) fn resumed(&mut self, link: usize, is_older: bool) {
        let tap = &mut self.taps[link];
        (tap.is_woken, tap.is_older) = (true, is_older);
    }

    /// The room's process has died.
    pub fn crashed(&mut self, storage: &Storage) {
        // What was refused may be durable as taken.
        for pending in core::mem::take(&mut self.pending) {
            if let Pending::Push { link, diff: Some(diff), .. } = &pending
                && let Ok(taken) = model::push(&self.documents, diff, self.taps[*link].rights)
            {
                self.decided(&pending, &taken);
            }
        }
        self.uncommitted.clear();
        self.presence.clear();
        self.joined.clear();
        let documents = storage.snapshot().documents.into_iter();
        let identified = documents.filter_map(|(record, _)| {
            let id = record.get("id").and_then(Value::as_str)?.into();
            Some((id, record))
        });
        self.documents = identified.collect();
        self.committed.clone_from(&self.documents);
        for tap in &mut self.taps {
            tap.closed.get_or_insert(CloseReason::Disconnected);
        }
    }

    /// All that decides what it says of what comes: not what was met, and not how often.
    pub(crate) fn write_state(&self, out: &mut impl core::fmt::Write) -> core::fmt::Result {
        let live: Vec<(usize, &Tap)> =
            self.taps.iter().enumerate().filter(|(_, tap)| tap.closed.is_none()).collect();
        let Self { marks, pending, appended_at, documents, joined, effects, .. } = self;
        write!(out, "{live:?}{marks:?}{pending:?}{appended_at:?}{documents:?}{joined:?}{effects:?}")
    }

    /// The documents by the model.
    #[must_use]
    pub const fn documents(&self) -> &Records {
        &self.documents
    }

    /// All is quiet: on the links that live nobody may still wait for an answer.
    ///
    /// # Errors
    ///
    /// When somebody does.
    pub fn at_rest(&self, live: impl Iterator<Item = usize>) -> Verdict {
        for tap in live.filter_map(|link| self.taps.get(link)) {
            if let Some(unanswered) = tap.awaiting.iter().find(|it| it.is_certain) {
                let (session, clock) = (&tap.session, unanswered.clock);
                return fail(ANSWERS, format!("push {clock} of {session} was never answered"));
            }
        }
        Ok(())
    }
}

fn fold(records: &mut Records, commit: &Commit) {
    for change in &commit.changes {
        match &change.after {
            Some(record) => records.insert(change.id.clone(), record.clone()),
            None => records.remove(&change.id),
        };
    }
}

/// Records as a copy.
pub fn records_of<'a>(
    records: impl Iterator<Item = (&'a roomsync::RecordId, &'a Object)>,
) -> Records {
    records.map(|(id, record)| (id.clone(), record.clone())).collect()
}
