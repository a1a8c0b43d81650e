//! What happened in a run, in order, for people to read or to look at.

use crate::network::{Direction, Owner, Packet};
use crate::world::{BEGIN, World, shown};
use core::fmt;
use roomsync::Status;

/// To whom something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// To nobody alone: it is a step of the script, or the world's doing.
    World,
    /// To the room.
    Room,
    /// To a client of the library.
    Client(usize),
    /// To a peer that means no good.
    Rude(usize),
}

impl From<Owner> for Lane {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Client(client) => Self::Client(client),
            Owner::Rude(peer) => Self::Rude(peer),
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World => f.write_str("world"),
            Self::Room => f.write_str("room"),
            Self::Client(client) => write!(f, "client {client}"),
            Self::Rude(peer) => write!(f, "rude {peer}"),
        }
    }
}

/// One packet on its way: which of those that were ever put into a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flight {
    /// The place of the link in the world's list.
    pub link: usize,
    /// Where to.
    pub direction: Direction,
    /// The how manieth of its pipe.
    pub number: u64,
}

/// What kind of thing happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A step of the script begins.
    Step,
    /// Something of no special kind.
    Note,
    /// Something breaks: a link, a process, a clock.
    Fault,
    /// A peer does not read.
    Slow,
    /// What was broken works again.
    Mended,
    /// A commit is durable.
    Durable,
    /// A packet goes on its way.
    Sent(Flight, Packet),
    /// A packet arrives.
    Arrived(Flight),
    /// A packet will never arrive.
    Lost(Flight),
    /// A machine is in another state than before.
    State(State),
    /// All is quiet and equal.
    Agreed,
    /// An invariant is broken.
    Broken,
}

/// The state of a machine, as far as a picture shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The room's clock: its own, or the last that a client has heard of.
    pub clock: Option<u64>,
    /// How it stands to others.
    pub standing: &'static str,
    /// Whether nothing of its own waits to be confirmed.
    pub is_settled: bool,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.standing)?;
        if let Some(clock) = self.clock {
            write!(f, ", clock {clock}")?;
        }
        f.write_str(if self.is_settled { "" } else { ", not settled" })
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Microseconds since the run began.
    pub at: u64,
    /// To whom.
    pub lane: Lane,
    /// Of what kind.
    pub mark: Mark,
    /// In words.
    pub text: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, text) = (self.at as f64 / 1000.0, &self.text);
        match self.lane {
            Lane::World => write!(f, "{at:>12.3} {text}"),
            lane @ (Lane::Room | Lane::Client(_) | Lane::Rude(_)) => {
                write!(f, "{at:>12.3} {lane}: {text}")
            }
        }
    }
}

/// What has happened so far, if anybody wants to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    entries: Vec<Entry>,
    /// The last state noted of the room and of each client.
    states: Vec<(Lane, State)>,
}

impl Trace {
    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

impl World {
    /// Notes something that belongs to nobody alone.
    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        self.mark(Lane::World, || (Mark::Note, text()));
    }

    /// Notes something that happens to somebody.
    pub(crate) fn mark(&mut self, lane: impl Into<Lane>, what: impl FnOnce() -> (Mark, String)) {
        if let Some(trace) = &mut self.trace {
            let (mark, text) = what();
            trace.entries.push(Entry { at: self.now - BEGIN, lane: lane.into(), mark, text });
        }
    }

    /// Notes that a packet goes on its way, or that it never will.
    pub(crate) fn mark_sent(
        &mut self,
        index: usize,
        direction: Direction,
        packet: Packet,
        number: Option<u64>,
    ) {
        let lane = self.sender(index, direction);
        self.mark(lane, || {
            let text = format!("-> {index}: {}", in_words(&packet));
            // What a closed pipe does not take is under way in no pipe, and has no number there.
            let flight = Flight { link: index, direction, number: number.unwrap_or(u64::MAX) };
            (Mark::Sent(flight, packet), text)
        });
        if number.is_none() {
            self.mark_lost(index, direction, [u64::MAX]);
        }
    }

    /// Notes that a packet is there.
    pub(crate) fn mark_arrived(
        &mut self,
        index: usize,
        direction: Direction,
        packet: &Packet,
        number: u64,
    ) {
        let lane = match direction {
            Direction::ToRoom => Lane::Room,
            Direction::ToPeer => self.links[index].owner.into(),
        };
        let flight = Flight { link: index, direction, number };
        self.mark(lane, || (Mark::Arrived(flight), format!("<- {index}: {}", in_words(packet))));
    }

    /// Notes that packets will never arrive.
    pub(crate) fn mark_lost(
        &mut self,
        index: usize,
        direction: Direction,
        numbers: impl IntoIterator<Item = u64>,
    ) {
        let lane = self.sender(index, direction);
        for number in numbers {
            let flight = Flight { link: index, direction, number };
            self.mark(lane, || (Mark::Lost(flight), format!("lost on {index}")));
        }
    }

    fn sender(&self, index: usize, direction: Direction) -> Lane {
        match direction {
            Direction::ToRoom => self.links[index].owner.into(),
            Direction::ToPeer => Lane::Room,
        }
    }

    /// Notes in what state machines are, if that has changed.
    pub(crate) fn mark_states(&mut self) {
        if self.trace.is_none() {
            return;
        }
        let room = match &self.room {
            Some(room) => State { clock: Some(room.clock()), standing: "up", is_settled: true },
            None => {
                let standing = if self.asleep.is_some() { "asleep" } else { "down" };
                State { clock: Some(self.storage.clock()), standing, is_settled: true }
            }
        };
        let clients = self.clients.iter().enumerate().map(|(index, own)| {
            let state = State {
                clock: own.client.server_clock(),
                standing: standing(own.client.status()),
                is_settled: own.client.is_settled(),
            };
            (Lane::Client(index), state)
        });
        let states: Vec<_> = core::iter::once((Lane::Room, room)).chain(clients).collect();
        let trace = self.trace.as_ref();
        let changed: Vec<_> = states
            .iter()
            .filter(|state| trace.is_some_and(|trace| !trace.states.contains(state)))
            .cloned()
            .collect();
        for (lane, state) in changed {
            self.mark(lane, || (Mark::State(state.clone()), format!("is {state}")));
        }
        if let Some(trace) = &mut self.trace {
            trace.states = states;
        }
    }
}

const fn standing(status: &Status) -> &'static str {
    match status {
        Status::Offline => "offline",
        Status::Connecting => "connecting",
        Status::Online => "online",
        Status::Refused(_) => "refused",
        Status::Closed => "closed",
    }
}

/// A packet in words, cut to a line.
fn in_words(packet: &Packet) -> String {
    match packet {
        Packet::Opened => "opened".into(),
        Packet::Text(bytes) | Packet::Binary(bytes) => shown(bytes),
        Packet::End(reason) => format!("end, {reason:?}"),
    }
}
