//! WebSockets: `/x/{exchange}/…` with an upgrade, where the exchange's definition has a stream.
//!
//! A frame moves like a request: parse -> who calls -> decide -> record -> sign -> send, and its answer settles the
//! record. One connection of a client has one connection to the exchange and one access key. Always holds: nothing
//! queues (whoever does not read is not read from), and a stream ends when its key, bot, user or connection does.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use exchange::Definition;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{Denial, answer, unreadable};
use crate::{app::App, auth::Client, http::RequestId};

mod bound;
mod caller;
mod end;
mod frame;
mod login;
mod parting;
mod pending;
mod reach;
mod relay;
mod session;
mod slots;
mod token;

use slots::Slot;
pub use slots::Streams;

/// Which stream of which exchange.
pub struct Address<'a> {
    pub definition: &'a Arc<Definition>,
    pub group: Option<&'a str>,
    /// Path and query, the exchange's own.
    pub target: &'a str,
}

/// Answers whatever has to do with WebSockets; `None` for a plain call.
pub fn meet(
    app: &Arc<App>,
    address: Address<'_>,
    parts: &mut Parts,
    client: &Client,
    id: RequestId,
) -> Option<Response> {
    let path = address.target.split('?').next().unwrap_or_default();
    let is_stream = address.group.is_none() && address.definition.is_stream(path);
    // other protocols, which some clients offer on every connection, may be left aside (RFC 9110, section 7.8)
    let upgrades = has_token(&parts.headers, &header::UPGRADE, "websocket");
    if !is_stream && !upgrades {
        return None;
    }
    let agreed = match (is_stream, upgrades) {
        (false, _) => {
            Err(Denial::denied("no-stream", "there is no WebSocket at this address that Keygate speaks"))
        }
        (true, false) => Err(unreadable("this address is a WebSocket: connect to it with an upgrade")),
        (true, true) => agree(app, address.definition, parts, client, address.target),
    };
    let (slot, upgrade, key) = match agreed {
        Ok(agreed) => agreed,
        Err(denial) => return Some(answer::refuse(address.definition, &denial, id)),
    };
    let stream = relay::Opening {
        app: app.clone(),
        definition: address.definition.clone(),
        path: path.to_owned(),
        target: address.target.to_owned(),
        client: client.clone(),
    };
    let closing = app.gate.streams.closing();
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let limits = limits(&stream.app);
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(limits));
            stream.run(socket.await, slot, closing).await;
        }
    });
    Some(switching(&key))
}

type Agreed = (Slot, OnUpgrade, String);

/// The handshake of RFC 6455, section 4.2.1, and our own conditions.
fn agree(
    app: &App,
    definition: &Definition,
    parts: &mut Parts,
    client: &Client,
    target: &str,
) -> Result<Agreed, Denial> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !definition.takes_stream_query(path, query) {
        return Err(unreadable("this address takes other parameters, or none"));
    }
    if parts.headers.contains_key("x-keygate-key") || parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(Denial::denied(
            "stream-needs-pair",
            "frames are signed with a virtual pair; leave tokens out",
        ));
    }
    let headers = &parts.headers;
    let upgrade = has_token(headers, &header::UPGRADE, "websocket");
    let handshake = parts.method == Method::GET
        && upgrade
        && has_token(headers, &header::CONNECTION, "upgrade")
        && only(headers, &header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = only(headers, &header::SEC_WEBSOCKET_KEY).ok_or_else(no_handshake)?;
    let accept = derive_accept_key(key.as_bytes());
    if !handshake {
        return Err(no_handshake());
    }
    let slot = app.gate.streams.take(client)?;
    let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(no_handshake)?;
    Ok((slot, upgrade, accept))
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|own| own.trim().eq_ignore_ascii_case(token))
}

/// A header's one value.
fn only<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

fn switching(accept: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// A client's frame is as small as its requests.
fn limits(app: &App) -> WebSocketConfig {
    let most = Some(app.config.gateway.max_body);
    WebSocketConfig::default().max_message_size(most).max_frame_size(most)
}

fn no_handshake() -> Denial {
    unreadable("this is no handshake of a WebSocket (RFC 6455, version 13)")
}
