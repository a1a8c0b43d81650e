//! What each step does to the world. Raw numbers are folded onto what there is.

use crate::edit;
use crate::hostile::{garbage, parse};
use crate::invariant::{LOCAL, PERSISTED, QUIET, Verdict, fail, same};
use crate::kept::ClientDoom;
use crate::network::{Direction, Link, Owner, Packet};
use crate::reach::Reach;
use crate::rest::id_of;
use crate::script::Step;
use crate::trace::{Lane, Mark};
use crate::versions::{client_schema, swapped};
use crate::world::{Doom, World};
use roomsync::{CloseReason, NetworkHint, Object, PresenceMode, RoomSnapshot, Value};

const MILLISECOND: u64 = 1000;

impl World {
    /// Does a step.
    ///
    /// # Errors
    ///
    /// When an invariant is broken.
    pub fn apply(&mut self, step: &Step) -> Verdict {
        let client = |raw: u16| usize::from(raw) % self.clients.len();
        let breaks = self.setup.calm == 0;
        match *step {
            Step::Edit { client: raw, record, how } => self.client_edits(client(raw), record, how),
            Step::RemoveOwn { client: raw, which } => self.client_removes_own(client(raw), which),
            Step::Undo { client: raw, how } => self.client_undoes(client(raw), how),
            Step::Paste { client: raw, record } => self.client_pastes(client(raw), record),
            Step::Solo { client: raw, on } => {
                let mode = [PresenceMode::Full, PresenceMode::Solo][usize::from(on % 2)];
                self.client_mode(client(raw), mode)
            }
            Step::HostEdit { record, how } => self.host_edits(record, how),
            Step::Presence { client: raw, how } => self.client_shows(client(raw), how),
            Step::Run { amount } => self.run_until(self.now + spell(amount)),
            Step::Next { events } => (0..=events % 12).try_for_each(|_| self.next_event()),
            Step::Hold { machine, inputs } => {
                match usize::from(machine) % (self.clients.len() + 1) {
                    0 if self.room.is_some() => self.room_hold = inputs % 4,
                    0 => {}
                    index => self.clients[index - 1].hold = inputs % 4,
                }
                Ok(())
            }
            Step::Wake { machine } => match usize::from(machine) % (self.clients.len() + 1) {
                0 => self.wake_room(false),
                index => self.wake_client(index - 1, false),
            },
            Step::Custom { client: raw } => self.host_says(client(raw)),
            Step::Load { how } => self.host_loads(how),
            Step::Intrude { peer, how } => self.intrude(peer, how).map(drop),
            Step::Garbage { peer, how } => {
                let bytes = garbage(how);
                self.rude_says(peer, how, bytes)
            }
            Step::Rude { peer, kind, how } => {
                let place = usize::from(peer) % self.rude.len();
                let text = self.rude[place].message(kind, how);
                self.rude_says(peer, how, text.into_bytes())
            }
            Step::Lazy { peer, reads } => {
                let place = usize::from(peer) % self.rude.len();
                let Some(link) = self.rude[place].link else { return Ok(()) };
                let pipe = &mut self.links[link].to_peer;
                if reads % 3 > 0 {
                    pipe.stall(0)
                } else {
                    pipe.flow()
                }
                self.plan_arrival(link, Direction::ToPeer);
                Ok(())
            }
            Step::Rest {} => self.rest(),
            Step::Sleep { how } => self.tire(how),
            Step::Delay { client: raw, amount } => {
                let index = client(raw);
                self.clients[index].delay = u64::from(amount % 400) * MILLISECOND;
                Ok(())
            }
            // From here on something breaks.
            _ if !breaks => Ok(()),
            Step::Cut { client: raw, how, late, at } => self.cut(client(raw), how, late, at),
            Step::Stall { client: raw, direction, at } => {
                let client = client(raw);
                let Some(link) = self.clients[client].link else { return Ok(()) };
                self.has_faults = true;
                self.oracle.reach.meet(Reach::Stalled);
                self.mark(Lane::Client(client), || (Mark::Fault, format!("link {link} stalls")));
                let [to_room, to_peer] = at.to_le_bytes();
                if direction % 3 != 0 {
                    self.links[link].to_room.stall(to_room);
                }
                if direction % 3 != 1 {
                    self.links[link].to_peer.stall(to_peer);
                }
                Ok(())
            }
            Step::Spoil { client: raw, how } => {
                let index = client(raw);
                self.clients[index].spoil = Some(how);
                Ok(())
            }
            Step::Resume { client: raw } => {
                let owner = Owner::Client(client(raw));
                self.resume(|it| it == owner);
                Ok(())
            }
            Step::Network { client: raw, up } => {
                let index = client(raw);
                self.has_faults = true;
                let has_network = up.is_multiple_of(2);
                self.clients[index].has_network = has_network;
                self.mark(Lane::Client(index), || match has_network {
                    true => (Mark::Mended, "has a network".into()),
                    false => (Mark::Fault, "has no network".into()),
                });
                Ok(())
            }
            Step::Hint { client: raw, hint } => {
                use NetworkHint::{Background, Down, Foreground, Up};
                self.has_faults = true;
                let hint = [Up, Down, Foreground, Background][usize::from(hint % 4)];
                self.client_hint(client(raw), hint)
            }
            Step::Crash { actions, how, down, at } => {
                if self.room.is_some() && self.doom.is_none() {
                    let down = spell(down);
                    self.doom = Some(Doom { actions: actions % 12, how, down, at });
                }
                Ok(())
            }
            Step::Shutdown { down } => self.shut_down(spell(down)),
            Step::Restart { client: raw } => self.restart(client(raw)),
            Step::Reopen { client: raw, actions } => {
                let index = client(raw);
                if actions.is_multiple_of(8) {
                    return self.reopen(index);
                }
                let (actions, eighths) = (actions % 8, actions / 8 % 9);
                self.clients[index].doom = Some(ClientDoom { actions, eighths });
                Ok(())
            }
            Step::Close { client: raw } => {
                let index = client(raw);
                let now = self.client_now(index);
                self.has_faults = true;
                self.clients[index].client.close(now);
                self.clients[index].is_closed = true;
                self.drain_client(index)
            }
            Step::Jump { machine, by } => self.jump(machine, by),
            Step::Kick { client: raw, how } => self.kick(client(raw), how),
        }
    }

