//! What a key is and has: its whitelist and permissions, balances, transfers to futures, withdrawals.

use rust_decimal::Decimal;
use serde_json::json;

use super::error::Error;
use super::public::chain;
use super::{Gate, Reply, optional_pair, seconds};
use crate::amount::plain;
use crate::config::Permission::{Read, Trade, Transfer, Withdraw};
use crate::floor::Balance;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Gate>] = &[
    Route::signed("GET", "/api/v4/account/detail", Read, detail),
    Route::signed("GET", "/api/v4/account/main_keys", Read, keys),
    Route::signed("GET", "/api/v4/spot/accounts", Read, balances),
    Route::signed("GET", "/api/v4/wallet/fee", Read, fee),
    Route::signed("POST", "/api/v4/wallet/transfers", Transfer, transfer),
    Route::signed("POST", "/api/v4/withdrawals", Withdraw, withdraw),
];

fn user_id(caller: &Entry) -> usize {
    1000 + caller.account
}

fn whitelist(caller: &Entry) -> Vec<String> {
    caller.key.ips.iter().map(ToString::to_string).collect()
}

/// The account; of the key it tells the whitelists and that it is one of the classic mode.
fn detail(_: &mut House<Gate>, _: &Ask, caller: &Entry) -> Reply {
    Ok(json!({
        "user_id": user_id(caller), "ip_whitelist": whitelist(caller), "currency_pairs": [], "tier": 0,
        "key": { "mode": 1 }, "copy_trading_role": 0,
    }))
}

/// The keys of the account with their permissions. Gate lists them all; here the one that asks is enough.
fn keys(_: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let permission = |name: &str, writes| json!({ "name": name, "read_only": !caller.may(writes) });
    Ok(json!([{
        "state": 1, "mode": 1, "name": caller.key.name, "user_id": user_id(caller), "key": caller.key.api_key,
        "ip_whitelist": whitelist(caller), "currency_pairs": [], "created_at": ask.now / 1000,
        "updated_at": ask.now / 1000, "last_access": ask.now / 1000,
        "perms": [permission("spot", Trade), permission("wallet", Transfer), permission("withdraw", Withdraw)],
    }]))
}

fn balances(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let wanted = ask.params.text("currency");
    let balances = house.desk.floor.wallet(caller.account).iter();
    let balances = balances.filter(|(asset, _)| wanted.as_ref().is_none_or(|wanted| wanted == asset));
    let show = |(asset, balance): (&str, Balance)| {
        json!({ "currency": asset, "available": plain(balance.free), "locked": plain(balance.locked),
                "update_id": house.desk.floor.last_id() })
    };
    Ok(balances.map(show).collect())
}

fn fee(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    optional_pair(house, ask)?;
    let rate = plain(house.desk.floor.fee_rate());
    Ok(json!({
        "user_id": user_id(caller), "taker_fee": rate, "maker_fee": rate, "gt_discount": false,
        "gt_taker_fee": "0", "gt_maker_fee": "0", "loan_fee": "0", "point_type": "0",
        "futures_taker_fee": "0", "futures_maker_fee": "0",
    }))
}

/// The currency and the amount that money is moved of.
fn money(house: &House<Gate>, ask: &Ask) -> Result<(String, Decimal), Error> {
    let asset = ask.params.text("currency").unwrap_or_default();
    if !house.desk.floor.assets().contains(asset.as_str()) {
        return Err(Error::CURRENCY);
    }
    let amount = ask.params.decimal("amount").filter(|amount| !amount.is_zero()).ok_or(Error::AMOUNT)?;
    Ok((asset, amount))
}

fn transfer(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, amount) = money(house, ask)?;
    let place = |name: &str| ask.params.text(name).unwrap_or_default();
    let (floor, account) = (&mut house.desk.floor, caller.account);
    let moved = match (place("from").as_str(), place("to").as_str()) {
        ("spot", "futures") => floor.stow(account, &asset, amount),
        ("futures", "spot") => floor.fetch(account, &asset, amount),
        _ => return Err(Error::ACCOUNT),
    };
    moved.map_err(|_| Error::BALANCE)?;
    Ok(json!({ "tx_id": ask.now }))
}

fn withdraw(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, amount) = money(house, ask)?;
    let network = ask.params.text("chain").filter(|network| network == chain(&asset)).ok_or(Error::CHAIN)?;
    let address = ask.params.text("address").ok_or(Error::DESTINATION)?;
    let withdrawal =
        Withdrawal { account: caller.account, asset: asset.clone(), amount, address: address.clone() };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::BALANCE)?;
    Ok(json!({
        "id": format!("w{number}"), "timestamp": seconds(ask.now), "currency": asset, "address": address,
        "txid": "", "amount": plain(amount), "fee": "0", "memo": ask.params.text("memo").unwrap_or_default(),
        "withdraw_order_id": ask.params.text("withdraw_order_id").unwrap_or_default(), "status": "REQUEST",
        "chain": network,
    }))
}
