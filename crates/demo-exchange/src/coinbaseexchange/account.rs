//! Balances, fees and withdrawals.

use serde_json::{Value, json};

use super::{CoinbaseExchange, Error, Reply, exact, short};
use crate::config::Permission;
use crate::floor::{AccountId, Balance};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<CoinbaseExchange>] = &[
    Route::signed("GET", "/accounts", Permission::Read, list),
    Route::signed("GET", "/accounts/*", Permission::Read, one),
    Route::signed("GET", "/fees", Permission::Read, fees),
    Route::signed("POST", "/withdrawals/crypto", Permission::Withdraw, withdraw),
];

/// One account for each asset.
fn accounts(house: &House<CoinbaseExchange>, account: AccountId) -> impl Iterator<Item = Value> {
    let balances = house.desk.floor.wallet(account).iter().enumerate();
    balances.map(move |(place, (asset, balance))| show(account, place, asset, balance))
}

fn show(account: AccountId, place: usize, asset: &str, balance: Balance) -> Value {
    json!({
        "id": format!("0acc0000-0000-4000-8000-{:012x}", account * 4096 + place),
        "currency": asset,
        "balance": exact(balance.total()),
        "hold": exact(balance.locked),
        "available": exact(balance.free),
        "profile_id": format!("00000000-0000-4000-8000-{account:012x}"),
        "trading_enabled": true,
    })
}

fn list(house: &mut House<CoinbaseExchange>, _: &Ask, caller: &Entry) -> Reply {
    Ok(accounts(house, caller.account).collect())
}

fn one(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    accounts(house, caller.account).find(|account| account["id"] == ask.rest[0]).ok_or(Error::NOT_FOUND)
}

fn fees(house: &mut House<CoinbaseExchange>, _: &Ask, _: &Entry) -> Reply {
    let rate = house.desk.floor.fee_rate().to_string();
    Ok(json!({ "maker_fee_rate": rate, "taker_fee_rate": rate, "usd_volume": "0.00" }))
}

fn withdraw(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    let currency = ask.params.text("currency").unwrap_or_default();
    let crypto = house.desk.floor.assets().contains(&currency.as_str()) && currency != "USD";
    if !crypto {
        return Err(Error::argument("currency"));
    }
    let amount = ask.params.decimal("amount").filter(|amount| !amount.is_zero());
    let amount = amount.ok_or(Error::argument("amount"))?;
    let address = ask.params.text("crypto_address").ok_or(Error::argument("crypto_address"))?;
    let withdrawal = Withdrawal { account: caller.account, asset: currency.clone(), amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::FUNDS)?;
    Ok(json!({
        "id": format!("00000000-0000-4000-b000-{number:012x}"),
        "amount": short(amount),
        "currency": currency,
        "payout_at": null,
        "fee": "0.0",
        "subtotal": short(amount),
    }))
}
