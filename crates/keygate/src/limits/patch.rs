//! A change of limits: the members it names, each with its new value; null takes a limit away.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Limits;
use crate::{
    bot,
    error::{Error, Result},
};

/// The members of a change, by name.
pub type Patch = Map<String, Value>;

impl Limits {
    /// These limits with a change made, if it is one that can be meant.
    pub fn with(&self, patch: &Patch) -> Result<Limits> {
        let mut members = self.members();
        for (name, value) in patch {
            match members.get_mut(name) {
                Some(member) => *member = value.clone(),
                None => return Err(Error::field(&format!("/{name}"), "is not a limit; see docs/limits.md")),
            }
        }
        let limits = serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| {
            let name = error.path().iter().next().map(ToString::to_string).unwrap_or_default();
            Error::field(&format!("/{name}"), expected(&name))
        })?;
        check(limits)
    }

    /// Every member by its name.
    pub fn members(&self) -> Patch {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Patch::new(),
        }
    }

    /// The members in which other limits differ, with their values there.
    pub fn difference(&self, other: &Limits) -> Patch {
        let own = self.members();
        other.members().into_iter().filter(|(name, value)| own.get(name) != Some(value)).collect()
    }
}

fn expected(name: &str) -> &'static str {
    match name {
        "allowed_ip_addresses" => {
            "needs a list of addresses or networks such as 10.0.0.5 or 10.0.0.0/24, or null"
        }
        "allowed_symbols" => "needs a list of markets such as BTC/USDT, or null for all",
        "blocked_symbols" => "needs a list of markets such as BTC/USDT",
        name if name == "dry_run" || name.starts_with("can_") => "needs true or false",
        name if name.starts_with("max_requests") => "needs a whole number, or null for no limit",
        _ => "needs an amount as text, such as \"500\", or null for no limit",
    }
}

/// Amounts that compare as they look, and lists in one spelling.
fn check(mut limits: Limits) -> Result<Limits> {
    let amounts = [
        ("max_trade_amount_usd", &mut limits.max_trade_amount_usd, MOST),
        ("max_daily_trade_volume_usd", &mut limits.max_daily_trade_volume_usd, MOST),
        ("max_withdrawal_amount_usd", &mut limits.max_withdrawal_amount_usd, MOST),
        ("max_daily_withdrawal_usd", &mut limits.max_daily_withdrawal_usd, MOST),
        ("daily_withdraw_limit", &mut limits.daily_withdraw_limit, MOST),
        ("monthly_withdraw_limit", &mut limits.monthly_withdraw_limit, MOST),
        ("max_position_size", &mut limits.max_position_size, MOST),
        ("max_daily_loss", &mut limits.max_daily_loss, MOST),
        ("max_leverage", &mut limits.max_leverage, Decimal::ONE_THOUSAND),
        ("stop_loss_percentage", &mut limits.stop_loss_percentage, Decimal::ONE_HUNDRED),
    ];
    for (name, amount, most) in amounts {
        if let Some(own) = amount {
            if own.is_sign_negative() || *own > most || own.scale() > 8 {
                let detail = format!("needs an amount from 0 to {most} with at most 8 decimals");
                return Err(Error::field(&format!("/{name}"), detail));
            }
            *own = own.normalize();
        }
    }
    limits.allowed_symbols =
        limits.allowed_symbols.map(|list| symbols("/allowed_symbols", list)).transpose()?;
    limits.blocked_symbols = symbols("/blocked_symbols", limits.blocked_symbols)?;
    match limits.allowed_ip_addresses.as_ref().is_some_and(|list| list.len() > LONGEST) {
        true => Err(Error::field("/allowed_ip_addresses", "may have 200 networks at most")),
        false => Ok(limits),
    }
}

fn symbols(pointer: &str, list: Vec<String>) -> Result<Vec<String>> {
    let wrong = || Error::field(pointer, "needs markets such as BTC/USDT, 200 at most");
    if list.len() > LONGEST {
        return Err(wrong());
    }
    let mut named = Vec::with_capacity(list.len());
    for symbol in list {
        let symbol = bot::parse_symbol(Some(symbol)).ok().flatten().ok_or_else(wrong)?;
        if !named.contains(&symbol) {
            named.push(symbol);
        }
    }
    Ok(named)
}

const MOST: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0); // 10^18
const LONGEST: usize = 200;
