//! The shape of an `exchange.toml`: its tables and members, all others are refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    OwnKeys, Pattern, Profile, RateScope, environment::Environment, login::LoginStream, markets::Markets,
    stream::Stream, token::TokenStream, traffic::Traffic,
};
use crate::{
    Class, Field,
    answer::{Answers, Errors},
    orders::{CancelOrder, OpenOrders, StatusQuestions},
    pair::SecretShape,
    probe::Probes,
    reading::{CancelReader, LeverageReader, OrderReader, Stricter, WithdrawalReader},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) exchange: Head,
    pub(super) env: BTreeMap<String, Environment>,
    pub(super) request: RequestRules,
    pub(super) response: ResponseRules,
    pub(super) signing: BTreeMap<String, Spanned<Profile>>,
    pub(super) ops: BTreeMap<Class, Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) sign_level: SignLevels,
    #[serde(default)]
    pub(super) order: Vec<Spanned<OrderReader>>,
    #[serde(default)]
    pub(super) cancel: Vec<Spanned<CancelReader>>,
    #[serde(default)]
    pub(super) withdrawal: Vec<Spanned<WithdrawalReader>>,
    #[serde(default)]
    pub(super) leverage: Vec<Spanned<LeverageReader>>,
    #[serde(default)]
    pub(super) stricter: Vec<Spanned<Stricter>>,
    #[serde(default)]
    pub(super) order_status: Vec<Spanned<StatusQuestions>>,
    #[serde(default)]
    pub(super) withdrawal_status: Vec<Spanned<StatusQuestions>>,
    pub(super) open_orders: Option<Spanned<OpenOrders>>,
    pub(super) cancel_order: Option<Spanned<CancelOrder>>,
    pub(super) probe: Spanned<Probes>,
    pub(super) errors: Spanned<Errors>,
    pub(super) answers: Spanned<Answers>,
    pub(super) virtual_secret: Spanned<SecretShape>,
    #[serde(default)]
    pub(super) traffic: Traffic,
    pub(super) markets: Option<Spanned<Markets>>,
    pub(super) stream: Option<Spanned<Stream>>,
    #[serde(default)]
    pub(super) login_stream: Vec<Spanned<LoginStream>>,
    pub(super) token_stream: Option<Spanned<TokenStream>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) docs: String,
    pub(super) fields: Vec<Field>,
    pub(super) own_keys: Option<Spanned<OwnKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestRules {
    pub(super) headers: Vec<String>,
    #[serde(default)]
    pub(super) refused: Vec<String>,
    #[serde(default)]
    pub(super) repeatable: Vec<String>,
    /// Endpoints whose parameters clients send twice, in the query and in the body.
    #[serde(default)]
    pub(super) mirrored: Vec<Spanned<Pattern>>,
    #[serde(default = "max_body")]
    pub(super) max_body: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponseRules {
    pub(super) headers: Vec<String>,
    pub(super) rate_scope: RateScope,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignLevels {
    #[serde(default)]
    pub(super) key_only: Vec<Pattern>,
}

fn max_body() -> usize {
    64 * 1024
}
