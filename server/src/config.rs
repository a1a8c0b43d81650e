//! The file of limits and times.

use roomsync::{Key, Limits, Rate, Rates, RoomConfig};
use roomsync_tokio::HostOptions;
use serde::{Deserialize, Deserializer, de};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

/// What the file may hold; whatever it does not say is as it is without a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    limits: Limits,
    rates: SessionRates,
    room: Room,
    host: Host,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Room {
    start_timeout_seconds: Option<Seconds>,
    idle_timeout_seconds: Option<Seconds>,
    reconnect_grace_seconds: Option<Seconds>,
    flush_interval_seconds: Option<Seconds>,
    object_types: Vec<String>,
    postcard: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SessionRates {
    messages: Option<Bound>,
    bytes: Option<Bound>,
    ops: Option<Bound>,
}

/// `{ per_second = 300, burst = 3000 }`, or `"unbounded"`.
#[derive(Clone, Copy, Debug)]
struct Bound(Option<Rate>);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Host {
    linger_seconds: Option<Seconds>,
    close_timeout_seconds: Option<Seconds>,
    outgoing_bytes: Option<NonZeroUsize>,
    incoming_bytes: Option<NonZeroU32>,
    waiting_actions: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Debug)]
struct Seconds(Duration);

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum ConfigError {
    Read(io::Error),
    /// In this line, if it is known.
    Content(Option<usize>, String),
}

/// Reads the file.
///
/// # Errors
///
/// When it cannot be read, is not TOML, or says what is unknown here.
pub(crate) fn read(path: &Path) -> Result<HostOptions, ConfigError> {
    parse(&std::fs::read_to_string(path).map_err(ConfigError::Read)?)
}

fn parse(text: &str) -> Result<HostOptions, ConfigError> {
    let File { limits, rates, room, host } = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        ConfigError::Content(line, error.message().to_owned())
    })?;
    let mut options = HostOptions::default();
    options.room.limits = limits;
    rates.apply(&mut options.room.rates);
    room.apply(&mut options.room);
    host.apply(&mut options);
    Ok(options)
}

impl Room {
    fn apply(self, config: &mut RoomConfig) {
        let Self {
            start_timeout_seconds,
            idle_timeout_seconds,
            reconnect_grace_seconds,
            flush_interval_seconds,
            object_types,
            postcard,
        } = self;
        set(&mut config.start_timeout, start_timeout_seconds.map(Seconds::get));
        set(&mut config.idle_timeout, idle_timeout_seconds.map(|it| Some(it.get())));
        set(&mut config.reconnect_grace, reconnect_grace_seconds.map(Seconds::get));
        set(&mut config.flush_interval, flush_interval_seconds.map(Seconds::get));
        config.object_types = object_types.iter().map(|name| Key::from(name.as_str())).collect();
        set(&mut config.postcard, postcard);
    }
}

impl SessionRates {
    fn apply(self, rates: &mut Rates) {
        let Self { messages, bytes, ops } = self;
        set(&mut rates.messages, messages.map(|it| it.0));
        set(&mut rates.bytes, bytes.map(|it| it.0));
        set(&mut rates.ops, ops.map(|it| it.0));
    }
}

