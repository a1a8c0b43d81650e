//! Small worlds, explored completely: every order of everything that can happen in them.
//!
//! The worlds are those of the simulator, with the real machines and all oracles. What differs is who
//! decides what comes next: not a queue by time, but all choices in turn. A packet arrives at any
//! time after it was sent, and time passes only from one deadline of a machine to the next.
//!
//! It is a search in depth over clones, which forgets a world once its choices are used up and knows
//! states by fingerprint. So it needs no model of the machines beside them, as a checker that stores
//! states would, and memory for as many worlds as one path has steps.

use crate::invariant::{CONVERGENCE, Failure, PANIC, Verdict, fail};
use crate::network::Direction;
use crate::progress::Progress;
use crate::report::Outcome;
use crate::script::Setup;
use crate::trace::{Lane, Mark};
use crate::world::{Doom, Event, World};
use core::fmt::{self, Write};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What can happen in a world at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many clients there are.
    pub clients: u16,
    /// How many records their edits are of.
    pub records: u16,
    /// How many edits there are of all clients together.
    pub edits: u16,
    /// How often each client's connection is cut.
    pub cuts: u16,
    /// How often the room's process dies.
    pub crashes: u16,
    /// Whether no client reads while more than one message is under way to it.
    pub is_slow: bool,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are named by what they are the place of")]
pub enum Choice {
    /// A client's application changes a record.
    Edit { client: usize, record: u16, edit: Edit },
    /// A dial reaches the room.
    Dial { client: usize },
    /// The next packet of a link arrives.
    Arrive { link: usize, direction: Direction },
    /// Time passes to the next deadline.
    Wait,
    /// A client's connection breaks. Of what is under way one packet still arrives, or none; the
    /// room is told, or hears of it by the next connection.
    Cut { client: usize, kept: bool, told: bool },
    /// The room's process dies after so many further actions.
    Crash { actions: u16 },
    /// The room's process is back.
    Up,
}

/// How a record is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It is made, or made anew.
    Put,
    /// It is removed, or made if it is not there.
    Remove,
    /// Its text grows, or it is made if it is not there.
    Append,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit { client, record, edit } => {
                write!(f, "client {client}: {edit:?} record {record}")
            }
            Self::Dial { client } => write!(f, "the dial of client {client} arrives"),
            Self::Arrive { link, direction: Direction::ToRoom } => {
                write!(f, "room <- {link}: the next packet")
            }
            Self::Arrive { link, direction: Direction::ToPeer } => {
                write!(f, "peer <- {link}: the next packet")
            }
            Self::Wait => f.write_str("time passes"),
            Self::Cut { client, kept, told } => {
                let kept = if *kept { ", one packet arrives" } else { "" };
                let told = if *told { "" } else { ", the room is not told" };
                write!(f, "client {client} is cut{kept}{told}")
            }
            Self::Crash { actions } => write!(f, "the room dies after {actions} more actions"),
            Self::Up => f.write_str("the room is back"),
        }
    }
}

/// What an exploration has seen.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// States, told apart by all that decides what comes.
    pub states: u64,
    /// Choices taken: ways from one state to another.
    pub choices: u64,
    /// States in which nothing is due any more.
    pub ends: u64,
    /// The most choices in a row.
    pub depth: usize,
    /// Whether all was seen, or how it ended before.
    pub found: Option<(Vec<Choice>, Failure)>,
}

/// A world and what may still happen in it.
#[derive(Clone, Debug)]
struct Place {
    world: World,
    edits: u16,
    cuts: Vec<u16>,
    crashes: u16,
}

/// No deadline later than this is waited for: it would be one of those that never come.
const SOON: u64 = 60_000_000;

impl Place {
    fn new(size: &Size, is_traced: bool) -> Result<Self, Failure> {
        let setup = Setup {
            clients: size.clients,
            window: if size.is_slow { 1 } else { u16::MAX },
            // Packets arrive when they are chosen.
            delay: u16::MAX,
            is_patient: true,
            ..Setup::default()
        };
        let world = World::new(&setup, is_traced)?;
        let cuts = vec![size.cuts; usize::from(size.clients)];
        Ok(Self { world, edits: size.edits, cuts, crashes: size.crashes })
    }

