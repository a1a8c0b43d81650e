//! What goes over links and reaches either side.

use crate::honest::identity_of;
use crate::hostile::parse;
use crate::invariant::{ANSWERS, CALM, Failure, IDS, Verdict, WHOLE, fail, same};
use crate::model::{Mirror, Rights};
use crate::network::{Direction, Link, Owner, Packet};
use crate::reach::Reach;
use crate::rules::Rules;
use crate::trace::{Lane, Mark};
use crate::versions::swapped_message;
use crate::world::{Event, World, check_idle};
use roomsync::{CloseReason, Frame, ObjectAccess, OpenError, SessionId, SessionParams};

impl World {
    /// Tells the room who does not read, as a full socket buffer would.
    pub(crate) fn tell_unwritable(&mut self) -> Verdict {
        let most = usize::from(self.setup.window);
        let is_full =
            |link: &Link| link.is_open && !link.is_unwritable && link.to_peer.len() > most;
        let links = self.links.iter().enumerate();
        let full: Vec<usize> =
            links.filter_map(|(index, link)| is_full(link).then_some(index)).collect();
        for index in full {
            let (now, connection) = (self.room_now(), self.links[index].connection);
            let Some(room) = &mut self.room else { return Ok(()) };
            self.links[index].is_unwritable = true;
            self.oracle.unwritable(index);
            room.handle_writable(now, connection, false);
            self.mark(self.links[index].owner, || (Mark::Slow, "does not read".into()));
            self.drain_room()?;
        }
        Ok(())
    }

    /// Puts a packet on its way.
    pub(crate) fn send(&mut self, index: usize, direction: Direction, packet: Packet) {
        let delay = match self.links[index].owner {
            Owner::Client(client) => self.clients[client].delay,
            Owner::Rude(_) => u64::from(self.setup.delay) * 1000,
        };
        let due = self.now + delay;
        let at_once = match self.setup.segment {
            0 => usize::MAX,
            bytes => bytes.into(),
        };
        let shown = self.trace.is_some().then(|| packet.clone());
        let number = self.links[index].pipe(direction).push(due, packet, at_once);
        if let Some(packet) = shown {
            self.mark_sent(index, direction, packet, number);
        }
        self.plan_arrival(index, direction);
    }

    /// One direction of a link breaks: so many packets that are under way still arrive, and so many
    /// 256ths of the next one. Says whether anything does not arrive.
    pub(crate) fn break_pipe(
        &mut self,
        index: usize,
        direction: Direction,
        kept: u16,
        of_256: u8,
        told_at: Option<u64>,
    ) -> bool {
        let link = &mut self.links[index];
        let cut = link.pipe(direction).cut(kept.into(), of_256, told_at);
        let lost_piece = cut.lost.first().is_some_and(|(_, packet)| packet.piece().is_some());
        if lost_piece && (cut.is_torn || link.has_pieces()) {
            self.oracle.reach.meet(Reach::CutInPieces);
        }
        if cut.is_torn {
            self.oracle.reach.meet(Reach::CutInFrame);
            self.mark(self.links[index].owner, || (Mark::Fault, format!("torn on {index}")));
        }
        self.mark_lost(index, direction, cut.lost.iter().map(|(number, _)| *number));
        self.plan_arrival(index, direction);
        !cut.lost.is_empty()
    }

    /// Puts a message of a machine on its way, in pieces of so many characters if that is not 0. What
    /// goes as text must be text, or no transport would take it.
    pub(crate) fn send_frame(
        &mut self,
        index: usize,
        direction: Direction,
        frame: &Frame,
        pieces: u16,
    ) -> Verdict {
        for packet in Packet::in_pieces(frame, pieces.into()) {
            if let Packet::Text(bytes) = &packet
                && core::str::from_utf8(bytes).is_err()
            {
                return fail(WHOLE, format!("text that is none on {index}"));
            }
            self.send(index, direction, packet);
        }
        Ok(())
    }

    /// Plans the arrival of the head of a pipe.
    pub(crate) fn plan_arrival(&mut self, index: usize, direction: Direction) {
        let pipe = self.links[index].pipe(direction);
        if let Some(due) = pipe.due().filter(|_| !pipe.is_planned) {
            pipe.is_planned = true;
            self.plan(due, Event::Arrival(index, direction));
        }
    }

    pub(crate) fn arrive(&mut self, index: usize, direction: Direction) -> Verdict {
        let now = self.now;
        let pipe = self.links[index].pipe(direction);
        pipe.is_planned = false;
        if pipe.due().is_none_or(|due| due > now) {
            self.plan_arrival(index, direction);
            return Ok(());
        }
        let arrived = pipe.arrive();
        if arrived.is_empty() {
            self.oracle.reach.meet(Reach::InParts);
        }
        self.plan_arrival(index, direction);
        for (number, packet, sent) in arrived {
            self.mark_arrived(index, direction, &packet, number);
            self.inputs += 1;
            same(WHOLE, &format!("what arrives on {index}"), &sent, &packet)?;
            match direction {
                Direction::ToRoom => self.reach_room(index, packet)?,
                Direction::ToPeer => {
                    self.reach_peer(index, packet)?;
                    self.tell_writable(index)?;
                }
            }
        }
        Ok(())
    }

