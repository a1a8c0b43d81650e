//! One room, its clients, the links between them and one clock, all from above.
//!
//! Nothing here ticks by itself: a machine is called when something reaches it, and at the very
//! time that it asked for.

use crate::edit;
use crate::hash::Hash;
use crate::honest::Honest;
use crate::hostile::{Rude, parse};
use crate::invariant::{CALM, IDS, PERSISTED, PRESENCE, TIMERS, Verdict, WHOLE, fail};
use crate::network::{Direction, Link, Owner, Packet};
use crate::oracle::Oracle;
use crate::reach::Reach;
use crate::rules::Rules;
use crate::script::Setup;
use crate::sleep::{Asleep, Kept};
use crate::storage::Storage;
use crate::trace::{Lane, Mark, Trace};
use crate::versions::{client_schema, room_schema, swapped_message};
use bytes::Bytes;
use roomsync::{
    CloseReason, Commit, ConnectionId, Instant, Key, Room, RoomAction, RoomConfig, Value,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Something that will happen at a known time.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The room asked to be woken.
    RoomTimer,
    /// A client asked to be woken.
    ClientTimer(usize),
    /// The head of a pipe arrives.
    Arrival(usize, Direction),
    /// A client's dial reaches the room.
    Dialled {
        /// Who dials.
        client: usize,
        /// The how manieth time.
        dial: u64,
    },
    /// The room's process is back.
    RoomUp,
}

/// A key of the queue: when, and the how manieth of all.
pub type EventKey = (u64, u64);

/// The world's time when a run begins, in microseconds.
pub(crate) const BEGIN: u64 = 1_000_000_000;

/// What never comes in a run.
pub(crate) const AGES: Duration = Duration::from_secs(1 << 30);

/// How a room's process will die.
#[derive(Clone, Copy, Debug)]
pub struct Doom {
    /// After so many actions.
    pub actions: u16,
    /// What becomes of the links, and of what was not durable yet.
    pub how: u16,
    /// Microseconds until it is back.
    pub down: u64,
    /// How much still arrives of the packet of each link that does not arrive whole.
    pub at: u16,
}

/// All there is.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) setup: Setup,
    pub(crate) now: u64,
    pub(crate) queue: BTreeMap<EventKey, Event>,
    sequence: u64,
    at_this_time: u32,
    /// `None` while its process is down, or it sleeps.
    pub(crate) room: Option<Room>,
    pub(crate) asleep: Option<Asleep>,
    /// That it is to sleep as soon as it may, and how it wakes up then.
    pub(crate) tired: Option<u16>,
    /// Who was in before it slept and is not resumed yet.
    pub(crate) drowsy: VecDeque<Kept>,
    pub(crate) room_life: u64,
    /// The room's clock less the world's.
    pub(crate) room_skew: i64,
    /// The time that it has seen when its clock went back.
    pub(crate) room_held_at: Instant,
    room_timer: Option<EventKey>,
    pub(crate) room_hold: u16,
    pub(crate) connections: BTreeMap<ConnectionId, usize>,
    pub(crate) doom: Option<Doom>,
    pub(crate) storage: Storage,
    pub(crate) clients: Vec<Honest>,
    pub(crate) rude: Vec<Rude>,
    pub(crate) links: Vec<Link>,
    pub(crate) oracle: Oracle,
    pub(crate) hash: Hash,
    pub(crate) inputs: u64,
    pub(crate) has_faults: bool,
    pub(crate) trace: Option<Trace>,
}

