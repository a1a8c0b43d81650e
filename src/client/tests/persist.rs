//! What a client says to keep, and that one restored from it goes on where the other was.

use super::*;
use crate::error::RestoreError;
use crate::ids::Key;
use crate::schema::{Migration, MigrationFailed, MigrationSequence};

fn config() -> ClientConfig {
    ClientConfig { client_id: Some("me".into()), persist: true, ..ClientConfig::default() }
}

/// A client of which every commit is kept.
pub(super) struct Kept {
    pub(super) probe: Probe,
    pub(super) store: ClientSnapshot,
}

impl Kept {
    pub(super) fn online(documents: &str) -> Self {
        let client = Client::new(Instant::ZERO, config(), schema()).unwrap();
        let probe = Probe { client, link: LinkId(0), now: Instant::ZERO };
        let mut kept = Self { probe, store: ClientSnapshot::default() };
        kept.done();
        kept.probe.connect();
        kept.probe.answer("wipe_all", documents, 0);
        kept.done();
        kept
    }

    pub(super) fn done(&mut self) -> Done {
        let done = self.probe.done();
        done.persisted.iter().for_each(|commit| self.store.apply(commit));
        done
    }

    pub(super) fn keys(&self) -> Vec<&str> {
        self.store.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// The keys of all that the client asked to write.
    fn written(&mut self) -> Vec<String> {
        let done = self.done();
        let entry = |(key, value): (&Key, Option<&Value>)| match value {
            Some(_) => key.to_string(),
            None => format!("-{key}"),
        };
        done.persisted.iter().flat_map(|commit| commit.iter().map(entry)).collect()
    }

    fn restore(&self) -> Client {
        Client::restore(self.probe.now, ClientConfig::default(), schema(), &self.store).unwrap()
    }

    /// The process ends, and the next one goes on.
    fn restart(&mut self) {
        self.probe.client = self.restore();
        self.done();
        self.probe.connect();
    }
}

/// All that matters of a client, apart from its connection.
pub(super) fn essence(client: &Client) -> String {
    let replica = client.replica.essence();
    format!("{replica} {:?} {:?}", client.server_clock, client.config.client_id)
}

#[test]
fn without_being_asked_a_client_persists_nothing() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    probe.put(note("b", ""));
    assert!(probe.done().persisted.is_empty());
}

