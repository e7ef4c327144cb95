//! What a key is and has: permissions, balances, transfers to the futures account, withdrawals.

use rust_decimal::Decimal;
use serde_json::json;

use super::error::Error;
use super::public::chain;
use super::{Bitget, Reply, pair};
use crate::amount::plain;
use crate::config::Permission::{Read, Trade, Transfer, Withdraw};
use crate::floor::Balance;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Bitget>] = &[
    // Clients ask this to learn whether the account is a unified one.
    Route::signed("GET", "/api/v3/account/settings", Read, |_, _, _| Err(Error::CLASSIC)),
    Route::signed("GET", "/api/v2/spot/account/info", Read, info),
    Route::signed("GET", "/api/v2/spot/account/assets", Read, balances),
    Route::signed("GET", "/api/v2/common/trade-rate", Read, fee),
    Route::signed("POST", "/api/v2/spot/wallet/transfer", Transfer, transfer),
    Route::signed("POST", "/api/v2/spot/wallet/withdrawal", Withdraw, withdraw),
];

/// What the exchange says about the key itself. An `r` at the end of a word reads, a `w` writes.
fn info(_: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let words = [(Read, "stor"), (Read, "wtor"), (Trade, "stow"), (Transfer, "wtow"), (Withdraw, "wwow")];
    let held = words.into_iter().filter(|(permission, _)| caller.may(*permission));
    let ips: Vec<String> = caller.key.ips.iter().map(ToString::to_string).collect();
    Ok(json!({
        "userId": user_id(caller), "inviterId": "", "channelCode": "", "channel": "", "ips": ips.join(","),
        "authorities": held.map(|(_, word)| word).collect::<Vec<_>>(), "parentId": 0, "traderType": "not_trader",
        "regisTime": ask.now.to_string(),
    }))
}

pub(super) fn user_id(caller: &Entry) -> String {
    (1000 + caller.account).to_string()
}

fn balances(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let wanted = ask.params.text("coin");
    let balances = house.desk.floor.wallet(caller.account).iter();
    let balances = balances.filter(|(asset, _)| wanted.as_ref().is_none_or(|coin| coin == asset));
    let show = |(asset, balance): (&str, Balance)| {
        json!({
            "coin": asset, "available": plain(balance.free), "frozen": plain(balance.locked), "locked": "0",
            "limitAvailable": "0", "uTime": ask.now.to_string(),
        })
    };
    Ok(balances.map(show).collect())
}

fn fee(house: &mut House<Bitget>, ask: &Ask, _: &Entry) -> Reply {
    pair(house, ask)?;
    let rate = plain(house.desk.floor.fee_rate());
    Ok(json!({ "makerFeeRate": rate, "takerFeeRate": rate }))
}

/// The coin and the amount that money is moved of.
fn money(house: &House<Bitget>, ask: &Ask, amount: &str) -> Result<(String, Decimal), Error> {
    let coin = ask.params.text("coin").unwrap_or_default();
    if !house.desk.floor.assets().contains(coin.as_str()) {
        return Err(Error::COIN);
    }
    let amount = ask.params.decimal(amount).filter(|amount| !amount.is_zero()).ok_or(Error::PARAMETER)?;
    Ok((coin, amount))
}

fn transfer(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let (coin, amount) = money(house, ask, "amount")?;
    let kind = |name: &str| ask.params.text(name).unwrap_or_default();
    let (floor, account) = (&mut house.desk.floor, caller.account);
    let moved = match (kind("fromType").as_str(), kind("toType").as_str()) {
        ("spot", "usdt_futures") => floor.stow(account, &coin, amount),
        ("usdt_futures", "spot") => floor.fetch(account, &coin, amount),
        _ => return Err(Error::PARAMETER),
    };
    moved.map_err(|_| Error::BALANCE)?;
    Ok(json!({ "transferId": ask.now.to_string(), "clientOid": ask.params.text("clientOid") }))
}

fn withdraw(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let (coin, amount) = money(house, ask, "size")?;
    let on_chain = ask.params.text("transferType").as_deref() == Some("on_chain");
    if !on_chain || ask.params.text("chain").as_deref() != Some(chain(&coin)) {
        return Err(Error::PARAMETER);
    }
    let address = ask.params.text("address").ok_or(Error::PARAMETER)?;
    let withdrawal = Withdrawal { account: caller.account, asset: coin, amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::BALANCE)?;
    Ok(json!({ "orderId": number.to_string(), "clientOid": ask.params.text("clientOid") }))
}
