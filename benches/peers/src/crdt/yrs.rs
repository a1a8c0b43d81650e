//! yrs: a map of maps; each edit is one transaction, whose update goes to all others.

use super::{Edit, PROPS, STRINGS, Size};
use crate::shapes::shape_id;
use yrs::updates::decoder::Decode;
use yrs::{Doc, Map, MapPrelim, MapRef, Out, ReadTxn, StateVector, Transact, Update};

pub(super) struct Network {
    server: Replica,
    writers: Vec<Replica>,
    receivers: Vec<Replica>,
}

struct Replica {
    doc: Doc,
    records: MapRef,
}

impl Replica {
    fn new() -> Self {
        let doc = Doc::new();
        let records = doc.get_or_insert_map("records");
        Self { doc, records }
    }

    fn merge(&self, update: &[u8]) {
        let update = Update::decode_v1(update).expect("a peer made it");
        self.doc.transact_mut().apply_update(update).expect("it fits");
    }

    fn full(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }
}

impl super::Network for Network {
    fn new(size: Size) -> Self {
        let server = Replica::new();
        {
            let mut txn = server.doc.transact_mut();
            for number in 0..size.records {
                let record =
                    server.records.insert(&mut txn, shape_id(number), MapPrelim::default());
                for (key, value) in STRINGS {
                    record.insert(&mut txn, key, value);
                }
                record.insert(&mut txn, "x", 0.0);
                record.insert(&mut txn, "y", 0.0);
                let props = record.insert(&mut txn, "props", MapPrelim::default());
                for (key, value) in PROPS {
                    props.insert(&mut txn, key, value);
                }
            }
        }
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
        let update = {
            let mut txn = from.doc.transact_mut();
            let Some(Out::YMap(record)) = from.records.get(&txn, &shape_id(edit.record)) else {
                unreachable!("every record is a map")
            };
            record.insert(&mut txn, "x", edit.x);
            txn.encode_update_v1()
        };
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
        replica
    }

    fn received(&self, record: usize) -> f64 {
        let replica = self.receivers.last().expect("somebody receives");
        let txn = replica.doc.transact();
        let Some(Out::YMap(record)) = replica.records.get(&txn, &shape_id(record)) else {
            unreachable!("every record is a map")
        };
        record.get_as(&txn, "x").expect("x is a number")
    }
}
