//! What is left of a request that was refused, for whoever keeps a record of it.

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
            query: Params::parse(query, Part::Query, Allowed::default()).unwrap_or_default(),
            body: Body::Empty,
            headers: self.read_headers(incoming.headers).unwrap_or_default(),
            endpoint: self.endpoint(method, &path).unwrap_or(strictest),
            reading: Reading::NotMoney,
            client_ids: Vec::new(),
            leverage: Leverage::None,
            called: Called::default(),
            path,
        };
        request.body = self.read_body(&request, profile, incoming.body).unwrap_or(Body::Empty);
        Some(request)
    }
}
