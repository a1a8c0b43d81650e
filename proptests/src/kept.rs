//! Whether a client that dies goes on from what was durable of it.

use crate::did::Did;
use crate::honest::{Honest, client_config};
use crate::hostile::kind;
use crate::invariant::{Failure, KEPT, TOLD, Verdict, fail, same};
use crate::journal::Journal;
use crate::marker::{Expected, key, mark_of};
use crate::model::clock_at;
use crate::network::{Direction, Owner, Packet};
use crate::oracle::records_of;
use crate::reach::Reach;
use crate::rest::is_own_only;
use crate::trace::{Lane, Mark};
use crate::versions::{client_schema, swapped};
use crate::world::World;
use roomsync::{
    Client, ClientAction, ClientCommit, ClientSnapshot, CloseReason, JsonError, RecordId, Schema,
    Value,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is expected to survive: what was so when all actions were last carried out.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    expected: BTreeMap<RecordId, Expected>,
    did: Vec<Did>,
}

/// How a client's process dies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientDoom {
    /// After so many actions.
    pub(crate) actions: u16,
    /// With so many eighths of what was not durable written.
    pub(crate) eighths: u16,
}

/// What a client keeps: a file of commits. Like the room's, a line of it is durable before anything else
/// is done that the client asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    snapshot: ClientSnapshot,
    journal: Journal,
}

impl Store {
    pub(crate) fn write(&mut self, commit: &ClientCommit) {
        self.snapshot.apply(commit);
        self.journal.write(&commit.to_string());
    }

    pub(crate) const fn sync(&mut self) {
        self.journal.sync();
    }

    /// The process dies. Says whether a line was torn.
    fn crash(&mut self, eighths: u16) -> Result<bool, JsonError> {
        let has_torn = self.journal.crash(eighths).has_torn;
        self.snapshot = ClientSnapshot::default();
        for line in self.journal.lines() {
            self.snapshot.apply(&line.parse()?);
        }
        // Where there were commits there is one now that says the same.
        let entries = self.snapshot.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        self.journal = Journal::of(&entries.collect::<ClientCommit>().to_string());
        Ok(has_torn)
    }
}

impl World {
    /// Whether the client's process dies instead of carrying out the action.
    pub(crate) fn dies_before(&mut self, client: usize, action: &ClientAction) -> bool {
        let own = &mut self.clients[client];
        match &mut own.doom {
            None => return false,
            Some(doom) if doom.actions == 0 => {}
            Some(doom) => {
                doom.actions -= 1;
                return false;
            }
        }
        match action {
            ClientAction::Persist(_) => self.oracle.reach.meet(Reach::DiedEarly),
            ClientAction::Send { .. } if own.store.snapshot.iter().any(|(key, _)| is_push(key)) => {
                self.oracle.reach.meet(Reach::DiedUntold);
            }
            ClientAction::Dial
            | ClientAction::Send { .. }
            | ClientAction::Close { .. }
            | ClientAction::Event(_) => {}
        }
        true
    }

    /// All that the client asked for is done: what is durable of it is what it has.
    pub(crate) fn check_kept(&mut self, client: usize) -> Verdict {
        if !self.persists(client) {
            return Ok(());
        }
        let restored = self.restored(client, Arc::clone(&self.clients[client].schema))?;
        let own = &mut self.clients[client];
        own.durable = Durable { expected: own.expected.clone(), did: own.did.clone() };
        let what = |what: &str| format!("{what} of client {client}, as it is kept");
        let documents = |client: &Client| {
            records_of(client.records().filter(|(_, record)| !is_own_only(record)))
        };
        same(KEPT, &what("documents"), &documents(&own.client), &documents(&restored))?;
        let clock = own.client.server_clock();
        same(KEPT, &what("the room's clock"), &clock, &restored.server_clock())?;
        let is_settled = own.client.is_settled();
        same(KEPT, &what("whether all is settled"), &is_settled, &restored.is_settled())
    }

