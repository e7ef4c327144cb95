//! Parameters of JSON bodies as one text, the way exchanges sign them.

use std::borrow::Cow;

use crate::{
    Request,
    request::{Json, Member, QueryForm, component, quote},
};

/// All parameters of a request as `name=value&...`: the query or, without one, the JSON body in the same form with
/// `name[]=` for each item of an array. Empty without parameters; `None` if the body has no such form.
pub(super) fn joined(request: &Request, form: QueryForm) -> Option<Cow<'_, str>> {
    if !request.query.text().is_empty() {
        return Some(request.query.written(form, &[]));
    }
    let Some(document) = request.json() else { return Some("".into()) };
    let Json::Object(members) = document.root() else { return None };
    let mut text = String::with_capacity(document.text().len());
    let mut piece = |parts: [&str; 3]| {
        text.push_str(if text.is_empty() { "" } else { "&" });
        text.extend(parts);
    };
    for Member { name, value, .. } in members {
        match value {
            Json::Array(items) => {
                items.iter().for_each(|item| piece([name, "[]=", &written(&item_text(item), form)]));
            }
            value => piece([name, "=", &written(&plain(value)?, form)]),
        }
    }
    Some(text.into())
}

/// An item as a text: an object as its JSON without spaces.
fn item_text(json: &Json) -> Cow<'_, str> {
    let inner = |json: &Json| match json {
        Json::Text(text) => quote(text),
        json => item_text(json).into_owned(),
    };
    match json {
        Json::Text(text) | Json::Number(text) => text.as_str().into(),
        Json::Bool(value) => value.to_string().into(),
        Json::Null => "null".into(),
        Json::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(",")).into(),
        Json::Object(members) => {
            let members = members.iter().map(|own| format!("{}:{}", quote(&own.name), inner(&own.value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into()
        }
    }
}

fn written(text: &str, form: QueryForm) -> Cow<'_, str> {
    match form {
        QueryForm::Component => component(text).into(),
        QueryForm::Encoded | QueryForm::Decoded | QueryForm::Sorted => text.into(),
    }
}

/// Crypto.com's text of the member `params`: names in order, each followed by its value, items of arrays one after
/// the other, down to three levels.
pub(super) fn concatenated(request: &Request) -> Option<String> {
    match request.json().and_then(|document| document.root().get("params")) {
        None => Some(String::new()),
        Some(params @ Json::Object(_)) => level(params, 0),
        Some(_) => None,
    }
}

const LEVELS: usize = 3;

fn level(json: &Json, depth: usize) -> Option<String> {
    if !matches!(json, Json::Object(_)) {
        return plain(json).map(Cow::into_owned);
    }
    if depth == LEVELS {
        return None;
    }
    let mut members: Vec<&Member> = json.members().iter().collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::new();
    for Member { name, value, .. } in members {
        text.push_str(name);
        match value {
            Json::Array(items) => {
                for item in items {
                    text.push_str(&level(item, depth + 1)?);
                }
            }
            value => text.push_str(&plain(value)?),
        }
    }
    Some(text)
}

fn plain(json: &Json) -> Option<Cow<'_, str>> {
    match json {
        Json::Text(text) | Json::Number(text) => Some(text.as_str().into()),
        Json::Bool(value) => Some(value.to_string().into()),
        Json::Null => Some("null".into()),
        Json::Array(_) | Json::Object(_) => None,
    }
}
