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
pub struct File {
    pub exchange: Head,
    pub env: BTreeMap<String, Environment>,
    pub request: RequestRules,
    pub response: ResponseRules,
    pub signing: BTreeMap<String, Spanned<Profile>>,
    pub ops: BTreeMap<Class, Vec<Spanned<String>>>,
    #[serde(default)]
    pub sign_level: SignLevels,
    #[serde(default)]
    pub order: Vec<Spanned<OrderReader>>,
    #[serde(default)]
    pub cancel: Vec<Spanned<CancelReader>>,
    #[serde(default)]
    pub withdrawal: Vec<Spanned<WithdrawalReader>>,
    #[serde(default)]
    pub leverage: Vec<Spanned<LeverageReader>>,
    #[serde(default)]
    pub stricter: Vec<Spanned<Stricter>>,
    #[serde(default)]
    pub order_status: Vec<Spanned<StatusQuestions>>,
    #[serde(default)]
    pub withdrawal_status: Vec<Spanned<StatusQuestions>>,
    pub open_orders: Option<Spanned<OpenOrders>>,
    pub cancel_order: Option<Spanned<CancelOrder>>,
    pub probe: Spanned<Probes>,
    pub errors: Spanned<Errors>,
    pub answers: Spanned<Answers>,
    pub virtual_secret: Spanned<SecretShape>,
    #[serde(default)]
    pub traffic: Traffic,
    pub markets: Option<Spanned<Markets>>,
    pub stream: Option<Spanned<Stream>>,
    #[serde(default)]
    pub login_stream: Vec<Spanned<LoginStream>>,
    pub token_stream: Option<Spanned<TokenStream>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub id: Spanned<String>,
    pub name: String,
    pub docs: String,
    pub fields: Vec<Field>,
    pub own_keys: Option<Spanned<OwnKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRules {
    pub headers: Vec<String>,
    #[serde(default)]
    pub refused: Vec<String>,
    #[serde(default)]
    pub repeatable: Vec<String>,
    #[serde(default = "max_body")]
    pub max_body: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseRules {
    pub headers: Vec<String>,
    pub rate_scope: RateScope,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignLevels {
    #[serde(default)]
    pub key_only: Vec<Pattern>,
}

fn max_body() -> usize {
    64 * 1024
}