    fn host_edits(&mut self, record: u16, how: u16) -> Verdict {
        self.wake_up()?;
        let now = self.room_now();
        let stamp = self.oracle.new_stamp(None);
        let Some(room) = &mut self.room else { return Ok(()) };
        self.inputs += 1;
        let before = room.clock();
        let result = room.transact(now, |tx| edit::edit(tx, record, how, stamp));
        if room.clock() != before {
            self.oracle.host_changed();
            if result.is_err() {
                return fail(LOCAL, format!("the clock moved, and {result:?}"));
            }
        }
        self.mark(Lane::Room, || (Mark::Note, format!("host edits: {result:?}")));
        self.drain_room()
    }

    fn host_says(&mut self, client: usize) -> Verdict {
        self.wake_up()?;
        let Some(connection) = self.open_connection(client) else { return Ok(()) };
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(()) };
        self.inputs += 1;
        // A session that is not in, or does not read, is an error that the host gets to know.
        let _refused = room.send_custom(now, connection, Value::from("hello")).is_err();
        self.drain_room()
    }

    fn host_loads(&mut self, how: u16) -> Verdict {
        self.wake_up()?;
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(()) };
        self.inputs += 1;
        let mut snapshot = RoomSnapshot::default();
        snapshot.clock = u64::from(how % 9);
        snapshot.schema = Some(edit::serialized_schema());
        let chosen = (0..7).filter(|record| how >> record & 1 == 1);
        let mut chosen: Vec<Object> = chosen.map(|it| edit::new_record(it, how >> 7)).collect();
        snapshot.documents = chosen.iter().map(|record| (record.clone(), 0)).collect();
        let before = room.clock();
        if let Err(error) = room.load_snapshot(now, snapshot) {
            return fail(PERSISTED, format!("a good snapshot is refused: {error}"));
        }
        if room.clock() != before {
            self.oracle.host_changed();
        }
        let mut loaded: Vec<Object> = room.records().map(|(_, record)| record.clone()).collect();
        self.oracle.reach.meet(Reach::Loaded);
        if self.is_older(Owner::Rude(0)) {
            self.oracle.reach.meet(Reach::LoadedOlder);
            loaded.iter_mut().for_each(|record| *record = swapped(record));
        }
        loaded.sort_by_cached_key(id_of);
        chosen.sort_by_cached_key(id_of);
        same(PERSISTED, "documents of a snapshot, loaded", &chosen, &loaded)?;
        self.mark(Lane::Room, || (Mark::Note, "host loads a snapshot".into()));
        self.drain_room()
    }

    fn open_connection(&self, client: usize) -> Option<roomsync::ConnectionId> {
        let is_own =
            |link: &&Link| link.owner == Owner::Client(client) && link.room_life == self.room_life;
        self.links.iter().rfind(is_own).map(|link| link.connection)
    }

    fn kick(&mut self, client: usize, how: u16) -> Verdict {
        self.wake_up()?;
        let Some(connection) = self.open_connection(client) else { return Ok(()) };
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(()) };
        self.inputs += 1;
        self.has_faults = true;
        let reason = [CloseReason::Disconnected, CloseReason::Reset, CloseReason::ShuttingDown];
        let reason = reason[usize::from(how % 3)].clone();
        // One that is gone already is an error that the host gets to know.
        let _gone = room.close_session(now, connection, reason).is_err();
        self.oracle.reach.meet(Reach::Kicked);
        self.mark(Lane::Room, || (Mark::Fault, format!("host closes client {client}")));
        self.drain_room()
    }

    pub(crate) fn cut(&mut self, client: usize, how: u16, late: u16, at: u16) -> Verdict {
        let Some(index) = self.clients[client].link else { return Ok(()) };
        self.has_faults = true;
        let notice = |told: bool, late: u64| told.then_some(self.now + late);
        let late = spell(late);
        // Who is told: both, the room only, the client only, nobody; at once or late.
        let room_told = notice(how % 4 < 2, if (how / 4).is_multiple_of(2) { 0 } else { late });
        let client_told =
            notice(how.is_multiple_of(2), if (how / 8).is_multiple_of(2) { 0 } else { late });
        self.mark(Lane::Client(client), || (Mark::Fault, format!("link {index} is cut")));
        let [to_room, to_peer] = at.to_le_bytes();
        let (to_room, to_peer) = (
            self.break_pipe(index, Direction::ToRoom, how / 16 % 4, to_room, room_told),
            self.break_pipe(index, Direction::ToPeer, how / 64 % 4, to_peer, client_told),
        );
        if to_room || to_peer {
            self.oracle.reach.meet(Reach::CutLost);
        }
        if room_told.is_none() || client_told.is_none() {
            self.oracle.reach.meet(Reach::HalfOpen);
        }
        Ok(())
    }

    /// What stalled flows on.
    pub(crate) fn resume(&mut self, whose: impl Fn(Owner) -> bool) {
        for index in 0..self.links.len() {
            if whose(self.links[index].owner) {
                for direction in [Direction::ToRoom, Direction::ToPeer] {
                    self.links[index].pipe(direction).flow();
                    self.plan_arrival(index, direction);
                }
            }
        }
    }

    fn shut_down(&mut self, down: u64) -> Verdict {
        self.tired = None;
        self.wake_up()?;
        self.rouse_all()?;
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(()) };
        self.inputs += 1;
        self.has_faults = true;
        self.room_hold = 0;
        room.shutdown(now);
        self.mark(Lane::Room, || (Mark::Fault, "shuts down".into()));
        self.drain_room()?;
        // It may have died on the way.
        if let Some(room) = &self.room {
            same(QUIET, "connections left open", &0, &self.open_links())?;
            same(QUIET, "sessions left", &0, &room.session_count())?;
            self.oracle.reach.meet(Reach::ShutDown);
            self.room_ends(down);
        }
        Ok(())
    }

    fn open_links(&self) -> usize {
        let is_open = |link: &&Link| link.is_open && link.room_life == self.room_life;
        self.links.iter().filter(is_open).count()
    }

    fn restart(&mut self, client: usize) -> Verdict {
        if !self.clients[client].client.is_settled() {
            self.oracle.reach.meet(Reach::Restarted);
        }
        self.mark(Lane::Client(client), || (Mark::Fault, "restarts".into()));
        self.client_dies(client);
        let (setup, now) = (self.setup.clone(), self.now);
        let schema = client_schema(&setup, self.room_life, client);
        self.clients[client].restart(client, &setup, schema, now);
        self.drain_client(client)
    }

    fn jump(&mut self, machine: u16, by: u16) -> Verdict {
        self.has_faults = true;
        let by = match by % 3 {
            // Back by little, since a clock that goes back is held for that long.
            0 => -i64::from(by % 1000) * 1000,
            1 => i64::from(by % 1000) * 1000,
            _ => i64::from(by) * 1000,
        };
        self.oracle.reach.meet(if by < 0 { Reach::ClockBack } else { Reach::ClockAhead });
        // A driver that sees its clock jump arms its timer anew: it is woken when it asked to be.
        match usize::from(machine) % (self.clients.len() + 1) {
            0 => {
                self.mark(Lane::Room, || (Mark::Fault, format!("its clock jumps by {by} us")));
                self.room_held_at = self.room_held_at.max(self.room_now());
                self.room_skew += by;
                self.drain_room()
            }
            index => {
                let lane = Lane::Client(index - 1);
                self.mark(lane, || (Mark::Fault, format!("its clock jumps by {by} us")));
                let seen = self.client_now(index - 1);
                let own = &mut self.clients[index - 1];
                own.held_at = own.held_at.max(seen);
                own.skew += by;
                self.drain_client(index - 1)
            }
        }
    }

    /// A rude peer connects, unless it is connected. Gives its link, if there is one then.
    fn intrude(&mut self, peer: u16, how: u16) -> Result<Option<usize>, crate::invariant::Failure> {
        let place = usize::from(peer) % self.rude.len();
        if let Some(link) = self.rude[place].link {
            return Ok(Some(link));
        }
        let rude = &mut self.rude[place];
        rude.sessions += 1;
        rude.readonly = how.is_multiple_of(2);
        let session = format!("h{place}-{}", rude.sessions);
        // Whoever may not change documents may not change objects either.
        let readonly = rude.readonly;
        let rights = self.rights(readonly, !readonly);
        let link = self.connect(Owner::Rude(place), 0, &session, rights)?;
        self.rude[place].link = link;
        if link.is_some() && !(how / 2).is_multiple_of(8) {
            // Mostly it wants to be let in, by this protocol or the one before.
            let text = self.rude[place].connect(if how % 5 < 3 { 180 } else { 183 });
            self.rude_sends(place, text.into_bytes());
        }
        Ok(link)
    }

    fn rude_says(&mut self, peer: u16, how: u16, bytes: Vec<u8>) -> Verdict {
        let place = usize::from(peer) % self.rude.len();
        if self.intrude(peer, how)?.is_some() {
            self.rude_sends(place, bytes);
        }
        Ok(())
    }

    fn rude_sends(&mut self, place: usize, bytes: Vec<u8>) {
        let Some(index) = self.rude[place].link else { return };
        if let Some(message) = parse(&bytes) {
            self.rude[place].mirror.sends(&message);
        }
        self.send(index, Direction::ToRoom, Packet::of_bytes(bytes));
    }
}

/// Microseconds of a raw number: none, some milliseconds, or up to half a minute.
fn spell(raw: u16) -> u64 {
    let raw = u64::from(raw);
    match raw % 8 {
        0 => 0,
        1 | 2 => raw / 8 % 20 * MILLISECOND,
        3 | 4 => raw / 8 % 200 * MILLISECOND + raw % 1000,
        5 | 6 => raw / 8 % 1500 * MILLISECOND,
        _ => raw / 8 * 4 * MILLISECOND,
    }
}
