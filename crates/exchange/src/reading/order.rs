//! New orders.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::{
    ClientId, Order, Side, Symbol, amount,
    field::{Condition, Field, Names},
    scope::{Inside, Scope, like},
};
use crate::{
    Part, Refusal,
    definition::{Case, Pattern},
};

/// How a definition reads orders of some endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderReader {
    #[serde(rename = "match")]
    pub(super) patterns: Vec<Pattern>,
    #[serde(default, rename = "in")]
    pub(crate) inside: Inside,
    symbol: SymbolSource,
    side: SideSource,
    #[serde(rename = "type")]
    kind: Field,
    /// The type of an order that names none.
    default_type: Option<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    quantity: Vec<Field>,
    #[serde(default, deserialize_with = "one_or_many")]
    price: Vec<Field>,
    /// Whether prices may be relative to the market, such as Kraken's `+5%` and `#1`.
    #[serde(default)]
    relative_prices: bool,
    #[serde(default, deserialize_with = "one_or_many")]
    quote_amount: Vec<Field>,
    #[serde(default)]
    quantity_in_quote: Vec<Condition>,
    /// When nobody can tell whether it is in the base or in the quote asset: the worse of both counts.
    #[serde(default)]
    quantity_in_either: Vec<Condition>,
    /// When the quantity may be in the quote asset, unless `quantity_in_quote` says that it is: it cannot be priced.
    #[serde(default)]
    unit_unclear: Vec<Condition>,
    #[serde(default)]
    price_is_total: Vec<Condition>,
    #[serde(default)]
    unpriceable: Vec<Condition>,
    /// What some parameters may say: an order with another word cannot be priced.
    #[serde(default)]
    only: Condition,
    /// When it is one of two that cancel each other, whatever its type says: its price is no limit of both.
    #[serde(default)]
    one_cancels_other: Vec<Condition>,
    pub(crate) client_id: Option<ClientId>,
    pub(super) known: Names,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SymbolSource {
    Market(Field),
    Pair { base: Field, quote: Field },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum SideSource {
    Always(Side),
    Param { param: Field, buy: Vec<String>, sell: Vec<String> },
    Sign { sign_of: Field },
}

type Amounts = (Option<Decimal>, Option<Decimal>, Option<Decimal>);

/// One order, or why its amounts cannot be read.
pub(super) type Read = Result<Result<Order, &'static str>, Refusal>;

impl OrderReader {
    /// Counts the fields the money is read from among the known names.
    pub(crate) fn complete(&mut self) {
        let names = Names::of(self.fields());
        self.known.extend(names);
    }

    fn fields(&self) -> Vec<&Field> {
        let side = match &self.side {
            SideSource::Always(_) => None,
            SideSource::Param { param, .. } => Some(param),
            SideSource::Sign { sign_of } => Some(sign_of),
        };
        let conditions = [
            &self.quantity_in_quote,
            &self.quantity_in_either,
            &self.unit_unclear,
            &self.price_is_total,
            &self.unpriceable,
            &self.one_cancels_other,
        ];
        let named = conditions.into_iter().flatten().chain([&self.only]).flat_map(Condition::fields);
        let amounts = self.quantity.iter().chain(&self.price).chain(&self.quote_amount);
        let id = self.client_id.iter().flat_map(ClientId::fields);
        let amounts = amounts.chain(id);
        self.symbol.fields().into_iter().chain(side).chain([&self.kind]).chain(amounts).chain(named).collect()
    }

    pub(super) fn read(&self, scope: Scope<'_>) -> Read {
        let symbol = self.symbol.read(scope)?.ok_or_else(|| missing(self.symbol.name()))?;
        // before the side, which an order that closes a position does not name
        if let Some(reason) = self.why_unpriceable(scope)? {
            return Ok(Err(reason));
        }
        let (side, signed) = self.side.read(scope)?;
        let kind = self.kind(scope)?;
        let (quantity, price, quote_amount) = self.amounts(scope, signed)?;
        let in_either = scope.any(&self.quantity_in_either, Case::Ignored)?;
        Ok(match (quantity, quote_amount) {
            _ if price.is_some_and(|price| price.is_zero()) => {
                Err("a price of zero means something else, such as the market's")
            }
            (None, None) => Err("the order names no amount"),
            (Some(_), Some(_)) => Err("the order names two amounts"),
            (Some(amount), _) | (_, Some(amount)) if amount.is_zero() => {
                Err("an amount of zero means something else, such as a whole position")
            }
            _ => {
                let quote_amount = quote_amount.or(quantity.filter(|_| in_either));
                Ok(Order { symbol, side, kind, quantity, price, quote_amount })
            }
        })
    }

    /// Why its numbers are no amounts of assets.
    fn why_unpriceable(&self, scope: Scope<'_>) -> Result<Option<&'static str>, Refusal> {
        Ok(match () {
            () if scope.any(&self.unpriceable, Case::Ignored)? || !scope.only(&self.only)? => {
                Some("the order's amounts are in other units")
            }
            () if self.is_unclear(scope)? => Some("it is not clear in which units the order's amounts are"),
            () if self.relative_prices && has_relative(scope, &self.price)? => {
                Some("a price of the order is relative")
            }
            () => None,
        })
    }

    /// Quantity, price, and amount of the quote asset.
    fn amounts(&self, scope: Scope<'_>, signed: bool) -> Result<Amounts, Refusal> {
        let mut quantity = first(scope, &self.quantity, signed)?;
        let mut price = highest(scope, &self.price)?;
        let mut quote_amount = first(scope, &self.quote_amount, false)?;
        if scope.any(&self.quantity_in_quote, Case::Exact)? {
            (quantity, quote_amount) = (None, quantity.or(quote_amount));
        }
        if scope.any(&self.price_is_total, Case::Exact)? {
            (price, quote_amount) = (None, price.or(quote_amount));
        }
        Ok((quantity, price, quote_amount))
    }

    fn kind(&self, scope: Scope<'_>) -> Result<String, Refusal> {
        let kind = scope.text(&self.kind)?.or(self.default_type.as_deref().map(Cow::Borrowed));
        let kind = kind.ok_or_else(|| missing(self.kind.name()))?.to_ascii_uppercase();
        Ok(if scope.any(&self.one_cancels_other, Case::Ignored)? { "OCO".to_owned() } else { kind })
    }

    /// Whether an amount may be in one unit or another. What only a word in another case says, an exchange may hear or not.
    fn is_unclear(&self, scope: Scope<'_>) -> Result<bool, Refusal> {
        let perhaps = |conditions| scope.any(conditions, Case::Ignored);
        let certain = |conditions| scope.any(conditions, Case::Exact);
        let in_quote = perhaps(&self.quantity_in_quote)? || perhaps(&self.unit_unclear)?;
        let is_total = perhaps(&self.price_is_total)?;
        Ok((in_quote && !certain(&self.quantity_in_quote)?) || (is_total && !certain(&self.price_is_total)?))
    }
}

impl SymbolSource {
    pub(super) fn fields(&self) -> Vec<&Field> {
        match self {
            SymbolSource::Market(field) => vec![field],
            SymbolSource::Pair { base, quote } => vec![base, quote],
        }
    }

    fn name(&self) -> &str {
        self.fields().first().map_or("", |field| field.name())
    }

    /// `None` if the request names no market.
    pub(super) fn read(&self, scope: Scope<'_>) -> Result<Option<Symbol>, Refusal> {
        Ok(match self {
            SymbolSource::Market(field) => match scope.text(field)? {
                Some(text) => Some(Symbol::Market(asset(field, &text)?)),
                None => None,
            },
            SymbolSource::Pair { base, quote } => {
                let Some(own) = scope.text(base)? else { return Ok(None) };
                let other = scope.text(quote)?.ok_or_else(|| missing(quote.name()))?;
                Some(Symbol::Pair { base: asset(base, &own)?, quote: asset(quote, &other)? })
            }
        })
    }
}

impl SideSource {
    /// The side, and whether the quantity carries it as its sign.
    fn read(&self, scope: Scope<'_>) -> Result<(Side, bool), Refusal> {
        let text = |field| scope.text(field)?.ok_or_else(|| missing(Field::name(field)));
        match self {
            SideSource::Always(side) => Ok((*side, false)),
            SideSource::Sign { sign_of } => {
                Ok((if text(sign_of)?.starts_with('-') { Side::Sell } else { Side::Buy }, true))
            }
            SideSource::Param { param, buy, sell } => {
                let text = text(param)?;
                let is = |words: &[String]| words.iter().any(|word| like(word, &text));
                match (is(buy), is(sell)) {
                    (true, false) => Ok((Side::Buy, false)),
                    (false, true) => Ok((Side::Sell, false)),
                    _ => Err(Refusal::field(Part::Body, param.name(), "not a side this exchange knows")),
                }
            }
        }
    }
}

/// The first amount that is there; `signed`: without its sign.
fn first(scope: Scope<'_>, fields: &[Field], signed: bool) -> Result<Option<Decimal>, Refusal> {
    for field in fields {
        if let Some(text) = scope.text(field)? {
            let text = text.strip_prefix('-').filter(|_| signed).unwrap_or(&text);
            return amount(text).map(Some).ok_or_else(|| not_plain(field));
        }
    }
    Ok(None)
}

fn highest(scope: Scope<'_>, fields: &[Field]) -> Result<Option<Decimal>, Refusal> {
    let mut highest = None;
    for field in fields {
        highest = highest.max(plain(scope, field)?);
    }
    Ok(highest)
}

fn has_relative(scope: Scope<'_>, fields: &[Field]) -> Result<bool, Refusal> {
    for field in fields {
        let text = scope.text(field)?.unwrap_or_default();
        let number = text.trim_start_matches(['+', '-', '#']).trim_end_matches('%');
        if number.len() < text.len() && amount(number).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One amount.
pub(super) fn plain(scope: Scope<'_>, field: &Field) -> Result<Option<Decimal>, Refusal> {
    match scope.text(field)? {
        Some(text) => amount(&text).map(Some).ok_or_else(|| not_plain(field)),
        None => Ok(None),
    }
}

fn not_plain(field: &Field) -> Refusal {
    Refusal::field(Part::Body, field.name(), "not a plain decimal number")
}

pub(super) fn missing(name: &str) -> Refusal {
    Refusal::field(Part::Body, name, "missing")
}

/// The name of a market or asset, in capitals.
fn asset(field: &Field, text: &str) -> Result<String, Refusal> {
    match (1..=64).contains(&text.len()) && !text.contains(char::is_whitespace) {
        true => Ok(text.to_uppercase()),
        false => Err(Refusal::field(Part::Body, field.name(), "not the name of a market or asset")),
    }
}

pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Field>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Fields {
        One(Field),
        Many(Vec<Field>),
    }
    Ok(match Fields::deserialize(deserializer)? {
        Fields::One(field) => vec![field],
        Fields::Many(fields) => fields,
    })
}
