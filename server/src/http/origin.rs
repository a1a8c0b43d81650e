//! Which web pages may connect.

use axum::http::{HeaderMap, header};

/// A browser lets any page open a WebSocket to any server, and says which page it was.
#[derive(Debug)]
pub(super) struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// Origins in lower case; `*` is all of them.
    pub(super) const fn new(allowed: Vec<String>) -> Self {
        Self { allowed }
    }

    /// Whether the request may connect: it comes from no page, from one of this server's own, or
    /// from one that is allowed.
    pub(super) fn permit(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        self.allowed.iter().any(|it| it == "*" || it.eq_ignore_ascii_case(origin))
            || authority.zip(own).is_some_and(|(theirs, own)| theirs.eq_ignore_ascii_case(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allowed: &[&str], origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "board.example:8787".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        Origins::new(allowed.iter().map(|it| (*it).to_owned()).collect()).permit(&headers)
    }

    #[test]
    fn pages_of_other_origins_are_refused_unless_allowed() {
        assert!(permits(&[], None));
        assert!(permits(&[], Some("http://board.example:8787")));
        assert!(permits(&[], Some("https://Board.example:8787")));
        assert!(!permits(&[], Some("http://board.example")));
        assert!(!permits(&[], Some("https://evil.example")));
        assert!(!permits(&[], Some("null")));
        assert!(permits(&["https://app.example"], Some("https://app.example")));
        assert!(!permits(&["https://app.example"], Some("http://app.example")));
        assert!(permits(&["*"], Some("null")));
    }
}