impl World {
    /// A room without documents, and clients about to dial.
    ///
    /// # Errors
    ///
    /// When an invariant is broken already.
    pub fn new(setup: &Setup, is_traced: bool) -> Result<Self, crate::invariant::Failure> {
        let mut setup = setup.clone();
        if setup.calm == 1 {
            // Small limits close connections.
            setup.tight = 0;
        }
        if setup.adopts == 1 {
            // Whatever its first client has, it has no migrations.
            (setup.older, setup.upgrades) = (0, 0);
        }
        let setup = &setup;
        let room = Room::new(room_config(setup), room_schema(setup, 0)).expect("a good config");
        let mut world = Self {
            setup: setup.clone(),
            now: BEGIN,
            queue: BTreeMap::new(),
            sequence: 0,
            at_this_time: 0,
            storage: Storage::of_new(&room),
            room: Some(room),
            asleep: None,
            tired: None,
            drowsy: VecDeque::new(),
            room_life: 0,
            room_skew: 0,
            room_held_at: Instant::ZERO,
            room_timer: None,
            room_hold: 0,
            connections: BTreeMap::new(),
            doom: None,
            clients: Vec::new(),
            rude: (0..3).map(|_| Rude::new(setup.adopts == 0)).collect(),
            links: Vec::new(),
            oracle: Oracle::new(setup.tight == 1, setup.uncounted),
            hash: Hash::default(),
            inputs: 0,
            has_faults: false,
            trace: is_traced.then(Trace::default),
        };
        for index in 0..usize::from(setup.clients.max(1)) {
            let skew = index as i64 * 977_000_123;
            let schema = client_schema(&world.setup, 0, index);
            world.clients.push(Honest::new(index, &world.setup, schema, world.now, skew));
            world.drain_client(index)?;
        }
        Ok(world)
    }

    /// Plans an event.
    pub(crate) fn plan(&mut self, at: u64, event: Event) -> EventKey {
        self.sequence += 1;
        let key = (at.max(self.now), self.sequence);
        self.queue.insert(key, event);
        key
    }

    /// Lets the next event happen, whenever that is.
    ///
    /// # Errors
    ///
    /// When an invariant is broken.
    pub(crate) fn next_event(&mut self) -> Verdict {
        let Some((key, event)) = self.queue.pop_first() else { return Ok(()) };
        self.at_this_time = if key.0 > self.now { 0 } else { self.at_this_time + 1 };
        if self.at_this_time > 20_000 {
            fail(TIMERS, "time stands still")?;
        }
        self.now = key.0;
        match event {
            Event::RoomTimer => self.wake_room(true),
            Event::ClientTimer(client) => self.wake_client(client, true),
            Event::Arrival(link, direction) => self.arrive(link, direction),
            Event::Dialled { client, dial } => self.dialled(client, dial),
            Event::RoomUp => self.room_up(),
        }
    }

    /// Lets time pass, and whatever is due happen.
    ///
    /// # Errors
    ///
    /// When an invariant is broken.
    pub(crate) fn run_until(&mut self, until: u64) -> Verdict {
        while self.queue.first_key_value().is_some_and(|(key, _)| key.0 <= until) {
            self.next_event()?;
        }
        self.now = self.now.max(until);
        Ok(())
    }

    pub(crate) fn room_now(&self) -> Instant {
        Instant::from_micros(self.now.saturating_add_signed(self.room_skew))
    }

