//! Ready-made limits to start from.

use serde_json::json;

#[cfg(test)]
use super::Limits;
use super::Patch;
use crate::error::{Error, Result};

/// A change with a name.
pub struct Template {
    pub name: &'static str,
    /// What it is for.
    pub text: &'static str,
    pub patch: fn() -> Patch,
}

pub const TEMPLATES: [Template; 3] = [
    Template { name: "read-only", text: "Programs look and touch nothing.", patch: read_only },
    Template {
        name: "trade-limited",
        text: "Orders of 500 USD at most, 5,000 USD a day, without borrowed money.",
        patch: trade_limited,
    },
    Template { name: "trade-full", text: "Orders of any size, without borrowed money.", patch: trade_full },
];

impl Template {
    pub fn find(name: &str) -> Option<&'static Template> {
        TEMPLATES.iter().find(|template| template.name == name)
    }
}

/// The change a template makes; none without a name.
pub fn patch_of(name: Option<&str>) -> Result<Patch> {
    let Some(name) = name else { return Ok(Patch::new()) };
    let template = Template::find(name)
        .ok_or_else(|| Error::field("/template", "is read-only, trade-limited or trade-full"))?;
    Ok((template.patch)())
}

/// What a new connection may do: read.
#[cfg(test)]
pub fn none() -> Limits {
    Limits {
        dry_run: false,
        can_read: true,
        can_trade: false,
        can_withdraw: false,
        can_transfer: false,
        can_manage_sub_accounts: false,
        max_requests_per_minute: Some(60),
        max_requests_per_hour: Some(3600),
        max_requests_per_day: Some(100_000),
        max_trade_amount_usd: None,
        max_daily_trade_volume_usd: None,
        max_withdrawal_amount_usd: None,
        max_daily_withdrawal_usd: None,
        daily_withdraw_limit: None,
        monthly_withdraw_limit: None,
        max_position_size: None,
        max_leverage: None,
        max_daily_loss: None,
        stop_loss_percentage: None,
        allowed_ip_addresses: None,
        allowed_symbols: None,
        blocked_symbols: Vec::new(),
    }
}

fn read_only() -> Patch {
    patch(json!({"can_read": true, "can_trade": false, "can_withdraw": false, "can_transfer": false,
        "can_manage_sub_accounts": false}))
}

fn trade_limited() -> Patch {
    patch(json!({"can_read": true, "can_trade": true, "can_withdraw": false, "can_transfer": false,
        "can_manage_sub_accounts": false, "max_trade_amount_usd": "500", "max_daily_trade_volume_usd": "5000",
        "max_leverage": "1"}))
}

fn trade_full() -> Patch {
    patch(json!({"can_read": true, "can_trade": true, "can_withdraw": false, "can_transfer": false,
        "can_manage_sub_accounts": false, "max_trade_amount_usd": null, "max_daily_trade_volume_usd": null,
        "max_leverage": "1"}))
}

fn patch(members: serde_json::Value) -> Patch {
    match members {
        serde_json::Value::Object(members) => members,
        _ => Patch::new(),
    }
}
