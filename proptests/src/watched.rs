//! What an application knows by its subscriptions, and what a look at all records says.

use crate::invariant::{EVENTS, Verdict, fail, same};
use roomsync::{Client, Object, Query, QueryId, QueryResults, RecordChange, RecordId, Value};

/// A query, and the same thing said plainly: whether a record is one of the results, and what they are
/// sorted by.
struct Ask {
    query: fn() -> Query,
    fits: fn(&Object) -> bool,
    order: Option<&'static str>,
}

fn at<'a>(record: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (first, deeper) = path.split_first()?;
    deeper.iter().try_fold(record.get(first)?, |value, key| value.as_object()?.get(key))
}

fn is_a(record: &Object, type_name: &str) -> bool {
    at(record, &["typeName"]) == Some(&Value::from(type_name))
}

fn number(record: &Object, path: &[&str]) -> Option<f64> {
    Some(at(record, path)?.as_number()?.as_f64())
}

const ASKS: &[Ask] = &[
    Ask { query: || Query::of("page"), fits: |it| is_a(it, "page"), order: None },
    Ask {
        query: || Query::of("page").eq("x", 2).sort_by("stamp"),
        fits: |it| is_a(it, "page") && number(it, &["x"]) == Some(2.0),
        order: Some("stamp"),
    },
    Ask {
        query: || Query::of("page").range("x", 1..4).sort_by("x"),
        fits: |it| is_a(it, "page") && (1.0..4.0).contains(&number(it, &["x"]).unwrap_or(-1.0)),
        order: Some("x"),
    },
    Ask {
        query: || Query::of("page").eq("props.text", "a").range("x", ..=3),
        fits: |it| {
            is_a(it, "page")
                && at(it, &["props", "text"]) == Some(&Value::from("a"))
                && number(it, &["x"]).is_some_and(|x| x <= 3.0)
        },
        order: None,
    },
    Ask {
        query: || Query::of("widget").eq("props.rich.k.deep", 1).eq("x", 1),
        fits: |it| {
            is_a(it, "widget")
                && number(it, &["props", "rich", "k", "deep"]) == Some(1.0)
                && number(it, &["x"]) == Some(1.0)
        },
        order: None,
    },
    Ask {
        query: || Query::of("cursor").sort_by("chat"),
        fits: |it| is_a(it, "cursor"),
        order: Some("chat"),
    },
    Ask {
        query: || Query::of("cursor").eq("x", 1),
        fits: |it| is_a(it, "cursor") && number(it, &["x"]) == Some(1.0),
        order: None,
    },
    Ask { query: || Query::of("nothing"), fits: |_| false, order: None },
];

/// At most so many subscriptions at once, so that some queries have two.
const LIVE: usize = 10;

/// The subscriptions of an application, with what it knows by them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    live: Vec<(usize, QueryId, QueryResults)>,
    looks: usize,
}

impl Watched {
    /// Takes over what a subscription tells.
    pub(crate) fn hears(
        &mut self,
        client: usize,
        query: QueryId,
        changes: Vec<RecordChange>,
    ) -> Verdict {
        let Some((_, _, results)) = self.live.iter_mut().find(|(_, id, _)| *id == query) else {
            return fail(EVENTS, format!("client {client} tells of {query}, which is not live"));
        };
        for RecordChange { id, before, after } in &changes {
            let known = results.iter().find(|(known, _)| *known == id);
            let what = format!("{id} in query {query} at client {client} before a change");
            same(EVENTS, &what, &known.map(|(_, record)| record), &before.as_ref())?;
            if before == after {
                return fail(EVENTS, format!("{id} changed into itself in query {query}"));
            }
        }
        results.apply(changes);
        Ok(())
    }

    /// What is known by subscriptions is what a look at all records says. Now and then one ends and another begins.
    pub(crate) fn look(&mut self, client: usize, machine: &mut Client) -> Verdict {
        for (ask, id, results) in &self.live {
            let Some(Ask { query, fits, order }) = ASKS.get(*ask) else { continue };
            let mut plain: Vec<(&RecordId, &Object)> =
                machine.records().chain(machine.presence()).filter(|(_, it)| fits(it)).collect();
            plain.sort_by_key(|(id, it)| (order.and_then(|key| it.get(key)), *id));
            let known: Vec<_> = results.iter().collect();
            same(EVENTS, &format!("query {id} of client {client} by its events"), &plain, &known)?;
            let asked = machine.query(&query());
            same(EVENTS, &format!("query {id} of client {client} asked anew"), &asked, results)?;
        }
        self.looks += 1;
        if self.live.len() >= LIVE || self.looks.is_multiple_of(5) && !self.live.is_empty() {
            let (_, ended, _) = self.live.remove(self.looks % self.live.len());
            machine.unsubscribe(ended);
        } else {
            let ask = self.looks % ASKS.len();
            let (id, results) = machine.subscribe((ASKS[ask].query)());
            self.live.push((ask, id, results));
        }
        Ok(())
    }
}
