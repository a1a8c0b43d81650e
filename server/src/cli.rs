//! What an operator can set.

use crate::tool::Tool;
use clap::{Args, Parser, ValueEnum};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// A server of collaborative rooms for tldraw's sync protocol, durable in one SQLite file.
#[derive(Clone, Debug, Parser)]
#[command(name = "roomsync-server", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) tool: Option<Tool>,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// The SQLite file.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataOptions {
    /// The SQLite file that keeps the rooms; the server makes it if there is none.
    #[arg(long = "data", value_name = "FILE", default_value = "./roomsync.db")]
    pub(crate) file: PathBuf,
}

/// How the server serves.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(crate) listen: String,

    #[command(flatten)]
    pub(crate) data: DataOptions,

    /// The most that the SQLite file may hold, in MiB. Changes that need more are not taken.
    #[arg(long, value_name = "MIB")]
    pub(crate) max_data_mib: Option<NonZeroU32>,

    /// JSON file of record types, `{"types":{"shape":{"scope":"document"},…},"schema":…}`. Without
    /// it, those of tldraw, at whatever version the clients of a room run.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,

    /// TOML file of limits and times.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Lets only bearers of signed tokens in. The file holds the key: one line with a shared secret
    /// for HS256, or an Ed25519 public key in PEM for EdDSA.
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_key: Option<PathBuf>,

    /// Lets nobody make rooms but the admin API and `import`.
    #[arg(long)]
    pub(crate) no_new_rooms: bool,

    /// Turns on the admin API, for bearers of this token.
    #[arg(long, value_name = "TOKEN", env = "ROOMSYNC_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,

    /// Lets web pages of this origin connect, like `https://example.com`; `*` lets all. Programs
    /// that are no web page always may, and pages of this server under an IP address or
    /// `localhost`; under a name, it has to be this. Can be repeated.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,

    /// Connections that are open at once at most, whatever they ask for.
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<NonZeroUsize>,

    /// Connections of one address that are open at once at most; an IPv6 network of 64 bits counts
    /// as one address.
    #[arg(long, value_name = "N")]
    pub(crate) max_connections_per_address: Option<NonZeroUsize>,

    /// Takes the address of a client from the last entry of `X-Forwarded-For`. Only for a server
    /// that nobody reaches but through a proxy that adds it.
    #[arg(long)]
    pub(crate) trust_forwarded_for: bool,

    /// Address that serves Prometheus metrics at `/metrics`, to whoever reaches it.
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics_listen: Option<String>,

    /// What is logged to standard error: off, error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log: LevelFilter,

    /// How it is logged: lines for people, or a JSON object a line.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// How lines are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Options {
    /// The token of the admin API. An empty one is none.
    pub(crate) fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_deref().filter(|token| !token.is_empty())
    }
}

fn origin(text: &str) -> Result<String, &'static str> {
    let origin = text.strip_suffix('/').unwrap_or(text);
    let is_origin = origin.split_once("://").is_some_and(|(scheme, authority)| {
        !scheme.is_empty() && !authority.is_empty() && !authority.contains(['/', '?', '#'])
    });
    if origin == "*" || is_origin {
        Ok(origin.to_ascii_lowercase())
    } else {
        Err("an origin is like https://example.com, or *")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    /// What operators read.
    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server.md");

    fn options(flags: &[&str]) -> Options {
        Cli::parse_from([&["roomsync-server"], flags].concat()).options
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let options = options(&[]);
        assert_eq!(options.listen, "127.0.0.1:8787");
        assert_eq!(options.data.file, PathBuf::from("./roomsync.db"));
        assert_eq!((options.schema, options.config, options.auth_key), (None, None, None));
        assert_eq!((options.log, options.log_format), (LevelFilter::INFO, LogFormat::Text));
        assert_eq!((options.max_connections, options.max_connections_per_address), (None, None));
        assert_eq!((options.max_data_mib, options.metrics_listen), (None, None));
        assert!(options.allow_origin.is_empty());
        assert!(!options.no_new_rooms && !options.trust_forwarded_for);
    }

    #[test]
    fn the_document_names_every_flag_and_tool_and_no_other() {
        let document = std::fs::read_to_string(DOCUMENT).unwrap();
        let mut cli = Cli::command();
        cli.build();
        let tools = || cli.get_subcommands().filter(|tool| tool.get_name() != "help");
        for tool in tools() {
            let line = format!("roomsync-server {}", tool.get_name());
            assert!(document.contains(&line), "{line}");
        }
        let args = cli.get_arguments().chain(tools().flat_map(clap::Command::get_arguments));
        let flags: BTreeSet<&str> = args.filter_map(clap::Arg::get_long).collect();
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        let documented = document.split("--").skip(1).filter_map(|rest| {
            let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
            rest.get(..end).filter(|name| name.starts_with(|it: char| it.is_ascii_lowercase()))
        });
        let mut documented: BTreeSet<&str> = documented.collect();
        documented.insert("version");
        assert_eq!(flags, documented);
        // And every default that there is.
        for arg in cli.get_arguments().filter(|arg| arg.get_long().is_some()) {
            let flag = format!("| `--{}", arg.get_long().unwrap());
            let Some(row) = document.lines().find(|line| line.starts_with(&flag)) else { continue };
            for default in arg.get_default_values().iter().filter_map(|it| it.to_str()) {
                let shown =
                    if default == "false" { "| off |".into() } else { format!("`{default}`") };
                assert!(row.contains(&shown), "{row}: {shown}");
            }
        }
    }

    #[test]
    fn an_empty_admin_token_is_none() {
        assert_eq!(options(&["--admin-token", ""]).admin_token(), None);
    }

    #[test]
    fn what_is_for_serving_is_no_flag_of_a_tool() {
        for line in [
            &["roomsync-server", "--listen", "127.0.0.1:1", "inspect"][..],
            &["roomsync-server", "inspect", "--listen", "127.0.0.1:1"],
        ] {
            assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
        }
        assert!(Cli::parse_from(["roomsync-server", "inspect", "--data", "x.db"]).tool.is_some());
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://Example.com/"), Ok("https://example.com".into()));
        assert_eq!(origin("*"), Ok("*".into()));
        for text in ["example.com", "https://", "https://example.com/board", ""] {
            assert!(origin(text).is_err(), "{text}");
        }
    }
}
