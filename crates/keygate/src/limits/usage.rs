//! How much of each window is used now.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Limits, store};
use crate::{db::Tx, error::Result, gateway::Window};

/// One window that goes on.
pub struct Usage {
    pub window: &'static str,
    pub used: Decimal,
    /// `None`: it only counts.
    pub limit: Option<Decimal>,
}

/// The windows that are limited, or used.
pub async fn usage(
    tx: &mut Tx,
    connection: Uuid,
    limits: &Limits,
    now: OffsetDateTime,
) -> Result<Vec<Usage>> {
    let (kinds, starts) = (WINDOWS.map(Window::name), WINDOWS.map(|window| window.start(now)));
    let rows = store::windows(tx, connection, &kinds, &starts).await?;
    let one = |window: Window| {
        let own = rows.iter().find(|row| row.kind == window.name());
        let used = own.map_or(Decimal::ZERO, |row| row.used);
        Usage { window: window.name(), used, limit: limit(window, limits) }
    };
    let all = WINDOWS.into_iter().map(one);
    Ok(all.filter(|own| own.limit.is_some() || !own.used.is_zero()).collect())
}

fn limit(window: Window, limits: &Limits) -> Option<Decimal> {
    match window {
        Window::TradeDay => limits.max_daily_trade_volume_usd,
        Window::WithdrawDay => limits.withdrawals_per_day(),
        Window::WithdrawMonth => limits.monthly_withdraw_limit,
        Window::Minute => limits.max_requests_per_minute.map(Decimal::from),
        Window::Hour => limits.max_requests_per_hour.map(Decimal::from),
        Window::Day => limits.max_requests_per_day.map(Decimal::from),
    }
}

impl Usage {
    /// Its name for people.
    pub fn label(&self) -> &'static str {
        match self.window {
            "trade-day" => "Orders today, USD",
            "withdraw-day" => "Withdrawals today, USD",
            "withdraw-month" => "Withdrawals this month, USD",
            "requests-minute" => "Requests this minute",
            "requests-hour" => "Requests this hour",
            _ => "Requests today",
        }
    }
}

const WINDOWS: [Window; 6] =
    [Window::TradeDay, Window::WithdrawDay, Window::WithdrawMonth, Window::Minute, Window::Hour, Window::Day];
