//! The small reader and writer against `serde_json`, which is right by definition here.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{Document, parse};
use super::{Unreadable, indented, read, write};
use crate::domain::{SessionId, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Everything {
    some_text: String,
    whole: u64,
    small: u16,
    signed: i64,
    yes: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
    null: Option<u64>,
    list: Vec<Kind>,
    by_name: BTreeMap<String, String>,
    id: SessionId,
    at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    OnlyAName,
    OneValue(Option<u64>),
    Members { first: String, second: bool },
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::OnlyAName),
        any::<Option<u64>>().prop_map(Kind::OneValue),
        any::<(String, bool)>().prop_map(|(first, second)| Kind::Members { first, second }),
    ]
}

prop_compose! {
    fn everything()(
        some_text in any::<String>(),
        whole in any::<u64>(),
        small in any::<u16>(),
        signed in any::<i64>(),
        yes in any::<bool>(),
        left_out in any::<Option<String>>(),
        null in any::<Option<u64>>(),
        list in proptest::collection::vec(kinds(), 0..4),
        by_name in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        id in any::<u128>(),
        at in 0..4_000_000_000_000_i64,
    ) -> Everything {
        let (id, at) = (SessionId(uuid::Uuid::from_u128(id)), Timestamp::from_millis(at));
        Everything { some_text, whole, small, signed, yes, left_out, null, list, by_name, id, at }
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn to_value(document: Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Boolean(value) => value.into(),
        Document::Number(digits) => serde_json::from_str(&digits).unwrap(),
        Document::Text(text) => text.into(),
        Document::List(items) => items.into_iter().map(to_value).collect(),
        Document::Object(members) => members.into_iter().map(|(name, value)| (name, to_value(value))).collect(),
    }
}

proptest! {
    #[test]
    fn text_written_by_serde_json_is_read(value in everything()) {
        prop_assert_eq!(read::<Everything>(&serde_json::to_string(&value).unwrap()), Ok(value.clone()));
        prop_assert_eq!(read::<Everything>(&serde_json::to_string_pretty(&value).unwrap()), Ok(value));
    }

    #[test]
    fn written_text_is_read_by_serde_json(value in everything()) {
        let text = write(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Everything>(&text).unwrap(), value.clone());
        prop_assert_eq!(serde_json::from_str::<Everything>(&indented(&text)).unwrap(), value);
    }

    #[test]
    fn a_document_is_read_as_serde_json_reads_it(value in documents()) {
        // Not `value` itself: of a number with a fraction, the library may read the neighbour of what it wrote.
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(to_value(parse(&text).unwrap()), serde_json::from_str::<Value>(&text).unwrap());
        }
    }

    #[test]
    fn text_is_accepted_exactly_where_serde_json_does(text in r#"[-+0-9eE.,:\[\]{}"\\u/ bntfrulase\u{1}\n]{0,12}"#) {
        // A number that no `f64` holds is none for the library; here it is passed over as it is spelt.
        let too_large = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
        match serde_json::from_str::<Value>(&text) {
            Err(error) if too_large(&error) => {}
            expected => prop_assert_eq!(parse(&text).ok().map(to_value), expected.ok()),
        }
    }

    #[test]
    fn indented_text_is_the_pretty_output_of_serde_json(value in documents()) {
        prop_assert_eq!(indented(&value.to_string()), serde_json::to_string_pretty(&value).unwrap());
    }
}

#[rstest]
#[case::nothing("")]
#[case::more_than_one("1 2")]
#[case::open_object(r#"{"a":1"#)]
#[case::open_list("[1")]
#[case::last_comma("[1,]")]
#[case::no_name("{1:2}")]
#[case::half_a_pair(r#""\ud83d""#)]
#[case::the_other_half(r#""\udd11""#)]
#[case::no_pair(r#""\ud83d\u0041""#)]
#[case::raw_line_break("\"\n\"")]
#[case::unknown_escape(r#""\x""#)]
#[case::leading_zero("01")]
#[case::no_digits("-")]
#[case::no_fraction("1.")]
#[case::plus("+1")]
#[case::no_word("nul")]
fn text_that_is_not_json_is_refused(#[case] text: &str) {
    assert!(serde_json::from_str::<Value>(text).is_err());
    assert_eq!(parse(text), Err(Unreadable));
}

#[test]
fn a_document_that_is_nested_too_deep_is_refused_and_does_no_harm() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(64)).is_ok());
    for depth in [65, 100_000] {
        assert_eq!(parse(&nested(depth)), Err(Unreadable));
    }
}

fn example() -> Value {
    json!({
        "someText": "a", "whole": 1, "small": 2, "signed": -3, "yes": true, "null": null, "list": [], "byName": {},
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "at": "2026-01-01T00:00:00Z",
    })
}

#[test]
fn members_that_are_not_known_are_passed_over() {
    let mut value = example();
    value["new"] = json!({"deep": [1.5, {"er": "x"}]});
    assert!(read::<Everything>(&value.to_string()).is_ok());
}

#[rstest]
#[case::missing("someText", None)]
#[case::another_kind("someText", Some(json!(1)))]
#[case::not_whole("whole", Some(json!(1.5)))]
#[case::below_nothing("whole", Some(json!(-1)))]
#[case::too_large("small", Some(json!(70_000)))]
#[case::no_boolean("yes", Some(json!("true")))]
#[case::no_list("list", Some(json!({})))]
#[case::unknown_variant("list", Some(json!(["another"])))]
#[case::two_variants("list", Some(json!([{"one-value": 1, "only-a-name": null}])))]
#[case::content_of_none("list", Some(json!([{"only-a-name": 1}])))]
#[case::no_object("byName", Some(json!([])))]
#[case::no_id("id", Some(json!("01890a5d")))]
#[case::no_moment("at", Some(json!("yesterday")))]
fn a_value_that_does_not_fit_the_type_is_refused(#[case] member: &str, #[case] value: Option<Value>) {
    let mut document = example();
    assert!(read::<Everything>(&document.to_string()).is_ok());
    match value {
        Some(value) => document[member] = value,
        None => drop(document.as_object_mut().unwrap().remove(member)),
    }
    assert_eq!(read::<Everything>(&document.to_string()), Err(Unreadable));
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let text = example().to_string().replacen('{', r#"{"whole":5,"#, 1);
    assert_eq!(read::<Everything>(&text), Err(Unreadable));
}

#[test]
fn values_that_the_wire_does_not_have_are_not_written() {
    assert_eq!(write(&1.5), Err(Unreadable));
    assert_eq!(write(&BTreeMap::from([(1, 2)])), Err(Unreadable));
    assert_eq!(write(&(1, 2)), Err(Unreadable));
}
