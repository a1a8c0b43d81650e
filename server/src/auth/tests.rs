use super::*;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const SECRET: &str = "a-secret-of-at-least-32-characters";
/// What stands before the 32 bytes of a key in the DER of an Ed25519 public key.
const ED25519_DER: [u8; 12] = [0x30, 0x2A, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 3, 0x21, 0];

fn sign(header: &Value, claims: &Value, signature: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hs256(secret: &str, claims: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
    sign(&json!({"alg": "HS256", "typ": "JWT"}), claims, tag)
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

fn public_pem(pair: &Ed25519KeyPair) -> String {
    pem("PUBLIC KEY", &[&ED25519_DER, pair.public_key().as_ref()].concat())
}

fn now() -> u64 {
    get_current_timestamp()
}

/// Claims of a writer, with these in place of those of the same name.
fn claims(other: Value) -> Value {
    let mut claims = json!({"exp": now() + 60, "room": "plans", "access": "write"});
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn tokens() -> Tokens {
    Tokens::new(SECRET.as_bytes()).unwrap()
}

fn admit(claims: &Value) -> Result<Entry, CloseReason> {
    tokens().admit(Some(&hs256(SECRET, claims)), &RoomId::from("plans"), "alice")
}

#[test]
fn a_token_says_what_its_bearer_may_do() {
    let writer = admit(&claims(json!({}))).unwrap();
    assert_eq!(writer.params, SessionParams::new("alice"));
    assert!(writer.may_create);
    let lasts = writer.lasts.unwrap();
    assert!((60..=61 + LEEWAY.as_secs()).contains(&lasts.as_secs()), "{lasts:?}");

    let reader = admit(&claims(json!({"access": "read", "create": false, "sub": "ann"}))).unwrap();
    assert!(reader.params.readonly && !reader.may_create);
    assert_eq!(reader.params.object_access, ObjectAccess::Read);
    assert_eq!(reader.params.identity, Some(Identity::from("ann")));
    let mixed = admit(&claims(json!({"access": "read", "objectAccess": "write"}))).unwrap();
    assert!(mixed.params.readonly && mixed.params.object_access == ObjectAccess::Write);
}

#[test]
fn a_token_is_for_its_room_and_session() {
    for claim in [json!({"room": "*"}), json!({"session": "alice"})] {
        assert!(admit(&claims(claim)).is_ok());
    }
    for claim in [json!({"room": "other"}), json!({"room": "plan"}), json!({"session": "bob"})] {
        assert_eq!(admit(&claims(claim)), Err(CloseReason::Forbidden));
    }
}

#[test]
fn a_token_has_its_time() {
    let slow = now() - LEEWAY.as_secs() / 2;
    let fast = now() + LEEWAY.as_secs() / 2;
    assert!(admit(&claims(json!({"exp": slow}))).is_ok());
    assert!(admit(&claims(json!({"nbf": fast}))).is_ok());
    assert!(admit(&claims(json!({"exp": 1e15}))).unwrap().lasts.is_some());
    for claim in [
        json!({"exp": now() - 60}),
        json!({"exp": -1}),
        json!({"exp": "9999999999"}),
        json!({"exp": null}),
        json!({"nbf": now() + 60}),
        json!({"nbf": "0"}),
    ] {
        assert_eq!(admit(&claims(claim.clone())), Err(CloseReason::NotAuthenticated), "{claim}");
    }
}

#[test]
fn what_is_no_token_of_the_key_is_not_authenticated() {
    let tokens = tokens();
    let claims = claims(json!({}));
    let good = hs256(SECRET, &claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let tag = |message: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        hmac::sign(&key, message).as_ref().to_vec()
    };
    let no_room = json!({"exp": now() + 60, "access": "write"});
    let no_access = json!({"exp": now() + 60, "room": "plans"});
    let no_end = json!({"room": "plans", "access": "write"});
    let mut elsewhere = claims.clone();
    elsewhere["aud"] = "another-service".into();
    for token in [
        String::new(),
        "x".into(),
        "..".into(),
        message.into(),
        format!("{message}."),
        format!("{message}.{}", &signature[1..]),
        format!("x{good}"),
        hs256("another-secret-of-32-characters-or-more", &claims),
        sign(&json!({"alg": "none"}), &claims, |_| Vec::new()),
        sign(&json!({"alg": "HS512"}), &claims, tag),
        sign(&json!({"alg": "EdDSA"}), &claims, tag),
        hs256(SECRET, &no_room),
        hs256(SECRET, &no_access),
        hs256(SECRET, &no_end),
        hs256(SECRET, &elsewhere),
        hs256(SECRET, &json!({"exp": now() + 60, "room": "plans", "access": "admin"})),
    ] {
        let admitted = tokens.admit(Some(&token), &RoomId::from("plans"), "alice");
        assert_eq!(admitted, Err(CloseReason::NotAuthenticated), "{token}");
    }
    let room = RoomId::from("plans");
    assert_eq!(tokens.admit(None, &room, "alice"), Err(CloseReason::NotAuthenticated));
    assert!(tokens.admit(Some(&good), &room, "alice").is_ok());
}

#[test]
fn a_public_key_takes_what_its_private_key_has_signed_and_nothing_else() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let public = public_pem(&pair);
    let tokens = Tokens::new(public.as_bytes()).unwrap();
    let (header, claims) = (json!({"alg": "EdDSA"}), claims(json!({})));
    let admit = |token: &str| tokens.admit(Some(token), &RoomId::from("plans"), "alice");
    let by = |pair: &Ed25519KeyPair| sign(&header, &claims, |it| pair.sign(it).as_ref().to_vec());
    assert!(admit(&by(&pair)).is_ok());
    assert_eq!(admit(&by(&other)), Err(CloseReason::NotAuthenticated));
    // What everybody may know is no secret.
    for secret in [public.as_str(), public.trim(), SECRET] {
        assert_eq!(admit(&hs256(secret, &claims)), Err(CloseReason::NotAuthenticated));
    }
}

#[test]
fn a_key_file_holds_a_secret_or_a_public_key() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let error = |file: &str| Tokens::new(file.as_bytes()).err().map(|it| it.to_string());
    for file in [public_pem(&pair), "x".repeat(32), format!("{}\r\n", "x".repeat(32))] {
        assert_eq!(error(&file), None, "{file}");
    }
    for (file, why) in [
        ("x".repeat(31), "at least 32"),
        (String::new(), "at least 32"),
        (format!("{0}\n{0}", "x".repeat(32)), "one line"),
        (format!("{{\"kty\": \"{}\"}}", "x".repeat(32)), "one line"),
        (pem("PRIVATE KEY", &[0; 48]), "no `PUBLIC KEY`"),
        (pem("CERTIFICATE", &[0; 48]), "no `PUBLIC KEY`"),
        (pem("PUBLIC KEY", &[0; 44]), "not an Ed25519"),
        (pem("PUBLIC KEY", &ED25519_DER), "not an Ed25519"),
        ("-----BEGIN PUBLIC KEY-----\nbroken".into(), "not an Ed25519"),
    ] {
        assert!(error(&file).is_some_and(|line| line.contains(why)), "{file}: {:?}", error(&file));
    }
}

#[test]
fn tokens_of_other_programs_are_understood() {
    // Made by Node.js with `crypto.sign`, to end in the year 2100.
    let key = include_str!("testdata/ed25519.pem");
    let token = include_str!("testdata/ed25519.jwt");
    let tokens = Tokens::new(key.as_bytes()).unwrap();
    let entry = tokens.admit(Some(token.trim()), &RoomId::from("plans"), "alice").unwrap();
    assert_eq!(entry.params.identity, Some(Identity::from("ann")));
}
