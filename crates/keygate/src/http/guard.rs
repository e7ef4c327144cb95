//! Refuses what two HTTP parsers could read differently, before anything else looks at the request:
//! a missing, doubled or foreign Host, absolute-form targets, bodies without a plain length, HTTP/1.0.

use http::{Request, Version, header};

use crate::{
    app::App,
    error::{Code, Result},
    health,
};

pub fn refuse_odd<B>(app: &App, request: &Request<B>) -> Result<()> {
    if let Some(reason) = oddity(request) {
        return Err(Code::InvalidBody.with(reason));
    }
    match known_host(app, request) || health::PATHS.contains(&request.uri().path()) {
        true => Ok(()),
        false => Err(Code::UnknownHost
            .with("Use the address Keygate is configured for, or add this one to host_names.")),
    }
}

fn oddity<B>(request: &Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    let count = |name: header::HeaderName| headers.get_all(name).iter().count();
    if request.version() == Version::HTTP_10 {
        return Some("HTTP/1.0 is not spoken here.");
    }
    if request.uri().authority().is_some() || request.uri().scheme().is_some() {
        return Some("The request target must be a path.");
    }
    if count(header::HOST) != 1 {
        return Some("Exactly one Host header is needed.");
    }
    if count(header::CONTENT_LENGTH) > 1 {
        return Some("The length of the body is given twice.");
    }
    // The HTTP parser has dropped a Content-Length that stood beside it, so it cannot be told whether there was
    // one. No client of an exchange sends its small bodies in chunks.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Some("Send the body with a Content-Length, not in chunks.");
    }
    None
}

fn known_host<B>(app: &App, request: &Request<B>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
    app.gate.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
}
