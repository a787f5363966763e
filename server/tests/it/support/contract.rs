//! What the document of the API promises, held against every answer and every event that a test reads: so the whole
//! suite proves the document.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use latchkey::areas;
use reqwest::Method;
use serde_json::{Map, Value};

use super::app::Answer;

/// The document, made once.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(areas::document()).expect("JSON"))
}

/// Panics where an answer is none that the document has for its call. Where the method is not known, any call of the
/// path will do.
pub fn check(method: Option<&Method>, path: &str, answer: &Answer) {
    let asked = method.map(|method| method.as_str().to_ascii_lowercase());
    let calls: Vec<_> = calls_of(path).filter(|(name, _)| asked.as_ref().is_none_or(|asked| asked == *name)).collect();
    let objections: Vec<String> = calls
        .iter()
        .filter_map(|(_, call)| accept(call, answer).err().map(|why| format!("{}: {why}", call["operationId"])))
        .collect();
    assert!(
        calls.is_empty() || objections.len() < calls.len(),
        "{path} answered {}, which the document does not have: {}\n{}",
        answer.status,
        objections.join("; "),
        answer.text
    );
}

/// Panics where an event is none that the document has.
pub fn check_event(name: &str, data: &Value) {
    assert_eq!(accept_event(name, data), Ok(()), "the event {name}, which the document does not have: {data}");
}

/// Whether the document has this event.
pub fn accept_event(name: &str, data: &Value) -> Result<(), String> {
    let known = &document()["components"]["schemas"]["ServerEvent"]["anyOf"][0]["oneOf"];
    let named = known.as_array().into_iter().flatten().find(|event| event["properties"]["event"]["enum"][0] == name);
    let event = named.ok_or_else(|| "there is no such name".to_owned())?;
    conforms(&event["properties"]["data"], data)
}

/// The calls of a path, each with its method.
fn calls_of(path: &str) -> impl Iterator<Item = (&'static String, &'static Value)> {
    let item = members(&document()["paths"]).find(|(template, _)| fits(template, path));
    item.into_iter().flat_map(|(_, item)| members(item))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let is_same = |(wanted, given): (&&str, &&str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
    template.len() == path.len() && template.iter().zip(&path).all(is_same)
}

/// Whether the document has this answer for a call.
fn accept(call: &Value, answer: &Answer) -> Result<(), String> {
    let response = &call["responses"][answer.status.as_str()];
    if response.is_null() {
        return Err("there is no such status".to_owned());
    }
    if answer.body.is_null() {
        return Ok(());
    }
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default().trim();
    let content = &response["content"][media_type];
    if content.is_null() {
        return Err(format!("there is no {media_type} with that status"));
    }
    conforms(&content["schema"], &answer.body)
}

/// Whether a value is of a schema, as far as the schemas of our document go. A member that is not in it is an error.
pub fn conforms(schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolved(schema);
    // What comes first is what this server says. The rest is what a newer one may say.
    if let Some(known) = schema["anyOf"].as_array().and_then(|options| options.first()) {
        return conforms(known, value);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let is_one = options.iter().any(|option| conforms(option, value).is_ok());
        return if is_one { Ok(()) } else { Err(format!("{value} is none of the alternatives")) };
    }
    if ["type", "enum", "allOf", "properties"].iter().all(|keyword| schema[*keyword].is_null()) {
        // Anything will do.
        return Ok(());
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        return Err(format!("{value} is none of {}", Value::from(words.clone())));
    }
    if !is_of_type(&schema["type"], value) {
        return Err(format!("{value} is not of the type {}", schema["type"]));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| conforms(&schema["items"], item)),
        Value::Object(object) => object_conforms(schema, object),
        _ => Ok(()),
    }
}

fn object_conforms(schema: &Value, object: &Map<String, Value>) -> Result<(), String> {
    let (mut properties, mut required) = (BTreeMap::new(), Vec::new());
    flatten(schema, &mut properties, &mut required);
    let others = &schema["additionalProperties"];
    for (name, value) in object {
        match properties.get(name.as_str()) {
            Some(schemas) => {
                schemas
                    .iter()
                    .try_for_each(|schema| conforms(schema, value))
                    .map_err(|why| format!("{name}: {why}"))?;
            }
            None if others.is_object() => conforms(others, value).map_err(|why| format!("{name}: {why}"))?,
            None => return Err(format!("there is no member {name}")),
        }
    }
    match required.into_iter().find(|name| !object.contains_key(*name)) {
        Some(name) => Err(format!("the member {name} is missing")),
        None => Ok(()),
    }
}

/// Everything that an object may and must have, by all parts of its schema.
fn flatten<'s>(schema: &'s Value, properties: &mut BTreeMap<&'s str, Vec<&'s Value>>, required: &mut Vec<&'s str>) {
    let schema = resolved(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        flatten(part, properties, required);
    }
    for (name, property) in members(&schema["properties"]) {
        properties.entry(name.as_str()).or_default().push(property);
    }
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
}

/// The schema itself, where there is a reference to it.
fn resolved(schema: &Value) -> &Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document().pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not in the document")),
        None => schema,
    }
}

fn is_of_type(types: &Value, value: &Value) -> bool {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match types {
        Value::String(only) => only == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => true,
    }
}
