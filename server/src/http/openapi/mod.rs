//! The document of the API (OpenAPI 3.1), made of the table of routes, so that it has every call and no other.

pub mod events;
mod problems;
mod security;
pub mod socket;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;
use types::api::Problem;
use types::schema;
use types::words::ProblemCode;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, Components, ComponentsBuilder, ObjectBuilder, Ref, SchemaType, Type};
use utoipa::openapi::{
    HttpMethod, InfoBuilder, LicenseBuilder, OpenApiBuilder, OpenApiVersion, Paths, RefOr, Required, Schema,
};

use super::needs::Needs;
use super::operation::{JSON, Operation, Parameters, Payload};
use super::problem::{ProblemExample, status_of};
use super::routes::Route;

const ABOUT: &str = "Sign-in, sessions, and ending them everywhere. What is wrong is answered as `application/problem+json` \
                     (RFC 9457) with a stable `code`. Members and words that are not in this document may be added: clients pass over \
                     what they do not know.";
const PROBLEM_JSON: &str = "application/problem+json";
const NEEDS: &str = "x-latchkey-needs";

/// The schemas that are referred to, by their names.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The document of these routes, as JSON, with examples of the problems that areas throw.
///
/// # Errors
/// None that can occur: everything in it can be written.
pub fn document(routes: &[Route], of_areas: &[ProblemExample]) -> Result<String, serde_json::Error> {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();
    let mut codes = BTreeSet::new();
    add(&Payload::of::<Problem>(), &mut schemas);
    for route in routes {
        let (Some(method), Some(described)) = (method(&route.method), route.operation) else { continue };
        paths.add_path_operation(&route.path, vec![method], operation(route, described));
        for payload in described.payloads() {
            add(payload, &mut schemas);
        }
        codes.extend(problems::of(route.needs, described));
    }
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new().title("Latchkey").version(env!("CARGO_PKG_VERSION"));
    let about = format!("{ABOUT}\n\n{}", security::ABOUT_NEEDS);
    let info = info.description(Some(about)).license(Some(license)).build();
    let document = OpenApiBuilder::new().openapi(OpenApiVersion::Version31).info(info).paths(paths);
    document.components(Some(components(schemas, codes, of_areas)?)).build().to_pretty_json()
}

fn add(payload: &Payload, schemas: &mut Schemas) {
    let mut parts = Vec::new();
    (payload.parts)(&mut parts);
    schemas.extend(parts);
    schemas.insert((payload.name)().into_owned(), (payload.schema)());
}

/// What is referred to by name: the schemas, an example of each problem, and how credentials travel.
fn components(
    schemas: Schemas,
    codes: BTreeSet<ProblemCode>,
    of_areas: &[ProblemExample],
) -> Result<Components, serde_json::Error> {
    let mut components = ComponentsBuilder::new().schemas_from_iter(schemas);
    for code in codes {
        let Some(example) = problems::example(code, of_areas) else { continue };
        let example = ExampleBuilder::new().value(Some(serde_json::to_value(example)?));
        components = components.example(code.as_str(), example);
    }
    for (name, scheme) in security::schemes() {
        components = components.security_scheme(name, scheme);
    }
    Ok(components.build())
}

fn method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}

fn operation(route: &Route, described: &Operation) -> path::Operation {
    let mut operation = OperationBuilder::new()
        .tag(route.area)
        .operation_id(Some(described.id))
        .summary(Some(described.summary))
        .request_body(described.body.as_ref().map(request_body))
        .securities(security::of(route.needs))
        .extensions(Some(Extensions::from_iter([(NEEDS, security::in_words(route.needs))])));
    if !described.about.is_empty() {
        operation = operation.description(Some(described.about));
    }
    for parameter in parameters(&route.path, described) {
        operation = operation.parameter(parameter);
    }
    for (status, response) in responses(route.needs, described) {
        operation = operation.response(status.to_string(), response);
    }
    operation.build()
}

fn reference(payload: &Payload) -> Ref {
    Ref::from_schema_name((payload.name)())
}

