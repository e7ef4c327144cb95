//! How a definition finds the money fields of an endpoint.

use serde::Deserialize;
use toml::Spanned;

use super::{
    ClientId, Order, Reading, Withdrawal,
    field::{Condition, Field, Names},
    order::{OrderReader, SymbolSource, missing, plain},
    scope::{Inside, Scope},
    strict::Held,
};
use crate::{
    Definition, Refusal, Request,
    definition::{Case, Endpoints, Pattern},
};

/// How a definition reads cancellations of some endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelReader {
    #[serde(rename = "match")]
    patterns: Vec<Pattern>,
    #[serde(default, rename = "in")]
    inside: Inside,
    symbol: Option<SymbolSource>,
    known: Names,
}

/// How a definition reads withdrawals of some endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalReader {
    #[serde(rename = "match")]
    pub(super) patterns: Vec<Pattern>,
    #[serde(default, rename = "in")]
    pub(super) inside: Inside,
    /// Under which conditions it is one.
    #[serde(default)]
    when: Vec<Condition>,
    asset: Field,
    amount: Field,
    address: Field,
    tag: Option<Field>,
    network: Option<Field>,
    pub(super) client_id: Option<ClientId>,
    known: Names,
}

/// The reader of an endpoint, by its number among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Order(usize),
    Cancel(usize),
    Withdrawal(usize),
}

impl Reader {
    /// What the patterns of all readers stand for, in their order of precedence.
    pub(crate) fn of(
        orders: &[Spanned<OrderReader>],
        cancels: &[Spanned<CancelReader>],
        withdrawals: &[Spanned<WithdrawalReader>],
    ) -> Endpoints<Reader> {
        fn numbered<R>(
            readers: &[Spanned<R>],
            patterns: fn(&R) -> &[Pattern],
            kind: fn(usize) -> Reader,
        ) -> impl Iterator<Item = (Pattern, Reader)> {
            readers.iter().enumerate().flat_map(move |(at, own)| {
                patterns(own.get_ref()).iter().map(move |pattern| (pattern.clone(), kind(at)))
            })
        }
        let orders = numbered(orders, |own| &own.patterns, Reader::Order);
        let cancels = numbered(cancels, |own| &own.patterns, Reader::Cancel);
        let withdrawals = numbered(withdrawals, |own| &own.patterns, Reader::Withdrawal);
        Endpoints::new(orders.chain(cancels).chain(withdrawals).collect())
    }
}

impl Definition {
    /// Reads the money fields of a request and refuses parameters a money-moving endpoint does not have.
    pub(crate) fn read(&self, request: &Request) -> Result<Reading, Refusal> {
        if !request.endpoint.class.moves_money() {
            return Ok(Reading::NotMoney);
        }
        match request.endpoint.reader {
            Some(Reader::Order(at)) => {
                let reader = self.orders[at].get_ref();
                let held = self.check(request, &reader.inside, &reader.known)?;
                orders(reader, request, &held)
            }
            Some(Reader::Cancel(at)) => {
                let reader = self.cancels[at].get_ref();
                let held = self.check(request, &reader.inside, &reader.known)?;
                reader.read(request, &held)
            }
            Some(Reader::Withdrawal(at)) => {
                let reader = self.withdrawals[at].get_ref();
                let held = self.check(request, &reader.inside, &reader.known)?;
                reader.read(request, &held)
            }
            None => Ok(Reading::Unpriceable("this endpoint's amounts are not read")),
        }
    }

    /// Whether what this endpoint is asked for is read as a cancellation.
    pub fn cancels(&self, method: crate::Method, path: &str) -> bool {
        let reader = self.endpoint(method, path).and_then(|endpoint| endpoint.reader);
        matches!(reader, Some(Reader::Cancel(_)))
    }

    /// The endpoints that have a reader: their patterns, and where they stand in the file.
    pub(crate) fn read_endpoints(&self) -> impl Iterator<Item = (usize, crate::Class, &Pattern)> {
        fn of<R>(
            readers: &[Spanned<R>],
            class: crate::Class,
            patterns: fn(&R) -> &Vec<Pattern>,
        ) -> impl Iterator<Item = (usize, crate::Class, &Pattern)> {
            readers.iter().flat_map(move |own| {
                let at = own.span().start;
                patterns(own.get_ref()).iter().map(move |pattern| (at, class, pattern))
            })
        }
        let (trade, withdraw) = (crate::Class::Trade, crate::Class::Withdraw);
        of(&self.orders, trade, |own| &own.patterns)
            .chain(of(&self.cancels, trade, |own| &own.patterns))
            .chain(of(&self.withdrawals, withdraw, |own| &own.patterns))
    }

