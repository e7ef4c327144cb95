//! Limits: what the programs of a connection may do, in dollars, requests, markets and addresses.
//!
//! Always holds: an absent limit does not limit, an empty list lets nothing through; tightening is instant, and
//! whatever would let more through waits first. What each figure means stands in `docs/limits.md`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::types::ipnetwork::IpNetwork;
use utoipa::ToSchema;

mod api;
mod change;
mod delay;
mod form;
mod networks;
mod page;
mod patch;
mod raise;
mod replay;
mod replay_api;
mod sentence;
mod store;
mod template;
mod tighten;
mod trying;
mod usage;

pub use api::routes;
pub use change::{Pending, State, Wish, apply_due, cancel, change, show};
pub use delay::{Delay, cancel_delay, delay, set_delay};
pub use networks::{parse as network, text as network_text};
pub use page::pages;
pub use patch::Patch;
pub use store::{delay as wait, load};
pub use template::{TEMPLATES, Template};
pub use trying::{OrderIn, SideIn, Trial, WithdrawalIn, try_out};
pub use usage::Usage;

/// All limits of one connection, by the names of their columns (`api_key_permissions`, `exchange_connections`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// What the limits would refuse of reads and orders is carried out, and recorded with the rule. Withdrawals, transfers and
    /// actions that are not allowed are refused all the same.
    #[serde(default)]
    pub dry_run: bool,
    /// See balances, orders and the like.
    pub can_read: bool,
    /// Place and cancel orders.
    pub can_trade: bool,
    /// Send assets out of the account. A withdrawal must be signed with a virtual pair.
    pub can_withdraw: bool,
    /// Move assets between wallets of the account.
    pub can_transfer: bool,
    /// Manage sub-accounts.
    pub can_manage_sub_accounts: bool,
    /// Requests in a minute of the clock. Cancels do not count.
    pub max_requests_per_minute: Option<u32>,
    /// Requests in an hour of the clock.
    pub max_requests_per_hour: Option<u32>,
    /// Requests in a day, UTC.
    pub max_requests_per_day: Option<u32>,
    /// Dollars in one order.
    #[schema(value_type = Option<String>, example = "500")]
    pub max_trade_amount_usd: Option<Decimal>,
    /// Dollars in all orders of a day, UTC.
    #[schema(value_type = Option<String>, example = "5000")]
    pub max_daily_trade_volume_usd: Option<Decimal>,
    /// Dollars in one withdrawal.
    #[schema(value_type = Option<String>)]
    pub max_withdrawal_amount_usd: Option<Decimal>,
    /// Dollars in all withdrawals of a day, UTC.
    #[schema(value_type = Option<String>)]
    pub max_daily_withdrawal_usd: Option<Decimal>,
    /// The same of the connection; the smaller one counts.
    #[schema(value_type = Option<String>)]
    pub daily_withdraw_limit: Option<Decimal>,
    /// Dollars in all withdrawals of a month of the calendar, UTC.
    #[schema(value_type = Option<String>)]
    pub monthly_withdraw_limit: Option<Decimal>,
    /// Dollars' worth of one asset that a purchase may lead to.
    #[schema(value_type = Option<String>)]
    pub max_position_size: Option<Decimal>,
    /// The highest leverage: 1 is none.
    #[schema(value_type = Option<String>)]
    pub max_leverage: Option<Decimal>,
    /// Dollars the account may lose in a day, UTC, before orders stop.
    #[schema(value_type = Option<String>)]
    pub max_daily_loss: Option<Decimal>,
    /// The same in per cent of what the account was worth when the day began.
    #[schema(value_type = Option<String>)]
    pub stop_loss_percentage: Option<Decimal>,
    /// Addresses and networks calls may come from.
    #[serde(with = "networks")]
    #[schema(value_type = Option<Vec<String>>, example = json!(["10.0.0.5/32"]))]
    pub allowed_ip_addresses: Option<Vec<IpNetwork>>,
    /// Markets that may be traded, such as `BTC/USDT`.
    pub allowed_symbols: Option<Vec<String>>,
    /// Markets that may not, whatever else is allowed.
    pub blocked_symbols: Vec<String>,
}

impl Limits {
    /// Whether anything about orders is limited in dollars, so that every order must have a price.
    pub fn values_trades(&self) -> bool {
        [self.max_trade_amount_usd, self.max_daily_trade_volume_usd, self.max_position_size]
            .iter()
            .any(Option::is_some)
    }

    /// Whether orders stop when too much is lost.
    pub fn stops_at_a_loss(&self) -> bool {
        self.max_daily_loss.is_some() || self.stop_loss_percentage.is_some()
    }

    /// Whether anything about withdrawals is limited in dollars.
    pub fn values_withdrawals(&self) -> bool {
        self.max_withdrawal_amount_usd.is_some()
            || self.withdrawals_per_day().is_some()
            || self.monthly_withdraw_limit.is_some()
    }

    /// The key's and the connection's limit of a day: the smaller one counts.
    pub fn withdrawals_per_day(&self) -> Option<Decimal> {
        match (self.max_daily_withdrawal_usd, self.daily_withdraw_limit) {
            (Some(key), Some(connection)) => Some(key.min(connection)),
            (key, connection) => key.or(connection),
        }
    }
}
