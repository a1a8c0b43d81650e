//! How the room sleeps: its memory is given up while all connections stay, and made anew when
//! something happens that it has to know of.

use crate::invariant::{PERSISTED, PRESENCE, Verdict, fail, same};
use crate::network::{Direction, Packet};
use crate::reach::Reach;
use crate::storage::Storage;
use crate::trace::{Lane, Mark};
use crate::versions::room_schema;
use crate::world::{World, room_config};
use roomsync::{
    CloseReason, ConnectionId, Instant, Meta, Object, Room, RoomConfig, Schema, SessionId,
    SessionSnapshot,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What there is of a room that is not in memory, beside what is durable.
#[derive(Clone, Debug)]
pub(crate) struct Asleep {
    kept: Vec<Kept>,
    /// What they show.
    presence: BTreeMap<SessionId, Object>,
    /// Whether its sessions are resumed one by one, each when something arrives on its link or anything else
    /// happens.
    is_slow: bool,
}

/// A session, with the place of its link in the world's list.
pub(crate) type Kept = (usize, SessionSnapshot);

/// A session that is in, as a host writes it beside its connection and reads it again.
///
/// # Panics
///
/// When what is read is not what was written.
#[must_use]
pub fn kept(room: &Room, connection: ConnectionId) -> Option<SessionSnapshot> {
    let kept = room.session_snapshot(connection)?;
    let line = kept.to_value().to_string().parse().expect("it was written");
    assert_eq!(SessionSnapshot::from_value(&line).as_ref(), Ok(&kept));
    Some(kept)
}

/// The room that is made of what is durable, which is told of that.
///
/// # Errors
///
/// When what is there cannot be read, or is no room.
pub fn reopened(
    storage: &mut Storage,
    config: RoomConfig,
    schema: Arc<Schema>,
) -> Result<Room, String> {
    let snapshot = storage.reopen()?;
    let room = Room::restore(config, schema, snapshot);
    let room = room.map_err(|error| format!("the room cannot be restored: {error}"))?;
    storage.opened(&room);
    Ok(room)
}

impl World {
    /// The host wants the room to sleep, as soon as all who are in can be kept. It may end the
    /// connections of those who cannot.
    pub(crate) fn tire(&mut self, how: u16) -> Verdict {
        if self.room.is_none() {
            return Ok(());
        }
        self.room_hold = 0;
        self.rouse_all()?;
        self.tired = Some(how / 4);
        self.drain_room()?;
        if how % 4 == 3 && self.setup.calm == 0 {
            self.end_unkept()?;
        }
        Ok(())
    }

    /// Ends the connections that a room which sleeps would forget.
    fn end_unkept(&mut self) -> Verdict {
        for index in 0..self.links.len() {
            let (now, life) = (self.room_now(), self.room_life);
            let link = &mut self.links[index];
            let connection = link.connection;
            let Some(room) = &mut self.room else { return Ok(()) };
            let is_open = link.is_open && link.room_life == life;
            if !is_open || room.session_snapshot(connection).is_some() {
                continue;
            }
            link.is_open = false;
            self.has_faults = true;
            self.inputs += 1;
            self.oracle.closed(index, CloseReason::Disconnected);
            room.handle_disconnect(now, connection);
            self.send(index, Direction::ToPeer, Packet::End(CloseReason::Disconnected));
            self.drain_room()?;
        }
        Ok(())
    }

    /// All actions are carried out: the room sleeps if it is to, and nobody is in who cannot be kept.
    pub(crate) fn may_sleep(&mut self) -> Verdict {
        let (Some(room), Some(how)) = (&self.room, self.tired) else { return Ok(()) };
        let links = self.links.iter().enumerate();
        let open = links.filter(|(_, link)| link.is_open && link.room_life == self.room_life);
        let mut kept: Vec<Kept> =
            open.filter_map(|(index, link)| Some((index, kept(room, link.connection)?))).collect();
        if kept.len() != room.session_count() {
            return Ok(());
        }
        let soon = self.room_now().saturating_add(SOON);
        let first = usize::from(how / 2) % kept.len().max(1);
        kept.rotate_left(first);
        let is_slow = how % 2 == 1 && self.setup.calm == 0;
        if room.poll_timeout().is_some_and(|due| due < soon) {
            self.oracle.reach.meet(Reach::SleptOnChanges);
        }
        let presence = room.presence().map(|(owner, record)| (owner.clone(), record.clone()));
        let presence = presence.collect();
        self.tired = None;
        self.room = None;
        self.asleep = Some(Asleep { kept, presence, is_slow });
        self.oracle.sleeps();
        self.mark(Lane::Room, || (Mark::Slow, "falls asleep".into()));
        self.mark_states();
        Ok(())
    }

    /// Whether something that arrives on the link wakes the room.
    pub(crate) fn wakes(&self, index: usize) -> bool {
        let asleep = self.asleep.iter().flat_map(|asleep| &asleep.kept);
        asleep.chain(&self.drowsy).any(|(link, _)| *link == index)
    }

    /// The room is in memory again, if it was asleep, with its sessions, or with one more of them.
    pub(crate) fn wake_up(&mut self) -> Verdict {
        let Some(Asleep { kept, presence, is_slow }) = self.asleep.take() else {
            return match self.drowsy.pop_front() {
                Some(next) => self.rouse(next).and_then(|()| self.drain_room()),
                None => Ok(()),
            };
        };
        self.oracle.reach.meet(Reach::Slept);
        self.mark(Lane::Room, || (Mark::Mended, "wakes up".into()));
        self.begin_life();
        self.open_room()?;
        for (index, _) in &kept {
            let link = &mut self.links[*index];
            (link.connection, link.room_life) = (NOBODY, self.room_life);
        }
        self.drowsy = kept.into();
        if is_slow {
            self.oracle.reach.meet(Reach::WokenSlowly);
            self.has_faults = true;
            return self.wake_up();
        }
        self.rouse_all()?;
        let Some(room) = &self.room else { return Ok(()) };
        let shown = room.presence().map(|(owner, record)| (owner.clone(), record.clone()));
        let shown: BTreeMap<SessionId, Object> = shown.collect();
        let is_same_schema = room.snapshot().schema == self.storage.snapshot().schema;
        if is_same_schema && room.session_count() == self.connections.len() {
            same(PRESENCE, "presence after a sleep", &presence, &shown)?;
        }
        self.drain_room()
    }

    /// All who were in before the room slept are resumed.
    pub(crate) fn rouse_all(&mut self) -> Verdict {
        while let Some(next) = self.drowsy.pop_front() {
            self.rouse(next)?;
        }
        Ok(())
    }

    /// A certain session is resumed, if it waits for that.
    pub(crate) fn rouse_one(&mut self, is_it: impl Fn(&Kept) -> bool) -> Verdict {
        let at = self.drowsy.iter().position(is_it);
        match at.and_then(|at| self.drowsy.remove(at)) {
            Some(next) => self.rouse(next).and_then(|()| self.drain_room()),
            None => Ok(()),
        }
    }

    fn rouse(&mut self, (index, kept): Kept) -> Verdict {
        self.inputs += 1;
        // Its client may be another by now, and the end of this connection under way.
        let is_older = self.is_older_than_room(Some(&kept.schema));
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(()) };
        let connection = match room.handle_resume(now, kept, Meta::default()) {
            Ok(connection) => connection,
            Err(error) => return fail(PERSISTED, format!("{index} is not resumed: {error}")),
        };
        self.connections.insert(connection, index);
        let link = &mut self.links[index];
        // Whoever did not read is told all the same what it has missed, once.
        (link.is_unwritable, link.is_older) = (false, is_older);
        link.connection = connection;
        link.forget_pieces();
        self.oracle.resumed(index, is_older);
        Ok(())
    }

    /// The room's process, or its memory, is another one from here on.
    pub(crate) fn begin_life(&mut self) {
        self.connections.clear();
        self.drowsy.clear();
        self.room_hold = 0;
        self.room_held_at = Instant::ZERO;
        self.room_life += 1;
    }

    /// Makes the room of what is durable.
    pub(crate) fn open_room(&mut self) -> Verdict {
        let (config, schema) = (room_config(&self.setup), room_schema(&self.setup, self.room_life));
        match reopened(&mut self.storage, config, schema) {
            Ok(room) => {
                if room.clock() != self.storage.clock() {
                    self.oracle.host_changed();
                    self.oracle.reach.meet(Reach::Migrated);
                }
                self.room = Some(room);
                Ok(())
            }
            Err(wrong) => fail(PERSISTED, wrong),
        }
    }
}

/// The connection of a link whose session is not resumed yet.
const NOBODY: ConnectionId = ConnectionId::from_u64(u64::MAX);

/// What is due sooner is something that a session has yet to hear, and no silence or grace.
const SOON: std::time::Duration = std::time::Duration::from_secs(1);
