use super::*;
use roomsync::{
    Identity, Instant, Migration, MigrationFailed, MigrationSequence, Object, RecordType,
    RestoreError, Room, RoomAction, RoomConfig, Schema, Scope, SerializedSchema, SessionParams,
};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const NOW: Instant = Instant::ZERO;

fn schema() -> Arc<Schema> {
    let json = r#"{"types":{"page":{"scope":"document"}},
        "schema":{"schemaVersion":2,"sequences":{"com.example.page":3}}}"#;
    Arc::new(Schema::from_json(json).unwrap())
}

fn new_room() -> Room {
    Room::new(RoomConfig::default(), schema()).unwrap()
}

/// Puts a page, and returns the commit.
fn put(room: &mut Room, id: &str, name: &str) -> RoomCommit {
    let mut page: Object = r#"{"typeName":"page"}"#.parse().unwrap();
    page.insert("id", id);
    page.insert("name", name);
    room.transact(NOW, |tx| tx.put(page)).unwrap();
    commit(room)
}

fn remove(room: &mut Room, id: &str) -> RoomCommit {
    room.transact(NOW, |tx| tx.remove(id)).unwrap();
    commit(room)
}

/// The one commit that the room has made.
fn commit(room: &mut Room) -> RoomCommit {
    let actions = std::iter::from_fn(|| room.poll_action());
    let commits = actions.filter_map(|action| match action {
        RoomAction::Persist(commit) => Some(RoomCommit { room: RoomId::from("r"), commit }),
        RoomAction::Send { .. } | RoomAction::Close { .. } | RoomAction::Event(_) => None,
    });
    let [commit] = <[RoomCommit; 1]>::try_from(commits.collect::<Vec<_>>()).unwrap();
    commit
}

fn named(commit: RoomCommit, room: &str) -> RoomCommit {
    RoomCommit { room: RoomId::from(room), ..commit }
}

fn load(storage: &mut SqliteStorage, room: &str) -> Option<RoomSnapshot> {
    let mut snapshot = storage.load(&RoomId::from(room)).unwrap()?;
    snapshot.tombstones.sort();
    Some(snapshot)
}

/// What the storage should have of the room.
fn kept(room: &Room) -> RoomSnapshot {
    let mut snapshot = room.snapshot();
    snapshot.tombstones.sort();
    snapshot
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<SqliteStorage, OpenError> {
        SqliteStorage::open(&self.path("rooms.db"))
    }
}

#[test]
fn a_room_comes_back_as_it_was() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let mut room = new_room();
    assert_eq!(load(&mut storage, "r"), None);
    let commits = [
        put(&mut room, "page:a", "größe 🖋 \"\u{0}\""),
        put(&mut room, "page:b", "first"),
        put(&mut room, "page:b", "second"),
        put(&mut room, "page:c", ""),
        remove(&mut room, "page:c"),
        put(&mut room, "page:d", ""),
        remove(&mut room, "page:d"),
        put(&mut room, "page:d", "back"),
    ];
    let (first, rest) = commits.split_at(3);
    storage.commit(first).unwrap();
    storage.commit(rest).unwrap();
    assert_eq!(load(&mut storage, "r"), Some(kept(&room)));
    assert_eq!(room.snapshot().tombstones.len(), 1);

    drop(storage);
    assert_eq!(load(&mut files.open().unwrap(), "r"), Some(kept(&room)));
}

#[test]
fn a_schema_is_kept_until_there_is_another() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let mut room = Room::new(RoomConfig::default(), Arc::new(Schema::tldraw())).unwrap();
    let mut snapshot = RoomSnapshot::default();
    let mut sequences = SerializedSchema::default();
    sequences.insert("com.example.page", 7);
    snapshot.schema = Some(sequences.clone());
    room.load_snapshot(NOW, snapshot).unwrap();
    storage.commit(&[commit(&mut room)]).unwrap();
    storage.commit(&[put(&mut room, "page:a", "")]).unwrap();
    assert_eq!(load(&mut storage, "r").unwrap().schema, Some(sequences));
}