    fn reach_room(&mut self, index: usize, packet: Packet) -> Verdict {
        if self.wakes(index) {
            self.wake_up()?;
            self.rouse_one(|(link, _)| *link == index)?;
        }
        let now = self.room_now();
        let link = &mut self.links[index];
        let connection = link.connection;
        let Some(room) = self.room.as_mut().filter(|_| link.room_life == self.room_life) else {
            return Ok(());
        };
        match packet {
            Packet::Opened => Ok(()),
            Packet::Text(bytes) | Packet::Binary(bytes) => {
                let (is_open, before) = (link.is_open, room.poll_timeout());
                if !is_open {
                    self.oracle.reach.meet(Reach::LateMessage);
                } else if let Some(message) = link.received(&bytes) {
                    if bytes.starts_with(b"0_") {
                        self.oracle.reach.meet(Reach::Pieces);
                    }
                    let (is_older, is_slow) = (link.is_older, link.is_unwritable);
                    let message = if is_older { swapped_message(&message) } else { message };
                    self.oracle.room_hears(index, &message);
                    if is_slow {
                        self.oracle.reach.meet(Reach::HeardSlow);
                    }
                }
                room.handle_message(now, connection, &bytes);
                if !is_open {
                    check_idle(IDS, "the room", now, before, room.poll_timeout())?;
                }
                self.drain_room()
            }
            Packet::End(_) => {
                let before = room.poll_timeout();
                let was_open = core::mem::replace(&mut link.is_open, false);
                if !was_open {
                    self.oracle.reach.meet(Reach::LateEnd);
                }
                self.oracle.closed(index, CloseReason::Disconnected);
                room.handle_disconnect(now, connection);
                if !was_open {
                    check_idle(IDS, "the room", now, before, room.poll_timeout())?;
                }
                self.send(index, Direction::ToPeer, Packet::End(CloseReason::Disconnected));
                self.drain_room()
            }
        }
    }

    fn reach_peer(&mut self, index: usize, packet: Packet) -> Verdict {
        match self.links[index].owner {
            Owner::Client(client) => self.reach_client(client, index, packet),
            Owner::Rude(peer) => {
                let rude = &mut self.rude[peer];
                if rude.link != Some(index) {
                    return Ok(());
                }
                match packet {
                    Packet::Opened => {}
                    Packet::Text(bytes) | Packet::Binary(bytes) => {
                        if let Some(message) = parse(&bytes)
                            && let Err(wrong) = rude.mirror.hears(&message)
                        {
                            return fail(ANSWERS, format!("rude {peer}: {wrong}"));
                        }
                    }
                    Packet::End(_) => {
                        rude.link = None;
                        rude.mirror = Mirror::of_rude();
                        let end = Packet::End(CloseReason::Disconnected);
                        self.send(index, Direction::ToRoom, end);
                    }
                }
                Ok(())
            }
        }
    }

    /// Tells the room that a peer reads again.
    fn tell_writable(&mut self, index: usize) -> Verdict {
        let (now, life) = (self.room_now(), self.room_life);
        let most = usize::from(self.setup.window);
        let link = &mut self.links[index];
        if !link.is_unwritable || link.to_peer.len() > most / 2 || link.room_life != life {
            return Ok(());
        }
        link.is_unwritable = false;
        let connection = link.connection;
        let Some(room) = &mut self.room else { return Ok(()) };
        room.handle_writable(now, connection, true);
        self.mark(self.links[index].owner, || (Mark::Mended, "reads again".into()));
        self.drain_room()
    }

    /// What a session may do.
    pub(crate) const fn rights(&self, readonly: bool, objects: bool) -> Rights {
        Rights { readonly, objects, rules: Rules(self.setup.hooks) }
    }

    /// A connection reaches the room. Gives its place in the list of links.
    pub(crate) fn connect(
        &mut self,
        owner: Owner,
        dial: u64,
        session: &str,
        rights: Rights,
    ) -> Result<Option<usize>, Failure> {
        self.wake_up()?;
        // Or its older connection would replace this one.
        self.rouse_one(|(_, kept)| kept.session.as_str() == session)?;
        let now = self.room_now();
        let Some(room) = &mut self.room else { return Ok(None) };
        self.inputs += 1;
        let mut params = SessionParams::new(session);
        params.readonly = rights.readonly;
        params.identity = match owner {
            Owner::Client(client) => identity_of(client),
            Owner::Rude(_) => None,
        };
        params.object_access =
            if rights.objects { ObjectAccess::Write } else { ObjectAccess::Read };
        let connection = match room.handle_connect(now, params) {
            Ok(connection) => connection,
            Err(OpenError::RoomFull) => return Ok(None),
            Err(error) => {
                return fail(CALM, format!("a connection is refused: {error}")).map(|()| None);
            }
        };
        let index = self.links.len();
        if self.connections.last_key_value().is_some_and(|(last, _)| *last >= connection) {
            fail(IDS, format!("connection {connection} after a later one"))?;
        }
        self.connections.insert(connection, index);
        let (is_rude, is_older) = (matches!(owner, Owner::Rude(_)), self.is_older(owner));
        let mut link = Link::new(owner, dial, self.room_life, connection);
        link.is_older = is_older;
        self.links.push(link);
        self.oracle.opened(SessionId::from(session), rights, is_rude, is_older);
        self.mark(Lane::Room, || (Mark::Note, format!("{session} connects as {index}")));
        self.drain_room()?;
        Ok(Some(index))
    }
}
