//! The page that shows a run is whole, stands alone, and tells of every message and of a failure.

use roomsync::Value;
use roomsync_proptests::invariant::{CONVERGENCE, Failure, INVARIANTS};
use roomsync_proptests::picture::page;
use roomsync_proptests::report::run_traced;
use roomsync_proptests::script::Script;
use roomsync_proptests::trace::Mark;
use std::collections::BTreeSet;

/// What stands in a page as JSON.
fn data(page: &str) -> Value {
    let begin = page.split_once(r#"<script type="application/json" id="data">"#).unwrap().1;
    begin.split_once("</script>").unwrap().0.parse().unwrap()
}

fn list<'a>(data: &'a Value, key: &str) -> &'a [Value] {
    data.as_object().unwrap().get(key).and_then(Value::as_array).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.as_object().unwrap().get(key).and_then(Value::as_str)
}

#[test]
fn every_packet_that_arrives_or_is_lost_was_sent_or_is_news_of_a_cut() {
    let (mut arrived, mut lost) = (0, 0);
    for seed in 0..30 {
        let mut under_way = BTreeSet::new();
        for entry in run_traced(&Script::from_seed(seed), true).trace {
            if let Mark::Sent(flight, _) = entry.mark {
                assert!(under_way.insert(flight), "{flight:?} goes twice");
            } else if let Mark::Arrived(flight) = entry.mark {
                let is_news = entry.text.ends_with("end, Disconnected");
                assert!(under_way.remove(&flight) || is_news, "seed {seed}: {}", entry.text);
                arrived += 1;
            } else if let Mark::Lost(flight) = entry.mark {
                under_way.remove(&flight);
                lost += 1;
            }
        }
    }
    assert!(arrived > 1_000 && lost > 10, "{arrived} arrived, {lost} were lost");
}

#[test]
fn a_page_holds_all_that_happened_and_needs_nothing_else() {
    let script = Script::from_seed(3);
    let outcome = run_traced(&script, true);
    let page = page("<seed 3>", &script.to_string(), &outcome);
    for outside in ["http:", "https:", "src=", "<link", "@import", "url("] {
        let found = page.matches(outside).count();
        let namespaces = page.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(found, if outside == "http:" { namespaces } else { 0 }, "{outside}");
    }
    let data = data(&page);
    assert_eq!(text(&data, "title"), Some("<seed 3>"));
    assert_eq!(text(&data, "script"), Some(script.to_string().as_str()));
    assert_eq!(list(&data, "entries").len(), outcome.trace.len());
    let lanes: Vec<_> = list(&data, "lanes").iter().filter_map(Value::as_str).collect();
    assert!(lanes.contains(&"room") && lanes.contains(&"client 0"), "{lanes:?}");
    let explained = list(&data, "invariants");
    assert_eq!(explained.len(), INVARIANTS.len());
    assert!(explained.iter().all(|it| text(it, "what").is_some_and(|what| what.len() > 20)));
    let pushes = list(&data, "entries").iter().filter_map(|entry| text(entry, "label"));
    assert!(pushes.filter(|label| label.starts_with("push ")).count() > 3);
}

#[test]
fn a_failure_stands_in_the_page() {
    let script: Script = "world clients=1\nedit client=0 record=0 how=0".parse().unwrap();
    let mut outcome = run_traced(&script, true);
    assert!(text(&data(&page("", "", &outcome)), "failure").is_none());
    let detail = "documents\n  expected a\n  seen b".to_owned();
    outcome.failure = Some(Failure { oracle: CONVERGENCE, detail });
    let data = data(&page("", "", &outcome));
    let failure = data.as_object().unwrap().get("failure").unwrap();
    assert_eq!(text(failure, "oracle"), Some(CONVERGENCE));
}
