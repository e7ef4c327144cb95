//! What a call sets aside, as the ledger takes it.

use rust_decimal::Decimal;
use serde_json::Value;
use time::OffsetDateTime;

use super::money;
use crate::gateway::{Denial, exposure::Position, ledger::Window};

/// What a call sets aside, and the windows it counts in.
#[derive(Debug, Default)]
pub struct Ask {
    pub reserve: Vec<Reserve>,
    pub caps: Vec<Cap>,
    /// When the prices were asked for that it was valued by.
    pub priced_at: Option<OffsetDateTime>,
    /// What its purchases may lead to.
    pub position: Option<Position>,
    /// It takes orders back, which hardly anything may stop.
    pub takes_back: bool,
    /// A dry run: it is set aside whether there is room or not.
    pub dry: bool,
}

/// One order or withdrawal.
#[derive(Debug, Default)]
pub struct Reserve {
    /// `trade` or `withdraw`
    pub kind: &'static str,
    pub symbol: Option<String>,
    /// The asset a purchase adds to.
    pub buys: Option<String>,
    pub client_order_id: Option<String>,
    /// What the exchange is asked by what became of it.
    pub question: Option<Value>,
    /// `None`: nothing about it is limited in dollars.
    pub usd: Option<Decimal>,
}

/// A window, and how much may be used of it; without a limit it only counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub window: Window,
    pub limit: Option<Decimal>,
    pub rule: &'static str,
}

impl Ask {
    pub fn usd(&self) -> Decimal {
        self.reserve.iter().filter_map(|own| own.usd).sum()
    }

    /// From when what it was decided by is, of a call that was taken up then.
    pub fn decided_by(&self, begun: OffsetDateTime) -> OffsetDateTime {
        self.priced_at.map_or(begun, |at| at.min(begun))
    }

    /// Whether the exchange can be asked what became of all of it: of orders by their ids, and of a cancellation by the
    /// orders it names.
    pub fn can_be_asked(&self) -> bool {
        let is_asked =
            |own: &Reserve| own.kind == "trade" && own.question.is_some() && own.client_order_id.is_some();
        self.takes_back || !self.reserve.is_empty() && self.reserve.iter().all(is_asked)
    }

    /// What each of its purchases adds, in dollars.
    pub fn purchases(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.reserve.iter().filter_map(|own| own.buys.as_deref().zip(own.usd))
    }
}

impl Cap {
    /// What its owner reads when there is no room.
    pub(in crate::gateway) fn denial(&self, wanted: Decimal, left: Decimal) -> Denial {
        let period = match self.window {
            Window::WithdrawMonth => "this month",
            _ => "today",
        };
        let limit = self.limit.unwrap_or_default();
        Denial::denied(
            self.rule,
            format!(
                "this is up to {} USD, and {} of {} USD are left {period} (UTC)",
                money(wanted),
                money(left),
                money(limit)
            ),
        )
    }
}
