//! What happens in a run: steps made from bytes, written and read as text.
//!
//! Steps carry raw numbers that the world folds onto what exists, so that no input is wasted and a
//! script still means something after steps were taken out of it.

use core::fmt;
use core::str::FromStr;

macro_rules! steps {
    ($($(#[$doc:meta])* $weight:literal $name:ident $text:literal { $($field:ident)* })*) => {
        /// One thing that happens.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "fields are raw numbers, named by what they fold onto")]
        pub enum Step {
            $($(#[$doc])* $name { $($field: u16),* }),*
        }

        /// The steps by name, with how often they are drawn.
        const KINDS: &[(&str, u16)] = &[$(($text, $weight)),*];

        impl Step {
            fn from_parts(
                name: &str,
                mut next: impl FnMut(&str) -> Option<u16>,
            ) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name { $($field: next(stringify!($field))?),* }),)*
                    _ => None,
                }
            }

            /// The name of the step and its numbers.
            fn parts(&self) -> (&'static str, Vec<(&'static str, u16)>) {
                match self {
                    $(Self::$name { $($field),* } => {
                        ($text, vec![$((stringify!($field), *$field)),*])
                    })*
                }
            }
        }
    };
}

steps! {
    /// A client's application pastes a text so long that it goes to the room in pieces. Never
    /// drawn, as it costs as much as a thousand other steps.
    0 Paste "paste" { client record }
    /// A client's application changes documents.
    40 Edit "edit" { client record how }
    /// A client's application removes a record that one edit of somebody's has made.
    4 RemoveOwn "remove-own" { client which }
    /// A client's user takes back what was done last, or does it again.
    5 Undo "undo" { client how }
    /// The host changes documents.
    6 HostEdit "host-edit" { record how }
    /// A client shows something of itself.
    10 Presence "presence" { client how }
    /// A client is told whether anybody is there to see what it shows.
    2 Solo "solo" { client on }
    /// Time passes.
    24 Run "run" { amount }
    /// Time passes until a few things more have happened.
    24 Next "next" { events }
    /// A connection is cut, noticed by one side, both or none; some of what is under way arrives
    /// all the same, late, up to any byte.
    8 Cut "cut" { client how late at }
    /// The next message to a client is made nonsense of.
    3 Spoil "spoil" { client how }
    /// Nothing gets through any more in one direction or both, from the middle of a message on; the
    /// connection stays.
    6 Stall "stall" { client direction at }
    /// What stalled flows on.
    4 Resume "resume" { client }
    /// A client's way to the room is there, or not.
    3 Network "network" { client up }
    /// The application hints at the network or at its place on the screen.
    3 Hint "hint" { client hint }
    /// The way between a client and the room becomes faster or slower.
    3 Delay "delay" { client amount }
    /// The room's process dies a few actions later, and is back after a while.
    5 Crash "crash" { actions how down at }
    /// The room is given up in memory as soon as it may be, and made anew when something happens
    /// that it has to know of, while connections stay.
    5 Sleep "sleep" { how }
    /// The host shuts the room down, and starts it again after a while.
    1 Shutdown "shutdown" { down }
    /// A client's process ends and a new one starts, with nothing.
    2 Restart "restart" { client }
    /// A client's process dies a few actions later, and a new one goes on with what was durable.
    5 Reopen "reopen" { client actions }
    /// A client says goodbye.
    1 Close "close" { client }
    /// A machine's clock jumps.
    2 Jump "jump" { machine by }
    /// A machine is woken though nothing is due.
    3 Wake "wake" { machine }
    /// A machine takes a few inputs before its actions are carried out.
    4 Hold "hold" { machine inputs }
    /// The host ends a session's connection.
    1 Kick "kick" { client how }
    /// The host loads other documents over the room's.
    1 Load "load" { how }
    /// The host sends something of its own.
    1 Custom "custom" { client }
    /// A peer that means no good connects.
    3 Intrude "intrude" { peer how }
    /// Such a peer sends bytes that are no message.
    2 Garbage "garbage" { peer how }
    /// Such a peer sends a message that is well formed.
    10 Rude "rude" { peer kind how }
    /// Such a peer reads no more, or again.
    3 Lazy "lazy" { peer reads }
    /// All is mended, time runs until all is quiet, and then all must agree.
    2 Rest "rest" {}
}

