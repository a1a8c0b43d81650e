//! All is mended, time runs, and in the end everybody agrees.

use crate::invariant::{BOUNDS, CALM, CONVERGENCE, Failure, PRESENCE, Verdict, fail, same};
use crate::model::Records;
use crate::network::{Link, Owner, Pipe};
use crate::oracle::records_of;
use crate::reach::Reach;
use crate::rules::Rules;
use crate::trace::{Lane, Mark};
use crate::versions::swapped;
use crate::world::{World, shown_presence};
use roomsync::{NetworkHint, Object, PresenceMode, Room, SessionId, Status, Value};

/// How long it may take until all is quiet: a dead link is noticed, its session's grace passes,
/// and a client dials again.
const MENDING: u64 = 75_000_000;

impl World {
    /// Mends all, lets time run, and compares.
    ///
    /// # Errors
    ///
    /// When an invariant is broken.
    pub(crate) fn rest(&mut self) -> Verdict {
        self.mend()?;
        let slowest = self.clients.iter().map(|client| client.delay).max().unwrap_or(0);
        // What is under way may have been sent when it was slower.
        let pipes = self.links.iter().flat_map(|link| [&link.to_room, &link.to_peer]);
        let under_way = pipes.map(Pipe::last_due).max().unwrap_or(0).saturating_sub(self.now);
        let prompt = 300_000 + 12 * slowest + under_way;
        let allowed = if self.setup.calm == 1 { prompt } else { MENDING };
        let end = self.now + allowed;
        let mut unlike = None;
        while self.now < end {
            self.run_until(self.now + 50_000)?;
            unlike = self.busy().and_then(|()| self.unlike()).err();
            if unlike.is_none() {
                break;
            }
        }
        if let Some(Failure { oracle, detail }) = unlike {
            let seconds = allowed as f64 / 1e6;
            let oracle = if self.setup.calm == 1 { CALM } else { oracle };
            return fail(oracle, format!("after {seconds} s without a fault: {detail}"));
        }
        // And so it stays: a ping and its answer later nothing has come undone.
        self.run_until(self.now + 6_000_000)?;
        let end = self.now + 2_000_000;
        while self.now < end && self.unlike().is_err() {
            // A rude peer's end may be under way.
            self.run_until(self.now + 50_000)?;
        }
        self.check_rest()?;
        self.check_bounds()?;
        if self.hides_presence() {
            self.oracle.reach.meet(Reach::Hidden);
        }
        self.mark(Lane::World, || (Mark::Agreed, "all agree".into()));
        if core::mem::take(&mut self.has_faults) {
            self.oracle.reach.meet(Reach::Mended);
        }
        Ok(())
    }

    /// Nothing is due: all agree, all is answered, and nothing is lost.
    pub(crate) fn check_rest(&mut self) -> Verdict {
        self.unlike()?;
        self.check_marks()?;
        let rude = self.rude.iter().filter_map(|rude| rude.link);
        let rude =
            rude.filter(|link| self.links[*link].is_open && !self.links[*link].is_unwritable);
        self.oracle.at_rest(self.clients.iter().filter_map(|own| own.link).chain(rude))?;
        match &self.room {
            Some(room) => self.oracle.drained(room, &self.storage, true),
            None => Ok(()),
        }
    }

    fn mend(&mut self) -> Verdict {
        self.note(|| "all is mended".into());
        self.doom = None;
        self.room_hold = 0;
        self.tired = None;
        self.room_up()?;
        self.rouse_all()?;
        self.drain_room()?;
        self.resume(|_| true);
        for client in 0..self.clients.len() {
            self.clients[client].has_network = true;
            self.clients[client].hold = 0;
            self.clients[client].doom = None;
            self.clients[client].spoil = None;
            self.client_mode(client, PresenceMode::Full)?;
            if self.has_faults {
                self.client_hint(client, NetworkHint::Up)?;
                self.client_hint(client, NetworkHint::Foreground)?;
            } else {
                self.drain_client(client)?;
            }
        }
        Ok(())
    }

