//! Pings, and the laws of `poll_timeout`.

use super::*;

const PONG: &str = r#"{"type":"pong"}"#;
const PING: &str = r#"{"type":"ping"}"#;

#[test]
fn a_ping_goes_every_five_seconds() {
    let mut probe = Probe::online();
    assert_eq!(probe.sleep(4999).sent, [""; 0]);
    assert_eq!(probe.sleep(1).sent, [PING]);
    for _ in 0..10 {
        probe.hear(PONG);
        assert_eq!(probe.sleep(4999).sent, [""; 0]);
        assert_eq!(probe.sleep(1).sent, [PING]);
    }
}

#[test]
fn a_dead_link_is_given_up_ten_seconds_after_the_first_unanswered_ping() {
    let mut probe = Probe::online();
    let done = probe.sleep(14_999);
    assert_eq!((done.sent.len(), done.closed.len()), (2, 0));
    let done = probe.sleep(1);
    assert_eq!(
        (done.closed, done.statuses),
        ([CloseReason::Idle].into(), [Status::Offline].into())
    );
    assert_eq!(probe.sleep(500).dials, 1);
}

#[test]
fn a_link_on_which_something_is_heard_is_kept() {
    let mut probe = Probe::online();
    // Pings stay unanswered, but the room talks.
    for clock in 0..100 {
        probe.data(&patch("{}", clock));
        assert_eq!(probe.sleep(9_999).closed, []);
    }
    assert_eq!(probe.sleep(1).closed, [CloseReason::Idle]);
}

#[test]
fn a_quiet_link_that_answers_pings_is_kept() {
    let mut probe = Probe::online();
    for _ in 0..100 {
        assert_eq!(probe.sleep(5000).closed, []);
        probe.hear(PONG);
    }
    assert_eq!(probe.client.status(), &Status::Online);
}

#[test]
fn a_machine_that_slept_asks_before_it_gives_up() {
    let mut probe = Probe::online();
    probe.pass(3_600_000);
    probe.client.handle_timeout(probe.now);
    let done = probe.done();
    assert_eq!((done.sent, done.closed), ([PING.into()].into(), [].into()));
    assert_eq!(probe.sleep(9_999).closed, []);
    assert_eq!(probe.sleep(1).closed, [CloseReason::Idle]);
}

#[test]
fn waiting_actions_are_due_now() {
    let mut probe = Probe::online();
    probe.pass(7);
    probe.put(note("a", ""));
    assert_eq!(probe.client.poll_timeout(), Some(at(7)));
    probe.done();
    assert_eq!(probe.client.poll_timeout(), Some(at(5000)));
}

#[test]
fn the_next_push_is_a_deadline() {
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    probe.done();
    assert_eq!(probe.client.poll_timeout(), Some(at(5000)));
    probe.pass(1);
    probe.put(note("b", ""));
    probe.done();
    assert_eq!(probe.client.poll_timeout(), Some(Instant::from_micros(33_334)));
    // Early: nothing. Late: once.
    probe.client.handle_timeout(Instant::from_micros(33_333));
    assert_eq!(probe.done().sent, [""; 0]);
    probe.client.handle_timeout(at(200));
    probe.client.handle_timeout(at(200));
    assert_eq!(probe.done().sent.len(), 1);
}

#[test]
fn time_that_goes_back_is_held() {
    let mut probe = Probe::online();
    probe.client.handle_timeout(at(4000));
    probe.client.handle_timeout(at(0));
    probe.client.handle_message(at(1000), probe.link, PONG.as_bytes());
    probe.put(note("a", ""));
    probe.done();
    probe.put(note("b", ""));
    probe.done();
    assert_eq!(probe.client.poll_timeout(), Some(Instant::from_micros(4_033_334)));
}

#[test]
fn at_the_end_of_time_nothing_is_due() {
    for mut probe in [Probe::new(), Probe::online()] {
        probe.client.handle_timeout(Instant::MAX);
        probe.done();
        for _ in 0..3 {
            probe.client.handle_timeout(Instant::MAX);
            probe.done();
        }
        assert_eq!(probe.client.poll_timeout(), None);
    }
}

#[test]
fn a_link_on_which_nothing_is_asked_is_not_given_up() {
    let config = ClientConfig {
        ping_interval: Duration::from_secs(30),
        health_timeout: Duration::from_secs(10),
        ..ClientConfig::default()
    };
    let mut probe = Probe::online_with(config, "{}");
    assert_eq!(probe.sleep(30_000).sent, [PING]);
    probe.hear(PONG);
    // The room owes nothing until the next ping.
    let done = probe.sleep(39_999);
    assert_eq!((done.sent, done.closed), ([PING.into()].into(), [].into()));
    assert_eq!(probe.sleep(1).closed, [CloseReason::Idle]);
}

#[test]
fn a_client_that_is_woken_too_early_does_nothing() {
    let mut probe = Probe::online();
    probe.cut();
    probe.done();
    let due = probe.client.poll_timeout().unwrap();
    probe.client.handle_timeout(probe.now);
    assert_eq!((probe.done().dials, probe.client.poll_timeout()), (0, Some(due)));
    probe.client.handle_timeout(due);
    assert_eq!(probe.done().dials, 1);
}
