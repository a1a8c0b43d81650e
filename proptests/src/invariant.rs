//! What must hold in every run. Each invariant stands in `docs/invariants.md` under its name.

/// A law that was broken, and how that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The invariant's number and name.
    pub oracle: &'static str,
    /// What should have been, and what was.
    pub detail: String,
}

/// Whether all is as it must be.
pub type Verdict = Result<(), Failure>;

macro_rules! invariants {
    ($($(#[$doc:meta])* $name:ident = $text:literal)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
        /// All invariants.
        pub const INVARIANTS: &[&str] = &[$($text),*];
    };
}

invariants! {
    /// Names of connections and links.
    IDS = "I1 ids"
    /// Clocks of rooms, commits and messages.
    CLOCKS = "I2 clocks"
    /// All that is connected agrees once nothing is due.
    CONVERGENCE = "I3 convergence"
    /// A copy fed by events is the state.
    EVENTS = "I4 events"
    /// Each push is answered once, in order.
    ANSWERS = "I5 answers"
    /// The room does what the model does.
    MODEL = "I6 model"
    /// What was persisted is what the room holds.
    PERSISTED = "I7 persisted"
    /// Nobody is told of what a crash could still take back.
    TOLD = "I8 told"
    /// A machine that is woken exactly when it asks to be has nothing left to do at that time.
    TIMERS = "I9 timers"
    /// The same script, the same actions.
    REPLAY = "I10 replay"
    /// Nothing is sent to who does not read or is not there.
    QUIET = "I11 quiet"
    /// Where nothing breaks, nothing is closed and all is prompt.
    CALM = "I12 calm"
    /// Peers that may not change documents do not.
    RIGHTS = "I13 rights"
    /// Presence is there as long as its owner.
    PRESENCE = "I14 presence"
    /// No protocol is told what it does not know.
    VERSIONS = "I15 versions"
    /// Nothing panics.
    PANIC = "I16 no panic"
    /// What the application does takes effect for it at once.
    LOCAL = "I17 local"
    /// What machines hold does not grow with time.
    BOUNDS = "I18 bounds"
    /// What a client edits reaches the room.
    EDITS = "I19 edits"
    /// What an application does takes effect in the room once.
    ONCE = "I20 once"
    /// What a client keeps is all that the next process needs.
    KEPT = "I21 kept"
    /// A message of the room that makes no sense changes nothing.
    SENSE = "I22 sense"
    /// Only whole messages reach a machine, as they were sent.
    WHOLE = "I23 whole"
    /// Who is in is told of documents what has happened since it was last told.
    NEWS = "I24 news"
}

/// Says that an invariant is broken.
pub fn fail(oracle: &'static str, detail: impl Into<String>) -> Verdict {
    Err(Failure { oracle, detail: detail.into() })
}

/// Holds when both are equal.
///
/// # Errors
///
/// When they are not.
pub fn same<T: PartialEq + core::fmt::Debug>(
    oracle: &'static str,
    what: &str,
    expected: &T,
    seen: &T,
) -> Verdict {
    if expected == seen {
        return Ok(());
    }
    fail(oracle, format!("{what}\n  expected {expected:?}\n  seen     {seen:?}"))
}