macro_rules! setup {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What the world is like in which a script runs. Raw numbers, like those of steps.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Setup {
            $($(#[$doc])* pub $name: u16,)*
            /// Whether nobody pings, and nobody gives up on who is silent: so that in the end nothing
            /// is due. Never drawn or written.
            pub is_patient: bool,
        }

        impl Setup {
            fn fields(&self) -> Vec<(&'static str, u16)> {
                vec![$((stringify!($name), self.$name)),*]
            }

            fn field_mut(&mut self, name: &str) -> Option<&mut u16> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

setup! {
    /// How many clients there are.
    clients,
    /// Milliseconds from a peer to the room, and back.
    delay,
    /// Whether the room's limits are so small that they are met.
    tight,
    /// How many messages may wait for a peer before the room is told that it does not read.
    window,
    /// Whether the driver makes all commits of a drain durable at once, before any other action.
    batch,
    /// Whether nothing breaks: then everything must also be prompt.
    calm,
    /// A bit for each client that may only read.
    readonly,
    /// Whether the room takes on the schema of its first client.
    adopts,
    /// A bit for each client that does not say who it is, so that nobody counts its pushes.
    uncounted,
    /// A bit for each client that persists.
    kept,
    /// A bit for each client that asks to be spoken to in postcard.
    binary,
    /// A bit for each client of an older schema than the room's.
    older,
    /// Whether the room has a newer schema from its first restart on.
    upgrades,
    /// What the host decides: a bit for its rules on pushes, on records and on who sees whom.
    hooks,
    /// How many bytes of a message arrive at once, or 0 for all of them.
    segment,
    /// How many characters of a client's message go in one piece, or 0 as the client wants it.
    pieces,
}

/// A run: a world, and what happens in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The world.
    pub setup: Setup,
    /// What happens.
    pub steps: Vec<Step>,
}

/// Text that is no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is no step", self.line)
    }
}

impl core::error::Error for ScriptError {}

impl Script {
    /// Every byte string is a script: so a fuzzer's inputs are.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut bytes = bytes.iter().copied();
        let mut next = || Some(u16::from_le_bytes([bytes.next()?, bytes.next()?]));
        let mut setup = Setup::default();
        for (name, _) in Setup::default().fields() {
            if let (Some(field), Some(raw)) = (setup.field_mut(name), next()) {
                *field = raw;
            }
        }
        let setup = setup.folded();
        let total: u16 = KINDS.iter().map(|(_, weight)| weight).sum();
        let mut steps = Vec::new();
        while let Some(mut drawn) = next().map(|raw| raw % total) {
            for (name, weight) in KINDS {
                if drawn < *weight {
                    steps.extend(Step::from_parts(name, |_| Some(next().unwrap_or(0))));
                    break;
                }
                drawn -= weight;
            }
        }
        Self { setup, steps }
    }

    /// The script of a seed. Seeds differ in length and in which kinds of steps occur at all: what
    /// is rare among everything happens often when little else does.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut random = Random(seed);
        let count = 12 + random.next() % 24 * (1 + random.next() % 8);
        let bytes: Vec<u8> = (0..count).flat_map(|_| random.next().to_le_bytes()).collect();
        let mut script = Self::from_bytes(&bytes);
        let (some, kept) = (!random.next().is_multiple_of(3), random.next() | random.next());
        let is_kept = |step: &Step| {
            let name = step.parts().0;
            let kind = KINDS.iter().position(|(known, _)| *known == name).unwrap_or(0);
            !some || kept >> kind & 1 == 1 || name == "run"
        };
        script.steps.retain(is_kept);
        script
    }
}

impl Script {
    /// Scripts that are simpler by one number: in the world, or in a step.
    pub fn simpler(&self) -> impl Iterator<Item = Self> + '_ {
        let worlds = self.setup.fields().into_iter().flat_map(move |(name, number)| {
            smaller(number).map(move |less| {
                let mut script = self.clone();
                script.setup.field_mut(name).into_iter().for_each(|field| *field = less);
                script
            })
        });
        let steps = self.steps.iter().enumerate().flat_map(move |(index, step)| {
            let (name, numbers) = step.parts();
            let numbers: Vec<u16> = numbers.into_iter().map(|(_, number)| number).collect();
            (0..numbers.len()).flat_map(move |at| {
                let numbers = numbers.clone();
                smaller(numbers[at]).filter_map(move |less| {
                    let mut script = self.clone();
                    let mut changed = numbers.iter().enumerate();
                    let next = |_: &str| {
                        changed.next().map(|(own, old)| if own == at { less } else { *old })
                    };
                    script.steps[index] = Step::from_parts(name, next)?;
                    Some(script)
                })
            })
        });
        worlds.chain(steps)
    }
}