/// The schema after [`schema`]: the name of a page is its title. Counts the pages that become so.
fn newer_schema(migrated: &Arc<AtomicUsize>) -> Arc<Schema> {
    let migrated = Arc::clone(migrated);
    let rename = Migration::record("com.example.page/4", move |page| {
        migrated.fetch_add(1, Ordering::Relaxed);
        let name = page.remove("name").ok_or(MigrationFailed)?;
        page.insert("title", name);
        Ok(())
    });
    let long_ago = |id| Migration::record(id, |_| Err(MigrationFailed));
    let pages = ["com.example.page/1", "com.example.page/2", "com.example.page/3"].map(long_ago);
    let pages = pages.into_iter().chain([rename]);
    let pages = pages.fold(MigrationSequence::new("com.example.page"), MigrationSequence::then);
    let page = RecordType::new(Scope::Document);
    Arc::new(Schema::builder().record_type("page", page).migrations(pages).build().unwrap())
}

#[test]
fn what_a_newer_schema_makes_of_a_file_is_kept_and_made_once() {
    let files = Files::new();
    let mut room = new_room();
    let commits = [
        put(&mut room, "page:a", "a"),
        put(&mut room, "page:b", "b"),
        put(&mut room, "page:c", "c"),
        remove(&mut room, "page:c"),
    ];
    files.open().unwrap().commit(&commits).unwrap();

    let migrated = Arc::new(AtomicUsize::new(0));
    let newer = newer_schema(&migrated);
    let open = |schema: &Arc<Schema>| {
        let snapshot = load(&mut files.open().unwrap(), "r").unwrap();
        Room::restore(RoomConfig::default(), Arc::clone(schema), snapshot)
    };
    // A process that dies before its first commit leaves the file as it was.
    let mut room = open(&newer).unwrap();
    assert_eq!(load(&mut files.open().unwrap(), "r").unwrap().clock, 4);
    assert_eq!(open(&newer).unwrap().snapshot(), room.snapshot());
    assert_eq!(migrated.swap(0, Ordering::Relaxed), 4);

    files.open().unwrap().commit(&[commit(&mut room)]).unwrap();
    let mut again = open(&newer).unwrap();
    assert_eq!((again.poll_action(), kept(&again)), (None, kept(&room)));
    assert_eq!(migrated.load(Ordering::Relaxed), 0);
    assert_eq!(again.clock(), 5);
    assert_eq!(again.record("page:a").unwrap().get("title"), Some(&"a".into()));
    assert_eq!(again.snapshot().schema.as_ref(), newer.serialized());
    assert_eq!(open(&schema()).map(drop), Err(RestoreError::SchemaTooNew));
}

#[test]
fn forgotten_tombstones_are_dropped() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let mut config = RoomConfig::default();
    config.limits.tombstones = 4;
    let mut room = Room::new(config, schema()).unwrap();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let commits = [put(&mut room, name, ""), remove(&mut room, name)];
        storage.commit(&commits).unwrap();
    }
    assert!(room.snapshot().tombstone_history_starts_at > 0);
    assert_eq!(load(&mut storage, "r"), Some(kept(&room)));
}

#[test]
fn rooms_do_not_see_each_other() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let (mut one, mut two) = (new_room(), new_room());
    let commits = [
        named(put(&mut one, "page:a", "one"), "one"),
        named(put(&mut two, "page:a", "two"), "two"),
        named(remove(&mut one, "page:a"), "one"),
    ];
    storage.commit(&commits).unwrap();
    assert_eq!(load(&mut storage, "one"), Some(kept(&one)));
    assert_eq!(load(&mut storage, "two"), Some(kept(&two)));
}

#[test]
fn a_full_disk_keeps_nothing_of_a_batch_and_everything_before_it() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let (mut small, mut large) = (new_room(), new_room());
    storage.commit(&[named(put(&mut small, "page:a", ""), "small")]).unwrap();
    let before = kept(&small);

    let pages: i64 =
        storage.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    storage.connection.pragma_update(None, "max_page_count", pages + 4).unwrap();
    let batch = [
        named(put(&mut small, "page:b", ""), "small"),
        named(put(&mut large, "page:a", &"x".repeat(100_000)), "large"),
    ];
    assert!(storage.commit(&batch).is_err());
    assert_eq!(load(&mut storage, "small"), Some(before));
    assert_eq!(load(&mut storage, "large"), None);

    storage.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    storage.commit(&batch).unwrap();
    assert_eq!(load(&mut storage, "small"), Some(kept(&small)));
    assert_eq!(load(&mut storage, "large"), Some(kept(&large)));
}

