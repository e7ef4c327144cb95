//! An order, from its placing to its last fill.

use rust_decimal::Decimal;

use super::AccountId;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    Canceled,
    /// What was left could not be filled at once and must not rest.
    Expired,
    Filled,
    New,
    PartiallyFilled,
}

/// How long a limit order may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Force {
    /// Rests until cancelled.
    GoodTillCancel,
    /// Fills what it can, the rest expires.
    ImmediateOrCancel,
    /// Fills whole or not at all.
    FillOrKill,
    /// Rests, or is refused if it would match at once.
    PostOnly,
}

/// How the client id of an order begins that came without one.
pub(super) const NAMELESS: char = '#';

/// What an order asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Terms {
    Limit {
        price: Decimal,
        quantity: Decimal,
        force: Force,
    },
    Market {
        quantity: Decimal,
    },
    /// Spends or earns up to this much of the quote asset.
    MarketQuote {
        amount: Decimal,
    },
}

/// An order as it comes in; filters are checked before.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub(crate) account: AccountId,
    /// Index into the floor's pairs.
    pub(crate) pair: usize,
    pub(crate) side: Side,
    pub(crate) terms: Terms,
    pub(crate) client_id: String,
}

/// One side of one trade.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    pub(crate) trade_id: u64,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) fee: Decimal,
    pub(crate) fee_asset: String,
    pub(crate) maker: bool,
    pub(crate) at_ms: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) account: AccountId,
    pub(crate) pair: usize,
    pub(crate) side: Side,
    pub(crate) terms: Terms,
    pub(crate) client_id: String,
    pub(crate) status: Status,
    pub(crate) fills: Vec<Fill>,
    pub(crate) filled: Decimal,
    pub(crate) filled_quote: Decimal,
    /// What is still locked for this order in its account's wallet.
    pub(super) locked: Decimal,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

impl Side {
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The one or the other: the exchange's word, the asset that comes in, the sign of an amount.
    pub(crate) fn pick<T>(self, buy: T, sell: T) -> T {
        match self {
            Self::Buy => buy,
            Self::Sell => sell,
        }
    }

    /// `buy` or `sell`
    pub(crate) fn as_lower(self) -> &'static str {
        self.pick("buy", "sell")
    }

    /// `BUY` or `SELL`
    pub(crate) fn as_upper(self) -> &'static str {
        self.pick("BUY", "SELL")
    }
}

impl Terms {
    pub(crate) fn price(&self) -> Option<Decimal> {
        match self {
            Self::Limit { price, .. } => Some(*price),
            Self::Market { .. } | Self::MarketQuote { .. } => None,
        }
    }

    /// What is asked for, in the asset the order counts.
    pub(crate) fn amount(&self) -> Decimal {
        match self {
            Self::Limit { quantity, .. } | Self::Market { quantity } => *quantity,
            Self::MarketQuote { amount } => *amount,
        }
    }

    /// How long a limit order may wait.
    pub(crate) fn force(&self) -> Option<Force> {
        match self {
            Self::Limit { force, .. } => Some(*force),
            Self::Market { .. } | Self::MarketQuote { .. } => None,
        }
    }

    pub(crate) fn is_limit(&self) -> bool {
        self.force().is_some()
    }

    fn may_rest(&self) -> bool {
        matches!(self, Self::Limit { force: Force::GoodTillCancel | Force::PostOnly, .. })
    }
}

impl Fill {
    /// What the trade cost in the quote asset, also where the fee was taken out of the base.
    pub(crate) fn fee_in_quote(&self, side: Side) -> Decimal {
        side.pick(self.fee * self.price, self.fee)
    }
}

impl Order {
    pub(super) fn new(id: u64, new: NewOrder, locked: Decimal, now: i64) -> Self {
        let NewOrder { account, pair, side, terms, client_id } = new;
        Self {
            id,
            account,
            pair,
            side,
            terms,
            client_id,
            status: Status::New,
            fills: Vec::new(),
            filled: Decimal::ZERO,
            filled_quote: Decimal::ZERO,
            locked,
            created_ms: now,
            updated_ms: now,
        }
    }

    /// The quantity ordered; for an order in quote, the quantity it got.
    pub(crate) fn quantity(&self) -> Decimal {
        match self.terms {
            Terms::Limit { quantity, .. } | Terms::Market { quantity } => quantity,
            Terms::MarketQuote { .. } => self.filled,
        }
    }

    pub(crate) fn remaining(&self) -> Decimal {
        self.quantity() - self.filled
    }

    pub(crate) fn fee(&self) -> Decimal {
        self.fills.iter().map(|fill| fill.fee).sum()
    }

    pub(crate) fn fee_in_quote(&self) -> Decimal {
        self.fills.iter().map(|fill| fill.fee_in_quote(self.side)).sum()
    }

    pub(crate) fn average_price(&self) -> Option<Decimal> {
        (!self.filled.is_zero()).then(|| self.filled_quote / self.filled)
    }

    /// The name its owner gave it; empty if it came without.
    pub(crate) fn own_id(&self) -> &str {
        if self.client_id.starts_with(NAMELESS) { "" } else { &self.client_id }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.status, Status::New | Status::PartiallyFilled)
    }

    /// Whether it accepts a trade at `price`.
    pub(super) fn accepts(&self, price: Decimal) -> bool {
        match (self.terms.price(), self.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price <= limit,
            (Some(limit), Side::Sell) => price >= limit,
        }
    }

    /// How much it still wants at `price`, in whole steps.
    pub(super) fn wants(&self, price: Decimal, step: Decimal) -> Decimal {
        match self.terms {
            Terms::MarketQuote { amount } => {
                let affordable = (amount - self.filled_quote) / price;
                (affordable / step).floor() * step
            }
            Terms::Limit { .. } | Terms::Market { .. } => self.remaining(),
        }
    }

    /// The state once matching has come to an end.
    pub(super) fn outcome(&self) -> Status {
        let complete = match self.terms {
            Terms::MarketQuote { .. } => !self.filled.is_zero(),
            Terms::Limit { .. } | Terms::Market { .. } => self.remaining().is_zero(),
        };
        match (complete, self.terms.may_rest(), self.filled.is_zero()) {
            (true, ..) => Status::Filled,
            (false, true, true) => Status::New,
            (false, true, false) => Status::PartiallyFilled,
            (false, false, _) => Status::Expired,
        }
    }
}
