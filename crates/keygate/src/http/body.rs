//! Parse at the edge: request bodies, query strings and ids become types here or are refused with the name
//! of the member that is wrong. A value a caller sent is never repeated in an answer or a log.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawQuery, Request, rejection::BytesRejection},
};
use http::{StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    app::App,
    error::{Code, Error, Result},
    hardening::wipe_stack,
};

/// How long a body may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON body of a known shape: unknown, missing, doubled and mistyped members are refused by name.
pub struct Json<T>(pub T);

/// A urlencoded form of a page.
pub struct Form<T>(pub T);

/// A query string of a known shape.
pub struct Query<T>(pub T);

/// The `{id}` of a route.
pub struct Id(pub Uuid);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
        if kind.as_deref() != Some("application/json") {
            return Err(Code::InvalidBody.with("Send JSON with Content-Type: application/json."));
        }
        parse_json(&bytes(request, app).await?).map(Json)
    }
}

impl<T: DeserializeOwned> Form<T> {
    pub fn parse(body: &[u8]) -> Result<Self> {
        parse_pairs(body).map(Form)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await.unwrap_or(RawQuery(None));
        parse_pairs(query.unwrap_or_default().as_bytes()).map(Query)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| Error::field("/id", "is not a UUID"))?.0;
        Uuid::parse_str(&text).map(Id).map_err(|_| Error::field("/id", "is not a UUID"))
    }
}

/// The body of a form; [`crate::page::Posted`] checks its token before anything else reads it.
pub async fn read_form(request: Request, app: &Arc<App>) -> Result<Bytes> {
    bytes(request, app).await
}

async fn bytes(request: Request, app: &Arc<App>) -> Result<Bytes> {
    in_time(Bytes::from_request(request, app)).await?.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(cause) if cause.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Code::BodyTooLarge.with("Send at most 64 KiB.")
        }
        _ => Code::InvalidBody.with("The body broke off."),
    })
}

/// A body that does not come holds a connection, which somebody else could have.
pub async fn in_time<T>(body: impl Future<Output = T>) -> Result<T> {
    let late = |_| Code::InvalidBody.with("The body did not come within ten seconds.");
    tokio::time::timeout(PATIENCE, body).await.map_err(late)
}

pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let value = read_json(body);
    wipe_stack();
    value
}

#[inline(never)]
fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut input).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, error.inner())
    })?;
    input.end().map_err(|_| Code::InvalidBody.with("There is something after the JSON value."))?;
    Ok(value)
}

fn parse_pairs<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    let value = read_pairs(text);
    wipe_stack();
    value
}

#[inline(never)]
fn read_pairs<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    let input = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text));
    serde_path_to_error::deserialize(input).map_err(|error| {
        let message = error.inner().to_string();
        Error::field(&member(&pointer(&error.path().to_string()), &message), expectation(&message))
    })
}

fn refusal(path: &str, error: &serde_json::Error) -> Error {
    match error.classify() {
        serde_json::error::Category::Data => {
            let message = error.to_string();
            Error::field(&member(&pointer(path), &message), expectation(&message))
        }
        _ => Code::InvalidBody.with(format!(
            "Not valid JSON, line {} column {}.",
            error.line(),
            error.column()
        )),
    }
}

/// `a.b[0].c` as a JSON pointer.
fn pointer(path: &str) -> String {
    match path {
        "." | "" => "/".to_owned(),
        _ => format!("/{}", path.replace(['.', '['], "/").replace(']', "")),
    }
}

/// A missing or doubled member is reported at the object around it, by name.
fn member(pointer: &str, message: &str) -> String {
    let named = message.strip_prefix("missing field `").or(message.strip_prefix("duplicate field `"));
    match named.and_then(|rest| rest.split('`').next()) {
        Some(name) => format!("{}/{name}", pointer.trim_end_matches('/')),
        None => pointer.to_owned(),
    }
}

/// What the parser wanted, in its own words; what it found instead stays out, it may be a secret.
fn expectation(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or("");
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message.replace('`', "'");
    }
    let wanted = message.rsplit_once("expected ").map(|(_, wanted)| wanted.replace('`', "'"));
    match (message.starts_with("unknown field"), wanted) {
        (true, Some(wanted)) => format!("unknown member; known: {}", wanted.trim_start_matches("one of ")),
        (true, None) => "unknown member; none is known here".to_owned(),
        (false, Some(wanted)) => format!("wrong type or value; expected {wanted}"),
        (false, None) => "wrong type or value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is of interest")]
    struct Sample {
        count: u8,
        nested: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is of interest")]
    struct Inner {
        name: String,
    }

    fn refused(body: &str) -> Error {
        parse_json::<Sample>(body.as_bytes()).expect_err("must be refused")
    }

    #[test]
    fn wrong_member_is_named_and_its_value_is_not_repeated() {
        let error = refused(r#"{"count": "s3cr3t"}"#);
        assert_eq!(error.fields[0].pointer, "/count");
        assert!(!error.detail.contains("s3cr3t"), "{}", error.detail);
        let error = refused(r#"{"count": 1, "nested": {"name": 77123}}"#);
        assert_eq!(error.fields[0].pointer, "/nested/name");
        assert!(!error.detail.contains("77123"), "{}", error.detail);
    }

    #[test]
    fn unknown_doubled_and_missing_members_are_refused() {
        assert!(refused(r#"{"count": 1, "coutn": 2}"#).detail.contains("unknown member"));
        assert!(refused(r#"{"count": 1, "count": 2}"#).detail.contains("duplicate"));
        assert_eq!(refused(r#"{"count": 1, "count": 2}"#).fields[0].pointer, "/count");
        assert_eq!(refused("{}").fields[0].pointer, "/count");
        assert_eq!(refused(r#"{"count": 1, "nested": {}}"#).fields[0].pointer, "/nested/name");
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        assert!(refused("{\"count\": 1").detail.contains("line 1"));
        assert_eq!(refused("{\"count\": 1} x").code, Code::InvalidBody);
    }
}