fn content(payload: &Payload) -> Content {
    ContentBuilder::new().schema(Some(reference(payload))).example(Some((payload.example)())).build()
}

fn request_body(payload: &Payload) -> RequestBody {
    let must_be_there = if has_required(payload) { Required::True } else { Required::False };
    RequestBodyBuilder::new().content(JSON, content(payload)).required(Some(must_be_there)).build()
}

/// Whether there is a field that must be there: otherwise an empty body will do.
fn has_required(payload: &Payload) -> bool {
    matches!((payload.schema)(), RefOr::T(Schema::Object(object)) if !object.required.is_empty())
}

/// What stands in path and query.
fn parameters(path: &str, described: &Operation) -> Vec<Parameter> {
    let in_braces = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let in_path = in_braces.filter_map(|(name, _)| described.path.map(|described| path_parameter(name, described)));
    let in_query = described.query.map(query_parameters).unwrap_or_default();
    in_path.chain(in_query).collect()
}

/// The field of that name, or the type itself, as a parameter.
fn path_parameter(name: &str, described: Parameters) -> Parameter {
    let field = fields(described).into_iter().find(|(field, ..)| field == name);
    let itself = || ((described.schema)(), Some((described.example)()));
    let (schema, example) = field.map_or_else(itself, |(_, schema, example)| (schema, example));
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    parameter.schema(Some(schema)).example(example).build()
}

/// The fields of a type, each as a parameter.
fn query_parameters(described: Parameters) -> Vec<Parameter> {
    let parameters = fields(described).into_iter().map(|(name, schema, example)| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
        parameter.schema(Some(without_null(schema))).example(example).build()
    });
    parameters.collect()
}

/// The fields of a type, each with its schema and, where the example of the type has it, its example.
fn fields(described: Parameters) -> Vec<(String, RefOr<Schema>, Option<Value>)> {
    let RefOr::T(Schema::Object(object)) = (described.schema)() else { return Vec::new() };
    let mut examples = (described.example)();
    let fields = object.properties.into_iter().map(|(name, schema)| {
        let example = examples.get_mut(&name).map(Value::take);
        (name, schema, example)
    });
    fields.collect()
}

/// A parameter that is not there is not null.
fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &object.schema_type {
                let only = types.iter().find(|of| **of != Type::Null).cloned();
                object.schema_type = only.map_or(SchemaType::AnyValue, SchemaType::Type);
            }
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// What it answers, by status.
fn responses(needs: Needs, described: &Operation) -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, (Vec<&str>, ResponseBuilder)> = BTreeMap::new();
    for answer in described.answers {
        let (words, response) = by_status.remove(&answer.status).unwrap_or_default();
        let response = match &answer.body {
            Some((media_type, payload)) => response.content(*media_type, content(payload)),
            None => response,
        };
        by_status.insert(answer.status, ([words, vec![answer.about]].concat(), response));
    }
    let mut problems: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in problems::of(needs, described) {
        problems.entry(status_of(code).as_u16()).or_default().push(code);
    }
    for (status, codes) in problems {
        let (words, response) = by_status.remove(&status).unwrap_or_default();
        let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let response = response.content(PROBLEM_JSON, problem(&names));
        by_status.insert(status, ([words, names].concat(), response));
    }
    by_status
        .into_iter()
        .map(|(status, (words, response))| (status, response.description(words.join(" · ")).build()))
        .collect()
}

/// A problem with one of these codes.
fn problem(names: &[&str]) -> Content {
    let one_of_these = ObjectBuilder::new().property("code", schema::or_other(schema::words(names)));
    let problem = AllOfBuilder::new().item(reference(&Payload::of::<Problem>())).item(one_of_these);
    let examples = names.iter().map(|name| {
        let example: RefOr<Example> = RefOr::Ref(Ref::new(format!("#/components/examples/{name}")));
        (*name, example)
    });
    ContentBuilder::new().schema(Some(problem)).examples_from_iter(examples).build()
}