    pub(crate) fn wake_room(&mut self, is_due: bool) -> Verdict {
        if is_due {
            self.room_timer = None;
        }
        self.wake_up()?;
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(()) };
        self.inputs += 1;
        let before = room.poll_timeout();
        room.handle_timeout(now);
        let seen = now.max(self.room_held_at);
        check_idle(TIMERS, "the room", seen, before, room.poll_timeout())?;
        self.room_hold = 0;
        self.drain_room()?;
        check_late("the room", now, self.room.as_ref().and_then(Room::poll_timeout))
    }

    /// Carries out what the room asks for, unless it is to take further inputs first.
    pub(crate) fn drain_room(&mut self) -> Verdict {
        if self.room_hold > 0 {
            self.room_hold -= 1;
            return self.arm_room();
        }
        let mut actions = VecDeque::new();
        let mut is_thorough = false;
        if self.setup.batch == 1
            && let Some(room) = &mut self.room
        {
            // All commits of a drain become durable at once, before anybody is told of any.
            let all: Vec<RoomAction> =
                core::iter::from_fn(|| room.poll_action()).flat_map(RoomAction::split).collect();
            for action in &all {
                if let RoomAction::Close { connection, .. } = action
                    && let Some(link) = self.connections.get(connection)
                {
                    self.oracle.will_close(*link);
                }
            }
            let is_commit = |action: &RoomAction| matches!(action, RoomAction::Persist(_));
            let (commits, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_commit);
            actions = commits.into_iter().chain(others).collect();
        }
        let mut persisted = false;
        loop {
            let Some(room) = &mut self.room else { return Ok(()) };
            if actions.is_empty() {
                actions.extend(room.poll_action().into_iter().flat_map(RoomAction::split));
            }
            let Some(action) = actions.pop_front() else { break };
            if let Some(doom) = &mut self.doom {
                if doom.actions == 0 {
                    match action {
                        RoomAction::Persist(_) => self.oracle.reach.meet(Reach::CrashLost),
                        RoomAction::Send { .. } if persisted => {
                            self.oracle.reach.meet(Reach::CrashUntold);
                        }
                        RoomAction::Send { .. }
                        | RoomAction::Close { .. }
                        | RoomAction::Event(_) => {}
                    }
                    return self.crash();
                }
                doom.actions -= 1;
            }
            if !matches!(action, RoomAction::Persist(_)) {
                self.sync()?;
            }
            persisted |= matches!(action, RoomAction::Persist(_));
            is_thorough |= matches!(action, RoomAction::Persist(_) | RoomAction::Event(_));
            self.carry_out(action)?;
        }
        self.sync()?;
        if let Some(room) = &self.room {
            self.oracle.drained(room, &self.storage, is_thorough)?;
        }
        self.check_backlog()?;
        self.tell_unwritable()?;
        self.arm_room()?;
        self.may_sleep()
    }

    fn arm_room(&mut self) -> Verdict {
        self.mark_states();
        if let Some(key) = self.room_timer.take() {
            self.queue.remove(&key);
        }
        let deadline = self.room.as_ref().and_then(Room::poll_timeout);
        if let Some(deadline) = deadline {
            let at = deadline.as_micros().saturating_add_signed(-self.room_skew);
            self.room_timer = Some(self.plan(at, Event::RoomTimer));
        }
        Ok(())
    }

    fn carry_out(&mut self, action: RoomAction) -> Verdict {
        self.hash.room_action(&action);
        match action {
            RoomAction::Send { to, frame } => {
                // It was split: a crash can come between any two.
                let [connection] = *to else { return fail(IDS, "a message to nobody") };
                let Some(index) = self.connections.get(&connection).copied() else {
                    return fail(IDS, format!("a message on {connection}, which never was"));
                };
                if frame.is_binary() {
                    self.oracle.reach.meet(Reach::Binary);
                }
                let link = &mut self.links[index];
                let Some(message) = parse(&frame.to_bytes()) else {
                    return fail(IDS, "a message that is none");
                };
                let message = if link.is_older { swapped_message(&message) } else { message };
                self.oracle.room_says(index, link.is_unwritable, &message, &self.storage)?;
                self.send_frame(index, Direction::ToPeer, &frame, 0)
            }
            RoomAction::Close { connection, reason } => {
                let Some(index) = self.connections.get(&connection).copied() else {
                    return fail(IDS, format!("the close of {connection}, which never was"));
                };
                self.mark(Lane::Room, || (Mark::Note, format!("closes {index}: {reason:?}")));
                let is_honest = matches!(self.links[index].owner, Owner::Client(_));
                if self.setup.calm == 1 && is_honest && reason != CloseReason::ShuttingDown {
                    fail(CALM, format!("an honest connection is closed: {reason:?}"))?;
                }
                let is_blamed = matches!(
                    reason,
                    CloseReason::BadChunk | CloseReason::UnknownError | CloseReason::RateLimited
                );
                if is_honest && is_blamed {
                    fail(WHOLE, format!("an honest client is said to make no sense: {reason:?}"))?;
                }
                self.oracle.closed(index, reason.clone());
                self.links[index].is_open = false;
                self.send(index, Direction::ToPeer, Packet::end(&reason));
                Ok(())
            }
            RoomAction::Persist(commit) => {
                self.storage.write(&commit).or_else(|wrong| fail(PERSISTED, wrong))
            }
            RoomAction::Event(event) => self.oracle.event(event),
        }
    }

    /// What the room has asked to make durable is so from here on.
    fn sync(&mut self) -> Verdict {
        let durable = self.storage.sync();
        self.are_durable(&durable)
    }

    fn are_durable(&mut self, commits: &[Arc<Commit>]) -> Verdict {
        for commit in commits {
            self.mark(Lane::Room, || {
                (Mark::Durable, format!("persists {}: {:?}", commit.clock, commit.origin))
            });
            self.oracle.persisted(commit)?;
        }
        Ok(())
    }

    /// The room's process dies here and now, perhaps in the middle of a write.
    pub(crate) fn crash(&mut self) -> Verdict {
        let Some(doom) = self.doom.take() else { return Ok(()) };
        match self.storage.crash(doom.how / 28 % 9) {
            Ok((durable, has_torn)) => {
                self.are_durable(&durable)?;
                if !durable.is_empty() {
                    self.oracle.reach.meet(Reach::Unsynced);
                }
                if has_torn {
                    self.oracle.reach.meet(Reach::Torn);
                }
            }
            Err(wrong) => fail(PERSISTED, wrong)?,
        }
        let clock = self.storage.clock();
        self.mark(Lane::Room, || (Mark::Fault, format!("dies at clock {clock}")));
        for index in 0..self.links.len() {
            if self.links[index].room_life != self.room_life {
                continue;
            }
            let notice = (doom.how % 3 > 0).then_some(self.now + u64::from(doom.how % 7) * 30_000);
            self.links[index].is_open = false;
            let [at, _] = doom.at.to_le_bytes();
            self.break_pipe(index, Direction::ToRoom, 0, 0, None);
            self.break_pipe(index, Direction::ToPeer, doom.how / 7 % 4, at, notice);
        }
        self.room_ends(doom.down);
        Ok(())
    }

    /// The room's process is gone, and will be back.
    pub(crate) fn room_ends(&mut self, down: u64) {
        self.has_faults = true;
        self.doom = None;
        self.tired = None;
        self.room = None;
        self.begin_life();
        self.oracle.crashed(&self.storage);
        if let Some(key) = self.room_timer.take() {
            self.queue.remove(&key);
        }
        self.mark_states();
        self.plan(self.now + down, Event::RoomUp);
    }

    pub(crate) fn room_up(&mut self) -> Verdict {
        if self.asleep.is_some() {
            return self.wake_up();
        }
        if self.room.is_some() {
            return Ok(());
        }
        self.open_room()?;
        self.mark(Lane::Room, || (Mark::Mended, "is back".into()));
        self.drain_room()
    }

    /// Everybody whom the room shows is somebody who is there.
    pub(crate) fn check_presence(&self) -> Verdict {
        let Some(room) = &self.room else { return Ok(()) };
        for (session, _) in room.presence() {
            let own = |client: &Honest| client.session == session.as_str() && client.is_online();
            if !session.starts_with('h') && !self.clients.iter().any(own) {
                fail(PRESENCE, format!("{session} is shown and not there"))?;
            }
        }
        Ok(())
    }
}

