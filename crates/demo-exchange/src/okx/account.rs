//! The caller's account: balances, what the key may do, fees, the currencies with their chains, withdrawals.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Okx, Reply, need};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::Balance;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Okx>] = &[
    Route::signed("GET", "/api/v5/account/balance", Permission::Read, balance),
    Route::signed("GET", "/api/v5/account/config", Permission::Read, config),
    Route::signed("GET", "/api/v5/account/trade-fee", Permission::Read, trade_fee),
    Route::signed("GET", "/api/v5/asset/balances", Permission::Read, funding),
    Route::signed("GET", "/api/v5/asset/currencies", Permission::Read, currencies),
    Route::signed("POST", "/api/v5/asset/withdrawal", Permission::Withdraw, withdraw),
];

/// The caller's balances in the currencies that `ccy` lists, or in all.
fn balances(house: &House<Okx>, ask: &Ask, caller: &Entry) -> BTreeMap<String, Balance> {
    let wanted = ask.params.text("ccy");
    let listed = |asset: &str| wanted.as_ref().is_none_or(|list| list.split(',').any(|one| one == asset));
    let all = house.desk.floor.wallet(caller.account).iter();
    all.filter(|(asset, _)| listed(asset)).map(|(asset, balance)| (asset.to_owned(), balance)).collect()
}

fn balance(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    Ok(shown(&balances(house, ask, caller), ask.now))
}

/// Balances as the account shows them.
pub(super) fn shown(balances: &BTreeMap<String, Balance>, now: i64) -> Value {
    let time = now.to_string();
    let show = |(asset, balance): (&String, &Balance)| {
        json!({
            "ccy": asset, "eq": plain(balance.total()), "cashBal": plain(balance.total()), "uTime": time,
            "availBal": plain(balance.free), "frozenBal": plain(balance.locked),
            "ordFrozen": plain(balance.locked), "availEq": "", "isoEq": "0", "upl": "0", "liab": "",
            "crossLiab": "", "interest": "", "spotInUseAmt": "", "stgyEq": "0", "eqUsd": "", "disEq": "",
        })
    };
    let details: Vec<_> = balances.iter().map(show).collect();
    json!([{ "uTime": time, "totalEq": "", "isoEq": "", "adjEq": "", "ordFroz": "", "imr": "", "mmr": "",
                "mgnRatio": "", "notionalUsd": "", "upl": "", "details": details }])
}

/// The same money as in the trading account: the two are one here.
fn funding(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    let show = |(asset, balance): (&String, &Balance)| {
        json!({ "ccy": asset, "bal": plain(balance.total()), "availBal": plain(balance.free),
                "frozenBal": plain(balance.locked) })
    };
    Ok(balances(house, ask, caller).iter().map(show).collect())
}

fn config(_: &mut House<Okx>, _: &Ask, caller: &Entry) -> Reply {
    let named = |permission: &Permission| match permission {
        Permission::Read => Some("read_only"),
        Permission::Trade => Some("trade"),
        Permission::Withdraw => Some("withdraw"),
        Permission::Transfer => None, // a part of trading
    };
    let words: Vec<_> = caller.key.permissions.iter().filter_map(named).collect();
    let ips: Vec<_> = caller.key.ips.iter().map(ToString::to_string).collect();
    let uid = (700_000_000 + caller.account).to_string();
    Ok(json!([{
        "acctLv": "1", "acctStpMode": "cancel_maker", "autoLoan": false, "ctIsoMode": "automatic",
        "enableSpotBorrow": false, "greeksType": "PA", "ip": ips.join(","), "kycLv": "2",
        "label": caller.key.name, "level": "Lv1", "levelTmp": "", "liquidationGear": "-1", "mainUid": uid,
        "mgnIsoMode": "automatic", "opAuth": "0", "perm": words.join(","), "posMode": "net_mode",
        "roleType": "0", "spotOffsetType": "", "spotRoleType": "0", "type": "0", "uid": uid,
    }]))
}

fn trade_fee(house: &mut House<Okx>, ask: &Ask, _: &Entry) -> Reply {
    let rate = plain(-house.desk.floor.fee_rate());
    Ok(json!([{ "instType": need(ask, "instType")?, "level": "Lv1", "maker": rate, "taker": rate,
                "ts": ask.now.to_string() }]))
}

/// The chains an asset moves on. Names are OKX's.
fn chains(asset: &str) -> Vec<String> {
    let names: &[&str] = match asset {
        "BTC" => &["Bitcoin"],
        "ETH" => &["ERC20"],
        _ => &["ERC20", "TRC20"],
    };
    names.iter().map(|name| format!("{asset}-{name}")).collect()
}

fn currencies(house: &mut House<Okx>, ask: &Ask, _: &Entry) -> Reply {
    let wanted = ask.params.text("ccy");
    let assets = house.desk.floor.assets().into_iter();
    let assets = assets.filter(|asset| wanted.as_deref().is_none_or(|wanted| wanted == *asset));
    Ok(assets.flat_map(|asset| chains(asset).into_iter().map(move |chain| currency(asset, &chain))).collect())
}

fn currency(asset: &str, chain: &str) -> Value {
    json!({
        "ccy": asset, "chain": chain, "name": asset, "logoLink": "", "canDep": true, "canWd": true,
        "canInternal": true, "minDep": "0.00000001", "minWd": plain(LEAST), "maxWd": "1000000", "wdTickSz": "8",
        "wdQuota": "1000000", "usedWdQuota": "0", "fee": "0.0001", "minFee": "0.0001", "maxFee": "0.0001",
        "mainNet": chains(asset).first().is_some_and(|main| main == chain), "needTag": false,
        "minDepArrivalConfirm": "1", "minWdUnlockConfirm": "2", "burningFeeRate": "", "depQuotaFixed": "",
    })
}

/// The least that can be withdrawn.
const LEAST: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

fn withdraw(house: &mut House<Okx>, ask: &Ask, caller: &Entry) -> Reply {
    let asset = need(ask, "ccy")?;
    let address = need(ask, "toAddr")?;
    need(ask, "amt")?;
    let amount = ask.params.decimal("amt").filter(|amount| amount.scale() <= 8);
    let amount = amount.ok_or_else(|| Error::parameter("amt"))?;
    let known = house.desk.floor.assets().contains(asset.as_str());
    let chain = ask.params.text("chain");
    let moves = chain.as_ref().is_none_or(|chain| chains(&asset).contains(chain));
    match (known, moves, need(ask, "dest")?.as_str()) {
        (false, ..) => return Err(Error::parameter("ccy")),
        (_, false, _) => return Err(Error::parameter("chain")),
        (_, _, "3" | "4") if amount < LEAST => return Err(Error::WITHDRAWAL_SMALL),
        (_, _, "3" | "4") => {}
        _ => return Err(Error::parameter("dest")),
    }
    let withdrawal = Withdrawal { account: caller.account, asset: asset.clone(), amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::WITHDRAWAL_BALANCE)?;
    Ok(json!([{ "amt": plain(amount), "wdId": number.to_string(), "ccy": asset, "chain": chain,
                "clientId": ask.params.text("clientId").unwrap_or_default() }]))
}
