//! Borrowed money: calls that set a leverage, orders that name one, orders that borrow.

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Reader, Reading, amount,
    field::{Condition, Field},
    order::one_or_many,
    scope::{Inside, Scope},
};
use crate::{
    Class, Definition, Refusal, Request,
    definition::{Case, Endpoint, Endpoints, Pattern},
};

/// What a request says about borrowed money. A limit on leverage must refuse [`Leverage::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leverage {
    /// It borrows nothing and sets nothing.
    None,
    /// Its orders borrow: with the leverage they name, or with the one that is set at the exchange.
    Borrows(Option<Decimal>),
    /// It sets the leverage of orders to come, the highest if it sets several.
    Sets(Decimal),
    /// It trades or borrows where nobody can tell what it does.
    Unknown,
}

/// How a definition reads the leverage of some endpoints of class `trade` or `finance`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeverageReader {
    #[serde(rename = "match")]
    patterns: Vec<Pattern>,
    #[serde(default, rename = "in")]
    inside: Inside,
    /// Whether these calls have their parameters in the query, where the body is what counts elsewhere.
    #[serde(default)]
    query: bool,
    /// Where these calls have the leverage they set.
    #[serde(default, deserialize_with = "one_or_many")]
    sets: Vec<Field>,
    /// Where an order has its leverage.
    #[serde(default, deserialize_with = "one_or_many")]
    value: Vec<Field>,
    /// When the exchange heeds that, whatever else the order says. Without any: where nothing else decides.
    #[serde(default)]
    value_when: Vec<Condition>,
    /// When an order borrows nothing, whatever else it says.
    #[serde(default)]
    none: Vec<Condition>,
    /// When it borrows.
    #[serde(default)]
    borrows: Vec<Condition>,
    /// When nothing is known about it.
    #[serde(default)]
    unknown: Vec<Condition>,
    /// What some parameters say of an order that does not borrow: with another word nothing is known about it.
    #[serde(default)]
    only: Condition,
    /// What an order does that says nothing.
    #[serde(default)]
    otherwise: Otherwise,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Otherwise {
    #[default]
    None,
    Borrows,
    Unknown,
}

/// The classes of what can borrow.
const MAY_BORROW: [Class; 2] = [Class::Trade, Class::Finance];

impl Definition {
    /// What a request says about borrowed money. Of what trades, earns or borrows without a word in the definition nothing
    /// is known, unless it is an order or cancellation that can be read.
    pub(crate) fn read_leverage(&self, request: &Request) -> Result<Leverage, Refusal> {
        let Endpoint { class, reader, leverage, .. } = request.endpoint;
        let Some(at) = leverage else {
            let is_order = matches!(reader, Some(Reader::Order(_)));
            let is_cancel = matches!(request.reading, Reading::Cancel { .. });
            let known = !MAY_BORROW.contains(&class) || is_cancel || is_order;
            return Ok(if known { Leverage::None } else { Leverage::Unknown });
        };
        let own = self.leverages[at].get_ref();
        // where the money is read, what may stand there is known
        if reader.is_none() && own.inside.is_whole() {
            self.check_decisive(request, &own.fields(), own.query)?;
        }
        own.worst(request)
    }

    /// Leverage is read of endpoints that trade, or borrow.
    pub(crate) fn check_leverages(&self) -> Result<(), (Option<usize>, String)> {
        for reader in &self.leverages {
            let wrong = |reason: &str| Err((Some(reader.span().start), reason.to_owned()));
            if !reader.get_ref().inside.is_sound() {
                return wrong("orders stand in each or member, not in both");
            }
            if reader.get_ref().value.is_empty() && !reader.get_ref().value_when.is_empty() {
                return wrong("value_when says when value counts, and there is none");
            }
            for pattern in &reader.get_ref().patterns {
                let class = pattern.sample().and_then(|(method, path)| self.classify(method, &path));
                if class.is_some_and(|class| !MAY_BORROW.contains(&class)) {
                    return wrong("reads the leverage of what is not an endpoint of class trade or finance");
                }
            }
        }
        Ok(())
    }
}

