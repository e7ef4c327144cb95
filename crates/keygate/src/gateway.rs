//! The gateway: `/x/{exchange}/…`, in the exchange's own dialect.
//!
//! parse -> who calls -> decide -> record -> sign -> send -> answer. What is decided on is what is signed,
//! and what is signed is what is sent: host, path and headers are built here, parameters keep the client's
//! text. Always holds: nothing that moves money is signed before its record is committed; a secret is opened
//! for one signature and dropped; nothing is sent twice.

use std::{net::SocketAddr, sync::Arc};

use axum::{extract::Request as HttpRequest, response::Response};
use exchange::{Answer as Dialect, Definition, Incoming, PRODUCTION, Request};
use http_body_util::{BodyExt, Limited};

use crate::{
    app::App,
    auth::{Client, Peer},
    config::Config,
    error::{Code, Result},
    http::RequestId,
};

mod account;
mod answer;
mod credential;
mod decide;
mod market;
mod public;
pub mod queue;
pub mod record;
mod send;
mod stream;

use account::Account;
pub use account::{Accounts, KeptConnection, KeptPair, StoredPair};
use credential::Presented;
pub use stream::Streams;

/// What the gateway keeps between requests: sealed accounts, who waits for whom, the queue of records.
pub struct Gate {
    /// Names a client may put into `Host`.
    pub hosts: Vec<String>,
    pub accounts: Accounts,
    pub records: record::Queue,
    /// Where calls without a credential go.
    pub public_environment: String,
    /// Open WebSockets.
    pub streams: Streams,
    public: public::Limiter,
    pub queues: queue::Queues,
    market: market::Market,
}

/// One call of a bot, parsed, and what is known about it so far.
struct Call<'a> {
    app: &'a App,
    definition: &'a Definition,
    request: Request,
    client: Client,
    id: RequestId,
}

/// Why a call is not carried out, in the words the caller will read.
#[derive(Clone)]
pub struct Denial {
    kind: Dialect,
    /// A stable code, for `Keygate-Problem` and the record.
    rule: &'static str,
    text: String,
}

impl Gate {
    pub fn new(
        config: &Config,
        listening: Vec<SocketAddr>,
        records: record::Queue,
        public_environment: String,
    ) -> Self {
        Gate {
            hosts: config.accepted_hosts(&listening),
            accounts: Accounts::default(),
            records,
            public_environment,
            streams: Streams::new(config.gateway.max_streams),
            public: public::Limiter::new(config.gateway.public_per_minute),
            queues: queue::Queues::default(),
            market: market::Market::new(&config.gateway),
        }
    }
}

impl Gate {
    /// The environment of calls without a key: the demo exchange stands in for the exchanges it speaks.
    fn public_environment<'g>(&'g self, definition: &Definition) -> &'g str {
        let own = Some(self.public_environment.as_str());
        own.filter(|own| definition.environments().any(|name| name == *own)).unwrap_or(PRODUCTION)
    }
}

/// Answers one request under `/x/`. It runs in a task of its own: a client that goes away in the middle
/// cannot stop a call between its record, its sending and its outcome.
pub async fn serve(app: Arc<App>, request: HttpRequest) -> Response {
    match tokio::spawn(async move { handle(&app, request).await }).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => axum::response::IntoResponse::into_response(error),
        Err(error) => axum::response::IntoResponse::into_response(crate::error::Error::internal(error)),
    }
}

async fn handle(app: &Arc<App>, request: HttpRequest) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str).to_owned();
    let (exchange, group, rest) = split(&target).ok_or(Code::NotFound)?;
    let definition = app
        .exchanges
        .get(exchange)
        .ok_or_else(|| Code::NotFound.with("Keygate does not know this exchange."))?;
    let id = parts.extensions.get::<RequestId>().copied().unwrap_or(RequestId(app.clock.id()));
    let peer = parts.extensions.get::<Peer>().copied();
    let client = peer.map_or_else(
        || Err(crate::error::Error::internal("a request without a peer")),
        |peer| Ok(Client::of(peer, &parts.headers, &app.config)),
    )?;
    let address = stream::Address { definition, group, target: rest };
    if let Some(response) = stream::meet(app, address, &mut parts, &client, id) {
        return Ok(response);
    }
    let body = match Limited::new(body, app.config.gateway.max_body).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return Ok(answer::refuse(definition, &unreadable("the body is too large or broke off"), id));
        }
    };
    let headers: Vec<(&str, &[u8])> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let called = called(app, &parts.headers, &target, rest);
    let incoming = Incoming {
        method: parts.method.as_str(),
        group,
        target: rest,
        headers: &headers,
        body: &body,
        called: &called,
    };
    let request = match definition.request(incoming) {
        Ok(request) => request,
        Err(refusal) => return Ok(answer::refuse(definition, &unreadable(refusal.to_string()), id)),
    };
    let presented = Presented::find(definition, &request, &parts.headers);
    let call = Call { app, definition, request, client, id };
    Ok(match call.carry_out(presented).await {
        Ok(response) => response,
        Err(denial) => answer::refuse(definition, &denial, id),
    })
}