impl Host {
    fn apply(self, options: &mut HostOptions) {
        let Self {
            linger_seconds,
            close_timeout_seconds,
            outgoing_bytes,
            incoming_bytes,
            waiting_actions,
        } = self;
        set(&mut options.linger, linger_seconds.map(Seconds::get));
        set(&mut options.close_timeout, close_timeout_seconds.map(Seconds::get));
        set(&mut options.outgoing_bytes, outgoing_bytes.map(NonZeroUsize::get));
        set(&mut options.incoming_bytes, incoming_bytes.map(NonZeroU32::get));
        set(&mut options.waiting_actions, waiting_actions.map(NonZeroUsize::get));
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl Seconds {
    const fn get(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let duration = Duration::try_from_secs_f64(seconds);
        duration.map(Self).map_err(|_| de::Error::custom("seconds are a number from 0"))
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            per_second: u64,
            burst: u64,
        }

        struct BoundVisitor;

        impl<'de> de::Visitor<'de> for BoundVisitor {
            type Value = Bound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ per_second = …, burst = … }` or \"unbounded\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bound, E> {
                let is_unbounded = text == "unbounded";
                let other = || E::invalid_value(de::Unexpected::Str(text), &self);
                is_unbounded.then_some(Bound(None)).ok_or_else(other)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Bound, A::Error> {
                let map = de::value::MapAccessDeserializer::new(map);
                let Table { per_second, burst } = Table::deserialize(map)?;
                Ok(Bound(Some(Rate { per_second, burst })))
            }
        }

        deserializer.deserialize_any(BoundVisitor)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Content(line, what) => {
                if let Some(line) = line {
                    write!(f, "line {line}: ")?;
                }
                // On one line, whatever it is.
                f.write_str(&what.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sets_everything() {
        let file = include_str!("testdata/everything.toml");
        let (set, default) = (parse(file).unwrap(), HostOptions::default());
        let lines = |text: String| -> Vec<String> {
            text.lines().map(|line| line.trim().to_owned()).collect()
        };
        // Those are functions.
        let hooks = lines(format!("{:#?}", default.room.hooks));
        let (set, default) = (lines(format!("{set:#?}")), lines(format!("{default:#?}")));
        // What is `name: value` differs from the default; names and brackets are the same.
        let is_set = |line: &&String| line.ends_with(',') && line.contains(": ");
        for line in default.iter().filter(is_set).filter(|line| !hooks.contains(line)) {
            assert!(!set.contains(line), "not set by the file: {line}");
        }
    }

    #[test]
    fn the_document_names_everything_with_its_default() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (_, file) = document.split_once("```toml\n").unwrap();
        let (file, _) = file.split_once("```").unwrap();
        let documented = format!("{:#?}", parse(file).unwrap());
        assert_eq!(documented, format!("{:#?}", HostOptions::default()));
        let keys = |file: &str| -> Vec<String> {
            let tables: toml::Table = file.parse().unwrap();
            let keys = |(name, table): (&String, &toml::Value)| -> Vec<String> {
                table.as_table().unwrap().keys().map(|key| format!("{name}.{key}")).collect()
            };
            tables.iter().flat_map(keys).collect()
        };
        assert_eq!(keys(file), keys(include_str!("testdata/everything.toml")));
    }

    #[test]
    fn a_rate_can_be_unbounded() {
        let options = parse("[rates]\nops = \"unbounded\"").unwrap();
        let mut rates = Rates::default();
        rates.ops = None;
        assert_eq!(options.room.rates, rates);
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        let empty = format!("{:?}", parse("").unwrap());
        assert_eq!(empty, format!("{:?}", HostOptions::default()));
    }

    #[test]
    fn what_is_wrong_is_named_in_one_line() {
        for (file, why) in [
            ("[limits]\nsesions = 5", "line 2: unknown field `sesions`, expected one of"),
            ("[limit]\nsessions = 5", "line 1: unknown field `limit`, expected one of"),
            ("\n[room]\nidle_timeout = 5", "line 3: unknown field `idle_timeout`"),
            ("[host]\nlinger = 5", "unknown field `linger`"),
            ("sessions = 5", "unknown field `sessions`"),
            ("[limits]\nsessions = -5", "line 2: invalid value: integer `-5`"),
            ("[limits]\nsessions = \"5\"", "line 2: invalid type: string"),
            ("[host]\nwaiting_actions = 0", "line 2: invalid value: integer `0`"),
            ("[room]\nidle_timeout_seconds = -1", "line 2: seconds are a number from 0"),
            ("[room]\nidle_timeout_seconds = nan", "seconds are a number from 0"),
            ("[rates]\nbyte = \"unbounded\"", "line 2: unknown field `byte`, expected one of"),
            ("[rates]\nbytes = \"none\"", "line 2: invalid value: string \"none\""),
            ("[rates]\nbytes = 5", "expected `{ per_second = …, burst = … }`"),
            ("[rates]\nops = { per_second = 5 }", "missing field `burst`"),
            ("[rates]\nops = { per_second = 5, burst = 5, x = 5 }", "unknown field `x`"),
            ("[limits", "line 1: "),
        ] {
            let error = parse(file).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains('\n'), "{file}: {error}");
        }
    }
}
