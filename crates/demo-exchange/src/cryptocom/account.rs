//! Balances, currencies, fees, the customer's trades and withdrawals.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::{Cryptocom, Reply, instrument, integer, limit, optional_pair, pair, told};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Balance, Fill, Floor, Order};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Cryptocom>] = &[
    Route::signed("POST", "/exchange/v1/private/user-balance", Permission::Read, balance),
    Route::signed("POST", "/exchange/v1/private/get-currency-networks", Permission::Read, networks),
    Route::signed("POST", "/exchange/v1/private/get-fee-rate", Permission::Read, fee_rate),
    Route::signed(
        "POST",
        "/exchange/v1/private/get-instrument-fee-rate",
        Permission::Read,
        instrument_fee_rate,
    ),
    Route::signed("POST", "/exchange/v1/private/get-trades", Permission::Read, trades),
    Route::signed("POST", "/exchange/v1/private/create-withdrawal", Permission::Withdraw, withdraw),
    Route::signed("POST", "/exchange/v1/private/get-withdrawal-history", Permission::Read, withdrawals),
];

fn balance(house: &mut House<Cryptocom>, _: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let value = |asset: &str, held: Balance| held.total() * price(floor, asset);
    let held = || floor.wallet(caller.account).iter();
    let total: Decimal = held().map(|(asset, balance)| value(asset, balance)).sum();
    let row = |(asset, balance): (&str, Balance)| {
        json!({
            "instrument_name": asset, "quantity": plain(balance.total()), "reserved_qty": plain(balance.locked),
            "market_value": plain(value(asset, balance)), "collateral_amount": plain(value(asset, balance)),
            "collateral_weight": "1", "max_withdrawal_balance": plain(balance.free),
        })
    };
    let rows: Vec<Value> = held().map(row).collect();
    Ok(json!({ "data": [{
        "instrument_name": "USD", "total_available_balance": plain(total), "total_cash_balance": plain(total),
        "total_collateral_value": plain(total), "total_margin_balance": plain(total), "total_initial_margin": "0",
        "position_balances": rows,
    }] }))
}

/// What one of an asset is worth in the quote asset.
fn price(floor: &Floor, asset: &str) -> Decimal {
    let pair = floor.pairs.iter().position(|pair| pair.base == asset);
    pair.map_or(Decimal::ONE, |pair| floor.last_price(pair))
}

fn networks(house: &mut House<Cryptocom>, ask: &Ask, _: &Entry) -> Reply {
    let shown = |asset: &str| {
        let network = network(asset);
        json!({
            "full_name": asset, "default_network": network,
            "network_list": [{
                "network_id": network, "withdrawal_fee": "0", "withdraw_enabled": true,
                "min_withdrawal_amount": "0.00000001", "deposit_enabled": true, "confirmation_required": 12,
            }],
        })
    };
    let assets = house.desk.floor.assets();
    let map: Map<String, Value> = assets.into_iter().map(|asset| (asset.to_owned(), shown(asset))).collect();
    Ok(json!({ "update_time": ask.now, "currency_map": map }))
}

fn network(asset: &str) -> &str {
    if asset == "BTC" { "BTC" } else { "ETH" }
}

/// A rate in basis points.
fn bps(rate: Decimal) -> String {
    plain(rate * Decimal::from(10_000))
}

fn fee_rate(house: &mut House<Cryptocom>, _: &Ask, _: &Entry) -> Reply {
    let rate = bps(house.desk.floor.fee_rate());
    Ok(json!({
        "spot_tier": "1", "effective_spot_maker_rate_bps": rate, "effective_spot_taker_rate_bps": rate,
    }))
}

fn instrument_fee_rate(house: &mut House<Cryptocom>, ask: &Ask, _: &Entry) -> Reply {
    let pair = pair(house, &told(ask))?;
    let (name, rate) = (instrument(&house.desk.floor.pairs[pair]), bps(house.desk.floor.fee_rate()));
    Ok(json!({ "instrument_name": name, "effective_maker_rate_bps": rate, "effective_taker_rate_bps": rate }))
}

/// The caller's fills of a time, newest first.
fn trades(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let params = told(ask);
    let pair = optional_pair(house, &params)?;
    let time =
        integer(&params, "start_time")?.unwrap_or(0)..integer(&params, "end_time")?.unwrap_or(i64::MAX);
    let limit = limit(&params, "limit", 100, 100)?;
    let floor = &house.desk.floor;
    let fits = |(order, fill): &(&Order, &Fill)| {
        pair.is_none_or(|pair| order.pair == pair) && time.contains(&fill.at_ms)
    };
    let fills = floor.fills(caller.account).filter(fits);
    let shown: Vec<Value> = fills.take(limit).map(|(order, fill)| trade(floor, order, fill)).collect();
    Ok(json!({ "data": shown }))
}

/// A fee is an amount that went out, so it is negative.
fn trade(floor: &Floor, order: &Order, fill: &Fill) -> Value {
    json!({
        "account_id": "demo", "journal_type": "TRADING", "instrument_name": instrument(&floor.pairs[order.pair]),
        "order_id": order.id.to_string(), "client_oid": order.client_id, "side": order.side.as_upper(),
        "trade_id": fill.trade_id.to_string(), "trade_match_id": fill.trade_id.to_string(),
        "traded_price": plain(fill.price), "traded_quantity": plain(fill.quantity), "fees": plain(-fill.fee),
        "fee_instrument_name": fill.fee_asset, "taker_side": if fill.maker { "MAKER" } else { "TAKER" },
        "create_time": fill.at_ms,
    })
}

fn withdraw(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let params = told(ask);
    let asset = params.text("currency").ok_or(Error::MISSING)?;
    let address = params.text("address").ok_or(Error::MISSING)?;
    let amount = params.decimal("amount").filter(|amount| !amount.is_zero()).ok_or(Error::MISSING)?;
    if !house.desk.floor.assets().contains(asset.as_str()) {
        return Err(Error::CURRENCY);
    }
    if params.text("network_id").is_some_and(|told| told != network(&asset)) {
        return Err(Error::REQUEST);
    }
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    let id = house.desk.withdraw(withdrawal.clone()).ok_or(Error::BALANCE)?;
    let mut shown = withdrawn(id, &withdrawal, ask.now);
    shown["client_wid"] = params.text("client_wid").unwrap_or_default().into();
    Ok(shown)
}

fn withdrawn(id: usize, withdrawal: &Withdrawal, now: i64) -> Value {
    json!({
        "id": id.to_string(), "currency": withdrawal.asset, "amount": plain(withdrawal.amount), "fee": "0",
        "address": withdrawal.address, "network_id": network(&withdrawal.asset), "create_time": now, "client_wid": "",
        "status": "5", "txid": "",
    })
}

fn withdrawals(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let numbered = house.desk.withdrawals.iter().zip(1..);
    let own = numbered.filter(|(withdrawal, _)| withdrawal.account == caller.account);
    let shown: Vec<Value> = own.map(|(withdrawal, id)| withdrawn(id, withdrawal, ask.now)).collect();
    Ok(json!({ "withdrawal_list": shown }))
}
