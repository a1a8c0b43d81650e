//! What an operator can set.

use clap::Parser;
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;

/// A server of collaborative rooms for tldraw's sync protocol, durable in one SQLite file.
#[derive(Clone, Debug, Parser)]
#[command(name = "roomsync-server", version)]
pub(crate) struct Options {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(crate) listen: String,

    /// The SQLite file that keeps the rooms; it is made if there is none.
    #[arg(long, value_name = "FILE", default_value = "./roomsync.db")]
    pub(crate) data: PathBuf,

    /// JSON file of record types, `{"types":{"shape":{"scope":"document"},…},"schema":…}`. Without
    /// it, those of tldraw, at whatever version the clients of a room run.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,

    /// Turns on the admin API, for bearers of this token.
    #[arg(long, value_name = "TOKEN", env = "ROOMSYNC_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,

    /// Lets web pages of this origin connect, like `https://example.com`; `*` lets all. Pages that
    /// come from this server, and programs that are no web page, always may. Can be repeated.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,

    /// What is logged to standard error: off, error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log: LevelFilter,
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

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let options = Options::parse_from(["roomsync-server"]);
        assert_eq!(options.listen, "127.0.0.1:8787");
        assert_eq!(options.data, PathBuf::from("./roomsync.db"));
        assert_eq!((options.schema, options.log), (None, LevelFilter::INFO));
        assert!(options.allow_origin.is_empty());
    }

    #[test]
    fn an_empty_admin_token_is_none() {
        let options = Options::parse_from(["roomsync-server", "--admin-token", ""]);
        assert_eq!(options.admin_token(), None);
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
