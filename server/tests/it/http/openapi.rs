//! The document of the API: that it is of the routes there are, that its examples are right, and that the one in `docs`
//! is up to date.

use std::collections::{BTreeSet, HashSet};
use std::fs;

use latchkey::areas;
use latchkey::http::routes::Route;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use types::api::paths;
use types::words::ProblemCode;

use super::metrics::TOKEN;
use crate::support::app::{TestApp, read_event};
use crate::support::contract::{accept_event, conforms, document};

/// Method and path of every call in the document, with the call.
fn calls() -> Vec<(String, &'static Value)> {
    let paths = document()["paths"].as_object().expect("paths");
    let calls = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("calls");
        item.iter().map(move |(method, call)| (format!("{} {path}", method.to_uppercase()), call))
    });
    calls.collect()
}

#[test]
fn the_document_in_docs_is_the_one_that_the_program_makes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written.trim_end() == areas::document().trim_end(),
        "put the output of `latchkey openapi` into docs/openapi.json"
    );
}

#[tokio::test]
async fn every_route_of_the_table_is_in_the_document_and_nothing_else() {
    let app = TestApp::start_with(&[("METRICS_TOKEN", TOKEN)]).await;
    let (calls_of_the_api, others): (Vec<&Route>, Vec<&Route>) =
        app.routes.iter().partition(|route| route.operation.is_some());
    let routes: BTreeSet<String> =
        calls_of_the_api.into_iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let documented: BTreeSet<String> = calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(documented, routes);
    // Pages with their forms, and the metrics: nothing that programs call.
    for route in others {
        let is_no_call = route.area == "pages" || route.path == paths::METRICS;
        assert!(is_no_call && !route.path.starts_with("/api/"), "{route:?} is not in the document");
    }
}

/// What is in the body of every request and answer: a name for it, its media type, and what the document says of it.
fn bodies() -> Vec<(String, &'static str, &'static Value)> {
    let mut bodies = Vec::new();
    let mut note = |name: &str, body: &'static Value| {
        for (media_type, content) in body["content"].as_object().into_iter().flatten() {
            bodies.push((format!("{name} as {media_type}"), media_type.as_str(), content));
        }
    };
    for (call, description) in calls() {
        note(&call, &description["requestBody"]);
        for (status, answer) in description["responses"].as_object().expect("answers") {
            note(&format!("{status} of {call}"), answer);
        }
    }
    bodies
}

/// Its examples.
fn examples(content: &'static Value) -> Vec<&'static Value> {
    let named = content["examples"].as_object().into_iter().flatten().map(|(_, example)| {
        let reference =
            example["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')).expect("a reference");
        &document().pointer(reference).expect("an example")["value"]
    });
    named.chain(Some(&content["example"])).filter(|example| !example.is_null()).collect()
}

/// What of an example is to be of the schema: it, or each event of a stream.
fn values(media_type: &str, example: &Value) -> Vec<Value> {
    if media_type != "text/event-stream" {
        return vec![example.clone()];
    }
    let frames = example.as_str().expect("a text").split_terminator("\n\n");
    frames
        .map(|frame| read_event(frame).map(|(event, data)| json!({"event": event, "data": data})).expect("an event"))
        .collect()
}

#[test]
fn every_body_has_a_schema_and_examples_that_are_of_it() {
    for (body, media_type, content) in bodies() {
        assert!(content["schema"].is_object(), "{body} has no schema");
        let examples = examples(content);
        assert!(!examples.is_empty(), "{body} has no example");
        for example in examples {
            for value in values(media_type, example) {
                assert_eq!(conforms(&content["schema"], &value), Ok(()), "{body}: {value}");
            }
        }
    }
}

/// What is wrong with the example of a parameter.
fn objection(parameter: &Value) -> Option<String> {
    let (name, example) = (&parameter["name"], &parameter["example"]);
    if example.is_null() {
        return Some(format!("{name} has no example"));
    }
    conforms(&parameter["schema"], example).err().map(|why| format!("{name}: {why}"))
}

#[test]
fn every_parameter_has_an_example_that_is_of_its_schema() {
    for (call, description) in calls() {
        let parameters = description["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let objections: Vec<String> = parameters.iter().filter_map(objection).collect();
        assert!(objections.is_empty(), "{call}: {objections:?}");
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, call.matches('{').count(), "{call} does not say what stands in its path");
    }
}

#[rstest]
#[case::one_without_an_example(json!({"name": "limit", "schema": {"type": "integer"}}), "\"limit\" has no example")]
#[case::one_with_an_example_of_something_else(
    json!({"name": "limit", "schema": {"type": "integer"}, "example": "ten"}),
    "\"limit\": \"ten\" is not of the type \"integer\""
)]
fn a_parameter_without_a_good_example_is_noticed(#[case] parameter: Value, #[case] expected: &str) {
    assert_eq!(objection(&parameter).as_deref(), Some(expected));
}

