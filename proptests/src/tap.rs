//! What the room says on a connection, against what was asked on it.

use crate::hostile::kind;
use crate::invariant::{
    ANSWERS, CLOCKS, MODEL, NEWS, ONCE, QUIET, TOLD, VERSIONS, Verdict, fail, same,
};
use crate::model::{self, Did, Records, Rights, clock_at};
use crate::oracle::{Oracle, Pending};
use crate::reach::Reach;
use crate::storage::Storage;
use roomsync::{CloseReason, Object, SessionId, Value};
use std::collections::VecDeque;

/// What is known of a connection from what went over it.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    pub(crate) session: SessionId,
    pub(crate) rights: Rights,
    pub(crate) is_rude: bool,
    /// Whether it is of an older schema than the room.
    pub(crate) is_older: bool,
    /// The requests to enter that have no answer.
    pub(crate) requests: Vec<Request>,
    /// The protocol that was agreed on, once the session is in.
    pub(crate) version: Option<u64>,
    pub(crate) told_clock: u64,
    pub(crate) awaiting: VecDeque<Awaiting>,
    pub(crate) closed: Option<CloseReason>,
    /// The room has closed it, and that is yet to be carried out.
    pub(crate) is_closing: bool,
    /// It is closed, and nothing that the room has done before is left to carry out.
    pub(crate) is_gone: bool,
    /// It may have fallen behind further than the room keeps what happened: the room was told that
    /// nobody reads and has sent nothing since, or keeps next to nothing.
    pub(crate) may_catch_up: bool,
    /// The room has slept since it was sent anything.
    pub(crate) is_woken: bool,
}

/// A request to enter.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: Value,
    pub(crate) version: u64,
    /// The room's clock, if the client had heard of it.
    pub(crate) clock: Option<u64>,
    /// The last push that the client had the answer of, if it counts them.
    pub(crate) acked: Option<u64>,
    /// How many pushes of anybody's there were before.
    pub(crate) pushes: u64,
}

/// A push without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Awaiting {
    pub(crate) clock: u64,
    /// Where it stands in the order of all pushes.
    pub(crate) number: u64,
    pub(crate) has_diff: bool,
    /// Whether the session was surely in when it came.
    pub(crate) is_certain: bool,
    /// What the model made of it.
    pub(crate) did: Option<Did>,
    /// Documents before and after, when something else than asked happened.
    pub(crate) around: Option<(Records, Records)>,
}

