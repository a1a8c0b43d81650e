//! automerge: a map of maps; each edit is one change, whose bytes go to all others.

use super::{Edit, PROPS, STRINGS, Size};
use crate::shapes::shape_id;
use automerge::transaction::Transactable;
use automerge::{AutoCommit, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};

pub(super) struct Network {
    server: AutoCommit,
    writers: Vec<AutoCommit>,
    receivers: Vec<AutoCommit>,
    records: Vec<ObjId>,
}

fn load(full: &[u8]) -> AutoCommit {
    let mut doc = AutoCommit::load(full).expect("a peer made it");
    // What was loaded is not sent again.
    doc.update_diff_cursor();
    let _ = doc.save_incremental();
    doc
}

fn merge(doc: &mut AutoCommit, change: &[u8]) {
    doc.load_incremental(change).expect("a peer made it");
}

impl super::Network for Network {
    fn new(size: Size) -> Self {
        let mut server = AutoCommit::new();
        let all = server.put_object(ROOT, "records", ObjType::Map).expect("it is a map");
        let mut records = Vec::new();
        for number in 0..size.records {
            let record =
                server.put_object(&all, shape_id(number), ObjType::Map).expect("it is a map");
            for (key, value) in STRINGS {
                server.put(&record, key, value).expect("it is a map");
            }
            server.put(&record, "x", 0.0).expect("it is a map");
            server.put(&record, "y", 0.0).expect("it is a map");
            let props = server.put_object(&record, "props", ObjType::Map).expect("it is a map");
            for (key, value) in PROPS {
                server.put(&props, key, value).expect("it is a map");
            }
            records.push(record);
        }
        let full = server.save();
        let writers = (0..size.writers).map(|_| load(&full)).collect();
        let receivers = (0..size.receivers).map(|_| load(&full)).collect();
        Self { server, writers, receivers, records }
    }

    fn edit(&mut self, writer: usize, edit: Edit) -> usize {
        let from = &mut self.writers[writer];
        from.put(&self.records[edit.record], "x", edit.x).expect("it is a map");
        let change = from.save_incremental();
        merge(&mut self.server, &change);
        let others = self.writers.iter_mut().enumerate().filter(|(number, _)| *number != writer);
        let mut sent = change.len();
        for doc in others.map(|(_, doc)| doc).chain(&mut self.receivers) {
            merge(doc, &change);
            sent += change.len();
        }
        sent
    }

    fn full(&mut self) -> Vec<u8> {
        self.server.save()
    }

    fn load(&mut self, full: &[u8]) -> impl Sized {
        load(full)
    }

    fn received(&self, record: usize) -> f64 {
        let doc = self.receivers.last().expect("somebody receives");
        match doc.get(&self.records[record], "x").expect("it is a map") {
            Some((Value::Scalar(x), _)) => match x.as_ref() {
                ScalarValue::F64(x) => *x,
                other => unreachable!("x is a number, not {other}"),
            },
            other => unreachable!("x is a value, not {other:?}"),
        }
    }
}