    /// What is bound to happen sooner or later.
    fn due(&self) -> Vec<Choice> {
        let world = &self.world;
        let mut due = Vec::new();
        for (link, it) in world.links.iter().enumerate() {
            for direction in [Direction::ToRoom, Direction::ToPeer] {
                let pipe = if direction == Direction::ToRoom { &it.to_room } else { &it.to_peer };
                if !pipe.is_empty() {
                    due.push(Choice::Arrive { link, direction });
                }
            }
        }
        if world.room.is_none() {
            due.push(Choice::Up);
        } else {
            let dialling = (0..world.clients.len()).filter(|client| world.is_dialling(*client));
            due.extend(dialling.map(|client| Choice::Dial { client }));
        }
        if self.world.next_timer().is_some_and(|(at, _)| at.0 < self.world.now + SOON) {
            due.push(Choice::Wait);
        }
        due
    }

    /// Everything that may happen next.
    fn choices(&self, size: &Size) -> Vec<Choice> {
        let mut all = self.due();
        if self.edits > 0 {
            for client in 0..self.world.clients.len() {
                for record in 0..size.records {
                    for edit in [Edit::Put, Edit::Remove, Edit::Append] {
                        all.push(Choice::Edit { client, record, edit });
                    }
                }
            }
        }
        for (client, left) in self.cuts.iter().enumerate() {
            if *left > 0 && self.world.clients[client].link.is_some() {
                for (kept, told) in [(false, true), (true, true), (false, false), (true, false)] {
                    all.push(Choice::Cut { client, kept, told });
                }
            }
        }
        if self.crashes > 0 && self.world.room.is_some() && self.world.doom.is_none() {
            all.extend((0..4).map(|actions| Choice::Crash { actions }));
        }
        all
    }

    fn take(&mut self, choice: Choice) -> Verdict {
        let world = &mut self.world;
        match choice {
            Choice::Edit { client, record, edit } => {
                self.edits -= 1;
                // The numbers of these edits in the simulator.
                let how = match edit {
                    Edit::Put => 22,
                    Edit::Remove => 1,
                    Edit::Append => 5,
                };
                world.client_edits(client, record, how)
            }
            Choice::Dial { client } => {
                let dial = world.clients[client].dial;
                world.queue.retain(|_, event| !is_dial(event, client, dial));
                world.dialled(client, dial)
            }
            Choice::Arrive { link, direction } => {
                let now = world.now;
                world.links[link].pipe(direction).hasten(now);
                world.arrive(link, direction)
            }
            Choice::Wait => match world.next_timer() {
                Some((at, event)) => world.pass_time(at, event),
                None => Ok(()),
            },
            Choice::Cut { client, kept, told } => {
                self.cuts[client] -= 1;
                // The number that says so in the simulator.
                let how = if told { 0 } else { 2 } + if kept { 16 + 64 } else { 0 };
                world.cut(client, how, 0, 0)
            }
            Choice::Crash { actions } => {
                self.crashes -= 1;
                // Everybody is told at once, after one more packet, and what was not durable is lost.
                world.doom = Some(Doom { actions, how: 7, down: u64::from(u16::MAX), at: 0 });
                Ok(())
            }
            Choice::Up => world.room_up(),
        }
    }

    /// When nothing is due any more, everybody agrees.
    fn check_end(&mut self) -> Verdict {
        match self.world.room {
            None => fail(CONVERGENCE, "the room is down and nothing is due"),
            Some(_) => self.world.busy().and_then(|()| self.world.check_rest()),
        }
    }

    fn fingerprint(&self) -> u128 {
        let mut out = Fingerprint::default();
        // Writing into a number does not fail.
        let _written = self.write_state(&mut out);
        out.sum()
    }

