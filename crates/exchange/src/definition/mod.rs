//! What an exchange is: one TOML file, read strictly.
//!
//! Unknown keys, impossible hosts and patterns, one pattern in two classes, a profile that cannot sign: all
//! refused with line and reason when the file is read, so nothing can be wrong later.

mod endpoints;
mod environment;
mod error;
mod file;
mod header;
mod heartbeat;
mod known;
mod login;
mod markets;
mod pattern;
mod place;
mod profile;
mod shape;
mod stream;
mod template;
mod token;
mod traffic;

pub(crate) use self::{
    endpoints::Endpoints,
    header::HeaderRules,
    heartbeat::Heartbeat,
    known::Endpoint,
    login::{Channels, Headers, Login, LoginPart, LoginStream},
    pattern::{Case, Pattern},
    place::Place,
    profile::{BodyForm, Claim, Profile, Scheme, TokenShape},
    stream::{Members, Stream, Target, fill},
    template::{Hole, Template, Values},
    token::{Call, TokenStream},
};
pub use self::{environment::Upstream, error::DefinitionError, traffic::Budget};

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use self::{
    environment::{Environment, Origin},
    known::{Known, Patterns},
    markets::Markets,
    traffic::Traffic,
};
use crate::{
    Class, Field, KeyKind, Method, Request,
    answer::{Answers, Errors},
    orders::{CancelOrder, OpenOrders, StatusQuestions},
    pair::SecretShape,
    probe::Probes,
    reading::{CancelReader, LeverageReader, OrderReader, Stricter, WithdrawalReader},
};

/// An exchange. Immutable; share it in an `Arc`.
#[derive(Clone, Debug)]
pub struct Definition {
    id: String,
    name: String,
    docs: String,
    fields: Vec<Field>,
    own_keys: Option<OwnKeys>,
    environments: BTreeMap<String, Environment>,
    profiles: Vec<Profile>,
    patterns: Patterns,
    known: Known,
    response_headers: Vec<String>,
    rate_scope: RateScope,
    request_headers: Vec<String>,
    refused_headers: Vec<String>,
    pub(crate) header_rules: HeaderRules,
    pub(crate) repeatable: Vec<String>,
    pub(crate) mirrored: Vec<Spanned<Pattern>>,
    pub(crate) max_body: usize,
    pub(crate) orders: Vec<Spanned<OrderReader>>,
    pub(crate) cancels: Vec<Spanned<CancelReader>>,
    pub(crate) withdrawals: Vec<Spanned<WithdrawalReader>>,
    pub(crate) leverages: Vec<Spanned<LeverageReader>>,
    pub(crate) stricter: Vec<Spanned<Stricter>>,
    /// Those of orders, then those of withdrawals.
    pub(crate) order_status: Vec<Spanned<StatusQuestions>>,
    pub(crate) open_orders: Option<Spanned<OpenOrders>>,
    pub(crate) cancel_order: Option<Spanned<CancelOrder>>,
    pub(crate) probes: Probes,
    pub(crate) errors: Errors,
    pub(crate) answers: Answers,
    pub(crate) secret_shape: SecretShape,
    pub(crate) stream: Option<Stream>,
    login_streams: Vec<LoginStream>,
    pub(crate) token_stream: Option<TokenStream>,
    traffic: Traffic,
    pub(crate) markets: Markets,
}

/// What can be done with an exchange, for forms and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The exchange tells what a key may do.
    pub permissions: bool,
    /// Withdrawals can be read, so they can be allowed.
    pub withdraw: bool,
    /// There is an environment without real money.
    pub testnet: bool,
}

/// How an exchange takes a public key of its user's own, and gives an API key for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnKeys {
    /// The kinds it takes, the best first. Each can be made here ([`crate::OwnKey::make`]).
    pub kinds: Vec<KeyKind>,
    /// Where its user pastes the public key, in a sentence or two for people.
    pub paste: String,
}

/// What an exchange counts rate limits by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateScope {
    /// The sender's address: all keys behind one egress share the budget.
    Ip,
    /// The API key or its account.
    Key,
}

/// The environment with real money. Every definition has it.
pub const PRODUCTION: &str = "production";

impl Definition {
    /// The id used in addresses: `binance` of `/x/binance/...`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The exchange's name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the exchange documents its API.
    pub fn docs(&self) -> &str {
        &self.docs
    }

    /// What a user must supply to connect it.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How it takes its users' own public keys; `None` if it makes all keys itself.
    pub fn own_keys(&self) -> Option<&OwnKeys> {
        self.own_keys.as_ref()
    }

    /// The kinds of keys it takes, on any of its paths.
    pub fn key_kinds(&self) -> BTreeSet<KeyKind> {
        self.profiles.iter().flat_map(|profile| profile.keys.keys().copied()).collect()
    }

