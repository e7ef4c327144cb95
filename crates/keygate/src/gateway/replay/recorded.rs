//! One call as its records tell it.

use std::net::IpAddr;

use exchange::{Class, Definition, Method, Order, Reading, Side, Withdrawal};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::market;

/// A call, from both logs and the ledger.
pub struct Recorded {
    pub id: Uuid,
    pub at: OffsetDateTime,
    pub request: Option<Uuid>,
    pub method: String,
    pub path: String,
    pub symbol: Option<String>,
    pub class: Option<Class>,
    pub decision: String,
    pub rule: Option<String>,
    pub ip: IpAddr,
    /// What was asked for; nothing of calls that were refused.
    pub parameters: Option<Value>,
    pub reserved: Vec<Reserved>,
}

/// What was set aside for one of its orders.
#[derive(Deserialize)]
pub struct Reserved {
    pub symbol: Option<String>,
    pub usd: Option<Decimal>,
    pub state: String,
}

#[derive(Default, Deserialize)]
struct Summary {
    side: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    symbol: Option<String>,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
    quote_amount: Option<Decimal>,
    amount: Option<Decimal>,
}

impl Recorded {
    pub fn was_refused(&self) -> bool {
        self.decision == "deny"
    }

    /// Refused for what is no limit: by any limits it would be refused again.
    pub fn is_about_keys(&self) -> bool {
        self.was_refused() && !self.rule.as_deref().is_some_and(|rule| OF_LIMITS.contains(&rule))
    }

    /// What was set aside for the order, in dollars.
    pub fn usd(&self, place: usize) -> Option<Decimal> {
        self.reserved.get(place)?.usd
    }

    /// The exchange said no to all of it.
    pub fn was_given_back(&self) -> bool {
        !self.reserved.is_empty() && self.reserved.iter().all(|own| own.state == "rejected")
    }

    /// What the gateway had read in it; nothing, where the records do not say.
    pub fn reading(&self, definition: &Definition, class: Class) -> Option<Reading> {
        let cancels =
            Method::parse(&self.method).is_some_and(|method| definition.cancels(method, &self.path));
        match class {
            Class::Trade if cancels => Some(Reading::Cancel { symbols: Vec::new() }),
            Class::Trade => self.orders(),
            Class::Withdraw => self.withdrawal().map(Reading::Withdrawal),
            _ => Some(Reading::NotMoney),
        }
    }

    fn orders(&self) -> Option<Reading> {
        let summaries = match &self.parameters {
            Some(Value::Array(all)) => all.iter().map(parsed).collect::<Option<Vec<_>>>()?,
            Some(one) => vec![parsed(one)?],
            // one market at least; of a call that was refused nothing else is known
            None if self.symbol.is_some() => vec![Summary::default()],
            None if self.was_refused() => return None,
            None => return Some(Reading::Unpriceable("what it asked for was not read")),
        };
        let order = |(place, own): (usize, Summary)| {
            let reserved = self.reserved.get(place).and_then(|reserved| reserved.symbol.as_ref());
            let name = own.symbol.as_ref().or(reserved).or(self.symbol.as_ref())?;
            Some(own.order(name))
        };
        summaries.into_iter().enumerate().map(order).collect::<Option<Vec<_>>>().map(Reading::Orders)
    }

    fn withdrawal(&self) -> Option<Withdrawal> {
        let amount = parsed(self.parameters.as_ref()?)?.amount?;
        let asset = self.symbol.clone()?;
        Some(Withdrawal { asset, amount, address: String::new(), tag: None, network: None })
    }
}

impl Summary {
    fn order(&self, name: &str) -> Order {
        Order {
            symbol: market(name),
            side: if self.side.as_deref() == Some("sell") { Side::Sell } else { Side::Buy },
            kind: self.kind.clone().unwrap_or_default(),
            quantity: self.quantity,
            price: self.price,
            quote_amount: self.quote_amount,
        }
    }
}

fn parsed(summary: &Value) -> Option<Summary> {
    serde_json::from_value(summary.clone()).ok()
}

/// The rules that limits are made of.
const OF_LIMITS: [&str; 16] = [
    "permission",
    "address",
    "symbol",
    "rate",
    "max-trade",
    "max-daily-trades",
    "max-position",
    "max-leverage",
    "daily-loss",
    "max-withdrawal",
    "max-daily-withdrawals",
    "max-monthly-withdrawals",
    "no-price",
    "no-balances",
    "unpriceable",
    "unreadable-withdrawal",
];