impl Oracle {
    /// The room sends a message on a link.
    ///
    /// # Errors
    ///
    /// When it may not say that now, to them, or at all.
    pub fn room_says(
        &mut self,
        link: usize,
        is_unwritable: bool,
        message: &Value,
        storage: &Storage,
    ) -> Verdict {
        let Some(message) = message.as_object() else { return fail(MODEL, "not an object") };
        let (tap, kind) = (&mut self.taps[link], kind(message));
        let name = format!("{kind} to {}", tap.session);
        if let Some(reason) = &tap.closed {
            if *reason == CloseReason::Disconnected && !tap.is_gone {
                return Ok(());
            }
            return fail(QUIET, format!("{name} after its connection was closed: {reason:?}"));
        }
        if kind == "incompatibility_error" {
            self.reach.meet(Reach::Incompatible);
            return Ok(());
        }
        if is_unwritable {
            return fail(QUIET, format!("{name}, which does not read"));
        }
        if kind != "connect" && tap.version.is_none() {
            return fail(ANSWERS, format!("{name}, which is not in"));
        }
        match kind {
            "connect" => self.room_answers(link, message, storage),
            "data" => {
                let told = tap.told_clock;
                let entries = message.get("data").and_then(Value::as_array).cloned();
                for entry in entries.unwrap_or_default().iter().filter_map(Value::as_object) {
                    is_news(entry, told, storage).or_else(|id| {
                        fail(NEWS, format!("{name}: {id} as it was told at {told} already"))
                    })?;
                    self.room_tells(link, entry, storage)?;
                }
                let tap = &mut self.taps[link];
                (tap.may_catch_up, tap.is_woken) = (self.has_small_log, false);
                Ok(())
            }
            "custom" => {
                self.reach.meet(Reach::Custom);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn told(&mut self, link: usize, message: &Object, storage: &Storage) -> Verdict {
        let tap = &mut self.taps[link];
        let Some(clock) = clock_at(message, "serverClock") else {
            return fail(CLOCKS, "a message without clock");
        };
        if clock > storage.clock() {
            let durable = storage.clock();
            return fail(TOLD, format!("{} told clock {clock}, durable is {durable}", tap.session));
        }
        if clock < tap.told_clock {
            let before = tap.told_clock;
            return fail(CLOCKS, format!("{} told clock {clock} after {before}", tap.session));
        }
        tap.told_clock = clock;
        Ok(())
    }

    fn room_answers(&mut self, link: usize, message: &Object, storage: &Storage) -> Verdict {
        self.told(link, message, storage)?;
        let tap = &mut self.taps[link];
        let id = message.get("connectRequestId").cloned().unwrap_or_default();
        let Some(at) = tap.requests.iter().position(|request| request.id == id) else {
            return fail(ANSWERS, format!("{} is answered a request {id} of nobody", tap.session));
        };
        let Some(request) = tap.requests.drain(..=at).next_back() else { return Ok(()) };
        tap.version = Some(request.version);
        // What was asked before was ignored, or what it was owed it has now.
        tap.awaiting.retain(|it| it.number > request.pushes);
        let version = request.version;
        if !(5..=8).contains(&version) {
            return fail(VERSIONS, format!("{} is let in with protocol {version}", tap.session));
        }
        let older = [(5, Reach::Version5), (6, Reach::Version6), (7, Reach::Version7)];
        let older = older.into_iter().find(|(number, _)| *number == version);
        older.into_iter().for_each(|(_, reach)| self.reach.meet(reach));
        if self.joined.contains(&tap.session) {
            self.reach.meet(Reach::Resumed);
        }
        match (clock_at(message, "lastAppliedPush"), request.acked, request.clock) {
            (Some(taken), Some(acked), _) if taken < acked => {
                return fail(
                    ONCE,
                    format!("{} has an answer of {acked}, not {taken}", tap.session),
                );
            }
            (Some(taken), Some(acked), Some(_)) if taken > acked => self.reach.meet(Reach::Taken),
            (Some(taken), Some(0), None) if taken > 0 => self.reach.meet(Reach::CameBack),
            (Some(_), Some(_), _) | (None, None, _) => {}
            other => return fail(ONCE, format!("{} is told of pushes: {other:?}", tap.session)),
        }
        let is_all = message.get("hydrationType").and_then(Value::as_str) == Some("wipe_all");
        let session = tap.session.clone();
        self.lets_in(&session, is_all);
        let diff = message.get("diff").and_then(Value::as_object);
        let has_changes = diff.is_some_and(|diff| diff.iter().any(|(id, _)| is_document(id)));
        match request.clock {
            Some(_) if is_all => self.reach.meet(Reach::WipeAllAgain),
            Some(_) if has_changes => self.reach.meet(Reach::WipePresence),
            Some(_) | None => {}
        }
        Ok(())
    }

    /// One entry of a data message.
    fn room_tells(&mut self, link: usize, entry: &Object, storage: &Storage) -> Verdict {
        self.told(link, entry, storage)?;
        let is_legacy = self.taps[link].version.is_some_and(|version| version < 8);
        let rebase = entry.get("action").and_then(Value::as_object);
        let rebase = rebase.and_then(|it| it.get("rebaseWithDiff")).and_then(Value::as_object);
        let diff = rebase.or_else(|| entry.get("diff").and_then(Value::as_object));
        if is_legacy && diff.is_some_and(has_string_append) {
            return fail(VERSIONS, format!("a string append for {}", self.taps[link].session));
        }
        if kind(entry) == "patch" {
            if is_legacy && self.appended_at.contains(&clock_at(entry, "serverClock").unwrap_or(0))
            {
                self.reach.meet(Reach::Legacy);
            }
            return Ok(());
        }
        let clock = clock_at(entry, "clientClock").unwrap_or(u64::MAX);
        let tap = &mut self.taps[link];
        // Pushes that came before the session was in were never taken.
        let may_miss = |it: &Awaiting| !it.is_certain && it.clock != clock;
        while tap.awaiting.front().is_some_and(may_miss) {
            tap.awaiting.pop_front();
        }
        let Some(front) = tap.awaiting.front().filter(|front| front.clock == clock) else {
            let (session, due) = (&tap.session, tap.awaiting.front());
            return fail(ANSWERS, format!("{session}: an answer to push {clock}, due is {due:?}"));
        };
        let number = front.number;
        // Answered, so taken: all that came before was taken too.
        self.judge_until(|it| match it {
            Pending::Push { number: own, .. } => *own > number,
            Pending::Host => true,
        })?;
        let tap = &mut self.taps[link];
        let Some(own) = tap.awaiting.pop_front() else { return Ok(()) };
        let asked = if own.has_diff { own.did } else { Some(Did::All) };
        let Some(asked) = asked else { return Ok(()) };
        let action = entry.get("action").cloned().unwrap_or_default();
        let (expected, reach) = match (asked, rebase) {
            (Did::Nothing, _) if tap.rights.readonly => ("discard", Reach::ReadOnly),
            (Did::Nothing, _) => ("discard", Reach::Discard),
            _ if tap.is_woken && action.as_str() == Some("discard") => ("discard", Reach::Woken),
            _ if tap.may_catch_up && action.as_str() == Some("discard") => {
                ("discard", Reach::CatchUp)
            }
            (Did::All, _) if !tap.is_older => ("commit", Reach::Commit),
            (Did::All, None) => ("commit", Reach::Older),
            // An older client is told what is computed in its schema, which need not be as it asked.
            (Did::Part | Did::All, Some(diff)) => {
                let (mut seen, after) = own.around.unwrap_or_default();
                model::apply_patch(&mut seen, diff);
                same(ANSWERS, "documents after a rebase", &after, &seen)?;
                self.reach.meet(Reach::Rebase);
                return Ok(());
            }
            (Did::Part, None) => ("a rebase", Reach::Rebase),
        };
        self.reach.meet(reach);
        let what = format!("the answer to push {clock} of {}", tap.session);
        same(ANSWERS, &what, &Some(expected), &action.as_str())
    }
}

/// Whether all documents that an entry tells of have changed since the session was told of `clock`;
/// or else one that has not.
fn is_news(entry: &Object, clock: u64, storage: &Storage) -> Result<(), String> {
    let diff = entry.get("diff").and_then(Value::as_object).into_iter().flat_map(Object::iter);
    let is_old = |id: &str| storage.changed_at(id).is_some_and(|changed_at| changed_at <= clock);
    let mut old = diff.map(|(id, _)| id.as_str()).filter(|id| is_old(id));
    old.next().map_or(Ok(()), |id| Err(id.into()))
}

fn is_document(id: &str) -> bool {
    !id.starts_with("cursor:")
}

pub(crate) fn has_string_append(diff: &Object) -> bool {
    diff.iter().any(|(_, op)| match op.as_array().map(|op| &op[..]) {
        Some([Value::String(name), Value::String(_), ..]) => name.as_str() == "append",
        Some([_, Value::Object(diff)]) => {
            op.as_array().and_then(|op| op[0].as_str()) == Some("patch") && has_string_append(diff)
        }
        _ => false,
    })
}