    /// The first difference between what the room, its clients and their applications hold.
    fn unlike(&self) -> Verdict {
        let Some(room) = &self.room else { return fail(CONVERGENCE, "the room is down") };
        let room_documents: Records = records_of(room.records());
        for (index, own) in self.clients.iter().enumerate() {
            if own.is_closed {
                continue;
            }
            let name = |what: &str| format!("{what} of client {index}");
            let is_older = self.is_older(Owner::Client(index));
            let in_its_words = |record: &Object| match is_older {
                true => swapped(record),
                false => record.clone(),
            };
            let documents: Records =
                room_documents.iter().map(|(id, it)| (id.clone(), in_its_words(it))).collect();
            let is_own = |owner: &SessionId| owner.as_str() == own.session;
            let shown = || room.presence();
            let seen = shown().find(|(owner, _)| is_own(owner)).map(|(_, record)| record);
            let rules = Rules(self.setup.hooks);
            let others =
                shown().filter(|(owner, record)| !is_own(owner) && rules.let_see(seen, record));
            let others: Records = others
                .filter_map(|(_, record)| Some((id_of(record)?, in_its_words(record))))
                .collect();
            same(CONVERGENCE, &name("status"), &Status::Online, own.client.status())?;
            let synced = own.client.records().filter(|(_, record)| !is_own_only(record));
            same(CONVERGENCE, &name("documents"), &documents, &records_of(synced))?;
            same(CONVERGENCE, &name("whether all is settled"), &true, &own.client.is_settled())?;
            self.check_did(index)?;
            let told = own.mirror.records.clone().unwrap_or_default();
            let mut expected = documents.clone();
            expected.extend(others.clone());
            same(CONVERGENCE, &name("what was told"), &expected, &told)?;
            same(PRESENCE, &name("others"), &others, &records_of(own.client.presence()))?;
            let seen = seen.map(|record| shown_presence(&in_its_words(record)));
            let meant = own.presence.as_ref().map(shown_presence);
            let is_refused = self.oracle.refused.unshown.contains(own.session.as_str());
            // The protocol has no word for taking presence back.
            if !own.took_presence_back && !is_refused {
                same(PRESENCE, &name("presence"), &meant, &seen)?;
            }
        }
        for (place, rude) in self.rude.iter().enumerate() {
            let Some(link) = rude.link.filter(|link| self.links[*link].is_open) else { continue };
            if let Some(told) = &rude.mirror.records
                && self.links[link].to_peer.is_empty()
            {
                let told = told.iter().filter(|(id, _)| !id.starts_with("cursor:"));
                let told = match self.links[link].is_older {
                    true => told.map(|(id, record)| (id.clone(), swapped(record))).collect(),
                    false => records_of(told),
                };
                let what = format!("what rude {place} was told");
                same(CONVERGENCE, &what, &room_documents, &told)?;
            }
        }
        self.check_presence()?;
        Ok(())
    }

    /// Whether the host's rules keep somebody's presence from somebody else who shows something.
    fn hides_presence(&self) -> bool {
        let rules = Rules(self.setup.hooks);
        let shown = || self.room.iter().flat_map(Room::presence).map(|(_, record)| record);
        shown().any(|own| shown().any(|other| own != other && !rules.let_see(Some(own), other)))
    }

    /// While somebody does not read, the room holds no more for them than the small limits of this world
    /// say. It is looked at now and then, since that takes a while.
    pub(crate) fn check_backlog(&mut self) -> Verdict {
        if self.setup.tight == 0 || !self.inputs.is_multiple_of(4) {
            return Ok(());
        }
        let Some(room) = &self.room else { return Ok(()) };
        let is_slow = |link: &&Link| link.is_open && link.is_unwritable;
        let slow = self.links.iter().filter(is_slow).count();
        if slow == 0 {
            return Ok(());
        }
        self.oracle.reach.meet(Reach::Backlog);
        let most = 12_000 + 4 * shown_len(&room.snapshot()) + 1_500 * room.session_count();
        let shown = format!("{room:?}");
        within("the room with a slow reader", most, shown.len())?;
        // What waits for them is little, or a single change, which may be large.
        let log =
            shown.split_once("log: Log {").and_then(|(_, rest)| rest.split_once("schedule: "));
        let Some((log, _)) = log else { return fail(BOUNDS, "a room does not show its log") };
        let most = if log.matches("Entry {").count() > 1 { 2_500 } else { usize::MAX };
        within("what waits for a slow reader", most, log.len())
    }

    /// Now that nobody lacks anything, what machines hold is a few times their records, and no more the longer they run.
    fn check_bounds(&self) -> Verdict {
        let Some(room) = &self.room else { return Ok(()) };
        let records = shown_len(&room.snapshot());
        let most = 10_000 + 4 * records + 1_200 * room.session_count();
        within("the room", most, shown_len(room))?;
        for (index, own) in self.clients.iter().enumerate() {
            // One that was closed may hold what the room never got.
            let held: usize = own.client.records().map(|(_, record)| shown_len(record)).sum();
            let most = 12_000 + 8 * records.max(held);
            within(&format!("client {index}"), most, shown_len(&own.client))?;
        }
        Ok(())
    }

    /// Whether something is still under way, or somebody believes in a link that is dead. Later
    /// pings are under way, and that is nothing.
    pub(crate) fn busy(&self) -> Verdict {
        for (index, own) in self.clients.iter().enumerate().filter(|(_, own)| !own.is_closed) {
            let link = own.link.and_then(|link| self.links.get(link));
            let is_sound = |link: &Link| {
                link.is_open && !link.to_room.is_closed() && !link.to_peer.is_closed()
            };
            let is_sound = link.is_some_and(is_sound);
            same(CONVERGENCE, &format!("a sound link of client {index}"), &true, &is_sound)?;
        }
        let is_busy = |link: &Link| {
            matches!(link.owner, Owner::Client(_))
                && link.is_open
                && !(link.to_peer.is_empty() && link.to_room.is_empty())
        };
        same(CONVERGENCE, "messages under way", &false, &self.links.iter().any(is_busy))
    }
}

/// How much a machine holds, by how much it has to show.
fn shown_len(machine: &dyn core::fmt::Debug) -> usize {
    format!("{machine:?}").len()
}

fn within(who: &str, most: usize, held: usize) -> Verdict {
    if held <= most { Ok(()) } else { fail(BOUNDS, format!("{who} holds {held}, over {most}")) }
}

pub(crate) fn is_own_only(record: &Object) -> bool {
    record.get("typeName").and_then(Value::as_str) == Some("camera")
}

pub(crate) fn id_of(record: &Object) -> Option<roomsync::RecordId> {
    record.get("id").and_then(Value::as_str).map(Into::into)
}
