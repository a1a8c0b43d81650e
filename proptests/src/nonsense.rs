//! Rooms that say what makes no sense: a broken server, or something broken on the way.

use crate::hostile::{kind, parse};
use crate::invariant::{SENSE, Verdict, same};
use crate::oracle::records_of;
use crate::reach::Reach;
use crate::trace::{Lane, Mark};
use crate::world::World;
use roomsync::{LinkId, Object, Status, Value};

/// A client gives up for good after three answers in a row that make no sense.
const MOST_SPOILED: u8 = 2;

impl World {
    /// What a message to a client becomes when it is made nonsense of, if it is to be.
    pub(crate) fn spoil(&mut self, client: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let own = &mut self.clients[client];
        if own.spoil.is_none() || own.spoiled >= MOST_SPOILED {
            return None;
        }
        let mut message = parse(bytes)?.as_object()?.clone();
        // A pong has nothing in it that could be wrong, and data is not looked at before the answer.
        let entry = match kind(&message) {
            "connect" => None,
            "data" if own.is_online() => Some(()),
            _ => return None,
        };
        let how = own.spoil.take()?;
        match entry {
            None => {
                own.spoiled += 1;
                self.oracle.reach.meet(Reach::AnswerSpoiled);
                let mut diff = message.get("diff")?.as_object()?.clone();
                let stray: Object =
                    [("id", "page:other"), ("typeName", "page")].into_iter().collect();
                let op = vec![Value::from("put"), Value::from(stray)];
                // Among others or as the last one, which are applied before it.
                diff.insert(["a:first", "page:b2", "zebra:last"][usize::from(how % 3)], op);
                message.insert("diff", diff);
            }
            Some(()) => {
                self.oracle.reach.meet(Reach::DataSpoiled);
                let mut entries: Vec<Value> = message.get("data")?.as_array()?.to_vec();
                entries.push(nonsense(how)?);
                message.insert("data", entries);
            }
        }
        let text = Value::from(message).to_string().into_bytes();
        // Or it is cut short, which is no message at all.
        Some(if how.is_multiple_of(7) { text[..text.len() / 2].to_vec() } else { text })
    }

    /// A client is told what makes no sense: it ends the connection, and nothing has changed.
    pub(crate) fn hears_nonsense(&mut self, client: usize, link: LinkId, bytes: &[u8]) -> Verdict {
        let now = self.client_now(client);
        self.has_faults = true;
        self.mark(Lane::Client(client), || (Mark::Fault, "is told nonsense".into()));
        let own = &mut self.clients[client];
        let before = (records_of(own.client.records()), own.client.server_clock());
        // One that was closed before it could hear stays so.
        let status = match own.client.status() {
            stopped @ (Status::Closed | Status::Refused(_)) => stopped.clone(),
            Status::Offline | Status::Connecting | Status::Online => Status::Offline,
        };
        own.client.handle_message(now, link, bytes);
        let after = (records_of(own.client.records()), own.client.server_clock());
        same(SENSE, &format!("client {client} after nonsense"), &before, &after)?;
        same(
            SENSE,
            &format!("client {client}'s status after nonsense"),
            &status,
            own.client.status(),
        )?;
        self.drain_client(client)
    }
}

/// An entry of a data message that no room can mean.
fn nonsense(how: u16) -> Option<Value> {
    let entry = match how % 3 {
        0 => {
            r#"{"type":"push_result","clientClock":9007199254740,"serverClock":9,"action":"commit"}"#
        }
        1 => {
            r#"{"type":"patch","serverClock":9,"diff":{"page:a":["put",{"id":"page:b","typeName":"page"}]}}"#
        }
        _ => r#"{"type":"patch","serverClock":9,"diff":{"page:a":["put",{"id":"page:a"}]}}"#,
    };
    entry.parse().ok()
}
