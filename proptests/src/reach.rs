//! What a run has met: a search that never goes somewhere proves nothing about it.

use core::fmt;

macro_rules! reach {
    ($($(#[$doc:meta])* $name:ident $text:literal)*) => {
        /// Something that should happen in some run or other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reach {
            $($(#[$doc])* $name),*
        }

        impl Reach {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

reach! {
    /// A push was answered `commit`.
    Commit "commit"
    /// A push was answered `discard`.
    Discard "discard"
    /// A push was answered with what happened instead.
    Rebase "rebase"
    /// A client that had been in before was sent everything.
    WipeAllAgain "wipe_all after a reconnect"
    /// A client was sent what had changed while it was away.
    WipePresence "wipe_presence with changes"
    /// A session that did not read was told the state, its pushes discarded though they were taken.
    CatchUp "catch-up after a slow read"
    /// A peer that does not read said something all the same.
    HeardSlow "message of a peer that does not read"
    /// What a room of small limits holds was measured while somebody did not read.
    Backlog "backlog measured in a tight room"
    /// Tombstones were forgotten.
    Pruned "tombstones pruned"
    /// A link was cut, and something that was under way never arrived.
    CutLost "messages lost with a link"
    /// A link was cut in the middle of a message: a part of its bytes arrived.
    CutInFrame "cut inside a frame"
    /// A link was cut in the middle of a message that goes in pieces: between two of them or in one.
    CutInPieces "cut inside a chunked message"
    /// A part of a message arrived, and the rest later.
    InParts "frame that arrives in parts"
    /// A link was cut, and one side or both were never told.
    HalfOpen "half-open link"
    /// Nothing got through a link that stayed open.
    Stalled "stalled link"
    /// The same session connected again while its old connection was open.
    Replaced "replaced connection"
    /// A message of a connection that the room had closed or replaced.
    LateMessage "late message of a dead connection"
    /// The end of a connection that the room had closed or replaced.
    LateEnd "late end of a dead connection"
    /// A message for a client of a link that it had given up.
    LateForClient "late message of a dead link"
    /// The room's process died with a commit durable and nobody told.
    CrashUntold "crash between persist and send"
    /// The room's process died with a commit made but not durable.
    CrashLost "crash before persist"
    /// The room's process died in the middle of a write: a part of a commit was there.
    Torn "commit torn by a crash"
    /// The room's process died with a commit written and not known to be durable. It was there.
    Unsynced "commit there after a crash though not synced"
    /// A client found by itself that nobody listens.
    ClientReset "client gave up on a silent link"
    /// The room found by itself that a session is silent.
    Idle "idle session cancelled"
    /// A connection that never said `connect` was closed.
    StartTimeout "start timeout"
    /// A session came back within its grace.
    Resumed "resumed within grace"
    /// A session's presence went with it.
    PresenceGone "presence removed with its session"
    /// A session was closed for a record that is not allowed.
    InvalidRecord "INVALID_RECORD close"
    /// A session was closed for a message that is none.
    UnknownError "UNKNOWN_ERROR close"
    /// A session was closed for pieces out of order.
    BadChunk "bad chunk close"
    /// A session was closed since its pushes waited for an answer without end.
    Overrun "closed to start over"
    /// A session with too old a protocol or schema was turned away.
    TooOld "CLIENT_TOO_OLD close"
    /// A session with too new a protocol or schema was turned away.
    TooNew "SERVER_TOO_OLD close"
    /// A session of an old protocol was told why it is turned away, in a message.
    Incompatible "incompatibility_error"
    /// The host ended a session's connection.
    Kicked "closed by the host"
    /// A client said goodbye.
    Goodbye "closed by the application"
    /// A session of protocol 5 was let in.
    Version5 "protocol 5"
    /// A session of protocol 6 was let in.
    Version6 "protocol 6"
    /// A session of protocol 7 was let in.
    Version7 "protocol 7"
    /// The room took the last piece of a message.
    Pieces "message in pieces"
    /// A session was told something by the host.
    Custom "custom message"
    /// A read-only session's push was discarded.
    ReadOnly "read-only push discarded"
    /// The host's rules refused a push as a whole.
    RefusedPush "push refused by the host"
    /// There was presence in it.
    RefusedPresence "presence refused with a push"
    /// They refused a part of one, or all its parts one by one.
    Vetoed "change vetoed by the host"
    /// They made something else of a new record.
    Altered "record altered by the host"
    /// They keep the presence of one who is in from another.
    Hidden "presence hidden by the host"
    /// A session of an older protocol was told of a string that grew.
    Legacy "append told to an older protocol"
    /// A dial failed.
    DialFailed "dial failed"
    /// A client was restarted with changes that it had not sent.
    Restarted "restart with unsent changes"
    /// A client's process died with changes that it had not sent, and they were durable.
    Reopened "restart with unsent changes kept"
    /// A client went on under a newer schema, with changes that the room did not have.
    Upgraded "unsent changes migrated"
    /// A client's process died with a push durable and the room not told.
    DiedUntold "client died between persist and send"
    /// A client's process died before what had changed was durable.
    DiedEarly "client died before persist"
    /// A client's process died in the middle of a write: a part of what it keeps was there.
    KeptTorn "client died in the middle of a write"
    /// A client that came back was told of a push that the room had taken and it had no answer of.
    Taken "unanswered push known to be taken"
    /// A push without effect was made durable as taken.
    TakenInVain "push without effect kept as taken"
    /// What a client did took effect again, as it did not say who it is.
    Repeated "edit of an uncounted client repeated"
    /// A client was restarted, and came back under the name that it had.
    CameBack "restarted client known by its pushes"
    /// A record that one edit had made was removed, to be gone for good.
    OwnRemoved "own record removed"
    /// A user took back what was done last.
    Undone "undo"
    /// A user did again what was taken back.
    Redone "redo"
    /// A client was let in by an answer that makes no sense.
    AnswerSpoiled "answer to connect that makes no sense"
    /// A client was told of a change that makes no sense.
    DataSpoiled "data that makes no sense"
    /// The room slept, and was made anew with its sessions.
    Slept "woken with its sessions"
    /// Not all of its sessions were resumed at once.
    WokenSlowly "woken with its sessions one by one"
    /// It slept with something that a session had yet to hear.
    SleptOnChanges "slept with changes untold"
    /// Pushes whose answer was due before the room slept were answered after it.
    Woken "pushes answered after a sleep"
    /// The host loaded other documents.
    Loaded "snapshot loaded"
    /// The host shut the room down.
    ShutDown "shut down"
    /// A machine's clock went back.
    ClockBack "clock went back"
    /// A machine's clock jumped ahead.
    ClockAhead "clock jumped ahead"
    /// A client was let in by a room that answered in postcard.
    Binary "answer in postcard"
    /// A push of a client of an older schema was answered `commit`.
    Older "commit for an older schema"
    /// The host loaded documents of an older schema.
    LoadedOlder "snapshot of an older schema loaded"
    /// The room was opened with a newer schema, and its documents were migrated.
    Migrated "documents migrated at a restart"
    /// All was mended, quiet and equal, after something had been broken.
    Mended "converged after faults"
}

/// How often each was met.
#[derive(Clone, Debug)]
pub struct Counts([u64; Reach::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Reach::ALL.len()])
    }
}

impl Counts {
    /// It was met.
    pub const fn meet(&mut self, what: Reach) {
        self.0[what as usize] += 1;
    }

    /// Adds up two runs.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }

    /// What was never met.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let never = |what: &&Reach| self.0[**what as usize] == 0;
        Reach::ALL.iter().filter(never).map(|what| what.name()).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Reach::ALL.iter().zip(self.0);
        counts.into_iter().try_for_each(|(what, count)| writeln!(f, "{count:>9}  {}", what.name()))
    }
}
