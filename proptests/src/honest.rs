//! Clients of the library in the world: what reaches them, what they ask for, what they must be.

use crate::did::Did;
use crate::edit;
use crate::hostile::parse;
use crate::invariant::{CALM, EVENTS, Failure, IDS, QUIET, TIMERS, Verdict, fail, same};
use crate::kept::{ClientDoom, Durable, Store};
use crate::marker::Expected;
use crate::model::{Mirror, Records};
use crate::network::{Direction, Link, Owner, Packet};
use crate::oracle::records_of;
use crate::reach::Reach;
use crate::script::Setup;
use crate::trace::{Lane, Mark};
use crate::watched::Watched;
use crate::world::{AGES, Event, EventKey, World, check_idle, check_late};
use roomsync::{
    Checkpoint, Client, ClientAction, ClientConfig, ClientEvent, ClientId, CloseReason, Codec,
    Identity, Instant, Key, LinkId, Object, RecordChange, RecordId, Schema, Status,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who a client is, as the host knows: of some it does not.
pub(crate) fn identity_of(client: usize) -> Option<Identity> {
    client.is_multiple_of(2).then(|| Identity::from(format!("user-{client}")))
}

/// What a client calls itself, also after a restart. Those that the host knows may share a name.
fn client_id(client: usize, setup: &Setup) -> Option<ClientId> {
    let name = identity_of(client).map_or_else(|| format!("client-{client}"), |_| "phone".into());
    (setup.uncounted >> (client % 16) & 1 == 0).then(|| ClientId::from(name))
}

/// A client, its application and its way to the room.
#[derive(Clone, Debug)]
pub struct Honest {
    pub(crate) client: Client,
    pub(crate) schema: Arc<Schema>,
    /// What it calls its session.
    pub(crate) session: String,
    /// Whether it was restarted, and how often.
    pub(crate) restarts: u32,
    /// Its clock less the world's.
    pub(crate) skew: i64,
    /// The time that it has seen when its clock went back: to it that is now until its clock is there.
    pub(crate) held_at: Instant,
    pub(crate) timer: Option<EventKey>,
    pub(crate) hold: u16,
    /// How its process dies soon.
    pub(crate) doom: Option<ClientDoom>,
    /// Whether actions wait that may be of a link that is gone since.
    pub(crate) was_held: bool,
    /// How many times it has dialled; the last attempt counts.
    pub(crate) dial: u64,
    /// Its live link's place in the world's list.
    pub(crate) link: Option<usize>,
    last_link: Option<LinkId>,
    /// Whether there is a way to the room.
    pub(crate) has_network: bool,
    /// Microseconds to the room.
    pub(crate) delay: u64,
    pub(crate) readonly: bool,
    /// What it shows of itself.
    pub(crate) presence: Option<Object>,
    /// Whether it has shown itself and then wished not to.
    pub(crate) took_presence_back: bool,
    pub(crate) is_closed: bool,
    /// What is durable of it, and what was expected when that was all.
    pub(crate) store: Store,
    pub(crate) durable: Durable,
    /// Marks that must reach the room.
    pub(crate) expected: BTreeMap<RecordId, Expected>,
    /// What its application did that nobody else can undo.
    pub(crate) did: Vec<Did>,
    /// The point before all changes, and the last one that it was told is confirmed.
    pub(crate) first_point: Checkpoint,
    pub(crate) confirmed: Option<Checkpoint>,
    /// Whether the next message that it gets is made nonsense of, and how.
    pub(crate) spoil: Option<u16>,
    /// How many answers to its requests to enter were made nonsense of in a row.
    pub(crate) spoiled: u8,
    /// Its status, documents and presence of others, by its events.
    status: Status,
    pub(crate) copy: Records,
    others: Records,
    /// Its subscriptions.
    watched: Watched,
    /// What it was told, as plainly as can be.
    pub(crate) mirror: Mirror,
}

impl Honest {
    /// A client on a machine whose clock is ahead of the world's by `skew` microseconds.
    pub(crate) fn new(
        index: usize,
        setup: &Setup,
        schema: Arc<Schema>,
        now: u64,
        skew: i64,
    ) -> Self {
        let now = Instant::from_micros(now.saturating_add_signed(skew));
        let client = Client::new(now, client_config(index, setup), Arc::clone(&schema))
            .expect("a good config");
        Self {
            first_point: client.checkpoint(),
            confirmed: None,
            spoil: None,
            spoiled: 0,
            client,
            schema,
            session: format!("s{index}"),
            restarts: 0,
            skew,
            held_at: Instant::ZERO,
            timer: None,
            hold: 0,
            doom: None,
            was_held: false,
            dial: 0,
            link: None,
            last_link: None,
            has_network: true,
            delay: u64::from(setup.delay) * 1000,
            readonly: index > 0 && setup.readonly >> (index % 16) & 1 == 1,
            presence: None,
            took_presence_back: false,
            is_closed: false,
            store: Store::default(),
            durable: Durable::default(),
            expected: BTreeMap::new(),
            did: Vec::new(),
            status: Status::Offline,
            copy: Records::new(),
            others: Records::new(),
            watched: Watched::default(),
            mirror: Mirror::default(),
        }
    }

    /// Its process ends, and another begins that knows nothing.
    pub(crate) fn restart(&mut self, index: usize, setup: &Setup, schema: Arc<Schema>, now: u64) {
        self.become_another(index, Self::new(index, setup, schema, now, self.skew));
    }

    /// Another process stands where this one was.
    pub(crate) fn become_another(&mut self, index: usize, fresh: Self) {
        let (restarts, dial, timer) = (self.restarts + 1, self.dial + 1, self.timer);
        let (delay, has_network) = (self.delay, self.has_network);
        let session = format!("s{index}-{restarts}");
        *self = Self { session, restarts, dial, timer, delay, has_network, ..fresh };
    }

    /// Whether it is let in, as it knows.
    pub(crate) fn is_online(&self) -> bool {
        matches!(self.client.status(), Status::Online)
    }
}

/// How a client is configured.
pub(crate) fn client_config(index: usize, setup: &Setup) -> ClientConfig {
    let mut config = ClientConfig::default();
    config.object_types.insert(Key::from(edit::OBJECT_TYPE));
    config.client_id = client_id(index, setup);
    if setup.binary >> (index % 16) & 1 == 1 {
        config.codec = Codec::Postcard;
    }
    if setup.is_patient {
        config.ping_interval = AGES;
        config.health_timeout = AGES;
        config.dial_timeout = AGES;
        config.answer_timeout = AGES;
    }
    if setup.tight == 1 {
        config.limits.unanswered_pushes = 2;
    }
    // Few, so that a client at rest holds little beside its records.
    config.undo_steps = 2;
    config.persist = setup.kept >> (index % 16) & 1 == 1;
    config
}

impl World {
    pub(crate) fn client_now(&self, client: usize) -> Instant {
        Instant::from_micros(self.now.saturating_add_signed(self.clients[client].skew))
    }

    pub(crate) fn wake_client(&mut self, client: usize, is_due: bool) -> Verdict {
        if is_due {
            self.clients[client].timer = None;
        }
        let now = self.client_now(client);
        self.inputs += 1;
        let who = format!("client {client}");
        let own = &mut self.clients[client];
        let before = own.client.poll_timeout();
        own.client.handle_timeout(now);
        check_idle(TIMERS, &who, now.max(own.held_at), before, own.client.poll_timeout())?;
        own.hold = 0;
        self.drain_client(client)?;
        check_late(&who, now, self.clients[client].client.poll_timeout())
    }

    /// Carries out what a client asks for, unless it is to take further inputs first.
    pub(crate) fn drain_client(&mut self, client: usize) -> Verdict {
        if self.clients[client].hold > 0 {
            self.clients[client].hold -= 1;
            self.clients[client].was_held = true;
        } else {
            while let Some(action) = self.clients[client].client.poll_action() {
                if self.dies_before(client, &action) {
                    return self.reopen(client);
                }
                self.hash.client_action(client, &action);
                if !matches!(action, ClientAction::Persist(_)) {
                    self.clients[client].store.sync();
                }
                self.carry_out_for(client, action)?;
            }
            self.clients[client].was_held = false;
            self.clients[client].store.sync();
            self.mark_states();
            self.check_copies(client)?;
            self.check_kept(client)?;
        }
        let own = &mut self.clients[client];
        if let Some(key) = own.timer.take() {
            self.queue.remove(&key);
        }
        if let Some(deadline) = self.clients[client].client.poll_timeout() {
            let at = deadline.as_micros().saturating_add_signed(-self.clients[client].skew);
            self.clients[client].timer = Some(self.plan(at, Event::ClientTimer(client)));
        }
        Ok(())
    }

    fn carry_out_for(&mut self, client: usize, action: ClientAction) -> Verdict {
        match action {
            ClientAction::Dial => {
                self.mark(Lane::Client(client), || (Mark::Note, "dials".into()));
                let own = &mut self.clients[client];
                own.dial += 1;
                let (at, dial) = (self.now + own.delay, own.dial);
                self.plan(at, Event::Dialled { client, dial });
                Ok(())
            }
            ClientAction::Send { link, frame } => {
                let index = self.live_link(client, link)?;
                if let Some(message) = self.links[index].sent(&frame.to_bytes()) {
                    self.check_push_kept(client, &message)?;
                    self.clients[client].mirror.sends(&message);
                }
                self.send_frame(index, Direction::ToRoom, &frame, self.setup.pieces)
            }
            ClientAction::Close { link, reason } => {
                let index = self.known_link(client, link)?;
                self.mark(Lane::Client(client), || {
                    (Mark::Note, format!("closes {index}: {reason:?}"))
                });
                if reason == CloseReason::Idle || reason == CloseReason::Reset {
                    self.oracle.reach.meet(Reach::ClientReset);
                }
                if reason == CloseReason::Closed {
                    self.oracle.reach.meet(Reach::Goodbye);
                }
                if self.setup.calm == 1 && reason != CloseReason::Closed {
                    fail(CALM, format!("client {client} closes its link: {reason:?}"))?;
                }
                let own = &mut self.clients[client];
                if own.link == Some(index) {
                    own.link = None;
                    own.mirror.loses_link();
                }
                self.send(index, Direction::ToRoom, Packet::end(&reason));
                Ok(())
            }
            ClientAction::Persist(commit) => {
                self.mark(Lane::Client(client), || (Mark::Durable, commit.to_string()));
                self.clients[client].store.write(&commit);
                Ok(())
            }
            ClientAction::Event(event) => self.client_event(client, event),
        }
    }

    /// The place in the world's list of a link that a client names.
    fn known_link(&self, client: usize, link: LinkId) -> Result<usize, Failure> {
        let is_it = |it: &Link| it.owner == Owner::Client(client) && it.client_link == Some(link);
        let detail = format!("client {client} means link {link}, which never was");
        self.links.iter().rposition(is_it).ok_or(Failure { oracle: IDS, detail })
    }

    /// The same of a link that a client sends on, which must be its live one.
    fn live_link(&self, client: usize, link: LinkId) -> Result<usize, Failure> {
        let index = self.known_link(client, link)?;
        if self.clients[client].link == Some(index) || self.clients[client].was_held {
            return Ok(index);
        }
        Err(Failure { oracle: QUIET, detail: format!("client {client} sends on {index}, gone") })
    }

    fn client_event(&mut self, client: usize, event: ClientEvent) -> Verdict {
        let own = &mut self.clients[client];
        match event {
            ClientEvent::Changed { changes, .. } => fold(&mut own.copy, client, changes),
            ClientEvent::Presence(changes) => fold(&mut own.others, client, changes),
            ClientEvent::Query { query, changes } => own.watched.hears(client, query, changes),
            ClientEvent::Status(status) => {
                if status == Status::Online {
                    own.spoiled = 0;
                }
                own.status = status;
                Ok(())
            }
            ClientEvent::Confirmed(point) => self.client_confirmed(client, point),
            ClientEvent::Settled | ClientEvent::Custom(_) => Ok(()),
            ClientEvent::Refused(_)
            | ClientEvent::Access { .. }
            | ClientEvent::Unreadable(_)
            | _ => Ok(()),
        }
    }

    /// What a client's application knows by events is what the client holds.
    fn check_copies(&mut self, client: usize) -> Verdict {
        let own = &mut self.clients[client];
        let what = format!("documents of client {client} by its events");
        same(EVENTS, &what, &records_of(own.client.records()), &own.copy)?;
        let what = format!("presence at client {client} by its events");
        same(EVENTS, &what, &records_of(own.client.presence()), &own.others)?;
        let what = format!("the status of client {client} by its events");
        same(EVENTS, &what, own.client.status(), &own.status)?;
        own.watched.look(client, &mut own.client)
    }

    /// A client's dial reaches the room, or nobody.
    pub(crate) fn dialled(&mut self, client: usize, dial: u64) -> Verdict {
        let own = &self.clients[client];
        if own.dial != dial {
            return Ok(());
        }
        let (session, readonly) = (own.session.clone(), own.readonly);
        let made = match own.has_network {
            true => {
                let rights = self.rights(readonly, true);
                self.connect(Owner::Client(client), dial, &session, rights)?
            }
            false => None,
        };
        match made {
            Some(index) => {
                self.send(index, Direction::ToPeer, Packet::Opened);
                Ok(())
            }
            None => self.dial_failed(client),
        }
    }

    fn dial_failed(&mut self, client: usize) -> Verdict {
        self.oracle.reach.meet(Reach::DialFailed);
        self.mark(Lane::Client(client), || (Mark::Fault, "dial failed".into()));
        let now = self.client_now(client);
        self.clients[client].client.handle_dial_failed(now);
        self.drain_client(client)
    }

    /// A packet of a link reaches the client that dialled it.
    pub(crate) fn reach_client(&mut self, client: usize, index: usize, packet: Packet) -> Verdict {
        let now = self.client_now(client);
        let own = &mut self.clients[client];
        let link = &mut self.links[index];
        let is_live = own.link == Some(index);
        match packet {
            Packet::Opened if own.dial != link.dial || own.is_closed => {
                // It has given up on that attempt.
                self.send(index, Direction::ToRoom, Packet::End(CloseReason::Disconnected));
                Ok(())
            }
            Packet::Opened => {
                own.link = Some(index);
                let fresh = own.client.handle_connected(now);
                link.client_link = Some(fresh);
                if own.last_link.replace(fresh).is_some_and(|last| last >= fresh) {
                    return fail(IDS, format!("link {fresh} of client {client} after a later one"));
                }
                own.mirror.loses_link();
                self.mark(Lane::Client(client), || (Mark::Note, format!("has link {index}")));
                self.drain_client(client)
            }
            Packet::Text(bytes) | Packet::Binary(bytes) => {
                let Some(id) = link.client_link else { return Ok(()) };
                if is_live {
                    if let Some(spoiled) = self.spoil(client, &bytes) {
                        return self.hears_nonsense(client, id, &spoiled);
                    }
                    let own = &mut self.clients[client];
                    if let Some(message) = parse(&bytes)
                        && let Err(wrong) = own.mirror.hears(&message)
                    {
                        return fail(
                            crate::invariant::ANSWERS,
                            format!("client {client}: {wrong}"),
                        );
                    }
                } else {
                    self.oracle.reach.meet(Reach::LateForClient);
                }
                let own = &mut self.clients[client];
                let before = own.client.poll_timeout();
                own.client.handle_message(now, id, &bytes);
                if !is_live {
                    check_idle(IDS, "a client", now, before, own.client.poll_timeout())?;
                }
                self.drain_client(client)
            }
            Packet::End(reason) => {
                let own = &mut self.clients[client];
                let Some(id) = self.links[index].client_link else {
                    // It ended before the client knew of it.
                    let is_current = own.dial == self.links[index].dial && !own.is_closed;
                    return if is_current { self.dial_failed(client) } else { Ok(()) };
                };
                if is_live {
                    own.link = None;
                    own.mirror.loses_link();
                }
                let before = own.client.poll_timeout();
                own.client.handle_disconnected(now, id, reason);
                if !is_live {
                    check_idle(IDS, "a client", now, before, own.client.poll_timeout())?;
                }
                self.send(index, Direction::ToRoom, Packet::End(CloseReason::Disconnected));
                self.drain_client(client)
            }
        }
    }
}

fn fold(records: &mut Records, client: usize, changes: Vec<RecordChange>) -> Verdict {
    for RecordChange { id, before, after } in changes {
        let what = format!("{id} at client {client} before a change");
        same(EVENTS, &what, &records.get(&id).cloned(), &before)?;
        if before == after {
            return fail(EVENTS, format!("{id} at client {client} changed into itself"));
        }
        match after {
            Some(record) => records.insert(id, record),
            None => records.remove(&id),
        };
    }
    Ok(())
}
