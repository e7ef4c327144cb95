//! Balances, fees, the customer's trades and withdrawals.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::order::amount;
use super::{Bitstamp, Reply, fixed, pair};
use crate::amount::plain;
use crate::config::{Pair, Permission};
use crate::date::micros;
use crate::floor::{Balance, Fill, Order, Side};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Bitstamp>] = &[
    Route::signed("POST", "/api/v2/account_balances/", Permission::Read, balances),
    Route::signed("POST", "/api/v2/account_balances/*/", Permission::Read, balance),
    Route::signed("POST", "/api/v2/fees/trading/", Permission::Read, fees),
    Route::signed("POST", "/api/v2/fees/trading/*/", Permission::Read, fee),
    Route::signed("POST", "/api/v2/user_transactions/", Permission::Read, trades),
    Route::signed("POST", "/api/v2/user_transactions/*/", Permission::Read, trades),
    Route::signed("POST", "/api/v2/withdrawal-requests/", Permission::Read, withdrawals),
    Route::signed("POST", "/api/v2/btc_withdrawal/", Permission::Withdraw, |h, a, c| {
        withdraw(h, a, c, "BTC")
    }),
    Route::signed("POST", "/api/v2/eth_withdrawal/", Permission::Withdraw, |h, a, c| {
        withdraw(h, a, c, "ETH")
    }),
];

fn balances(house: &mut House<Bitstamp>, _: &Ask, caller: &Entry) -> Reply {
    Ok(house.desk.floor.wallet(caller.account).iter().map(|(asset, held)| shown(asset, held)).collect())
}

fn balance(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let name = ask.rest.first().map(|name| name.to_uppercase()).unwrap_or_default();
    let floor = &house.desk.floor;
    match floor.assets().contains(name.as_str()) {
        true => Ok(shown(&name, floor.wallet(caller.account).get(&name))),
        false => Err(Error::no_pair()),
    }
}

fn shown(asset: &str, held: Balance) -> Value {
    json!({
        "currency": asset.to_lowercase(), "total": fixed(held.total()), "available": fixed(held.free),
        "reserved": fixed(held.locked),
    })
}

fn fees(house: &mut House<Bitstamp>, _: &Ask, _: &Entry) -> Reply {
    let rate = house.desk.floor.fee_rate();
    Ok(house.desk.floor.pairs.iter().map(|pair| fee_of(pair, rate)).collect())
}

fn fee(house: &mut House<Bitstamp>, ask: &Ask, _: &Entry) -> Reply {
    let pair = pair(house, ask.rest.first())?;
    Ok(fee_of(&house.desk.floor.pairs[pair], house.desk.floor.fee_rate()))
}

/// Fees are told in percent.
fn fee_of(pair: &Pair, rate: Decimal) -> Value {
    let (market, percent) = (pair.symbol().to_lowercase(), format!("{:.5}", rate * Decimal::ONE_HUNDRED));
    json!({ "currency_pair": market, "market": market, "fees": { "maker": percent, "taker": percent } })
}

/// The caller's fills, newest first unless asked for otherwise.
fn trades(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.rest.first().map(|name| pair(house, Some(name))).transpose()?;
    let invalid = |_| Error::field("limit", "Enter a whole number.");
    let limit = ask.params.text("limit").map_or(Ok(100), |text| text.parse::<usize>()).map_err(invalid)?;
    let floor = &house.desk.floor;
    let fills = floor.fills(caller.account).filter(|(order, _)| pair.is_none_or(|pair| order.pair == pair));
    let mut fills: Vec<_> = fills.collect();
    if ask.params.text("sort").as_deref() == Some("asc") {
        fills.reverse();
    }
    Ok(fills
        .into_iter()
        .take(limit.min(1000))
        .map(|(order, fill)| trade(&floor.pairs[order.pair], order, fill))
        .collect())
}

/// What came in is positive, what went out negative, each by the name of its asset.
fn trade(pair: &Pair, order: &Order, fill: &Fill) -> Value {
    let cost = fill.price * fill.quantity;
    let (base, quote) = match order.side {
        Side::Buy => (fill.quantity, -cost),
        Side::Sell => (-fill.quantity, cost),
    };
    let name = |asset: &str| asset.to_lowercase();
    let mut shown = json!({
        "id": fill.trade_id, "order_id": order.id, "datetime": micros(fill.at_ms), "type": "2",
        "fee": fixed(fill.fee_in_quote(order.side)),
    });
    shown[format!("{}_{}", name(&pair.base), name(&pair.quote))] = plain(fill.price).into();
    shown[name(&pair.base)] = fixed(base).into();
    shown[name(&pair.quote)] = fixed(quote).into();
    shown
}

fn withdraw(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry, asset: &str) -> Reply {
    let amount = amount(&ask.params, "amount")?;
    let address =
        ask.params.text("address").ok_or_else(|| Error::field("address", "This field is required."))?;
    if address.len() < 25 {
        let text = format!("Ensure this value has at least 25 characters (it has {}).", address.len());
        return Err(Error::field("address", text));
    }
    if amount.is_zero() {
        return Err(Error::field("amount", "Ensure this value is greater than 0."));
    }
    let free = house.desk.floor.wallet(caller.account).get(asset).free;
    let withdrawal = Withdrawal { account: caller.account, asset: asset.to_owned(), amount, address };
    let short = || {
        format!("You have only {} {asset} available. Check your account balance for details.", fixed(free))
    };
    let id = house.desk.withdraw(withdrawal).ok_or_else(|| Error::all(short()))?;
    Ok(json!({ "id": id }))
}

fn withdrawals(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let numbered = house.desk.withdrawals.iter().zip(1..);
    let own = numbered.filter(|(withdrawal, _)| withdrawal.account == caller.account);
    let shown = |(withdrawal, id): (&Withdrawal, u64)| {
        json!({
            "id": id, "datetime": micros(ask.now), "type": 1, "status": 2, "currency": withdrawal.asset,
            "amount": fixed(withdrawal.amount), "address": withdrawal.address, "transaction_id": "",
        })
    };
    Ok(own.map(shown).collect())
}
