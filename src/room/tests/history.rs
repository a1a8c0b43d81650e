//! The audit trail: who changed what, and when by the room's clock.

use super::*;
use crate::ids::Identity;
use crate::value::Value;

/// A history of at most so many changes, and the room that it listens to. ann, who is known, works
/// on p and q, b on p, and the host removes what is left.
fn worked(most: usize) -> (World, History, Vec<Arc<Commit>>) {
    let mut world = World::new();
    let ann = SessionParams { identity: Some(Identity::from("ann")), ..SessionParams::new("a") };
    let (a, b) = (world.join_as(ann, 8), world.join("b"));
    world.push(a, 1, &put_page("p", r#","x":0"#));
    world.push(a, 2, &put_page("q", r#","t":"he""#));
    world.push(b, 1, r#"{"p":["patch",{"x":["put",1]}]}"#);
    world.push(b, 2, r#"{"missing":["remove"]}"#);
    world.push(a, 3, r#"{"p":["patch",{"x":["put",2]}],"q":["patch",{"t":["append","y",2]}]}"#);
    world
        .act(|room, now| {
            room.transact(now, |tx| {
                tx.remove("p")?;
                tx.remove("q")
            })
        })
        .unwrap();
    let mut history = History::new(most);
    let commits = world.persisted();
    commits.iter().for_each(|commit| history.note(Arc::clone(commit)));
    (world, history, commits)
}

fn clocks<'a>(commits: impl Iterator<Item = &'a Commit>) -> Vec<u64> {
    commits.map(|commit| commit.clock).collect()
}

#[test]
fn the_history_tells_who_changed_what_and_when() {
    let (_, history, _) = worked(100);
    assert_eq!(clocks(history.commits()), [1, 2, 3, 4, 5]);
    assert_eq!(clocks(history.of_session("a")), [1, 2, 4]);
    assert_eq!(clocks(history.of_session("b")), [3]);
    assert_eq!(clocks(history.of_identity("ann")), [1, 2, 4]);
    let of_q = history.of_record("q").map(|(commit, _)| commit);
    assert_eq!(clocks(of_q), [2, 4, 5]);
    let texts: Vec<_> = history
        .of_record("q")
        .map(|(_, change)| {
            let text = |record: &Object| record.get("t").and_then(Value::as_str).map(String::from);
            (change.before().as_ref().and_then(text), change.after.as_ref().and_then(text))
        })
        .collect();
    let text = |text: &str| Some(String::from(text));
    assert_eq!(texts, [(None, text("he")), (text("he"), text("hey")), (text("hey"), None)]);
    assert_eq!(history.forgotten_until(), None);
}

#[test]
fn clocks_are_found_from_and_to_any() {
    let (_, history, _) = worked(100);
    assert_eq!(clocks(history.at_clocks(..)), [1, 2, 3, 4, 5]);
    for start in 0..8 {
        for end in 0..8 {
            let expected = |is_in: &dyn Fn(u64) -> bool| -> Vec<u64> {
                (1..=5).filter(|clock| is_in(*clock)).collect()
            };
            let found = clocks(history.at_clocks(start..end));
            assert_eq!(found, expected(&|clock| start <= clock && clock < end));
            let bounds = (core::ops::Bound::Excluded(start), core::ops::Bound::Included(end));
            let found = clocks(history.at_clocks(bounds));
            assert_eq!(found, expected(&|clock| start < clock && clock <= end));
        }
    }
    assert_eq!(clocks(history.at_clocks(4..)), [4, 5]);
}

#[test]
fn so_many_changes_are_held_and_the_oldest_forgotten() {
    for (most, held, forgotten) in [
        (7, &[1, 2, 3, 4, 5][..], None),
        (6, &[2, 3, 4, 5][..], Some(1)),
        (4, &[4, 5][..], Some(3)),
        (3, &[5][..], Some(4)),
        (2, &[5][..], Some(4)),
        (1, &[][..], Some(5)),
    ] {
        let (_, history, _) = worked(most);
        assert_eq!(clocks(history.commits()), held);
        assert_eq!(history.forgotten_until(), forgotten);
    }
}

#[test]
fn a_trail_of_lines_is_read_back_as_the_commits_that_it_is_of() {
    let (_, history, commits) = worked(100);
    let lines: Vec<String> = commits.iter().map(|commit| commit.to_value().to_string()).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    let mut again = History::new(100);
    for (line, commit) in lines.iter().zip(&commits) {
        let read = Commit::from_value(&line.parse().unwrap()).unwrap();
        assert_eq!(read, **commit);
        again.note(Arc::new(read));
    }
    assert_eq!(clocks(again.of_session("a")), clocks(history.of_session("a")));
    let third = r#"{"by":{"clientClock":1,"session":"b"},"changes":[{"after":{"id":"p","typeName":"page","x":1},"before":{"id":"p","typeName":"page","x":0},"id":"p","op":["patch",{"x":["put",1]}]}],"clock":3,"tombstoneHistoryStartsAtClock":0}"#;
    assert_eq!(lines[2], third);
}

#[test]
fn the_deepest_change_stands_in_a_line() {
    let mut world = World::with(|config| config.limits.value_depth = 48);
    let a = world.join("a");
    let deep = |inner: &str| format!("{}{inner}{}", r#"{"a":"#.repeat(47), "}".repeat(47));
    world.push(a, 1, &put_page("p", &format!(r#","a":{}"#, deep("1"))));
    let (open, close) = (r#"["patch",{"a":"#.repeat(48), "}]".repeat(48));
    world.push(a, 2, &format!(r#"{{"p":{open}["put",2]{close}}}"#));
    let commits = world.persisted();
    assert_eq!(commits.len(), 2);
    for commit in commits {
        let line = commit.to_value().to_string();
        assert_eq!(Commit::from_value(&line.parse().unwrap()), Ok((*commit).clone()));
    }
}

#[test]
fn a_line_that_lacks_something_is_refused_by_name() {
    let (_, _, commits) = worked(100);
    let whole = commits[2].to_value();
    let whole = whole.as_object().unwrap();
    for key in ["clock", "by", "changes", "tombstoneHistoryStartsAtClock"] {
        let mut lacking = whole.clone();
        lacking.remove(key);
        assert_eq!(Commit::from_value(&lacking.into()), Err(CommitError(key)));
        let mut wrong = whole.clone();
        wrong.insert(key, "x");
        assert_eq!(Commit::from_value(&wrong.into()), Err(CommitError(key)));
    }
    for key in ["schema", "pruned", "appliedPush", "forgottenClients"] {
        let mut wrong = whole.clone();
        wrong.insert(key, "x");
        assert_eq!(Commit::from_value(&wrong.into()), Err(CommitError(key)));
    }
    assert_eq!(Commit::from_value(&Value::Null), Err(CommitError("clock")));
}