    fn write_state(&self, out: &mut Fingerprint) -> fmt::Result {
        let world = &self.world;
        write!(out, "{} {:?} {} {:?}", self.edits, self.cuts, self.crashes, world.doom)?;
        out.now = world.room_now().as_micros();
        write!(out, "{:?}{:?}", world.room, world.storage.state())?;
        for (index, own) in world.clients.iter().enumerate() {
            out.now = world.client_now(index).as_micros();
            let is_dialling = world.is_dialling(index);
            write!(out, "{:?}{:?}{:?}{is_dialling}", own.client, own.link, own.did)?;
            write!(out, "{:?}{:?}{:?}", own.mirror, own.expected, own.durable)?;
        }
        for (index, link) in world.links.iter().enumerate() {
            let is_dead = link.room_life != world.room_life;
            if link.to_room.is_empty() && link.to_peer.is_empty() && (is_dead || !link.is_open) {
                continue;
            }
            write!(out, "{index}{is_dead}{}{}{:?}", link.is_open, link.is_unwritable, link.owner)?;
            for pipe in [&link.to_room, &link.to_peer] {
                write!(out, "{}", pipe.is_closed())?;
                pipe.packets().try_for_each(|packet| write!(out, "{packet:?}"))?;
            }
        }
        world.oracle.write_state(out)
    }
}

impl World {
    /// The next time that a machine asked to be woken at.
    fn next_timer(&self) -> Option<((u64, u64), Event)> {
        let is_timer = |event: &Event| matches!(event, Event::RoomTimer | Event::ClientTimer(_));
        let timer = self.queue.iter().find(|(_, event)| is_timer(event));
        timer.map(|(at, event)| (*at, *event))
    }

    fn pass_time(&mut self, at: (u64, u64), event: Event) -> Verdict {
        self.queue.remove(&at);
        self.now = self.now.max(at.0);
        match event {
            Event::ClientTimer(client) => self.wake_client(client, true),
            Event::RoomTimer | Event::Arrival(..) | Event::Dialled { .. } | Event::RoomUp => {
                self.wake_room(true)
            }
        }
    }

    fn is_dialling(&self, client: usize) -> bool {
        let own = self.clients[client].dial;
        self.queue.values().any(|event| is_dial(event, client, own))
    }
}

fn is_dial(event: &Event, of: usize, number: u64) -> bool {
    matches!(event, Event::Dialled { client, dial } if *client == of && *dial == number)
}

/// Sums up what is written to it. Points in time count by how far from now they are, since that is
/// all that the machines go by.
#[derive(Clone, Debug)]
struct Fingerprint {
    sums: [u64; 2],
    /// The time of the machine that is written.
    now: u64,
    /// How much of `Instant(` was seen, or a point in time as far as it is read.
    seen: usize,
    instant: Option<u64>,
}

const INSTANT: &[u8] = b"Instant(";

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            sums: [0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15],
            now: 0,
            seen: 0,
            instant: None,
        }
    }
}

impl Fingerprint {
    fn byte(&mut self, byte: u8) {
        let [first, second] = self.sums;
        self.sums[0] = (first ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.sums[1] =
            (second.rotate_left(9) ^ u64::from(byte)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    }

    fn sum(&self) -> u128 {
        u128::from(self.sums[0]) << 64 | u128::from(self.sums[1])
    }
}

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if let Some(instant) = self.instant {
                if byte.is_ascii_digit() {
                    let digit = u64::from(byte - b'0');
                    self.instant = Some(instant.wrapping_mul(10).wrapping_add(digit));
                    continue;
                }
                self.instant = None;
                let away = instant.wrapping_sub(self.now).to_le_bytes();
                away.into_iter().for_each(|byte| self.byte(byte));
            }
            self.seen = if INSTANT.get(self.seen) == Some(&byte) { self.seen + 1 } else { 0 };
            self.byte(byte);
            if self.seen == INSTANT.len() {
                (self.seen, self.instant) = (0, Some(0));
            }
        }
        Ok(())
    }
}

