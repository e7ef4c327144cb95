//! `/docs/api`: the API reference, from the same OpenAPI document that `/openapi.json` serves.

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;
use serde_json::{Map, Value};

use super::{Frame, show};
use crate::{app::App, error::Result, openapi};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/docs/api", get(reference))
}

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference {
    frame: Frame,
    about: &'static Contents,
}

/// The document as a reader wants it.
struct Contents {
    intro: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Member>,
    body: Option<String>,
    answers: Vec<(String, String, Option<String>)>,
    sample: String,
}

struct Schema {
    name: String,
    members: Vec<Member>,
}

struct Member {
    name: String,
    kind: String,
    about: String,
    required: bool,
}

async fn reference(State(app): State<Arc<App>>, headers: HeaderMap, frame: Frame) -> Result<Response> {
    show(&Reference { frame: frame.of_whoever(&app, &headers).await, about: &CONTENTS })
}

static CONTENTS: LazyLock<Contents> =
    LazyLock::new(|| contents(&serde_json::to_value(openapi::document()).unwrap_or_default()));

fn contents(document: &Value) -> Contents {
    let operations: Vec<(String, Operation)> = members(&document["paths"])
        .flat_map(|(path, item)| members(item).map(move |(method, about)| (path, method, about)))
        .filter(|(_, _, about)| about.is_object())
        .map(|(path, method, about)| (string(&about["tags"][0]), operation(path, method, about)))
        .collect();
    let mut groups: Vec<Group> = array(&document["tags"])
        .map(|tag| Group {
            name: string(&tag["name"]),
            about: string(&tag["description"]),
            operations: vec![],
        })
        .collect();
    for (tag, operation) in operations {
        if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
            group.operations.push(operation);
        }
    }
    Contents {
        intro: string(&document["info"]["description"]),
        groups,
        schemas: members(&document["components"]["schemas"])
            .map(|(name, about)| schema(name, about))
            .collect(),
    }
}

fn operation(path: &str, method: &str, about: &Value) -> Operation {
    let parameters = array(&about["parameters"]).map(|parameter| Member {
        name: string(&parameter["name"]),
        kind: format!("{}, in the {}", kind(&parameter["schema"]), string(&parameter["in"])),
        about: string(&parameter["description"]),
        required: parameter["required"] == true,
    });
    let body = named(&about["requestBody"]["content"]);
    let answers = members(&about["responses"]);
    let answers = answers
        .map(|(code, answer)| (code.clone(), string(&answer["description"]), named(&answer["content"])));
    Operation {
        id: format!("{method}{}", path.replace(['/', '{', '}'], "-")),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: [&about["summary"], &about["description"]].map(string).join(" ").trim().to_owned(),
        parameters: parameters.collect(),
        answers: answers.collect(),
        sample: sample(path, method, about, body.is_some()),
        body,
    }
}

/// A call to paste; public operations need no token.
fn sample(path: &str, method: &str, about: &Value, has_body: bool) -> String {
    let public = array(&about["security"]).any(|one| one.as_object().is_some_and(Map::is_empty));
    let mut text = String::from("curl -sS");
    if method != "get" {
        text.push_str(&format!(" -X {}", method.to_uppercase()));
    }
    if !public {
        text.push_str(" -H \"Authorization: Bearer $KEYGATE_TOKEN\"");
    }
    if has_body {
        text.push_str(" -H 'Content-Type: application/json' --data @body.json");
    }
    format!("{text} \"$KEYGATE_URL{path}\"")
}

fn schema(name: &str, about: &Value) -> Schema {
    let parts: Vec<&Value> = std::iter::once(about).chain(array(&about["allOf"])).collect();
    let required = |name: &str| parts.iter().any(|part| array(&part["required"]).any(|one| one == name));
    let listed = parts.iter().flat_map(|part| members(&part["properties"]));
    let members = listed.map(|(name, about)| Member {
        name: name.clone(),
        kind: kind(about),
        about: string(&about["description"]),
        required: required(name),
    });
    Schema { name: name.to_owned(), members: members.collect() }
}

/// A type in words: `string`, `list of BotOut`, `string or null`.
fn kind(schema: &Value) -> String {
    if let Some(name) = reference_name(schema) {
        return name;
    }
    let either = array(&schema["oneOf"]).chain(array(&schema["anyOf"])).map(kind).collect::<Vec<_>>();
    if !either.is_empty() {
        return either.join(" or ");
    }
    let types: Vec<String> = match &schema["type"] {
        Value::Array(types) => types.iter().map(string).collect(),
        one => vec![string(one)],
    };
    let text = types.join(" or ");
    match (text.as_str(), schema["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(&schema["items"])),
        (text, Some(format)) => format!("{text} ({format})"),
        _ => text,
    }
}

/// The schema of a body of any media type.
fn named(content: &Value) -> Option<String> {
    let (_, about) = members(content).next()?;
    Some(kind(&about["schema"])).filter(|kind| !kind.is_empty())
}

fn reference_name(schema: &Value) -> Option<String> {
    schema["$ref"].as_str()?.rsplit('/').next().map(str::to_owned)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_document_is_listed() {
        let document = serde_json::to_value(openapi::document()).expect("is JSON");
        let known: usize = members(&document["paths"]).map(|(_, item)| members(item).count()).sum();
        let listed: usize = CONTENTS.groups.iter().map(|group| group.operations.len()).sum();
        assert_eq!(listed, known);
        assert!(listed > 30, "{listed}");
    }

    #[test]
    fn samples_ask_for_a_token_only_where_one_is_needed() {
        let all = || CONTENTS.groups.iter().flat_map(|group| &group.operations);
        let find = |path: &str| all().find(|operation| operation.path == path).expect("exists");
        assert!(!find("/api/v1/auth/login").sample.contains("TOKEN"));
        assert!(find("/api/v1/bots/{id}").sample.contains("TOKEN"));
    }
}
