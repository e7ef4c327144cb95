//! The rules, each by itself, as docs/limits.md states them: which of them refuse a call.

use std::net::IpAddr;

use exchange::{Class, Definition, Leverage, Order, Reading, Request};
use rust_decimal::Decimal;

use super::{
    found::{Found, Rules},
    market::{self, Is},
    state::{State, Used},
    worth::{self, Worth},
};
use crate::gateway::ledger::sample::Purchase;

/// What was done before.
pub struct Past {
    pub used: Used,
    pub bought: Vec<Purchase>,
    /// Whether this very signature was used.
    pub is_replay: bool,
}

pub fn rules(state: &State, past: &Past, definition: &Definition, request: &Request) -> Rules {
    let mut rules = Rules::default();
    standing(&mut rules.standing, state, request.class());
    let (limits, class, reading) = (&state.limits, request.class(), request.reading());
    let cancels = matches!(reading, Reading::Cancel { .. });

    let own = state.bot.and_then(|(_, symbol)| symbol).map(str::to_owned);
    if class == Class::Trade && !cancels {
        if let Some(own) = own {
            only(&mut rules.hard, definition, reading, &[own]);
        }
        if let Some(list) = &limits.allowed_symbols {
            only(&mut rules.limits, definition, reading, list);
        }
        if !limits.blocked_symbols.is_empty() {
            none(&mut rules.limits, definition, reading, &limits.blocked_symbols);
        }
    }
    if class == Class::Withdraw {
        rules.hard.when(state.pair.is_none(), "withdraw-needs-pair");
        rules.hard.when(!matches!(reading, Reading::Withdrawal(_)), "unreadable-withdrawal");
    }
    rules.limits.when(!covers(limits_networks(state), state.peer), "address");
    if !cancels {
        rules.limits.when(!is_within(request.leverage(), limits.max_leverage), "max-leverage");
    }
    if class.moves_money() {
        rules.hard.when(state.stopped, "panic");
        rules.hard.when(state.suspended && !cancels, "suspended");
        rules.hard.when(state.pair.is_some() && past.is_replay, "replay");
        money(&mut rules.limits, state, past, definition, request);
    }
    rules
}

/// Default deny: the key is in use, from where it may be used, and has every right that the class needs.
pub fn standing(found: &mut Found, state: &State, class: Class) {
    alive(found, state);
    found.when(!covers(state.key_networks.as_deref(), state.peer), "address");
    found.when(!is_dry(state, class) && !covers(limits_networks(state), state.peer), "address");
    let has = |scope| state.scopes.contains(&scope);
    let is_covered = match class {
        Class::Public | Class::Read => has("read") || has("trade"),
        Class::Trade | Class::Session | Class::KeyAdmin => has("trade"),
        Class::Transfer | Class::Subaccount | Class::Finance => has("transfer"),
        Class::Withdraw => has("withdraw"),
    };
    found.when(!is_covered, "scope");
    let limits = &state.limits;
    let is_permitted = match class {
        Class::Public => true,
        Class::Read => limits.can_read,
        Class::Trade => limits.can_trade,
        Class::Withdraw => limits.can_withdraw,
        Class::Transfer | Class::Finance => limits.can_transfer,
        Class::Subaccount => limits.can_manage_sub_accounts,
        Class::Session | Class::KeyAdmin => false,
    };
    found.when(!is_permitted, "permission");
}

/// What a call that has waited must still be.
pub fn alive(found: &mut Found, state: &State) {
    found.when(state.key_stopped, "panic");
    found.when(state.revoked, "revoked");
    found.when(state.expires_at.is_some_and(|end| state.at >= end), "expired");
    found.when(!state.user_is_active, "inactive-user");
    found.when(matches!(state.bot, Some((false, _))), "bot-stopped");
    found.when(state.status == "paused", "paused");
    found.when(!["active", "paused"].contains(&state.status), "connection-deleted");
}

pub fn is_dry(state: &State, class: Class) -> bool {
    state.limits.dry_run && [Class::Public, Class::Read, Class::Trade].contains(&class)
}

fn limits_networks(state: &State) -> Option<&[&'static str]> {
    state.networks.as_deref()
}

/// Every order is of a market on the list.
fn only(found: &mut Found, definition: &Definition, reading: &Reading, list: &[String]) {
    let Reading::Orders(orders) = reading else { return found.when(true, "symbol") };
    for order in orders {
        match market::is_on(definition, &order.symbol, list) {
            Is::Surely => {}
            Is::Perhaps => found.perhaps("symbol"),
            Is::Not => found.when(true, "symbol"),
        }
    }
}

/// No order is of a market on the list.
fn none(found: &mut Found, definition: &Definition, reading: &Reading, list: &[String]) {
    let Reading::Orders(orders) = reading else { return found.when(true, "symbol") };
    for order in orders {
        match market::is_on(definition, &order.symbol, list) {
            Is::Surely => found.when(true, "symbol"),
            Is::Perhaps => found.perhaps("symbol"),
            Is::Not => {}
        }
    }
}

/// What is borrowed is known, and not above the limit; under a limit of one nothing is.
fn is_within(leverage: Leverage, limit: Option<Decimal>) -> bool {
    let Some(limit) = limit else { return true };
    match leverage {
        Leverage::None => true,
        Leverage::Sets(times) => times <= limit || times <= Decimal::ONE,
        Leverage::Borrows(Some(times)) => limit > Decimal::ONE && times <= limit,
        Leverage::Borrows(None) | Leverage::Unknown => false,
    }
}

