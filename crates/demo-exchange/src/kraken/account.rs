//! Balances, what a key may do, and withdrawals.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::name::{asset, asset_id};
use super::{Error, Kraken, Reply};
use crate::config::Permission;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Kraken>] = &[
    Route::signed("POST", "/0/private/Balance", Permission::Read, totals),
    Route::signed("POST", "/0/private/BalanceEx", Permission::Read, balances),
    Route::any_key("POST", "/0/private/GetApiKeyInfo", key_info),
    Route::signed("POST", "/0/private/Withdraw", Permission::Withdraw, withdraw),
];

fn totals(house: &mut House<Kraken>, _: &Ask, caller: &Entry) -> Reply {
    let balances = house.desk.floor.wallet(caller.account).iter();
    let shown = balances.map(|(asset, balance)| (asset_id(asset), amount(balance.total())));
    Ok(Value::Object(shown.collect()))
}

fn balances(house: &mut House<Kraken>, _: &Ask, caller: &Entry) -> Reply {
    let balances = house.desk.floor.wallet(caller.account).iter();
    let show = |total, locked| json!({ "balance": amount(total), "hold_trade": amount(locked) });
    let shown = balances.map(|(asset, balance)| (asset_id(asset), show(balance.total(), balance.locked)));
    Ok(Value::Object(shown.collect()))
}

fn amount(amount: Decimal) -> Value {
    format!("{amount:.10}").into()
}

fn key_info(_: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let permissions: Vec<&str> =
        caller.key.permissions.iter().flat_map(|permission| words(*permission)).copied().collect();
    Ok(json!({
        "apiKeyName": caller.key.name,
        "apiKey": caller.key.api_key,
        "nonce": ask.params.text("nonce"),
        "nonceWindow": 0,
        "permissions": permissions,
        "iban": "AA00 N84G DEMO XXXX",
        "validUntil": "0",
        "queryFrom": "0",
        "queryTo": "0",
        "createdTime": "0",
        "modifiedTime": "0",
        "ipAllowlist": caller.key.ips,
        "lastUsed": (ask.now / 1000).to_string(),
    }))
}

/// Kraken's finer words. Moving money between one's own wallets needs none of them.
fn words(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::Read => &["query-funds", "query-open-trades", "query-closed-trades", "query-ledger"],
        Permission::Trade => &["modify-trades", "close-trades"],
        Permission::Withdraw => &["withdraw-funds"],
        Permission::Transfer => &[],
    }
}

/// `key` names an address that is saved at Kraken; here every name is one.
fn withdraw(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let name = ask.params.text("asset").ok_or_else(|| Error::argument("asset"))?;
    let asset = asset(&house.desk.floor, &name).ok_or(Error::FUNDING_ASSET)?.to_owned();
    let address = ask.params.text("key").ok_or(Error::WITHDRAW_KEY)?;
    let amount = ask.params.decimal("amount").filter(|amount| !amount.is_zero()).ok_or(Error::AMOUNT)?;
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::AMOUNT)?;
    Ok(json!({ "refid": format!("ADEMOX-WITHDR-{number:06}") }))
}