    /// Where each reader looks for its orders, and where it stands in the file.
    pub(crate) fn read_places(&self) -> impl Iterator<Item = (usize, &Inside)> {
        let orders = self.orders.iter().map(|own| (own.span().start, &own.get_ref().inside));
        let cancels = self.cancels.iter().map(|own| (own.span().start, &own.get_ref().inside));
        let withdrawals = self.withdrawals.iter().map(|own| (own.span().start, &own.get_ref().inside));
        orders.chain(cancels).chain(withdrawals)
    }
}

/// Of a batch every order counts; one that cannot be read makes the whole unreadable.
fn orders(reader: &OrderReader, request: &Request, held: &Held<'_>) -> Result<Reading, Refusal> {
    let read = match held {
        Held::Whole => reader.read(Scope::of(request)).map(|order| order.map(|order| vec![order])),
        Held::Mixed => return Ok(Reading::Unpriceable("the request holds more than new orders")),
        Held::Each(items) => {
            let orders = items.iter().map(|item| reader.read(reader.inside.scope(request, item)));
            orders.collect::<Result<Result<Vec<Order>, _>, _>>()
        }
    };
    read.map(|read| read.map_or_else(Reading::Unpriceable, Reading::Orders))
}

impl CancelReader {
    /// Counts the fields that are read among the known names.
    pub(crate) fn complete(&mut self) {
        let names = Names::of(self.fields());
        self.known.extend(names);
    }

    fn fields(&self) -> Vec<&Field> {
        self.symbol.iter().flat_map(SymbolSource::fields).collect()
    }

    fn read(&self, request: &Request, held: &Held<'_>) -> Result<Reading, Refusal> {
        let Some(source) = &self.symbol else { return Ok(Reading::Cancel { symbols: Vec::new() }) };
        let symbols = match held {
            Held::Whole => vec![source.read(Scope::of(request))?],
            Held::Each(_) | Held::Mixed => {
                let read = held.items().iter().map(|item| source.read(self.inside.scope(request, item)));
                read.collect::<Result<_, _>>()?
            }
        };
        Ok(Reading::Cancel { symbols: symbols.into_iter().flatten().collect() })
    }
}

impl WithdrawalReader {
    /// Counts the fields that are read among the known names.
    pub(crate) fn complete(&mut self) {
        let names = Names::of(self.fields());
        self.known.extend(names);
    }

    fn fields(&self) -> Vec<&Field> {
        let named = self.when.iter().flat_map(Condition::fields);
        let fields = [&self.asset, &self.amount, &self.address].into_iter();
        let id = self.client_id.iter().flat_map(ClientId::fields);
        fields.chain(&self.tag).chain(&self.network).chain(named).chain(id).collect()
    }

    fn read(&self, request: &Request, held: &Held<'_>) -> Result<Reading, Refusal> {
        let scope = match held.items() {
            [] => Scope::of(request),
            [item] => self.inside.scope(request, item),
            _ => return Ok(Reading::Unpriceable("the request holds several withdrawals")),
        };
        if !self.when.is_empty() && !scope.any(&self.when, Case::Exact)? {
            return Ok(Reading::Unpriceable("this is not a withdrawal that can be read"));
        }
        let needed = |field| text(scope, field)?.ok_or_else(|| missing(Field::name(field)));
        let optional = |field: Option<&Field>| field.map_or(Ok(None), |field| text(scope, field));
        Ok(Reading::Withdrawal(Withdrawal {
            asset: needed(&self.asset)?.to_uppercase(),
            amount: plain(scope, &self.amount)?.ok_or_else(|| missing(self.amount.name()))?,
            address: needed(&self.address)?,
            tag: optional(self.tag.as_ref())?,
            network: optional(self.network.as_ref())?,
        }))
    }
}

/// A text that says something.
fn text(scope: Scope<'_>, field: &Field) -> Result<Option<String>, Refusal> {
    Ok(scope.text(field)?.filter(|text| !text.is_empty()).map(|text| text.into_owned()))
}