    /// The ways this exchange's shared secrets are turned into key bytes, in the order to try them. More than one
    /// means that the exchange's documents and its clients disagree: ask the exchange which one a secret needs.
    pub fn secret_forms(&self) -> Vec<crate::SecretForm> {
        let mut forms: Vec<crate::SecretForm> = Vec::new();
        for profile in &self.profiles {
            if !forms.contains(&profile.secret) {
                forms.push(profile.secret);
            }
        }
        forms
    }

    /// What can be done with it.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            permissions: self.tells_permissions(),
            withdraw: !self.withdrawals.is_empty(),
            testnet: self.environments.keys().any(|name| !self.has_real_money(name)),
        }
    }

    /// The names of its environments; [`PRODUCTION`] is the one with real money.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.keys().map(String::as_str)
    }

    /// Whether an environment trades with real money: [`PRODUCTION`], and sites of their own beside it.
    pub fn has_real_money(&self, environment: &str) -> bool {
        environment == PRODUCTION || self.environments.get(environment).is_some_and(|own| own.real_money)
    }

    /// Where `request` goes in an environment; `None` if that environment has no host for its path.
    pub fn upstream(&self, environment: &str, request: &Request) -> Option<Upstream> {
        self.environments.get(environment)?.upstream(request.group(), request.path())
    }

    /// This definition with one more environment, whose every path prefix and group goes to `origin`:
    /// `https://name` or, on this machine, `http://127.0.0.1:port`.
    ///
    /// Errors: the name is taken or not a plain word, or the origin is something else.
    pub fn with_environment(&self, name: &str, origin: &str) -> Result<Definition, DefinitionError> {
        let wrong = |reason: &str| DefinitionError { line: 0, reason: reason.to_owned() };
        let origin = Origin::parse_own(origin).map_err(wrong)?;
        if self.environments.contains_key(name) || !is_word(name) {
            return Err(wrong("the environment's name is taken or not a plain word"));
        }
        let mut definition = self.clone();
        let moved = self.environments.get(PRODUCTION).map(|own| own.moved_to(&origin));
        definition.environments.extend(moved.map(|moved| (name.to_owned(), moved)));
        Ok(definition)
    }

    /// What an endpoint does, or `None` if the definition does not list it: then it is refused. `path` starts
    /// with `/` and has no query.
    ///
    /// A path whose class depends on the case of its letters has none, since the exchange may ignore case.
    pub fn classify(&self, method: Method, path: &str) -> Option<Class> {
        Some(self.endpoint(method, path)?.class)
    }

    /// Whether a header of the exchange's answers goes back to the client; the name in any case.
    pub fn passes_response_header(&self, name: &str) -> bool {
        self.response_headers.iter().any(|own| match own.strip_suffix('*') {
            Some(prefix) => name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
            None => name.eq_ignore_ascii_case(own),
        })
    }

    /// What the exchange counts rate limits by.
    pub fn rate_scope(&self) -> RateScope {
        self.rate_scope
    }

    /// The largest body a client may send, in bytes.
    pub fn max_body(&self) -> usize {
        self.max_body
    }

    /// `None` and every host group any environment has.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Option<&str>> {
        let groups: BTreeSet<_> = self.environments.values().flat_map(|own| own.group.keys()).collect();
        std::iter::once(None).chain(groups.into_iter().map(|name| Some(name.as_str())))
    }

    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.environments.values().any(|environment| environment.group.contains_key(group))
    }

    /// The profile for a path and a kind of key: one for these paths goes before one for the rest.
    pub(crate) fn profile(&self, path: &str, kind: KeyKind) -> Option<&Profile> {
        self.profiles_of(path).find(|profile| profile.keys.contains_key(&kind))
    }

    /// All profiles for a path, those for fewer paths first.
    pub(crate) fn profiles_of(&self, path: &str) -> impl Iterator<Item = &Profile> {
        let own = self.profiles.iter().filter(move |profile| profile.covers(path) == Some(true));
        own.chain(self.profiles.iter().filter(|profile| profile.paths.is_empty()))
    }

    /// The profile that says what a request may look like, whatever its key.
    pub(crate) fn first_profile(&self, path: &str) -> &Profile {
        self.profiles_of(path).next().unwrap_or(&self.profiles[0])
    }

    pub(crate) fn takes_raw_ed25519(&self) -> bool {
        self.profiles.iter().any(|profile| profile.raw_keys)
    }

    /// The hosts of all environments for a path.
    pub(crate) fn hosts(&self, group: Option<&str>, path: &str) -> impl Iterator<Item = &str> {
        self.environments.values().filter_map(move |own| own.host(group, path))
    }
}

fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}
