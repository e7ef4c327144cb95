//! How a definition finds the money fields of an endpoint.

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::{Order, Reading, Side, Symbol, Withdrawal, amount};
use crate::{
    Definition, Part, Refusal, Request,
    definition::{Case, Pattern},
};

/// How a definition reads orders of some endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderReader {
    #[serde(rename = "match")]
    pub(crate) patterns: Vec<Pattern>,
    symbol: SymbolSource,
    side: SideSource,
    #[serde(rename = "type")]
    kind: Source,
    quantity: Option<String>,
    #[serde(default)]
    price: Vec<String>,
    quote_amount: Option<String>,
    known: Vec<String>,
}

/// How a definition reads cancellations of some endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelReader {
    #[serde(rename = "match")]
    pub(crate) patterns: Vec<Pattern>,
    symbol: Option<SymbolSource>,
    known: Vec<String>,
}

/// How a definition reads withdrawals of some endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalReader {
    #[serde(rename = "match")]
    pub(crate) patterns: Vec<Pattern>,
    asset: String,
    amount: String,
    address: String,
    tag: Option<String>,
    network: Option<String>,
    known: Vec<String>,
}

/// A parameter's name, or after `=` a constant.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
enum Source {
    Param(String),
    Always(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum SymbolSource {
    Market(String),
    Pair { base: Source, quote: Source },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum SideSource {
    Always(Side),
    Param { param: String, buy: Vec<String>, sell: Vec<String> },
}

impl Definition {
    /// Reads the money fields of a request and refuses parameters a money-moving endpoint does not have.
    pub(crate) fn read(&self, request: &Request) -> Result<Reading, Refusal> {
        let fits = |patterns: &[Pattern]| {
            patterns.iter().any(|pattern| pattern.matches(request.method, &request.path, Case::Exact))
        };
        if !request.class.moves_money() {
            return Ok(Reading::NotMoney);
        }
        if let Some(reader) = self.orders.iter().map(Spanned::get_ref).find(|reader| fits(&reader.patterns)) {
            self.check_params(request, &reader.fields(), &reader.known)?;
            return reader.read(request);
        }
        if let Some(reader) = self.cancels.iter().map(Spanned::get_ref).find(|reader| fits(&reader.patterns))
        {
            self.check_params(request, &reader.fields(), &reader.known)?;
            let symbol =
                reader.symbol.as_ref().and_then(|symbol| symbol.read(request).transpose()).transpose()?;
            return Ok(Reading::Cancel { symbol });
        }
        if let Some(reader) =
            self.withdrawals.iter().map(Spanned::get_ref).find(|reader| fits(&reader.patterns))
        {
            self.check_params(request, &reader.fields(), &reader.known)?;
            return reader.read(request).map(Reading::Withdrawal);
        }
        Ok(Reading::Unpriceable("this endpoint's amounts are not read"))
    }

    /// `fields` hold the money and must be plain values; `known` are the others an endpoint has.
    fn check_params(&self, request: &Request, fields: &[&str], known: &[String]) -> Result<(), Refusal> {
        let signing = self.first_profile(&request.path).own_params();
        for (part, name) in request.names() {
            let expected =
                fields.contains(&name) || signing.contains(&name) || known.iter().any(|own| own == name);
            if !expected {
                return Err(Refusal::field(part, name, "not a parameter this endpoint is known to have"));
            }
            if fields.contains(&name) && request.is_nested(name) {
                return Err(Refusal::field(part, name, "must be a text or a number"));
            }
        }
        Ok(())
    }
}

impl OrderReader {
    fn fields(&self) -> Vec<&str> {
        let mut fields = self.symbol.names();
        if let SideSource::Param { param, .. } = &self.side {
            fields.push(param);
        }
        fields.extend(self.kind.name());
        fields.extend(self.quantity.iter().chain(&self.quote_amount).chain(&self.price).map(String::as_str));
        fields
    }

    fn read(&self, request: &Request) -> Result<Reading, Refusal> {
        let quantity = optional_amount(request, self.quantity.as_deref())?;
        let quote_amount = optional_amount(request, self.quote_amount.as_deref())?;
        let prices = self.price.iter().map(|name| optional_amount(request, Some(name)));
        let prices = prices.collect::<Result<Vec<_>, _>>()?;
        let order = Order {
            symbol: self.symbol.read(request)?.ok_or(missing(self.symbol.first_name()))?,
            side: self.side.read(request)?,
            kind: self.kind.read(request)?.to_ascii_uppercase(),
            quantity,
            price: prices.into_iter().flatten().max(),
            quote_amount,
        };
        Ok(match (quantity, quote_amount) {
            (None, None) => Reading::Unpriceable("the order names no amount"),
            (Some(_), Some(_)) => Reading::Unpriceable("the order names two amounts"),
            _ => Reading::Order(order),
        })
    }
}

impl CancelReader {
    fn fields(&self) -> Vec<&str> {
        self.symbol.iter().flat_map(SymbolSource::names).collect()
    }
}

impl WithdrawalReader {
    fn fields(&self) -> Vec<&str> {
        let fields = [&self.asset, &self.amount, &self.address].into_iter();
        fields.chain(&self.tag).chain(&self.network).map(String::as_str).collect()
    }

    fn read(&self, request: &Request) -> Result<Withdrawal, Refusal> {
        let text = |name: &str| request.param(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let optional = |name: &Option<String>| name.as_deref().and_then(text);
        Ok(Withdrawal {
            asset: text(&self.asset).ok_or(missing(&self.asset))?,
            amount: optional_amount(request, Some(&self.amount))?.ok_or(missing(&self.amount))?,
            address: text(&self.address).ok_or(missing(&self.address))?,
            tag: optional(&self.tag),
            network: optional(&self.network),
        })
    }
}

impl From<String> for Source {
    fn from(text: String) -> Source {
        match text.strip_prefix('=') {
            Some(constant) => Source::Always(constant.to_owned()),
            None => Source::Param(text),
        }
    }
}

impl Source {
    fn name(&self) -> Option<&str> {
        match self {
            Source::Param(name) => Some(name),
            Source::Always(_) => None,
        }
    }

    fn read<'a>(&'a self, request: &'a Request) -> Result<&'a str, Refusal> {
        match self {
            Source::Always(text) => Ok(text),
            Source::Param(name) => request.param(name).ok_or(missing(name)),
        }
    }
}

impl SymbolSource {
    fn names(&self) -> Vec<&str> {
        match self {
            SymbolSource::Market(name) => vec![name],
            SymbolSource::Pair { base, quote } => base.name().into_iter().chain(quote.name()).collect(),
        }
    }

    fn first_name(&self) -> &str {
        self.names().first().copied().unwrap_or_default()
    }

    /// `None` if the request names no market.
    fn read(&self, request: &Request) -> Result<Option<Symbol>, Refusal> {
        Ok(match self {
            SymbolSource::Market(name) => match request.param(name) {
                Some(text) => Some(Symbol::Market(asset(name, text)?)),
                None => None,
            },
            SymbolSource::Pair { base, quote } => {
                if base.name().is_some_and(|name| request.param(name).is_none()) {
                    return Ok(None);
                }
                let name = |source: &Source| source.name().unwrap_or_default().to_owned();
                let (base, quote) =
                    (asset(&name(base), base.read(request)?)?, asset(&name(quote), quote.read(request)?)?);
                Some(Symbol::Pair { base, quote })
            }
        })
    }
}

impl SideSource {
    fn read(&self, request: &Request) -> Result<Side, Refusal> {
        let (param, buy, sell) = match self {
            SideSource::Always(side) => return Ok(*side),
            SideSource::Param { param, buy, sell } => (param, buy, sell),
        };
        let text = request.param(param).ok_or(missing(param))?;
        match (buy.iter().any(|word| word == text), sell.iter().any(|word| word == text)) {
            (true, _) => Ok(Side::Buy),
            (_, true) => Ok(Side::Sell),
            _ => Err(Refusal::field(Part::Body, param, "not a side this exchange knows")),
        }
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::field(Part::Body, name, "missing")
}

/// The name of a market or asset, in capitals.
fn asset(name: &str, text: &str) -> Result<String, Refusal> {
    match (1..=64).contains(&text.len()) && !text.contains(char::is_whitespace) {
        true => Ok(text.to_uppercase()),
        false => Err(Refusal::field(Part::Body, name, "not the name of a market or asset")),
    }
}

fn optional_amount(request: &Request, name: Option<&str>) -> Result<Option<Decimal>, Refusal> {
    let Some((name, text)) = name.and_then(|name| Some((name, request.param(name)?))) else {
        return Ok(None);
    };
    amount(text).map(Some).ok_or(Refusal::field(Part::Body, name, "not a plain decimal number"))
}