/// Goes everywhere. Stops at the first failure, or after `most` states.
#[must_use]
pub fn explore(size: &Size, most: u64, progress: &mut Progress) -> Explored {
    let mut explored = Explored::default();
    let mut known = BTreeSet::new();
    let mut path: Vec<(Place, Vec<Choice>, usize)> = Vec::new();
    match Place::new(size, false) {
        Ok(place) => {
            let choices = place.choices(size);
            path.push((place, choices, 0));
        }
        Err(failure) => explored.found = Some((Vec::new(), failure)),
    }
    while let Some((place, choices, next)) = path.last_mut() {
        let Some(choice) = choices.get(*next).copied() else {
            path.pop();
            continue;
        };
        *next += 1;
        let mut place = place.clone();
        explored.choices += 1;
        if let Err(failure) = step(&mut place, choice) {
            let taken = path.iter().filter_map(|(_, choices, next)| choices.get(next - 1).copied());
            let taken: Vec<Choice> = taken.collect();
            explored.found = Some(shorten(size, taken, failure));
            return explored;
        }
        if known.insert(place.fingerprint()) {
            explored.states += 1;
            explored.ends += u64::from(place.due().is_empty());
            if explored.states >= most {
                return explored;
            }
            let choices = place.choices(size);
            path.push((place, choices, 0));
            explored.depth = explored.depth.max(path.len());
        }
        if explored.choices.is_multiple_of(256) {
            let ways = path.iter().map(|(_, choices, next)| (*next as f64, choices.len() as f64));
            progress.show(part_done(ways), || {
                format!(
                    "{} states, {} choices, {} deep",
                    explored.states,
                    explored.choices,
                    path.len()
                )
            });
        }
    }
    explored
}

/// What part of all ways lies behind, if all branches were alike.
fn part_done(ways: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut done, mut width) = (0.0, 1.0);
    for (next, choices) in ways {
        done += width * (next - 1.0).max(0.0) / choices;
        width /= choices;
    }
    done
}

/// Takes a choice, and sees whether all is as it must be then.
fn step(place: &mut Place, choice: Choice) -> Verdict {
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        place.take(choice)?;
        match place.due().is_empty() {
            true => place.check_end(),
            false => Ok(()),
        }
    }));
    verdict.unwrap_or_else(|panic| fail(PANIC, crate::report::panic_text(&*panic)))
}

/// Takes choices in a row, those that are none at their turn left out.
fn replay(
    size: &Size,
    choices: &[Choice],
    is_traced: bool,
) -> (Vec<Choice>, Verdict, Option<Place>) {
    let mut taken = Vec::new();
    let mut place = match Place::new(size, is_traced) {
        Ok(place) => place,
        Err(failure) => return (taken, Err(failure), None),
    };
    for choice in choices {
        if place.choices(size).contains(choice) {
            taken.push(*choice);
            place.world.mark(Lane::World, || (Mark::Step, format!("== {choice}")));
            if let Err(failure) = step(&mut place, *choice) {
                return (taken, Err(failure), Some(place));
            }
        }
    }
    (taken, Ok(()), Some(place))
}

/// Leaves out choices as long as the same invariant is broken.
fn shorten(size: &Size, choices: Vec<Choice>, failure: Failure) -> (Vec<Choice>, Failure) {
    let mut best = (choices, failure);
    let mut at = 0;
    while at < best.0.len() {
        let mut fewer = best.0.clone();
        fewer.remove(at);
        match replay(size, &fewer, false) {
            (taken, Err(failure), _) if failure.oracle == best.1.oracle => best = (taken, failure),
            _ => at += 1,
        }
    }
    best
}

/// The same choices once more, for people to look at.
#[must_use]
pub fn trace(size: &Size, choices: &[Choice]) -> Outcome {
    let (_, verdict, place) = replay(size, choices, true);
    Outcome::of(place.map(|place| place.world), verdict)
}