#[test]
fn what_is_persisted_is_what_changed() {
    let mut kept = Kept::online(&put_note("a", ""));
    assert_eq!(kept.keys(), ["meta", "record/note:a", "schema"]);
    // An edit is pushed at once, and so never stands alone.
    kept.probe.set("note:a", "text", "x");
    assert_eq!(kept.written(), ["meta", "push/1"]);
    kept.probe.set("note:a", "text", "xy");
    assert_eq!(kept.written(), ["edit/note:a"]);
    kept.probe.data(&result(1, 1, COMMIT));
    assert_eq!(kept.written(), ["edit/note:a", "meta", "-push/1", "record/note:a"]);
    kept.probe.sleep(40);
    kept.probe.data(&patch(&put_note("b", ""), 2));
    assert_eq!(kept.written(), ["meta", "record/note:b"]);
    kept.probe.data(&patch(r#"{"note:b":["remove"]}"#, 3));
    assert_eq!(kept.written(), ["meta", "-record/note:b"]);
    // What changes nothing but the clock.
    kept.probe.data(&patch(r#"{"note:b":["remove"]}"#, 4));
    assert_eq!(kept.written(), ["meta"]);
    kept.probe.data(&patch(r#"{"note:b":["remove"]}"#, 4));
    assert_eq!(kept.written(), [""; 0]);
}

#[test]
fn presence_and_records_of_session_scope_are_not_kept() {
    let mut kept = Kept::online("{}");
    let cursor: Object = r#"{"id":"cursor:me","typeName":"cursor","x":1}"#.parse().unwrap();
    kept.probe.client.set_presence(kept.probe.now, Some(cursor)).unwrap();
    kept.probe.put(r#"{"id":"camera:a","typeName":"camera"}"#.parse().unwrap());
    let done = kept.done();
    assert_eq!((done.sent.len(), done.persisted.len()), (1, 0));
}

#[test]
fn a_push_is_kept_before_it_is_sent_and_its_number_with_it() {
    let mut kept = Kept::online("{}");
    kept.probe.put(note("a", ""));
    let first = kept.probe.client.poll_action();
    let Some(ClientAction::Persist(commit)) = first else { panic!("{first:?}") };
    assert!(commit.to_string().contains(r#""lastPush":1"#), "{commit}");
    assert!(commit.iter().any(|(key, value)| key.as_str() == "push/1" && value.is_some()));
    let sent = drain(&mut kept.probe.client).sent;
    assert_eq!(pushed(&sent[0]).len(), 1);
}

#[test]
fn a_restored_client_takes_what_the_room_took_as_done_and_pushes_the_rest_under_new_numbers() {
    for (taken, next) in [(0, 2), (1, 1), (2, 0)] {
        let mut kept = Kept::online("{}");
        for id in ["a", "b"] {
            kept.probe.put(note(id, ""));
            kept.done();
            kept.probe.sleep(40);
            kept.done();
        }
        kept.restart();
        let hello = kept.done().sent.concat();
        assert!(hello.contains(r#""lastServerClock":0"#), "{hello}");
        assert!(hello.ends_with(r#""clientId":"me","lastAckedPush":0}"#), "{hello}");
        let request = kept.probe.client.last_request.to_string();
        let answer = connect_answer(&request, "wipe_presence", "{}", taken);
        let answer = answer.strip_suffix('}').unwrap();
        kept.probe.hear(&format!(r#"{answer},"lastAppliedPush":{taken}}}"#));
        let done = kept.done();
        if next == 0 {
            assert!(done.sent.is_empty() && done.settled == 1);
            continue;
        }
        assert_eq!(pushed(&done.sent[0]).len(), next);
        assert!(done.sent[0].contains(r#""clientClock":3"#), "{:?}", done.sent);
        assert_eq!(kept.keys().iter().filter(|key| key.starts_with("push/")).count(), 1);
    }
}

#[test]
fn a_client_away_past_the_history_rebases_onto_the_wipe_with_its_changes_kept() {
    let notes = format!(
        r#"{{"note:a":["put",{}],"note:b":["put",{}]}}"#,
        note("a", r#","text":"one""#),
        note("b", "")
    );
    let mut kept = Kept::online(&notes);
    kept.probe.cut();
    kept.probe.set("note:a", "x", 1);
    kept.probe.set("note:b", "x", 1);
    kept.probe.put(note("c", ""));
    kept.done();
    kept.restart();
    kept.done();
    kept.probe.answer("wipe_all", &put_note("a", r#","text":"two""#), 900);
    let done = kept.done();
    let push = pushed(&done.sent[0]);
    assert_eq!(push.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["note:a", "note:c"]);
    assert_eq!(kept.probe.text("note:a"), Some("two"));
    assert_eq!(essence(&kept.restore()), essence(&kept.probe.client));
}

#[test]
fn an_empty_store_is_that_of_a_new_client() {
    let config = ClientConfig::default();
    let mut client =
        Client::restore(Instant::ZERO, config, schema(), &ClientSnapshot::default()).unwrap();
    let done = drain(&mut client);
    let commit = text_of(&done.persisted);
    assert_eq!((done.dials, commit.contains(r#""format":1"#)), (1, true), "{commit}");
    assert_eq!(client.server_clock(), None);
}

#[test]
fn with_another_schema_the_room_is_asked_for_everything() {
    let mut kept = Kept::online(&put_note("a", ""));
    kept.probe.cut();
    kept.probe.set("note:a", "x", 1);
    kept.done();
    let other = Schema::builder()
        .record_type("note", RecordType::new(Scope::Document))
        .sequence("com.example.note", 2)
        .build();
    let other = Arc::new(other.unwrap());
    let config = ClientConfig::default();
    let mut client = Client::restore(kept.probe.now, config, other, &kept.store).unwrap();
    assert_eq!(client.server_clock(), None);
    assert!(client.record("note:a").unwrap().get("x").is_some() && !client.is_settled());
    let commit = text_of(&drain(&mut client).persisted);
    assert!(commit.contains(r#""com.example.note":2"#), "{commit}");
}

/// The schema of which each note has a `title` that was its `text`, if it had one.
fn titled(
    up_only: impl Fn(&mut Object) -> Result<(), MigrationFailed> + Send + Sync + 'static,
) -> Arc<Schema> {
    let first = Migration::record("com.example.note/1", |_| Err(MigrationFailed));
    let second = Migration::record("com.example.note/2", up_only);
    let notes = MigrationSequence::new("com.example.note").then(first).then(second);
    let sound = |note: &Object| match note.get("text") {
        Some(_) => Err(InvalidRecord),
        None => Ok(()),
    };
    let note = RecordType::new(Scope::Document).with_validator(sound);
    Arc::new(Schema::builder().record_type("note", note).migrations(notes).build().unwrap())
}

fn retitle(note: &mut Object) -> Result<(), MigrationFailed> {
    if note.get("stuck").is_some() {
        return Err(MigrationFailed);
    }
    if let Some(text) = note.remove("text") {
        note.insert("title", text);
    }
    Ok(())
}

/// A client that dies with a push that has no answer and changes that it has not pushed.
fn busy() -> Kept {
    let mut kept = Kept::online(&put_note("a", r#","text":"a""#));
    kept.probe.set("note:a", "text", "ab");
    kept.done();
    kept.probe.cut();
    kept.probe.set("note:a", "text", "abc");
    kept.probe.put(r#"{"id":"note:new","typeName":"note","text":"n"}"#.parse().unwrap());
    kept.done();
    assert!(kept.keys().contains(&"push/1") && kept.keys().contains(&"edit/note:a"));
    kept
}

#[test]
fn with_a_newer_schema_what_was_kept_is_migrated_and_kept_as_that() {
    let mut kept = busy();
    let restore = |store: &ClientSnapshot| {
        Client::restore(Instant::ZERO, ClientConfig::default(), titled(retitle), store).unwrap()
    };
    let title = |client: &Client, id: &str| client.record(id)?.get("title").cloned();
    let mut client = restore(&kept.store);
    assert_eq!(title(&client, "note:a"), Some("abc".into()));
    assert_eq!(title(&client, "note:new"), Some("n".into()));
    // All of it is one commit, so that none of it is ever taken for what it no longer is.
    let commits = drain(&mut client).persisted;
    assert_eq!(commits.len(), 1);
    kept.store.apply(&commits[0]);
    assert!(!text_of(&commits).contains(r#""text""#), "{}", text_of(&commits));
    let again = restore(&kept.store);
    assert!(again.records().eq(client.records()));

    // And it becomes of it in the room what it would have become. The push was taken.
    let mut probe = Probe { client: again, link: LinkId(0), now: Instant::ZERO };
    probe.connect();
    probe.done();
    let answer = put_note("a", r#","title":"ab""#);
    probe.hear(&connect_answer("1", "wipe_all", &answer, 1).replacen(
        '{',
        r#"{"lastAppliedPush":1,"#,
        1,
    ));
    let done = probe.done();
    assert!(done.sent.concat().contains(r#""title":["append","c",2]"#), "{:?}", done.sent);
    done.persisted.iter().for_each(|commit| kept.store.apply(commit));
    probe.data(&result(2, 2, COMMIT));
    probe.done().persisted.iter().for_each(|commit| kept.store.apply(commit));
    assert_eq!(kept.keys(), ["meta", "record/note:a", "record/note:new", "schema"]);
}

#[test]
fn what_cannot_be_migrated_is_not_restored() {
    let kept = busy();
    let restored = |schema, store: &ClientSnapshot| {
        Client::restore(Instant::ZERO, ClientConfig::default(), schema, store).map(drop)
    };
    let never = restored(titled(|_| Err(MigrationFailed)), &kept.store);
    assert!(
        matches!(never, Err(RestoreError::Migration(error)) if error.migration == "com.example.note/2".into())
    );
}

fn text_of(commits: &[ClientCommit]) -> String {
    commits.iter().map(ToString::to_string).collect()
}

#[test]
fn what_no_client_has_kept_is_refused() {
    let refused = |entries: &[(&str, &str)]| {
        let parse = |(key, value): &(&str, &str)| (Key::from(*key), value.parse().unwrap());
        let store: ClientSnapshot = entries.iter().map(parse).collect();
        Client::restore(Instant::ZERO, ClientConfig::default(), schema(), &store).map(drop)
    };
    let meta = ("meta", r#"{"format":1,"lastPush":1}"#);
    assert_eq!(refused(&[meta, ("push/1", "{}")]), Ok(()));
    let bad = |key: &str| Err(RestoreError::BadEntry(key.into()));
    for (key, value) in [
        ("note:a", "{}"),
        ("record/note:a", "1"),
        ("push/x", "{}"),
        ("push/1", r#"{"a":["zap"]}"#),
        ("edit/note:a", r#"["zap"]"#),
        ("edit/note:a", r#"["remove","too long"]"#),
        ("schema", "{}"),
    ] {
        assert_eq!(refused(&[meta, (key, value)]), bad(key), "{key} {value}");
    }
    assert_eq!(refused(&[("push/1", "{}")]), bad("meta"), "without a meta");
    assert_eq!(refused(&[meta, ("push/2", "{}")]), bad("meta"), "a push of no number");
    for meta in [r#"{"format":2}"#, "{}", "1"] {
        assert_eq!(refused(&[("meta", meta)]), Err(RestoreError::UnknownFormat));
    }
    for meta in [r#"{"format":1,"lastPush":-1}"#, r#"{"format":1,"clientId":1}"#] {
        assert_eq!(refused(&[("meta", meta)]), bad("meta"));
    }
    for record in ["{}", r#"{"id":"note:b","typeName":"note"}"#] {
        for key in ["record/note:a", "aside/note:a"] {
            assert_eq!(refused(&[meta, (key, record)]), bad(key));
        }
        // What was put under another's id was shown, and pushed, which ended the client for good.
        let op = format!(r#"["put",{record}]"#);
        assert_eq!(refused(&[meta, ("edit/note:a", &op)]), bad("edit/note:a"));
        let push = format!(r#"{{"note:a":{op}}}"#);
        assert_eq!(refused(&[meta, ("push/1", &push)]), bad("push/1"));
    }
    let both = r#"{"id":"note:a","typeName":"note"}"#;
    let twice = [meta, ("aside/note:a", both), ("record/note:a", both)];
    assert_eq!(refused(&twice), bad("record/note:a"));
}

#[test]
fn records_as_deep_as_they_may_be_are_read_back() {
    let mut config = config();
    config.limits.value_depth = crate::Limits::MAX_VALUE_DEPTH;
    let mut client = Client::new(Instant::ZERO, config.clone(), schema()).unwrap();
    let mut store = ClientSnapshot::default();
    // Arrays are patched item by item, and so are told the deepest.
    let deep = |inner: &str| {
        let levels = crate::Limits::MAX_VALUE_DEPTH - 1;
        note("a", &format!(r#","x":{}{inner}{}"#, "[".repeat(levels), "]".repeat(levels)))
    };
    let link = client.handle_connected(Instant::ZERO);
    client.handle_message(
        Instant::ZERO,
        link,
        connect_answer("1", "wipe_all", &format!(r#"{{"note:a":["put",{}]}}"#, deep("1")), 0)
            .as_bytes(),
    );
    let edit = |client: &mut Client, inner: &str| {
        client.transact(Instant::ZERO, |tx| tx.put(deep(inner))).unwrap();
    };
    edit(&mut client, "2");
    edit(&mut client, "3");
    let mut lines = Vec::new();
    while let Some(action) = client.poll_action() {
        if let ClientAction::Persist(commit) = action {
            lines.push(commit.to_string());
        }
    }
    assert!(lines.concat().contains("push/1") && lines.concat().contains("edit/note:a"));
    lines.iter().for_each(|line| store.apply(&line.parse().unwrap()));
    let restored = Client::restore(Instant::ZERO, config, schema(), &store).unwrap();
    assert_eq!(essence(&restored), essence(&client));
}

#[test]
fn a_removal_that_others_have_outrun_is_not_made_again_after_a_restart() {
    let mut kept = Kept::online(&put_note("a", ""));
    kept.probe.remove("note:a");
    kept.probe.data(&patch(r#"{"note:a":["remove"]}"#, 1));
    kept.probe.data(&patch(&put_note("a", r#","x":1"#), 2));
    kept.done();
    assert!(kept.keys().contains(&"outrun/note:a"));
    kept.restart();
    kept.probe.answer("wipe_presence", "{}", 2);
    let done = kept.done();
    assert_eq!(kept.probe.client.record("note:a"), Some(&note("a", r#","x":1"#)));
    assert!(kept.probe.client.is_settled(), "{:?}", done.sent);
    assert_eq!(kept.keys(), ["meta", "record/note:a", "schema"]);
}

#[test]
fn what_was_made_offline_is_unconfirmed_after_a_restart() {
    let mut kept = Kept::online("{}");
    assert!(!kept.store.is_empty() && ClientSnapshot::default().is_empty());
    let client = kept.restore();
    assert!(client.is_confirmed(client.checkpoint()));
    kept.probe.cut();
    kept.probe.put(note("a", ""));
    kept.done();
    kept.restart();
    let point = kept.probe.client.checkpoint();
    assert!(!kept.probe.client.is_confirmed(point));
    kept.probe.answer("wipe_presence", "{}", 0);
    let push = kept.probe.client.last_push;
    kept.probe.data(&result(push, 1, COMMIT));
    assert_eq!(kept.done().confirmed, [point]);
}
