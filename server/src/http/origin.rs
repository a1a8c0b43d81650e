//! Which web pages may connect.

use axum::http::{HeaderMap, header};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A browser lets any page open a WebSocket to any server, and says which page it was.
///
/// A page of another server can be made to look like one of this server's own: its name is made to
/// lead here once the page is loaded. So a name says nothing by itself but `localhost`, which is
/// nobody else's, and an address is that of who served the page.
#[derive(Debug)]
pub(super) struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// Origins in lower case; `*` is all of them.
    pub(super) const fn new(allowed: Vec<String>) -> Self {
        Self { allowed }
    }

    /// Whether the request may connect: it comes from no page, from one that is allowed, or from one
    /// of this server's own that was asked for by address or as `localhost`.
    pub(super) fn permit(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        self.allowed.iter().any(|it| it == "*" || it.eq_ignore_ascii_case(origin))
            || authority.zip(own).is_some_and(|(theirs, own)| {
                theirs.eq_ignore_ascii_case(own) && is_nobody_elses(own)
            })
    }
}

/// Whether the host of an address, with or without port, is an IP address or `localhost`.
fn is_nobody_elses(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok()
        || v6.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allowed: &[&str], host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        Origins::new(allowed.iter().map(|it| (*it).to_owned()).collect()).permit(&headers)
    }

    #[test]
    fn pages_of_other_origins_are_refused_unless_allowed() {
        let permits = |allowed: &[&str], origin| permits(allowed, "127.0.0.1:8787", origin);
        assert!(permits(&[], None));
        assert!(permits(&[], Some("http://127.0.0.1:8787")));
        assert!(permits(&[], Some("https://127.0.0.1:8787")));
        assert!(!permits(&[], Some("http://127.0.0.1")));
        assert!(!permits(&[], Some("https://evil.example")));
        assert!(!permits(&[], Some("null")));
        assert!(permits(&["https://app.example"], Some("https://app.example")));
        assert!(!permits(&["https://app.example"], Some("http://app.example")));
        assert!(permits(&["*"], Some("null")));
    }

    /// A page whose name was made to lead here once it was loaded was taken for one of the server's own.
    #[test]
    fn a_name_is_the_servers_own_only_if_it_is_nobody_elses_or_allowed() {
        for host in [
            "localhost",
            "LocalHost:8787",
            "board.localhost:8787",
            "10.0.0.1:80",
            "192.168.1.5",
            "[::1]:8787",
            "[2001:db8::1]",
        ] {
            assert!(permits(&[], host, Some(&format!("http://{host}"))), "{host}");
        }
        for host in [
            "evil.example:8787",
            "board.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:",
            "1.2.3",
            "::1",
        ] {
            let origin = format!("http://{host}");
            assert!(!permits(&[], host, Some(&origin)), "{host}");
            assert!(permits(&[&origin], host, Some(&origin)), "{host}");
        }
    }
}