/// The address a client called us by, up to the exchange's own path. The host is one of ours: others were refused.
fn called(app: &App, headers: &http::HeaderMap, target: &str, rest: &str) -> String {
    let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let public = app.config.public_url.as_str();
    let is_public = public.split_once("://").is_some_and(|(_, own)| own.trim_end_matches('/') == host);
    let scheme = if is_public && public.starts_with("https://") { "https" } else { "http" };
    format!("{scheme}://{host}{}", target.strip_suffix(rest).unwrap_or_default())
}

impl Call<'_> {
    async fn carry_out(&self, presented: Result<Option<Presented>, Denial>) -> Result<Response, Denial> {
        let Some(presented) = presented? else {
            return self.without_credential().await;
        };
        let account = self.app.gate.accounts.find(self.app, &presented, self.definition).await?;
        let proven =
            account.user_key(self.app).and_then(|key| Ok((self.prove(&presented, &account, &key)?, key)));
        let (verified, user_key) = match proven {
            Ok(proven) => proven,
            Err(denial) => return Err(self.denied(&account, denial).await),
        };
        if let Err(denial) = decide::decide(self, &account, &presented) {
            return Err(self.denied(&account, denial).await);
        }
        match self.request.class().moves_money() {
            true => self.on_record(&account, verified, user_key).await,
            false => self.off_record(&account, user_key).await,
        }
    }

    /// Public market data needs no account: clients ask for it before they show a key, or without one.
    async fn without_credential(&self) -> Result<Response, Denial> {
        if !self.is_public() {
            return Err(Denial::unknown_key("no Keygate credential was sent"));
        }
        self.app.gate.public.admit(self.client.ip, self.app.clock.now_ms())?;
        let outcome = self.public_answer(self.app.gate.public_environment(self.definition)).await?.outcome;
        answer::pass(self.definition, outcome, &[], self.id)
    }

    fn upstream(&self, environment: &str) -> Result<exchange::Upstream, Denial> {
        self.definition.upstream(environment, &self.request).ok_or_else(|| {
            Denial::denied(
                "no-upstream",
                format!("this address does not exist in the environment '{environment}'"),
            )
        })
    }

    /// Keeps the denial as a record of its own; the caller still only gets the answer if that fails.
    async fn denied(&self, account: &Account, denial: Denial) -> Denial {
        record::denial(self, account, &denial).await;
        denial
    }
}

impl Denial {
    fn denied(rule: &'static str, text: impl Into<String>) -> Self {
        Denial { kind: Dialect::Denied, rule, text: text.into() }
    }

    fn unknown_key(text: impl Into<String>) -> Self {
        Denial { kind: Dialect::UnknownKey, rule: "unknown-key", text: text.into() }
    }

    /// Our own trouble: it passes by itself, and nothing was sent.
    fn down(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "the gateway cannot serve a call");
        Denial {
            kind: Dialect::Down,
            rule: "unavailable",
            text: "Keygate cannot serve this now; nothing was sent".into(),
        }
    }
}

/// `/x/binance.coinm/futures/data/…` -> exchange, group, the exchange's own target.
fn split(target: &str) -> Option<(&str, Option<&str>, &str)> {
    let rest = target.strip_prefix("/x/")?;
    let slash = rest.find('/')?;
    let (name, own) = rest.split_at(slash);
    match name.split_once('.') {
        Some((exchange, group)) => Some((exchange, Some(group), own)),
        None => Some((name, None, own)),
    }
}

fn unreadable(reason: impl Into<String>) -> Denial {
    Denial { kind: Dialect::BadRequest, rule: "bad-request", text: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_split_without_decoding_anything() {
        assert_eq!(split("/x/binance/api/v3/time"), Some(("binance", None, "/api/v3/time")));
        assert_eq!(split("/x/binance.coinm/a?b=%2F"), Some(("binance", Some("coinm"), "/a?b=%2F")));
        assert_eq!(split("/x/binance"), None);
        assert_eq!(split("/x/%2e%2e/a"), Some(("%2e%2e", None, "/a")));
    }
}