/// A call that must do nothing has done nothing: its machine asks to be woken when it did before.
/// While actions wait that would be now.
pub(crate) fn check_idle(
    oracle: &'static str,
    who: &str,
    now: Instant,
    before: Option<Instant>,
    after: Option<Instant>,
) -> Verdict {
    if before.is_some_and(|deadline| deadline <= now) || before == after {
        return Ok(());
    }
    fail(oracle, format!("{who} did something at {now:?}, was due at {before:?}, is at {after:?}"))
}

/// After a call and a drain nothing is due.
pub(crate) fn check_late(who: &str, now: Instant, after: Option<Instant>) -> Verdict {
    if after.is_none_or(|deadline| deadline > now) {
        return Ok(());
    }
    fail(TIMERS, format!("{who}, woken at {now:?}, asks for {after:?}"))
}

pub(crate) fn room_config(setup: &Setup) -> RoomConfig {
    let mut config = RoomConfig::default();
    config.object_types.insert(Key::from(edit::OBJECT_TYPE));
    config.limits.message_bytes = 1 << 20;
    config.hooks = Rules(setup.hooks).hooks();
    if setup.is_patient {
        config.idle_timeout = None;
        config.start_timeout = AGES;
    }
    if setup.tight == 1 {
        config.limits.log_bytes = 300;
        config.limits.tombstones = 2;
        config.limits.unanswered_pushes = 3;
    }
    config
}

/// A message for people, cut to a line.
pub(crate) fn shown(bytes: &Bytes) -> String {
    let text = match parse(bytes) {
        Some(message) => message.to_string().into(),
        None => String::from_utf8_lossy(bytes),
    };
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], bytes.len()),
        None => text.into_owned(),
    }
}

/// A presence record without what the room forces on it.
pub(crate) fn shown_presence(record: &roomsync::Object) -> Vec<(Key, Value)> {
    let own = record.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "typeName"));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}
