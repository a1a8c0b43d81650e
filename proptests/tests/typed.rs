//! Types of an application as values and as records.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use roomsync::{
    Instant, Object, Record, RecordError, RecordId, RecordType, Room, RoomConfig, Schema, Scope,
    Text, TransactError, Transaction, Value, from_value, to_value,
};
use roomsync_proptests::arb;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// Every kind of thing that serde knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kinds {
    bool: bool,
    ints: (i8, i16, i32, i64, i128),
    words: (u8, u16, u32, u64, u128),
    floats: (f32, f64),
    char: char,
    text: String,
    shared: Text,
    some: Option<Box<Kinds>>,
    unit: (),
    nothing: Nothing,
    wrapped: Wrapped,
    pair: Pair,
    outer: Vec<Outer>,
    tagged: Vec<Tagged>,
    untagged: Vec<Untagged>,
    by_word: BTreeMap<u32, bool>,
    by_int: BTreeMap<i128, bool>,
    by_char: BTreeMap<char, bool>,
    by_bool: BTreeMap<bool, bool>,
    by_name: BTreeMap<Name, Option<u8>>,
    by_wrapped: BTreeMap<Wrapped, ()>,
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    #[serde(flatten)]
    rest: Object,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Wrapped(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i32, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Outer {
    Unit,
    New(Vec<u8>),
    Tuple(u8, Option<u8>),
    Struct { x: f64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Geo { w: f64, big: u64 },
    Note,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    First,
    SecondOne,
}

fn finite() -> impl Strategy<Value = f64> {
    arb::number().prop_map(roomsync::Number::as_f64)
}

fn outer() -> impl Strategy<Value = Outer> {
    prop_oneof![
        Just(Outer::Unit),
        vec(any::<u8>(), 0..3).prop_map(Outer::New),
        any::<(u8, Option<u8>)>().prop_map(|(a, b)| Outer::Tuple(a, b)),
        finite().prop_map(|x| Outer::Struct { x }),
    ]
}

/// An unsigned integer that a value holds exactly.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![0..9_u64, Just(i64::MAX as u64), (1..64_u32).prop_map(|bit| 1 << bit)]
}

fn kinds() -> impl Strategy<Value = Kinds> {
    let scalars = (
        any::<bool>(),
        (any::<i8>(), any::<i16>(), any::<i32>(), any::<i64>(), any::<i64>().prop_map_into()),
        (any::<u8>(), any::<u16>(), any::<u32>(), word(), word().prop_map_into()),
        (any::<i16>().prop_map(|n| f32::from(n) / 8.0), finite()),
        any::<char>(),
        arb::text(),
    );
    let enums = (
        vec(outer(), 0..3),
        vec(
            prop_oneof![
                (finite(), word()).prop_map(|(w, big)| Tagged::Geo { w, big }),
                Just(Tagged::Note)
            ],
            0..3,
        ),
        vec(
            prop_oneof![finite().prop_map(Untagged::Number), arb::text().prop_map(Untagged::Text)],
            0..3,
        ),
    );
    let name = prop_oneof![Just(Name::First), Just(Name::SecondOne)];
    let maps = (
        btree_map(any::<u32>(), any::<bool>(), 0..3),
        btree_map(any::<i128>(), any::<bool>(), 0..3),
        btree_map(any::<char>(), any::<bool>(), 0..3),
        btree_map(any::<bool>(), any::<bool>(), 0..3),
        btree_map(name, any::<Option<u8>>(), 0..3),
        btree_map("[a-c]".prop_map(Wrapped), Just(()), 0..3),
    );
    let dynamic = (arb::value(), btree_map("other[0-9]", arb::value(), 0..3));
    let leaf = (scalars, enums, maps, dynamic, any::<Option<u8>>()).prop_map(
        |(scalars, (outer, tagged, untagged), maps, (value, rest), left_out)| {
            let (bool, ints, words, floats, char, text) = scalars;
            let (by_word, by_int, by_char, by_bool, by_name, by_wrapped) = maps;
            Kinds {
                bool,
                ints,
                words,
                floats,
                char,
                shared: Text::from(text.as_str()),
                wrapped: Wrapped(text.clone()),
                pair: Pair(ints.2, text.clone()),
                text,
                some: None,
                unit: (),
                nothing: Nothing,
                outer,
                tagged,
                untagged,
                by_word,
                by_int,
                by_char,
                by_bool,
                by_name,
                by_wrapped,
                value,
                left_out,
                rest: rest.into_iter().collect(),
            }
        },
    );
    let leaf = leaf.boxed();
    (leaf.clone(), proptest::option::of(leaf))
        .prop_map(|(outer, inner)| Kinds { some: inner.map(Box::new), ..outer })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_json_says_and_reads_back_the_same(kinds in kinds()) {
        let value = to_value(&kinds).unwrap();
        let text: Value = serde_json::to_string(&kinds).unwrap().parse().unwrap();
        prop_assert_eq!(&value, &text);
        prop_assert_eq!(from_value::<Kinds>(&value).unwrap(), kinds);
    }
}

/// Reads `json` as a `T` by way of a value, and says what is wrong with it.
fn fault<T: DeserializeOwned>(json: &str) -> String {
    let value: Value = json.parse().unwrap();
    from_value::<T>(&value).map(drop).unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    type Points = BTreeMap<String, Vec<Outer>>;
    for (found, expected) in [
        (fault::<u8>("256"), "invalid value: integer `256`, expected u8"),
        (fault::<u8>("1.5"), "invalid type: floating point `1.5`, expected u8"),
        (fault::<Vec<bool>>("[true,1]"), "at `[1]`: invalid type: integer `1`, expected a boolean"),
        (fault::<(u8, u8)>("[1,2,3]"), "invalid length 3, expected fewer items"),
        (
            fault::<Points>(r#"{"a":["Unit",{"Struct":{"x":"1"}}]}"#),
            "at `a[1].Struct.x`: invalid type: string \"1\", expected f64",
        ),
        (
            fault::<Points>(r#"{"a":[{"Unit":1}]}"#),
            "at `a[0].Unit`: invalid type: integer `1`, expected unit",
        ),
        (
            fault::<Points>(r#"{"a":["New"]}"#),
            "at `a[0]`: invalid type: unit variant, expected a variant with data",
        ),
        (
            fault::<Points>(r#"{"a":[{"New":[],"Unit":null}]}"#),
            "at `a[0]`: invalid type: map, expected a variant's name, alone or as the only key",
        ),
        (
            fault::<Points>(r#"{"a":["Other"]}"#),
            "at `a[0]`: unknown variant `Other`, expected one of `Unit`, `New`, `Tuple`, `Struct`",
        ),
        (
            fault::<BTreeMap<u8, u8>>(r#"{"300":1}"#),
            "at `300`: invalid type: string \"300\", expected u8",
        ),
        (
            fault::<BTreeMap<u8, Vec<u8>>>(r#"{"3":[[]]}"#),
            "at `3[0]`: invalid type: sequence, expected u8",
        ),
        (fault::<Pair>("[1]"), "invalid length 1, expected tuple struct Pair with 2 elements"),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_no_value_holds_is_not_written() {
    fn fault(data: &(impl Serialize + ?Sized)) -> String {
        to_value(data).unwrap_err().to_string()
    }
    let key = |key: &str| BTreeMap::from([(key.to_owned(), 1)]);
    for (found, expected) in [
        (fault(&[1.0, f64::NAN]), "at `[1]`: NaN is no number"),
        (fault(&f32::INFINITY), "inf is no number"),
        (fault(&u64::MAX), "the integer 18446744073709551615 has no exact number"),
        (fault(&i128::MIN), format!("the integer {} has no exact number", i128::MIN).as_str()),
        (fault(&u128::MAX), format!("the integer {} has no exact number", u128::MAX).as_str()),
        (fault(&key("__proto__")), "the key `__proto__` cannot be stored"),
        (fault(&BTreeMap::from([((), 1)])), "a key of an object is a string, not nothing"),
        (fault(&BTreeMap::from([([1], 1)])), "a key of an object is a string, not a tuple"),
        (fault(&[Outer::Struct { x: f64::INFINITY }]), "at `[0].Struct.x`: inf is no number"),
    ] {
        assert_eq!(found, expected);
    }
}

/// So many arrays inside one another.
#[derive(Serialize, Deserialize)]
struct Nested(Vec<Nested>);

#[test]
fn values_are_written_to_a_hundred_levels_and_no_deeper() {
    let nested = |levels| (1..levels).fold(Nested(vec![]), |inner, _| Nested(vec![inner]));
    let value = to_value(&nested(100)).unwrap();
    assert!(value.is_within_depth(100) && !value.is_within_depth(99));
    assert!(from_value::<Nested>(&value).is_ok());
    assert_eq!(to_value(&nested(101)).unwrap_err().message(), "nested too deeply");
    // A variant with data is an object around them.
    assert!(to_value(&BTreeMap::from([("a", nested(99))])).is_ok());
    assert!(to_value(&BTreeMap::from([("a", nested(100))])).is_err());
    assert!(to_value(&Ok::<_, ()>(nested(99))).is_ok());
    assert!(to_value(&Ok::<_, ()>(nested(100))).is_err());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shape {
    id: RecordId,
    x: f64,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    props: Props,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Props {
    #[serde(default)]
    color: String,
}

impl Record for Shape {
    const TYPE_NAME: &'static str = "shape";
}

/// Knows its type name, and nothing that is not a field.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Strict {
    id: RecordId,
    type_name: String,
}

impl Record for Strict {
    const TYPE_NAME: &'static str = "strict";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lean {
    id: RecordId,
}

impl Record for Lean {
    const TYPE_NAME: &'static str = "lean";
}

/// Keeps what it does not know.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Keeping {
    id: RecordId,
    #[serde(flatten)]
    rest: Object,
}

impl Record for Keeping {
    const TYPE_NAME: &'static str = "shape";
}

fn object(json: &str) -> Object {
    json.parse().unwrap()
}

fn room() -> Room {
    let schema = Schema::builder()
        .record_type("shape", RecordType::typed::<Shape>(Scope::Document))
        .record_type("strict", RecordType::typed::<Strict>(Scope::Document))
        .record_type("lean", RecordType::typed::<Lean>(Scope::Document))
        .build();
    Room::new(RoomConfig::default(), Arc::new(schema.unwrap())).unwrap()
}

fn transact(
    room: &mut Room,
    f: impl FnOnce(&mut Transaction<'_>) -> Result<(), TransactError>,
) -> Result<(), TransactError> {
    room.transact(Instant::ZERO, f)
}

fn shape(id: &str) -> Shape {
    Shape { id: id.into(), x: 0.0, tags: vec![], props: Props::default() }
}

#[test]
fn a_record_is_put_and_read_as_its_type() {
    let mut room = room();
    transact(&mut room, |tx| {
        assert_eq!(tx.get::<Shape>("shape:a"), Ok(None));
        tx.put(&shape("shape:a"))?;
        assert_eq!(tx.get("shape:a")?, Some(shape("shape:a")));
        tx.put(&Strict { id: "strict:a".into(), type_name: "strict".into() })?;
        tx.put(&Lean { id: "lean:a".into() })
    })
    .unwrap();
    assert_eq!(room.get("shape:a"), Ok(Some(shape("shape:a"))));
    assert_eq!(room.get("lean:a"), Ok(Some(Lean { id: "lean:a".into() })));
    assert!(room.get::<Strict>("strict:a").unwrap().is_some());
    let other = RecordError::OtherType { id: "shape:a".into(), expected: "lean" };
    assert_eq!(room.get::<Lean>("shape:a"), Err(other.clone()));
    let failed = transact(&mut room, |tx| tx.get::<Lean>("shape:a").map(drop).map_err(Into::into));
    assert_eq!(failed, Err(TransactError::Unreadable(other)));
}

#[test]
fn what_stands_for_no_record_is_not_put() {
    let mut room = room();
    let wrong = Strict { id: "strict:a".into(), type_name: "lean".into() };
    let error = transact(&mut room, |tx| tx.put(&wrong)).unwrap_err();
    assert_eq!(error.to_string(), "cannot write the record: its `typeName` is not strict");
    let nan = Shape { x: f64::NAN, ..shape("shape:a") };
    let error = transact(&mut room, |tx| tx.put(&nan)).unwrap_err();
    assert_eq!(error.to_string(), "cannot write the record: at `x`: NaN is no number");
    assert_eq!(room.records().count(), 0);
}

#[test]
fn a_type_says_which_records_are_valid() {
    let mut room = room();
    let mut put = |json: &str| transact(&mut room, |tx| tx.put(object(json)));
    let invalid = |id: &str| Err(TransactError::InvalidRecord(id.into()));
    assert_eq!(put(r#"{"id":"a","typeName":"shape","x":1}"#), Ok(()));
    assert_eq!(put(r#"{"id":"b","typeName":"shape","x":1,"unknown":true}"#), Ok(()));
    assert_eq!(put(r#"{"id":"c","typeName":"shape","x":"1"}"#), invalid("c"));
    assert_eq!(put(r#"{"id":"c","typeName":"shape"}"#), invalid("c"));
    assert_eq!(put(r#"{"id":"c","typeName":"shape","x":1,"props":{"color":1}}"#), invalid("c"));
    assert_eq!(put(r#"{"id":"d","typeName":"lean"}"#), Ok(()));
    assert_eq!(put(r#"{"id":"e","typeName":"lean","x":1}"#), invalid("e"));
    assert_eq!(put(r#"{"id":"f","typeName":"strict"}"#), Ok(()));
    assert_eq!(put(r#"{"id":"g","typeName":"strict","x":1}"#), invalid("g"));
}

#[test]
fn an_edit_keeps_what_its_type_does_not_know() {
    let mut room = room();
    let record = r#"{"id":"a","typeName":"shape","x":1,"y":2,"props":{"w":3,"color":"red"}}"#;
    transact(&mut room, |tx| tx.put(object(record))).unwrap();
    transact(&mut room, |tx| {
        tx.edit("a", |shape: &mut Shape| {
            shape.tags.push("new".into());
            shape.props.color = "blue".into();
        })
    })
    .unwrap();
    let expected = r#"{"id":"a","props":{"color":"blue","w":3},"tags":["new"],"typeName":"shape","x":1,"y":2}"#;
    assert_eq!(room.record("a").unwrap().to_string(), expected);

    let clock = room.clock();
    transact(&mut room, |tx| tx.edit("a", |_: &mut Shape| ())).unwrap();
    assert_eq!(room.clock(), clock, "an edit that changes nothing is none");
    let moved = transact(&mut room, |tx| tx.edit("a", |shape: &mut Shape| shape.id = "b".into()));
    assert_eq!(moved, Err(TransactError::IdentityChanged("a".into())));
    let missing = transact(&mut room, |tx| tx.edit("b", |_: &mut Shape| ()));
    assert_eq!(missing, Err(TransactError::Missing("b".into())));

    let kept: Keeping = room.get("a").unwrap().unwrap();
    transact(&mut room, |tx| tx.put(&kept)).unwrap();
    assert_eq!(room.record("a").unwrap().to_string(), expected);
    transact(&mut room, |tx| tx.edit("a", |it: &mut Keeping| drop(it.rest.remove("y")))).unwrap();
    assert_eq!(room.record("a").unwrap().get("y"), None);
}
