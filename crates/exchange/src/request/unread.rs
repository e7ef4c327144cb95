//! What is left of a request that was refused, for whoever keeps a record of it.

use std::collections::HashSet;

use super::{Allowed, Body, Called, Incoming, MAX_PATH, Params, Part, Request};
use crate::{Class, Definition, Leverage, Method, Reading, SignLevel, definition::Endpoint};

impl Definition {
    /// As much of a refused request as can be read: its path, cut where that is too long, and whatever says whose key it
    /// shows. What is not listed counts as the strictest class. `None`: not even its method is one.
    pub fn unread(&self, incoming: Incoming<'_>) -> Option<Request> {
        let method = Method::parse(incoming.method)?;
        let (path, query) = incoming.target.split_once('?').unwrap_or((incoming.target, ""));
        let path: String = path.chars().filter(char::is_ascii_graphic).take(MAX_PATH).collect();
        let strictest =
            Endpoint { class: Class::KeyAdmin, level: SignLevel::Signed, reader: None, leverage: None };
        let profile = self.first_profile(&path);
        let mut request = Request {
            method,
            group: incoming.group.map(str::to_owned),
            query: Params::parse(&firsts(query), Part::Query, Allowed::default()).unwrap_or_default(),
            body: Body::Empty,
            headers: self.read_headers(&self.readable(incoming.headers)).unwrap_or_default(),
            endpoint: self.endpoint(method, &path).unwrap_or(strictest),
            reading: Reading::NotMoney,
            client_ids: Vec::new(),
            leverage: Leverage::None,
            called: Called::default(),
            path,
        };
        let body = |bytes: &[u8]| self.read_body(&request, profile, bytes).ok();
        let body = body(incoming.body).or_else(|| body(&mended(incoming.body)?));
        request.body = body.unwrap_or(Body::Empty);
        Some(request)
    }

    /// The headers without those that make the others unreadable.
    fn readable<'h>(&self, headers: &[(&'h str, &'h [u8])]) -> Vec<(&'h str, &'h [u8])> {
        let mut readable = Vec::new();
        for header in headers {
            readable.push(*header);
            if self.read_headers(&readable).is_err() {
                readable.pop();
            }
        }
        readable
    }
}

/// The first parameter of each name.
fn firsts(text: &str) -> String {
    let mut names = HashSet::new();
    let is_first = |part: &&str| names.insert(part.split('=').next().unwrap_or_default().to_owned());
    text.split('&').filter(is_first).collect::<Vec<_>>().join("&")
}

/// A body that says something twice, as if it had said it once.
fn mended(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => serde_json::to_vec(&value).ok(),
        Err(_) => Some(firsts(text).into_bytes()),
    }
}
