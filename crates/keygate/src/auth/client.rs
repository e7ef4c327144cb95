//! Where a request came from: the peer's address, or behind a trusted proxy the right-most address in
//! `X-Forwarded-For` that is not a trusted proxy itself. Everything to the left of that is hearsay.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::extract::FromRequestParts;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_LANGUAGE, USER_AGENT},
    request::Parts,
};
use sqlx::types::ipnetwork::IpNetwork;

use crate::{app::App, config::Config};

/// Address of a caller, and what their program shows of itself.
#[derive(Clone, Debug)]
pub struct Client {
    pub ip: IpAddr,
    pub agent: Option<String>,
    /// The languages it accepts.
    pub language: Option<String>,
}

/// The socket address of the peer, put into each request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Client {
    pub fn of(peer: Peer, headers: &HeaderMap, config: &Config) -> Self {
        let shown = |name: HeaderName, most: usize| {
            let text = headers.get(name).and_then(|value| value.to_str().ok())?;
            Some(text.get(..most).unwrap_or(text).to_owned())
        };
        Client {
            ip: address(peer.0.ip().to_canonical(), headers, config),
            agent: shown(USER_AGENT, 300),
            language: shown(ACCEPT_LANGUAGE, 100),
        }
    }

    pub fn network(&self) -> IpNetwork {
        IpNetwork::from(self.ip)
    }

    /// The /24 or /56 the address is in, as bytes: login throttling counts by it.
    pub fn neighbourhood(&self) -> Vec<u8> {
        match self.ip {
            IpAddr::V4(ip) => ip.octets()[..3].to_vec(),
            IpAddr::V6(ip) => ip.octets()[..7].to_vec(),
        }
    }
}

fn address(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    if !config.trusts(peer) {
        return peer;
    }
    // bytes: a caller's part of the line may be no text, and must not make the proxy's part unread
    let values = headers.get_all("x-forwarded-for").into_iter().map(HeaderValue::as_bytes);
    let hops: Vec<&[u8]> = values.flat_map(|value| value.split(|byte| *byte == b',')).collect();
    let mut seen = peer;
    for hop in hops.iter().rev() {
        let ip = std::str::from_utf8(hop).ok().and_then(|hop| hop.trim().parse::<IpAddr>().ok());
        // whoever it was: no address of ours
        let Some(ip) = ip else { return NOWHERE.ip() };
        seen = ip.to_canonical();
        if !config.trusts(seen) {
            break;
        }
    }
    seen
}

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().copied().unwrap_or(Peer(NOWHERE));
        Ok(Client::of(peer, &parts.headers, &app.config))
    }
}

/// Of requests that no listener made, or whose proxy does not say in words who it was; it is in no allow-list.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
