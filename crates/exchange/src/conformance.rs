//! One JSON line in, one JSON line out: signing for anyone's conformance checks.

use seal::SecretText;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Credentials, Definition, Exchanges, Incoming, Options, PRODUCTION, Stamp, Typed, Upstream};

/// Signs one request described by one line of JSON.
///
/// In: `id`, `exchange`, `credentials` (`api_key`, `secret` as text or as
/// `{"pem": label, "body": base64, "final_newline": bool}`, `passphrase`), `now_ms`, `nonce`, `params`
/// (`secret_transform`: `utf8`, `upper` or `base64`; `jwt_alg`; `recv_window`), and either `request` or `dummy_signed`, each with `method`, `url`,
/// `headers`, `body`. Other members are ignored, so a line of the vector files is a valid line.
///
/// Out: `id`, `method`, `url`, `headers`, `body`, or `id` and `error`; always one line without a line break,
/// `id` is `null` if the line had none. The URL must be one of the exchange's own hosts.
pub fn conformance(exchanges: &Exchanges, line: &str) -> String {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => return json!({"id": null, "error": format!("not JSON: {error}")}).to_string(),
    };
    let id = value.get("id").cloned().unwrap_or_default();
    match answer(exchanges, value) {
        Ok(mut answer) => {
            answer.shift_insert(0, "id".to_owned(), id);
            Value::Object(answer).to_string()
        }
        Err(error) => json!({"id": id, "error": error}).to_string(),
    }
}

/// What a line holds.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub(crate) exchange: String,
    credentials: Pair,
    pub(crate) now_ms: u64,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    params: Option<Params>,
    #[serde(default)]
    request: Option<Message>,
    #[serde(default)]
    dummy_signed: Option<Message>,
}

#[derive(Deserialize)]
struct Pair {
    api_key: String,
    secret: Secret,
    #[serde(default)]
    passphrase: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Secret {
    Text(String),
    Pem { pem: String, body: String, final_newline: bool },
}

#[derive(Clone, Copy, Default, Deserialize)]
struct Params {
    #[serde(default)]
    secret_transform: Option<crate::SecretForm>,
    #[serde(default)]
    jwt_alg: Option<crate::TokenAlgorithm>,
    #[serde(default)]
    recv_window: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct Message {
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<String>,
}

impl Line {
    pub(crate) fn read(value: Value) -> Result<Line, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    /// The pair that signs.
    pub(crate) fn credentials(&self, definition: &Definition) -> Result<Credentials, String> {
        let Params { secret_transform, jwt_alg, recv_window } = self.params.unwrap_or_default();
        let options = Options { secret_transform, jwt_alg, recv_window, nonce_unit: None };
        let secret = SecretText::from(self.credentials.secret.text());
        let passphrase = self.credentials.passphrase.clone().map(SecretText::from);
        let typed =
            Typed { api_key: &self.credentials.api_key, secret: &secret, passphrase: passphrase.as_ref() };
        Credentials::parse(definition, typed, options).map_err(|error| error.to_string())
    }
}

/// The members of the answer, without the id.
pub(crate) fn answer(exchanges: &Exchanges, value: Value) -> Result<Map<String, Value>, String> {
    let line = Line::read(value)?;
    let definition = exchanges.get(&line.exchange).ok_or("no such exchange")?;
    let message = match (&line.request, &line.dummy_signed) {
        // A whole vector has both. What a client sent is the form that every vector allows to start from.
        (_, Some(message)) | (Some(message), None) => message,
        (None, None) => return Err("neither request nor dummy_signed".to_owned()),
    };
    let credentials = line.credentials(definition)?;
    let (upstream, request) = read(definition, message)?;
    let stamp = Stamp { now_ms: line.now_ms, nonce: line.nonce.clone() };
    let signed =
        definition.sign(&request, &upstream, &credentials, &stamp).map_err(|error| error.to_string())?;
    let body = String::from_utf8(signed.body.clone()).map_err(|_| "the body is not text")?;
    let mut answer = Map::new();
    answer.insert("method".to_owned(), signed.method.as_str().into());
    answer.insert("url".to_owned(), signed.url().into());
    let headers: Map<_, _> =
        signed.headers.iter().map(|(name, value)| (name.to_string(), value.as_str().into())).collect();
    answer.insert("headers".to_owned(), headers.into());
    answer.insert("body".to_owned(), if body.is_empty() { Value::Null } else { body.into() });
    Ok(answer)
}

/// Reads the message and finds the environment and group whose host its URL names.
pub(crate) fn read(definition: &Definition, message: &Message) -> Result<(Upstream, crate::Request), String> {
    let (scheme, rest) = message.url.split_once("://").ok_or("the url is not absolute")?;
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (origin, target) = (format!("{scheme}://{}", &rest[..at]), &rest[at..]);
    let headers: Vec<(&str, &[u8])> = message
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.as_bytes())))
        .collect();
    let body = message.body.as_deref().unwrap_or_default().as_bytes();
    let mut last = "the url's host is not one of this exchange".to_owned();
    for group in definition.groups() {
        let incoming =
            Incoming { method: &message.method, group, target, headers: &headers, body, called: "" };
        let request = definition.request(incoming).map_err(|refusal| refusal.to_string())?;
        // environments may share a host and differ in a header: without a word about it, production is meant
        let names = std::iter::once(PRODUCTION).chain(definition.environments());
        let upstreams = names.filter_map(|name| definition.upstream(name, &request));
        match { upstreams }.find(|upstream| upstream.origin() == origin) {
            Some(upstream) => return Ok((upstream, request)),
            None => last = format!("{origin} is not a host of this exchange for this path"),
        }
    }
    Err(last)
}

impl Secret {
    fn text(&self) -> String {
        match self {
            Secret::Text(text) => text.clone(),
            Secret::Pem { pem, body, final_newline } => {
                let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
                let end = if *final_newline { "\n" } else { "" };
                format!("-----BEGIN {pem}-----\n{}\n-----END {pem}-----{end}", lines.join("\n"))
            }
        }
    }
}