#[test]
fn wherever_a_write_is_torn_whole_batches_are_kept() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let mut room = new_room();
    // A snapshot that was taken after each batch; none before the first.
    let mut states = vec![None];
    for round in 0..6 {
        let commits = [
            put(&mut room, &format!("page:{round}"), &"x".repeat(round * 700)),
            put(&mut room, "page:same", &round.to_string()),
        ];
        storage.commit(&commits).unwrap();
        states.push(Some(kept(&room)));
    }
    let file = fs::read(files.path("rooms.db")).unwrap();
    let log = fs::read(files.path("rooms.db-wal")).unwrap();
    let mut reached = 0;
    for length in (0..log.len()).step_by(1009).chain([log.len()]) {
        let crashed = Files::new();
        fs::write(crashed.path("rooms.db"), &file).unwrap();
        fs::write(crashed.path("rooms.db-wal"), &log[..length]).unwrap();
        let found = load(&mut crashed.open().unwrap(), "r");
        let state = states.iter().position(|state| *state == found);
        let state = state.unwrap_or_else(|| panic!("a part of a batch at {length}: {found:?}"));
        assert!(state >= reached, "a longer log holds no less");
        reached = state;
    }
    assert_eq!(reached, states.len() - 1);
}

#[test]
fn a_file_belongs_to_one_at_a_time() {
    let files = Files::new();
    let storage = files.open().unwrap();
    assert!(matches!(files.open(), Err(OpenError::Locked)));
    drop(storage);
    assert!(files.open().is_ok());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let files = Files::new();
    fs::write(files.path("rooms.db"), "not a database, but long enough to be taken for one")
        .unwrap();
    assert!(matches!(files.open(), Err(OpenError::NotADatabase)));

    let files = Files::new();
    let other = Connection::open(files.path("rooms.db")).unwrap();
    other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(other);
    assert!(matches!(files.open(), Err(OpenError::Foreign)));

    let files = Files::new();
    drop(files.open().unwrap());
    let newer = Connection::open(files.path("rooms.db")).unwrap();
    newer.pragma_update(None, "user_version", FORMAT + 1).unwrap();
    drop(newer);
    assert!(matches!(files.open(), Err(OpenError::Newer(version)) if version == FORMAT + 1));
    assert!(matches!(SqliteStorage::open(&files.path("no/such")), Err(OpenError::CannotOpen)));
}

/// The commit of a client's push, which puts a page.
fn push(room: &mut Room, identity: Option<&str>, client: &str, clock: u64) -> RoomCommit {
    let mut params = SessionParams::new(format!("{identity:?} {client}"));
    params.identity = identity.map(Identity::from);
    let connection = room.handle_connect(NOW, params).unwrap();
    let connect = format!(
        r#"{{"type":"connect","connectRequestId":"r","lastServerClock":-1,"protocolVersion":8,
        "schema":{{"schemaVersion":2,"sequences":{{"com.example.page":3}}}},"clientId":"{client}"}}"#
    );
    room.handle_message(NOW, connection, connect.as_bytes());
    while room.poll_action().is_some() {}
    let push = format!(
        r#"{{"type":"push","clientClock":{clock},
        "diff":{{"p{clock}":["put",{{"id":"p{clock}","typeName":"page"}}]}}}}"#
    );
    room.handle_message(NOW, connection, push.as_bytes());
    commit(room)
}

#[test]
fn the_last_push_of_each_client_is_kept_with_what_it_did() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let mut config = RoomConfig::default();
    config.limits.known_clients = 3;
    let mut room = Room::new(config, schema()).unwrap();
    for (identity, client, clock) in [
        (None, "phone", 1),
        (Some("alice"), "phone", 2),
        (None, "phone", 3),
        (Some("bob"), "phone", 4),
        (Some("bob"), "phone", 5),
        (None, "laptop", 6),
    ] {
        storage.commit(&[push(&mut room, identity, client, clock)]).unwrap();
        assert_eq!(load(&mut storage, "r"), Some(kept(&room)), "push {clock}");
    }
    assert_eq!(room.snapshot().applied_pushes.len(), 3, "one was forgotten");
    drop(storage);
    assert_eq!(load(&mut files.open().unwrap(), "r"), Some(kept(&room)));
}