    /// Nobody is told of a push that is not durable: the next process would not know of it.
    pub(crate) fn check_push_kept(&self, client: usize, message: &Value) -> Verdict {
        let Some(push) = message.as_object().filter(|push| kind(push) == "push") else {
            return Ok(());
        };
        let clock = clock_at(push, "clientClock").unwrap_or(0);
        let own = &self.clients[client];
        // One that waited may be of a link that is gone, and part of a later push by now.
        let is_kept = push.get("diff").is_some() && self.persists(client) && !own.was_held;
        let entry = format!("push/{clock}");
        if !is_kept || own.store.snapshot.iter().any(|(key, _)| key.as_str() == entry) {
            return Ok(());
        }
        fail(TOLD, format!("push {clock} of client {client} goes out and is not durable"))
    }

    /// The client's process dies here and now, and another goes on with what was durable.
    pub(crate) fn reopen(&mut self, client: usize) -> Verdict {
        self.mark(Lane::Client(client), || {
            (Mark::Fault, "dies, and goes on with what was kept".into())
        });
        self.client_dies(client);
        let own = &mut self.clients[client];
        let eighths = own.doom.map_or(8, |doom| doom.eighths);
        match own.store.crash(eighths) {
            Ok(true) => self.oracle.reach.meet(Reach::KeptTorn),
            Ok(false) => {}
            Err(error) => fail(KEPT, format!("what client {client} kept: {error}"))?,
        }
        let skew = self.clients[client].skew;
        let schema = client_schema(&self.setup, self.room_life, client);
        let mut fresh = Honest::new(client, &self.setup, Arc::clone(&schema), self.now, skew);
        if self.persists(client) {
            let own = &self.clients[client].schema;
            let is_upgraded = schema.serialized() != own.serialized();
            let before = records_of(self.restored(client, Arc::clone(own))?.records());
            fresh.client = self.restored(client, schema)?;
            let mut after = records_of(fresh.client.records());
            if is_upgraded {
                after.values_mut().for_each(|record| *record = swapped(record));
            }
            same(KEPT, &format!("documents of client {client}, started again"), &before, &after)?;
            if !fresh.client.is_settled() {
                self.oracle.reach.meet(Reach::Reopened);
                if is_upgraded {
                    self.oracle.reach.meet(Reach::Upgraded);
                }
            }
            fresh.copy = records_of(fresh.client.records());
            let own = &mut self.clients[client];
            fresh.store = core::mem::take(&mut own.store);
            // It need not be told again of what it keeps.
            let records = fresh.store.snapshot.iter().filter_map(|(key, record)| {
                Some((key.strip_prefix("record/")?.into(), record.as_object()?.clone()))
            });
            fresh.mirror.records = fresh.client.server_clock().map(|_| records.collect());
            let did = own.did.iter().filter_map(|did| did.after(&own.durable.did, &fresh.client));
            fresh.did = did.collect();
            let (now, before) = (&own.expected, &own.durable.expected);
            let key = key(client);
            for id in now.keys().chain(before.keys()) {
                let shown = mark_of(fresh.client.record(id), &key);
                let both = now.get(id).into_iter().chain(before.get(id));
                // Of an edit that may not have become durable one knows by what is there.
                let is_sure = now.get(id) == before.get(id);
                let kept = both.copied().find(|it| is_sure || shown == Some(it.mark));
                kept.map(|expected| fresh.expected.insert(id.clone(), expected));
            }
        }
        self.clients[client].become_another(client, fresh);
        self.drain_client(client)
    }

    /// The process of a client is gone, and with it its side of its links.
    pub(crate) fn client_dies(&mut self, client: usize) {
        self.has_faults = true;
        for index in 0..self.links.len() {
            let link = &mut self.links[index];
            if link.owner == Owner::Client(client) {
                // Nobody is there any more to take what still arrives.
                link.client_link = None;
                self.break_pipe(index, Direction::ToPeer, 0, 0, None);
                let end = Packet::End(CloseReason::Disconnected);
                self.links[index].to_room.push(self.now, end, usize::MAX);
                self.plan_arrival(index, Direction::ToRoom);
            }
        }
    }

    fn persists(&self, client: usize) -> bool {
        client_config(client, &self.setup).persist
    }

    fn restored(&self, client: usize, schema: Arc<Schema>) -> Result<Client, Failure> {
        let (now, config) = (self.client_now(client), client_config(client, &self.setup));
        let restored = Client::restore(now, config, schema, &self.clients[client].store.snapshot);
        restored.map_err(|error| Failure {
            oracle: KEPT,
            detail: format!("client {client} cannot be restored: {error}"),
        })
    }
}

fn is_push(key: &str) -> bool {
    key.starts_with("push/")
}
