//! Balances, what a key may do, fees.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::show::{is_fiat, user_id};
use super::{Coinbase, Reply};
use crate::amount::plain;
use crate::config::Permission::{self, Read};
use crate::floor::{AccountId, Balance};
use crate::house::{Ask, House, Route};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Coinbase>] = &[
    Route::signed("GET", "/api/v3/brokerage/accounts", Read, accounts),
    Route::signed("GET", "/api/v3/brokerage/accounts/*", Read, one),
    Route::signed("GET", "/api/v3/brokerage/key_permissions", Read, key_permissions),
    Route::signed("GET", "/api/v3/brokerage/portfolios", Read, portfolios),
    Route::signed("GET", "/api/v3/brokerage/transaction_summary", Read, transaction_summary),
    Route::signed("GET", "/v2/accounts", Read, old_accounts),
    Route::signed("GET", "/v2/accounts/*", Read, old_one),
];

/// Every asset of a customer is an account of its own; its id ends in the asset's letters.
pub(super) fn account_id(account: AccountId, asset: &str) -> String {
    let letters: String = asset.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("c01b0002-0000-4000-{account:04x}-{letters:0>12}")
}

/// The asset of the account that the path names; `/v2` takes an asset's name as well.
pub(super) fn named(house: &House<Coinbase>, ask: &Ask, caller: &Entry) -> Result<(String, Balance), Error> {
    let name = ask.rest.first().map(String::as_str).unwrap_or_default();
    let mut wallet = house.desk.floor.wallet(caller.account).iter();
    let is = |asset: &str| asset == name || account_id(caller.account, asset) == name;
    let found = wallet.find(|(asset, _)| is(asset)).ok_or(Error::NotFound)?;
    Ok((found.0.to_owned(), found.1))
}

fn accounts(house: &mut House<Coinbase>, _: &Ask, caller: &Entry) -> Reply {
    let wallet = house.desk.floor.wallet(caller.account);
    let shown: Vec<Value> = wallet.iter().map(|(asset, held)| shown(caller, asset, held)).collect();
    Ok(json!({ "size": shown.len(), "accounts": shown, "has_next": false, "cursor": "" }))
}

fn one(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, held) = named(house, ask, caller)?;
    Ok(json!({ "account": shown(caller, &asset, held) }))
}

fn shown(caller: &Entry, asset: &str, held: Balance) -> Value {
    json!({
        "uuid": account_id(caller.account, asset), "name": format!("{asset} Wallet"), "currency": asset,
        "available_balance": { "value": plain(held.free), "currency": asset }, "default": true, "active": true,
        "created_at": CREATED, "updated_at": CREATED, "deleted_at": null,
        "type": if is_fiat(asset) { "ACCOUNT_TYPE_FIAT" } else { "ACCOUNT_TYPE_CRYPTO" }, "ready": true,
        "hold": { "value": plain(held.locked), "currency": asset },
        "retail_portfolio_id": user_id(caller.account),
    })
}

const CREATED: &str = "2023-01-01T00:00:00Z";

/// The app's API knows one amount per account, what is free.
fn old_accounts(house: &mut House<Coinbase>, _: &Ask, caller: &Entry) -> Reply {
    let wallet = house.desk.floor.wallet(caller.account);
    let shown: Vec<Value> = wallet.iter().map(|(asset, held)| old_shown(caller, asset, held)).collect();
    let pagination = json!({ "ending_before": null, "starting_after": null, "next_starting_after": null,
                             "previous_ending_before": null, "limit": 250, "order": "desc", "previous_uri": null,
                             "next_uri": null });
    Ok(json!({ "pagination": pagination, "data": shown }))
}

fn old_one(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, held) = named(house, ask, caller)?;
    Ok(json!({ "data": old_shown(caller, &asset, held) }))
}

fn old_shown(caller: &Entry, asset: &str, held: Balance) -> Value {
    let (id, kind) = (account_id(caller.account, asset), if is_fiat(asset) { "fiat" } else { "crypto" });
    json!({
        "id": id, "name": format!("{asset} Wallet"), "primary": false,
        "type": if is_fiat(asset) { "fiat" } else { "wallet" },
        "currency": { "code": asset, "name": asset, "exponent": 8, "type": kind },
        "balance": { "amount": plain(held.free), "currency": asset }, "created_at": CREATED, "updated_at": CREATED,
        "resource": "account", "resource_path": format!("/v2/accounts/{id}"), "allow_deposits": true,
        "allow_withdrawals": true,
    })
}

/// Transfer is the scope of everything that moves money away.
fn key_permissions(_: &mut House<Coinbase>, _: &Ask, caller: &Entry) -> Reply {
    Ok(json!({
        "can_view": caller.may(Permission::Read), "can_trade": caller.may(Permission::Trade),
        "can_transfer": caller.may(Permission::Withdraw), "portfolio_uuid": user_id(caller.account),
        "portfolio_type": "DEFAULT",
    }))
}

fn portfolios(_: &mut House<Coinbase>, _: &Ask, caller: &Entry) -> Reply {
    let only = json!({ "name": caller.account_name, "uuid": user_id(caller.account), "type": "DEFAULT",
                       "deleted": false });
    Ok(json!({ "portfolios": [only] }))
}

fn transaction_summary(house: &mut House<Coinbase>, _: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let traded: Decimal = floor.orders(caller.account).map(|order| order.filled_quote).sum();
    let rate = plain(floor.fee_rate());
    Ok(json!({
        "total_volume": traded, "total_fees": traded * floor.fee_rate(),
        "fee_tier": { "pricing_tier": "Advanced 1", "usd_from": "0", "usd_to": "1000", "taker_fee_rate": rate,
                      "maker_fee_rate": rate, "aop_from": "", "aop_to": "" },
        "margin_rate": null, "goods_and_services_tax": null, "advanced_trade_only_volume": traded,
        "advanced_trade_only_fees": traded * floor.fee_rate(), "coinbase_pro_volume": 0, "coinbase_pro_fees": 0,
    }))
}