#[test]
fn a_snapshot_takes_the_place_of_a_room_and_of_no_other() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    let (mut old, mut new, mut other) = (new_room(), new_room(), new_room());
    let commits = [
        push(&mut old, None, "phone", 1),
        named(put(&mut other, "page:a", "other"), "other"),
        put(&mut old, "page:a", "old"),
        remove(&mut old, "page:a"),
    ];
    storage.commit(&commits).unwrap();
    put(&mut new, "page:a", "new");
    put(&mut new, "page:b", "");
    remove(&mut new, "page:b");
    push(&mut new, Some("ann"), "laptop", 7);
    let mut told = Vec::new();
    let room = RoomId::from("r");
    storage.replace(&room, &new.snapshot(), &mut |done, total| told.push((done, total))).unwrap();
    assert_eq!(told, [(1, 2), (2, 2)]);
    assert_eq!(load(&mut storage, "r"), Some(kept(&new)));
    assert_eq!(load(&mut storage, "other"), Some(kept(&other)));
    let info = |name: &str, clock, documents| RoomInfo { name: name.into(), clock, documents };
    assert_eq!(storage.rooms().unwrap(), [info("other", 1, 1), info("r", 4, 2)]);
    assert_eq!(storage.clock(&room).unwrap(), Some(4));
    assert_eq!(storage.clock(&RoomId::from("none")).unwrap(), None);
}

#[test]
fn a_file_grows_to_its_limit_and_no_further() {
    let files = Files::new();
    let mut storage = files.open().unwrap();
    storage.limit(NonZeroU32::MIN).unwrap();
    let mut room = new_room();
    let mut commits = (0..64).map(|n| put(&mut room, &format!("page:{n}"), &"x".repeat(30_000)));
    let full = commits.find_map(|commit| storage.commit(&[commit]).err()).unwrap();
    assert!(full.to_string().contains("full"), "{full}");
    let size = fs::metadata(files.path("rooms.db")).unwrap().len();
    assert!(size <= 1 << 20, "{size}");
    assert!(load(&mut storage, "r").unwrap().documents.len() > 10);
}

#[test]
fn a_tool_makes_no_file() {
    let files = Files::new();
    let opened = SqliteStorage::open_to_read(&files.path("rooms.db"));
    assert!(matches!(opened, Err(OpenError::CannotOpen)));
    assert!(!files.path("rooms.db").exists());
}

/// What only reads a file wrote to it, which failed where nothing can be written.
#[test]
fn a_file_that_cannot_be_written_is_read_as_it_is() {
    let files = Files::new();
    let path = files.path("ro#?%25oms.db");
    let mut room = new_room();
    let mut storage = SqliteStorage::open(&path).unwrap();
    storage.commit(&[put(&mut room, "page:a", "A")]).unwrap();
    // Its latest changes stand beside it, as after a crash.
    let unmerged = files.path("unmerged.db");
    for suffix in ["", "-wal"] {
        let copy =
            |path: &Path| [path.as_os_str(), suffix.as_ref()].into_iter().collect::<OsString>();
        fs::copy(copy(&path), copy(&unmerged)).unwrap();
    }
    drop(storage);
    let mut storage = SqliteStorage::open_unwritable(&path).unwrap();
    assert_eq!(load(&mut storage, "r"), Some(kept(&room)));
    assert!(storage.commit(&[put(&mut room, "page:b", "B")]).is_err());
    let opened = SqliteStorage::open_unwritable(&unmerged);
    assert!(matches!(opened, Err(OpenError::UnmergedLog)));
    assert_eq!(load(&mut SqliteStorage::open_to_read(&unmerged).unwrap(), "r").unwrap().clock, 1);
}

/// An empty file became a database when somebody looked into it.
#[test]
fn an_empty_file_is_nothing_to_read() {
    let files = Files::new();
    let path = files.path("empty.db");
    fs::write(&path, "").unwrap();
    for open in [SqliteStorage::open_to_read, SqliteStorage::open_unwritable] {
        assert!(matches!(open(&path), Err(OpenError::Empty)));
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}