fn smaller(number: u16) -> impl Iterator<Item = u16> {
    let less = [0, number / 2, number.saturating_sub(1)];
    less.into_iter().filter(move |less| *less < number)
}

/// A small generator of numbers (splitmix64): the same everywhere.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "it has no end")]
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Setup {
    /// Small worlds are likelier than large ones, and most break.
    fn folded(self) -> Self {
        let Self {
            clients,
            delay,
            tight,
            window,
            batch,
            calm,
            readonly,
            adopts,
            uncounted,
            kept,
            binary,
            older,
            upgrades,
            hooks,
            segment,
            pieces,
            is_patient: _,
        } = self;
        Self {
            clients: [1, 2, 2, 2, 3, 3, 3, 4, 4, 6][usize::from(clients % 10)],
            delay: [0, 1, 5, 20, 20, 40, 100, 300][usize::from(delay % 8)],
            tight: tight % 2,
            window: 1 + window % 6,
            batch: u16::from(batch % 3 == 0),
            calm: u16::from(calm % 6 == 0),
            readonly: if readonly % 4 == 0 { readonly >> 8 } else { 0 },
            adopts: u16::from(adopts % 4 == 0),
            is_patient: false,
            uncounted: if uncounted % 2 == 0 { uncounted >> 8 } else { 0 },
            kept: if kept % 3 > 0 { kept >> 8 } else { 0 },
            binary: if binary % 2 == 0 { binary >> 8 } else { 0 },
            older: if older % 4 == 0 { older >> 8 } else { 0 },
            upgrades: u16::from(upgrades % 4 == 0),
            hooks: if hooks % 2 == 0 { hooks >> 8 & 7 } else { 0 },
            segment: [0, 0, 0, 0, 700, 300, 90][usize::from(segment % 7)],
            pieces: if pieces % 4 == 0 { 20 + (pieces >> 8) } else { 0 },
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, numbers) = self.parts();
        f.write_str(name)?;
        for (field, number) in numbers {
            write!(f, " {field}={number}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Script {
    /// The world in one line, then each step in one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("world")?;
        for (name, number) in self.setup.fields() {
            write!(f, " {name}={number}")?;
        }
        writeln!(f)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    /// Reads what `Display` writes. Empty lines and what follows a `#` do not count.
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for (index, line) in text.lines().enumerate() {
            let error = ScriptError { line: index + 1 };
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            let mut fields = words.map(|word| {
                let (name, number) = word.split_once('=')?;
                Some((name, number.parse::<u16>().ok()?))
            });
            if name == "world" {
                for field in fields {
                    let (name, number) = field.ok_or_else(|| error.clone())?;
                    *script.setup.field_mut(name).ok_or_else(|| error.clone())? = number;
                }
                continue;
            }
            let number = |name: &str| match fields.next() {
                Some(field) => Some(field?.1),
                // Older scripts do not say at which byte.
                None => (name == "at").then_some(0),
            };
            let step = Step::from_parts(name, number).ok_or(error.clone())?;
            if fields.next().is_some() {
                return Err(error);
            }
            script.steps.push(step);
        }
        Ok(script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_what_it_writes() {
        for seed in 0..50 {
            let script = Script::from_seed(seed);
            assert_eq!(script.to_string().parse(), Ok(script));
        }
    }

    #[test]
    fn what_is_no_step_is_refused_with_its_line() {
        for (text, line) in [
            ("edit client=1 record=2 how=3\nedit", 2),
            ("jump machine=1 by=99999", 1),
            ("\n# said\nhop", 3),
            ("world clients=1 colour=2", 1),
            ("rest now=1", 1),
        ] {
            assert_eq!(text.parse::<Script>(), Err(ScriptError { line }), "{text}");
        }
    }
}