/// What such an example says under a name that no field has would be in no parameter.
#[tokio::test]
async fn every_example_of_parameters_is_of_their_type() {
    let app = TestApp::start().await;
    for operation in app.routes.iter().filter_map(|route| route.operation) {
        for parameters in [operation.path, operation.query].into_iter().flatten() {
            let schema = serde_json::to_value((parameters.schema)()).expect("a schema");
            assert_eq!(conforms(&schema, &(parameters.example)()), Ok(()), "{operation:?}");
        }
    }
}

#[tokio::test]
async fn every_example_is_read_as_its_type() {
    let app = TestApp::start().await;
    for operation in app.routes.iter().filter_map(|route| route.operation) {
        for payload in operation.payloads() {
            let name = (payload.name)();
            let example = (payload.example)();
            assert_ne!(example, Value::Null, "{name}");
            let read = (payload.read)(example);
            assert!(read.is_ok(), "{name}: {read:?}");
        }
    }
}

#[test]
fn every_call_says_what_it_is_for_under_a_name_of_its_own() {
    let mut names = HashSet::new();
    for (call, description) in calls() {
        assert!(names.insert(description["operationId"].as_str().expect("a name")), "{call}");
        assert_ne!(description["summary"].as_str().unwrap_or_default(), "", "{call}");
        assert!(description["x-latchkey-needs"]["summary"].is_string(), "{call}");
        let answers = description["responses"].as_object().expect("answers");
        // The socket switches protocols.
        let succeeds = |status: &str| status.starts_with('2') || status == "101";
        assert!(answers.keys().any(|status| succeeds(status)), "{call} never succeeds");
    }
}

#[test]
fn what_calls_need_has_one_shape_which_the_document_explains() {
    let about = document()["info"]["description"].as_str().expect("a description");
    for (call, description) in calls() {
        let needs = description["x-latchkey-needs"].as_object().expect("an object");
        let members: Vec<&str> = needs.keys().map(String::as_str).collect();
        assert_eq!(
            members,
            ["credentials", "permission", "recentProof", "session", "summary", "whileActing"],
            "{call}"
        );
        assert!(needs["session"].is_boolean() && needs["recentProof"].is_boolean(), "{call}");
        assert!(needs["whileActing"].is_boolean(), "{call}");
        assert!(needs["permission"].is_null() || needs["permission"].is_string(), "{call}");
        let credentials = needs["credentials"].as_array().expect("a list");
        assert_eq!(credentials.is_empty(), description["security"].is_null(), "{call}");
        let named = members.into_iter().chain(credentials.iter().map(|name| name.as_str().expect("a name")));
        for name in named {
            assert!(about.contains(&format!("`{name}`")), "nothing explains {name}");
        }
    }
}

#[test]
fn every_problem_in_the_document_is_a_word_and_stands_with_its_status() {
    let mut documented = HashSet::new();
    for (call, description) in calls() {
        for (status, answer) in description["responses"].as_object().expect("answers") {
            let problem = &answer["content"]["application/problem+json"]["schema"]["allOf"][1];
            for code in problem["properties"]["code"]["anyOf"][0]["enum"].as_array().into_iter().flatten() {
                let known = ProblemCode::parse(code.as_str().expect("a code"));
                let known = known.unwrap_or_else(|| panic!("{call}: {code} is no word"));
                assert_eq!(latchkey::http::problem::status_of(known).as_str(), status, "{call}: {code}");
                documented.insert(known);
            }
        }
    }
    // Only routes that ask for a permission have that one.
    documented.insert(ProblemCode::PermissionRequired);
    let undocumented: Vec<_> = ProblemCode::ALL.into_iter().filter(|code| !documented.contains(code)).collect();
    assert_eq!(undocumented, [], "no call answers with these");
}

