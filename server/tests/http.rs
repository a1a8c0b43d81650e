//! What the server answers besides WebSockets, and whom it lets connect.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use serde_json::{Value, json};
use support::{Peer, Server, in_time};
use tokio_tungstenite::tungstenite;

fn page_snapshot(names: &[&str]) -> String {
    let document = |name: &&str| {
        let state = json!({"id": format!("page:{name}"), "typeName": "page", "name": name});
        json!({"state": state, "lastChangedClock": 4})
    };
    let documents: Vec<Value> = names.iter().map(document).collect();
    json!({"documentClock": 5, "documents": documents}).to_string()
}

#[tokio::test]
async fn the_page_is_part_of_the_program() {
    let server = Server::start().await;
    for path in ["/", "/r/plans"] {
        let page = server.request("GET", path).await;
        assert_eq!(page.status, 200);
        assert!(page.head.contains("content-type: text/html"));
        assert!(page.head.contains("content-security-policy: default-src 'none'"));
        assert!(page.head.contains("cache-control: no-cache"));
        assert!(page.body.contains("/page/main.js"));
    }
    let script = server.request("GET", "/page/main.js").await;
    assert!(script.status == 200 && script.head.contains("content-type: text/javascript"));
    for path in ["/page/none.js", "/page/..%2fmain.js", "/r/a%20b", "/r/", "/nothing"] {
        assert_eq!(server.request("GET", path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let server = Server::start().await;
    let health = server.request("GET", "/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
}

#[tokio::test]
async fn snapshots_are_for_bearers_of_the_token() {
    let server = Server::start().await;
    let path = "/admin/rooms/plans/snapshot";
    for authorization in
        ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer secret2", "Bearer secre", "Basic secret"]
    {
        for method in ["GET", "PUT"] {
            let headers = [("Authorization", authorization)];
            let response = server.send(method, path, &headers, &page_snapshot(&["a"])).await;
            assert_eq!(response.status, 401, "{authorization}");
            assert!(response.head.contains("www-authenticate: bearer"));
        }
    }
    assert_eq!(server.request("GET", path).await.status, 401);
    // Nothing was made of it.
    assert_eq!(server.admin("GET", "plans", "").await.body, "there is no such room\n");
    assert_eq!(server.admin("GET", "no%20room", "").await.status, 404);
}

#[tokio::test]
async fn without_a_token_there_is_no_admin_api() {
    let server = Server::start_with(&["--admin-token", ""]).await;
    for authorization in ["Bearer ", "Bearer"] {
        let headers = [("Authorization", authorization)];
        let response = server.send("GET", "/admin/rooms/plans/snapshot", &headers, "").await;
        assert_eq!(response.status, 404);
    }
}

#[tokio::test]
async fn a_token_on_the_command_line_takes_the_place_of_the_environments() {
    let server = Server::start_with(&["--admin-token", "other"]).await;
    assert_eq!(server.admin("GET", "plans", "").await.status, 401);
    let headers = [("Authorization", "bearer other")];
    let path = "/admin/rooms/plans/snapshot";
    let response = server.send("PUT", path, &headers, &page_snapshot(&["a"])).await;
    assert_eq!(response.status, 204);
}

#[tokio::test]
async fn a_snapshot_goes_round() {
    let server = Server::start().await;
    assert_eq!(server.admin("PUT", "one", &page_snapshot(&["a", "b"])).await.status, 204);
    let one = server.snapshot("one").await;
    assert_eq!(server.admin("PUT", "two", &one.to_string()).await.status, 204);
    let two = server.snapshot("two").await;
    let states = |snapshot: &Value| -> Vec<Value> {
        let documents = snapshot["documents"].as_array().unwrap();
        documents.iter().map(|document| document["state"].clone()).collect()
    };
    assert_eq!(states(&one), states(&two));
    assert_eq!(states(&one)[1], json!({"id": "page:b", "typeName": "page", "name": "b"}));
}

#[tokio::test]
async fn a_snapshot_reaches_those_who_are_in_the_room() {
    let server = Server::start().await;
    let mut alice = Peer::enter(&server, "plans", "alice").await;
    alice.put_page("page:a", "mine").await;
    assert_eq!(server.admin("PUT", "plans", &page_snapshot(&["b"])).await.status, 204);
    let told = alice.message().await;
    let diff = &told["data"][0]["diff"];
    assert_eq!(diff["page:a"], json!(["remove"]));
    assert_eq!(diff["page:b"][1]["name"], "b");
    alice.put_page("page:c", "still here").await;
}

#[tokio::test]
async fn a_bad_snapshot_is_refused_in_one_line_and_changes_nothing() {
    let server = Server::start().await;
    assert_eq!(server.admin("PUT", "plans", &page_snapshot(&["a"])).await.status, 204);
    let before = server.snapshot("plans").await;
    let twice = page_snapshot(&["b", "b"]);
    let no_id = json!({"documentClock": 1,
        "documents": [{"state": {"typeName": "page"}, "lastChangedClock": 1}]});
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, why) in [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "documents"),
        ("{}", "documentClock"),
        (r#"{"documentClock":1}"#, "documents"),
        (r#"{"documentClock":-1,"documents":[]}"#, "documentClock"),
        (r#"{"documentClock":1,"documents":[{}]}"#, "documents"),
        (&no_id.to_string(), "typeName"),
        (&twice, "page:b"),
        (&deep, "not JSON"),
    ] {
        let response = server.admin("PUT", "plans", body).await;
        assert_eq!(response.status, 400, "{body:.40}");
        assert_eq!(response.body.lines().count(), 1, "{}", response.body);
        assert!(response.body.contains(why), "{}", response.body);
    }
    assert_eq!(server.snapshot("plans").await, before);
}

#[tokio::test]
async fn a_connection_needs_a_room_and_a_session() {
    let server = Server::start().await;
    let long = format!("/connect/plans?sessionId={}", "x".repeat(256));
    for (path, expected) in [
        ("/connect/plans", 400),
        ("/connect/plans?sessionId=", 400),
        ("/connect/plans?sessionId=a&sessionId=b", 400),
        ("/connect/plans?sessionId=a&readonly=perhaps", 400),
        ("/connect/plans?sessionId=a&token=a&token=b", 400),
        (&long, 400),
        ("/connect/?sessionId=a", 404),
    ] {
        assert_eq!(refusal(Peer::open(&server, path).await), expected, "{path}");
    }
    // And a WebSocket.
    assert_eq!(server.request("GET", "/connect/plans?sessionId=a").await.status, 400);
}

#[tokio::test]
async fn pages_of_other_origins_may_not_connect_unless_allowed() {
    let server = Server::start_with(&["--allow-origin", "https://app.example"]).await;
    let own = format!("http://{}", server.address());
    for (origin, status) in [
        ("https://evil.example", 403),
        ("null", 403),
        ("https://app.example", 101),
        (own.as_str(), 101),
    ] {
        let mut upgrade = Peer::upgrade(&server, "/connect/plans?sessionId=a");
        upgrade.headers_mut().insert("Origin", origin.parse().unwrap());
        let connected = in_time(tokio_tungstenite::connect_async(upgrade)).await;
        let found = match connected {
            Ok((_, response)) => response.status().as_u16(),
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, status, "{origin}");
    }
}

/// Any page can make its name lead to this server once it is loaded.
#[tokio::test]
async fn a_page_does_not_become_the_servers_own_by_a_name() {
    let server = Server::start_with(&["--allow-origin", "http://board.example"]).await;
    for (host, opens) in [("evil.example", false), ("board.example", true), ("localhost", true)] {
        let mut upgrade = Peer::upgrade(&server, "/connect/plans?sessionId=a");
        upgrade.headers_mut().insert("Host", host.parse().unwrap());
        upgrade.headers_mut().insert("Origin", format!("http://{host}").parse().unwrap());
        assert_eq!(Peer::open_with(upgrade).await.is_ok(), opens, "{host}");
    }
}

#[tokio::test]
async fn a_room_that_is_not_there_has_no_snapshot() {
    let server = Server::start().await;
    assert_eq!(server.admin("GET", "plans", "").await.status, 404);
    let _alice = Peer::enter(&server, "plans", "alice").await;
    assert_eq!(server.admin("GET", "plans", "").await.status, 200);
}

fn refusal(opened: Result<Peer, tungstenite::Error>) -> u16 {
    match opened {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("connected"),
    }
}
