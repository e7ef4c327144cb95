//! The gateway: `/x/{exchange}/…`, in the exchange's own dialect.
//!
//! parse -> who calls -> decide -> record -> sign -> send -> answer. What is decided on is what is signed,
//! and what is signed is what is sent: host, path and headers are built here, parameters keep the client's
//! text. Always holds: nothing that moves money is signed before its record is committed; a secret is opened
//! for one signature and dropped; nothing is sent twice.

use std::{net::SocketAddr, ops::ControlFlow, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use exchange::{Answer as Dialect, Definition, Incoming, PRODUCTION, Reading, Request};
use http::request::Parts;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::{Body, Incoming as HttpBody};
use tracing::Instrument;

use crate::{
    app::App,
    auth::{Client, Peer},
    config::Config,
    error::{Code, Error, Result},
    http::RequestId,
    risk::{Look, Seen},
};

mod account;
mod answer;
mod caution;
mod credential;
mod decide;
mod exposure;
mod ledger;
mod leverage;
mod market;
mod noted;
pub mod preview;
mod price;
mod public;
pub mod queue;
mod rate;
pub mod reconcile;
pub mod record;
pub mod replay;
mod send;
mod spend;
mod stream;
pub mod sweep;
mod symbol;
mod token;

use account::{Account, Missing};
pub use account::{Accounts, KeptConnection, KeptPair, StoredPair};
use credential::Presented;
pub use ledger::{Ledger, Window, Writer as LedgerWriter, forget_windows, ledger};
pub use stream::Streams;

/// What the gateway keeps between requests: sealed accounts, who waits for whom, the queue of records.
pub struct Gate {
    /// Names a client may put into `Host`.
    pub hosts: Vec<String>,
    pub accounts: Accounts,
    pub records: record::Queue,
    /// The queue of what moves money.
    pub ledger: Ledger,
    /// Where calls without a credential go.
    pub public_environment: String,
    /// Open WebSockets.
    pub streams: Streams,
    public: public::Limiter,
    pub queues: queue::Queues,
    market: market::Market,
    prices: price::Prices,
    rates: rate::Rates,
    looks: exposure::Looks,
    /// Open orders that are being taken back.
    pub sweeps: sweep::Sweeps,
    /// Who goes through the past.
    pub replays: replay::Replays,
}

/// One call of a bot, parsed, and what is known about it so far.
struct Call<'a> {
    app: &'a App,
    definition: &'a Definition,
    request: Request,
    client: Client,
    id: RequestId,
    /// What its record says of who makes it.
    seen: Seen,
    noted: noted::Noted,
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
        ledger: Ledger,
        public_environment: String,
    ) -> Self {
        Gate {
            hosts: config.accepted_hosts(&listening),
            accounts: Accounts::default(),
            records,
            ledger,
            public_environment,
            streams: Streams::new(config.gateway.max_streams),
            public: public::Limiter::new(config.gateway.public_per_minute),
            queues: queue::Queues::default(),
            market: market::Market::new(&config.gateway),
            prices: price::Prices::default(),
            rates: rate::Rates::default(),
            looks: exposure::Looks::default(),
            sweeps: sweep::Sweeps::default(),
            replays: replay::Replays::default(),
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

/// A call that was read, with what it shows of its caller.
struct Asked {
    definition: Arc<Definition>,
    request: Request,
    client: Client,
    id: RequestId,
    presented: Result<Option<Presented>, Denial>,
}

/// Answers one request under `/x/`. What moves money, or holds the turn of a key, has a task of its own: a client that
/// goes away cannot stop it between its record, its sending and its outcome. Other reads end with their client, on
/// record.
pub async fn serve(
    app: &Arc<App>,
    peer: Peer,
    id: RequestId,
    request: http::Request<HttpBody>,
) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = whole(body, app.config.gateway.max_body).await;
    let asked = match read(app, peer, id, parts, body)? {
        ControlFlow::Continue(asked) => asked,
        ControlFlow::Break(response) => return Ok(response),
    };
    if !asked.must_end() {
        return Ok(asked.answer(app).await);
    }
    let (app, span) = (app.clone(), tracing::Span::current());
    let call = async move { asked.answer(&app).await };
    tokio::spawn(call.instrument(span)).await.map_err(Error::internal)
}

/// Takes the request apart, or answers it already. Nothing of it is left when the call waits for the exchange: the
/// connection reads into the same memory again.
fn read(
    app: &Arc<App>,
    peer: Peer,
    id: RequestId,
    mut parts: Parts,
    body: Option<Bytes>,
) -> Result<ControlFlow<Response, Asked>> {
    let target = parts.uri.path_and_query().cloned().ok_or(Code::NotFound)?;
    let target = target.as_str();
    let (exchange, group, rest) = split(target).ok_or(Code::NotFound)?;
    let definition = app
        .exchanges
        .get(exchange)
        .ok_or_else(|| Code::NotFound.with("Keygate does not know this exchange."))?;
    let client = Client::of(peer, &parts.headers, &app.config);
    let address = stream::Address { definition, group, target: rest };
    if let Some(response) = stream::meet(app, address, &mut parts, &client, id) {
        return Ok(ControlFlow::Break(response));
    }
    let refuse = |reason: String| Ok(ControlFlow::Break(answer::refuse(definition, &unreadable(reason), id)));
    let Some(body) = body else {
        return refuse("the body is too large or broke off".to_owned());
    };
    let headers: Vec<(&str, &[u8])> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let called = called(app, &parts.headers, target, rest);
    let (method, headers) = (parts.method.as_str(), headers.as_slice());
    let incoming = Incoming { method, group, target: rest, headers, body: &body, called: &called };
    let request = match definition.request(incoming) {
        Ok(request) => request,
        Err(refusal) => return refuse(refusal.to_string()),
    };
    let presented = Presented::find(definition, &request, &parts.headers);
    Ok(ControlFlow::Continue(Asked { definition: definition.clone(), request, client, id, presented }))
}

async fn whole(body: HttpBody, most: usize) -> Option<Bytes> {
    match body.is_end_stream() {
        true => Some(Bytes::new()),
        false => Limited::new(body, most).collect().await.ok().map(Collected::to_bytes),
    }
}
/// The address a client called us by, up to the exchange's own path. The host is one of ours: others were refused.
fn called(app: &App, headers: &http::HeaderMap, target: &str, rest: &str) -> String {
    let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let public = app.config.public_url.as_str();
    let is_public = public.split_once("://").is_some_and(|(_, own)| own.trim_end_matches('/') == host);
    let scheme = if is_public && public.starts_with("https://") { "https" } else { "http" };
    format!("{scheme}://{host}{}", target.strip_suffix(rest).unwrap_or_default())
}

impl Asked {
    fn must_end(&self) -> bool {
        self.request.class().moves_money() || queue::counts_nonces(&self.definition, &self.request)
    }

    async fn answer(self, app: &App) -> Response {
        let Asked { definition, request, client, id, presented } = self;
        let (seen, noted) = (Seen::default(), noted::Noted::default());
        let call = Call { app, definition: &definition, request, client, id, seen, noted };
        match call.carry_out(presented).await {
            Ok(response) => response,
            Err(denial) => answer::refuse(&definition, &denial, id),
        }
    }
}

impl Call<'_> {
    async fn carry_out(&self, presented: Result<Option<Presented>, Denial>) -> Result<Response, Denial> {
        let Some(presented) = presented? else {
            return Box::pin(self.without_credential()).await;
        };
        let account = self.account(&presented).await?;
        let proven =
            account.user_key(self.app).and_then(|key| Ok((self.prove(&presented, &account, &key)?, key)));
        let (verified, user_key) = match proven {
            Ok(proven) => proven,
            Err(denial) => return Err(self.distrusted(&account, denial).await),
        };
        let look = self.look(&account).await?;
        if self.definition.asks_for_token(&self.request) {
            return match self.issue_token(&account, verified, &look).await {
                Ok(response) => Ok(response),
                Err(denial) => Err(self.denied(&account, denial).await),
            };
        }
        if let Err(denial) = self.admit(&account, &presented, &look).await {
            return Err(self.denied(&account, denial).await);
        }
        match self.request.class().moves_money() {
            // Boxed, so that a read does not carry the size of it.
            true => {
                let named = self.named()?;
                Box::pin(named.on_record(&account, verified, user_key)).await
            }
            false => self.off_record(&account, user_key).await,
        }
    }

    /// The account behind a key. Bait is recorded, raises an alarm, and is answered as if nobody knew it.
    pub(super) async fn account(&self, presented: &Presented) -> Result<Arc<Account>, Denial> {
        match self.app.gate.accounts.find(self.app, presented, self.definition).await {
            Ok(account) => Ok(account),
            Err(Missing::Denied(denial)) => Err(denial),
            Err(Missing::Bait(bait)) => Err(self.taken(&bait).await),
        }
    }

    /// May it be carried out, as far as that needs no figures?
    pub(super) async fn admit(
        &self,
        account: &Account,
        presented: &Presented,
        look: &Look,
    ) -> Result<(), Denial> {
        decide::decide(self, account, presented)?;
        self.in_force(account)?;
        self.count(account).await?;
        self.learn(account, look).await
    }

    /// The call with an id for each order, or for the withdrawal, that has none: by it the exchange can be asked what became
    /// of it.
    fn named(&self) -> Result<Call<'_>, Denial> {
        let named = self.definition.with_client_ids(&self.request, |_| seal::random::array());
        let request = named.map_err(|refusal| unreadable(refusal.to_string()))?;
        Ok(Call {
            app: self.app,
            definition: self.definition,
            request,
            client: self.client.clone(),
            id: self.id,
            seen: self.seen.clone(),
            noted: self.noted.clone(),
        })
    }

    /// Counts the request. Whoever takes orders back is not counted: that must always go.
    pub(super) async fn count(&self, account: &Account) -> Result<(), Denial> {
        match self.request.reading() {
            Reading::Cancel { .. } => Ok(()),
            _ => {
                let admitted = self.app.gate.rates.admit(self.app, account, self.is_dry(account)).await;
                self.weigh(account, admitted)
            }
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
        self.note_denial(account, &denial);
        denial
    }

    /// The same of a caller who did not prove to hold the key.
    pub(super) async fn distrusted(&self, account: &Account, denial: Denial) -> Denial {
        self.look_at_stranger(account).await;
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

    fn unknown() -> Self {
        Denial::unknown_key("unknown access key")
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