fn money(found: &mut Found, state: &State, past: &Past, definition: &Definition, request: &Request) {
    match request.reading() {
        Reading::Orders(orders) => trades(found, state, past, definition, (request, orders)),
        Reading::Withdrawal(_) => withdraws(found, state, past, definition, request),
        Reading::Unpriceable(_) => {
            found.when(request.class() == Class::Trade && limits_trades(state), "unpriceable");
        }
        Reading::Cancel { .. } | Reading::NotMoney => {}
    }
}

fn trades(
    found: &mut Found,
    state: &State,
    past: &Past,
    definition: &Definition,
    (request, orders): (&Request, &[Order]),
) {
    let limits = &state.limits;
    if !limits_trades(state) {
        return;
    }
    let Some(prices) = &state.prices else { return found.when(true, "no-price") };
    let worths: Vec<Worth> = orders.iter().map(|order| worth::order(definition, prices, order)).collect();
    for own in &worths {
        match own {
            Worth::Unknown => found.when(true, "no-price"),
            Worth::TooMuch => found.when(true, "unpriceable"),
            Worth::Usd(usd) => found.above(*usd, limits.max_trade_amount_usd, "max-trade"),
        }
    }
    let total: Decimal = worths.iter().filter_map(|own| own.usd()).sum();
    found.above(past.used.trade_day + total, limits.max_daily_trade_volume_usd, "max-daily-trades");
    let known = orders.iter().zip(&worths).filter_map(|(order, own)| Some((order, own.usd()?)));
    let bought = known.filter_map(|(order, usd)| Some((worth::buys(definition, order)?, usd)));
    let bought: Vec<(String, Decimal)> = bought.collect();
    if limits.max_position_size.is_some() && !bought.is_empty() {
        let is_seen = !definition.open_orders_miss(request) && request.leverage() == Leverage::None;
        found.when(!is_seen, "max-position");
    }
    for (asset, _) in bought.iter().filter(|_| limits.max_position_size.is_some()) {
        found.when(state.unknown.contains(&asset.as_str()), "max-position");
        let own: Decimal = bought.iter().filter(|other| other.0 == *asset).map(|other| other.1).sum();
        match state.leads_to(prices, asset, &past.bought) {
            Some(before) => found.above(before + own, limits.max_position_size, "max-position"),
            None => found.when(true, "no-price"),
        }
    }
}

fn withdraws(found: &mut Found, state: &State, past: &Past, definition: &Definition, request: &Request) {
    let limits = &state.limits;
    match withdrawn(state, definition, request) {
        Worth::Usd(usd) => {
            found.above(usd, limits.max_withdrawal_amount_usd, "max-withdrawal");
            let (day, month) = (past.used.withdraw_day + usd, past.used.withdraw_month + usd);
            found.above(day, limits.max_daily_withdrawal_usd, "max-daily-withdrawals");
            found.above(day, limits.daily_withdraw_limit, "max-daily-withdrawals");
            found.above(month, limits.monthly_withdraw_limit, "max-monthly-withdrawals");
        }
        Worth::Unknown => found.when(limits_withdrawals(state), "no-price"),
        Worth::TooMuch => found.when(limits_withdrawals(state), "unpriceable"),
    }
}

fn limits_trades(state: &State) -> bool {
    let limits = &state.limits;
    limits.max_trade_amount_usd.is_some()
        || limits.max_daily_trade_volume_usd.is_some()
        || limits.max_position_size.is_some()
}

fn limits_withdrawals(state: &State) -> bool {
    let limits = &state.limits;
    limits.max_withdrawal_amount_usd.is_some()
        || limits.max_daily_withdrawal_usd.is_some()
        || limits.daily_withdraw_limit.is_some()
        || limits.monthly_withdraw_limit.is_some()
}

fn withdrawn(state: &State, definition: &Definition, request: &Request) -> Worth {
    match (&state.prices, request.reading()) {
        (Some(prices), Reading::Withdrawal(own)) => {
            worth::amount(prices, definition.usual_asset(&own.asset), own.amount)
        }
        _ => Worth::Unknown,
    }
}

/// What is used of the windows once the call was let through.
pub fn used_after(state: &State, used: Used, definition: &Definition, request: &Request) -> Used {
    let is_watched = |limits: bool| limits || state.limits.stop_loss_percentage.is_some();
    match (request.reading(), &state.prices) {
        (Reading::Orders(orders), Some(prices)) if limits_trades(state) => {
            let usd = orders.iter().filter_map(|order| worth::order(definition, prices, order).usd());
            Used { trade_day: used.trade_day + usd.sum::<Decimal>(), ..used }
        }
        // what leaves is counted where losses are limited too
        (Reading::Withdrawal(_), _) if is_watched(limits_withdrawals(state)) => {
            let usd = withdrawn(state, definition, request).usd().unwrap_or_default();
            let (withdraw_day, withdraw_month) = (used.withdraw_day + usd, used.withdraw_month + usd);
            Used { withdraw_day, withdraw_month, ..used }
        }
        _ => used,
    }
}

/// Whether an address is in one of the networks. No list: from anywhere. IPv4 inside IPv6 is IPv4.
fn covers(networks: Option<&[&'static str]>, ip: IpAddr) -> bool {
    let Some(networks) = networks else { return true };
    networks.iter().any(|network| {
        let (address, length) = network.split_once('/').unwrap_or((network, "128"));
        let given: IpAddr = address.parse().expect("an address");
        let length: u32 = length.parse().expect("a length");
        let is_v4 = |ip: IpAddr| ip.to_canonical().is_ipv4();
        let whole = if given.is_ipv4() { 32 } else { 128 };
        let (network, own) = (bits(given), bits(ip));
        let ignored = whole - length.min(whole);
        is_v4(given) == is_v4(ip) && (ignored == 128 || network >> ignored == own >> ignored)
    })
}

/// As an address of IPv6.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip),
    }
}