impl LeverageReader {
    /// What the patterns of all readers stand for, in their order.
    pub(crate) fn endpoints(readers: &[Spanned<LeverageReader>]) -> Endpoints<usize> {
        let numbered = |(at, own): (usize, &Spanned<LeverageReader>)| {
            own.get_ref().patterns.iter().map(move |pattern| (pattern.clone(), at)).collect::<Vec<_>>()
        };
        Endpoints::new(readers.iter().enumerate().flat_map(numbered).collect())
    }

    /// Of a batch the order counts that a limit must look at.
    fn worst(&self, request: &Request) -> Result<Leverage, Refusal> {
        if self.inside.is_whole() {
            return self.read(Scope::of(request));
        }
        let Some(items) = self.inside.items(request)? else { return Ok(Leverage::Unknown) };
        let mut worst = Leverage::None;
        for item in items.iter() {
            worst = worst.worse(self.read(self.inside.scope(request, item))?);
        }
        Ok(worst)
    }

    fn read(&self, scope: Scope<'_>) -> Result<Leverage, Refusal> {
        if !self.sets.is_empty() {
            return Ok(match highest(scope, &self.sets)? {
                Named::Value(value) => Leverage::Sets(value),
                Named::Nothing | Named::Unclear => Leverage::Unknown,
            });
        }
        let certain = |conditions| scope.any(conditions, Case::Exact);
        let perhaps = |conditions| scope.any(conditions, Case::Ignored);
        Ok(match () {
            () if certain(&self.none)? => Leverage::None,
            () if certain(&self.value_when)? => self.named(scope, Leverage::Unknown)?,
            () if perhaps(&self.unknown)? => Leverage::Unknown,
            () if perhaps(&self.borrows)? => Leverage::Borrows(None),
            () if !scope.only(&self.only)? => Leverage::Unknown,
            () if self.value_when.is_empty() => self.named(scope, self.otherwise.into())?,
            () => self.otherwise.into(),
        })
    }

    /// The leverage an order names, or what is the case if it names none.
    fn named(&self, scope: Scope<'_>, otherwise: Leverage) -> Result<Leverage, Refusal> {
        Ok(match highest(scope, &self.value)? {
            Named::Value(value) => Leverage::Borrows(Some(value)),
            Named::Unclear => Leverage::Unknown,
            Named::Nothing => otherwise,
        })
    }

    /// What it looks at.
    fn fields(&self) -> Vec<&Field> {
        let conditions = [&self.value_when, &self.none, &self.borrows, &self.unknown];
        let named = conditions.into_iter().flatten().chain([&self.only]).flat_map(Condition::fields);
        self.sets.iter().chain(&self.value).chain(named).collect()
    }
}

impl From<Otherwise> for Leverage {
    fn from(otherwise: Otherwise) -> Leverage {
        match otherwise {
            Otherwise::None => Leverage::None,
            Otherwise::Borrows => Leverage::Borrows(None),
            Otherwise::Unknown => Leverage::Unknown,
        }
    }
}

impl Leverage {
    /// The one of two that a limit must look at.
    fn worse(self, other: Leverage) -> Leverage {
        let weight = |leverage: &Leverage| match leverage {
            Leverage::None => (0, Decimal::ZERO),
            Leverage::Borrows(Some(value)) => (1, *value),
            Leverage::Borrows(None) => (2, Decimal::ZERO),
            Leverage::Sets(value) => (3, *value),
            Leverage::Unknown => (4, Decimal::ZERO),
        };
        if weight(&other) > weight(&self) { other } else { self }
    }
}

/// The leverage that fields name.
enum Named {
    Nothing,
    /// Something that is no number, or zero, which stands for something else, such as whatever is set elsewhere.
    Unclear,
    Value(Decimal),
}

/// The highest value that is there. `5:1` is 5.
fn highest(scope: Scope<'_>, fields: &[Field]) -> Result<Named, Refusal> {
    let mut highest = None;
    for field in fields {
        let Some(text) = scope.text(field)?.filter(|text| !text.is_empty()) else { continue };
        match amount(text.strip_suffix(":1").unwrap_or(&text)) {
            Some(value) => highest = highest.max(Some(value)),
            None => return Ok(Named::Unclear),
        }
    }
    Ok(match highest {
        None => Named::Nothing,
        Some(value) if value.is_zero() => Named::Unclear,
        Some(value) => Named::Value(value),
    })
}
