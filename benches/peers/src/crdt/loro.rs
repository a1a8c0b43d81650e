//! loro: a map of maps; each edit is one commit, whose update goes to all others.

use super::{Edit, PROPS, STRINGS, Size};
use crate::shapes::shape_id;
use loro::{ExportMode, LoroDoc, LoroMap, Subscription, ValueOrContainer};
use std::sync::{Arc, Mutex};

pub(super) struct Network {
    server: Replica,
    writers: Vec<Replica>,
    receivers: Vec<Replica>,
}

struct Replica {
    doc: LoroDoc,
    made: Arc<Mutex<Vec<u8>>>,
    _subscription: Subscription,
}

impl Replica {
    fn new() -> Self {
        let doc = LoroDoc::new();
        let made = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&made);
        let subscription = doc.subscribe_local_update(Box::new(move |update| {
            *keep.lock().expect("one thread") = update.clone();
            true
        }));
        Self { doc, made, _subscription: subscription }
    }

    fn merge(&self, update: &[u8]) {
        self.doc.import(update).expect("a peer made it");
    }

    fn full(&self) -> Vec<u8> {
        self.doc.export(ExportMode::Snapshot).expect("a snapshot can be made")
    }

    fn record(&self, number: usize) -> LoroMap {
        let record = self.doc.get_map("records").get(&shape_id(number));
        let Some(ValueOrContainer::Container(record)) = record else {
            unreachable!("every record is a map")
        };
        record.into_map().unwrap_or_else(|_| unreachable!("every record is a map"))
    }
}

impl super::Network for Network {
    fn new(size: Size) -> Self {
        let server = Replica::new();
        let records = server.doc.get_map("records");
        for number in 0..size.records {
            let record =
                records.insert_container(&shape_id(number), LoroMap::new()).expect("attached");
            for (key, value) in STRINGS {
                record.insert(key, value).expect("attached");
            }
            record.insert("x", 0.0).expect("attached");
            record.insert("y", 0.0).expect("attached");
            let props = record.insert_container("props", LoroMap::new()).expect("attached");
            for (key, value) in PROPS {
                props.insert(key, value).expect("attached");
            }
        }
        server.doc.commit();
        let full = server.full();
        let replica = || {
            let replica = Replica::new();
            replica.merge(&full);
            replica
        };
        let writers = (0..size.writers).map(|_| replica()).collect();
        let receivers = (0..size.receivers).map(|_| replica()).collect();
        Self { server, writers, receivers }
    }

    fn edit(&mut self, writer: usize, edit: Edit) -> usize {
        let from = &self.writers[writer];
        from.record(edit.record).insert("x", edit.x).expect("attached");
        from.doc.commit();
        let update = from.made.lock().expect("one thread").clone();
        self.server.merge(&update);
        let others = self.writers.iter().enumerate().filter(|(number, _)| *number != writer);
        for replica in others.map(|(_, replica)| replica).chain(&self.receivers) {
            replica.merge(&update);
        }
        update.len() * (self.writers.len() + self.receivers.len())
    }

    fn full(&mut self) -> Vec<u8> {
        self.server.full()
    }

    fn load(&mut self, full: &[u8]) -> impl Sized {
        let replica = Replica::new();
        replica.merge(full);
        // Decoding is put off until somebody looks.
        let _ = replica.doc.get_deep_value();
        replica
    }

    fn received(&self, record: usize) -> f64 {
        let replica = self.receivers.last().expect("somebody receives");
        let Some(ValueOrContainer::Value(x)) = replica.record(record).get("x") else {
            unreachable!("x is a value")
        };
        x.into_double().unwrap_or_else(|_| unreachable!("x is a number"))
    }
}