#[test]
fn an_export_may_hold_what_further_areas_bring() {
    let answer = &document()["paths"]["/api/user/export"]["get"]["responses"]["200"]["content"]["application/json"];
    let mut export = answer["example"].clone();
    export["rooms"] = json!([{"name": "Attic"}]);
    assert_eq!(conforms(&answer["schema"], &export), Ok(()));
}

#[tokio::test]
async fn the_server_gives_out_the_document() {
    let app = TestApp::start().await;
    let answer = app.get("/api/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.text, areas::document());
    assert_eq!(answer.body["openapi"], "3.1.0");
    let head = app.request(Method::HEAD, "/api/openapi.json").send().await.expect("an answer");
    assert_eq!(head.status(), StatusCode::OK);
}

#[rstest]
#[case::a_member_too_many(json!({"message": "Sent.", "secret": 1}), "there is no member secret")]
#[case::a_member_too_few(json!({}), "the member message is missing")]
#[case::another_type(json!({"message": 7}), "message: 7 is not of the type \"string\"")]
fn what_the_document_does_not_have_is_noticed(#[case] answer: Value, #[case] expected: &str) {
    let schema = json!({"$ref": "#/components/schemas/AcceptedAnswer"});
    assert_eq!(conforms(&schema, &answer), Err(expected.to_owned()));
}

#[rstest]
#[case::a_name_that_is_none("session.paused", json!({"userId": "1"}), "there is no such name")]
#[case::a_member_too_many("user.updated", json!({"userId": "1", "secret": 1}), "there is no member secret")]
#[case::the_data_of_another("hello", json!({"userId": "1"}), "there is no member userId")]
fn an_event_that_the_document_does_not_have_is_noticed(
    #[case] name: &str,
    #[case] data: Value,
    #[case] expected: &str,
) {
    assert_eq!(accept_event(name, &data), Err(expected.to_owned()));
}

#[rstest]
#[case::one_that_this_server_says("password", true)]
#[case::one_that_only_a_newer_server_says("carrier_pigeon", false)]
fn a_word_that_the_document_leaves_to_newer_servers_is_none_for_this_one(#[case] word: &str, #[case] fits: bool) {
    let schema = json!({"$ref": "#/components/schemas/OrOther_SignInMethod"});
    assert_eq!(conforms(&schema, &json!(word)).is_ok(), fits);
}

/// The names of all schemas that a schema refers to, by way of others too. What is behind an open word is left out.
fn named_in(schema: &'static Value, names: &mut BTreeSet<&'static str>) {
    match schema {
        Value::Object(members) => members.values().for_each(|member| named_in(member, names)),
        Value::Array(items) => items.iter().for_each(|item| named_in(item, names)),
        Value::String(text) => {
            let name = text.strip_prefix("#/components/schemas/");
            if let Some(name) = name.filter(|&name| names.insert(name) && !name.starts_with("OrOther_")) {
                named_in(&document()["components"]["schemas"][name], names);
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_answered_may_have_words_of_a_newer_server_and_what_is_asked_may_not() {
    let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for (_, description) in calls() {
        named_in(&description["requestBody"], &mut asked);
        named_in(&description["responses"], &mut answered);
    }
    let schemas = document()["components"]["schemas"].as_object().expect("schemas");
    let is_vocabulary = |name: &&str| schemas[*name]["enum"].is_array();
    assert!(asked.iter().any(is_vocabulary), "no request says a word of a vocabulary");
    assert_eq!(asked.iter().find(|name| name.starts_with("OrOther_")), None);
    assert_eq!(answered.into_iter().find(is_vocabulary), None);
}
