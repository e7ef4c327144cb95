//! The caller's account: balances, fees, the coins with their networks, withdrawals.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Mexc, Reply, need};
use crate::amount::plain;
use crate::config::{Pair, Permission};
use crate::floor::Balance;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Mexc>] = &[
    Route::signed("GET", "/api/v3/account", Permission::Read, account),
    Route::signed("GET", "/api/v3/selfSymbols", Permission::Read, self_symbols),
    Route::signed("GET", "/api/v3/tradeFee", Permission::Read, trade_fee),
    Route::signed("GET", "/api/v3/capital/config/getall", Permission::Read, coins),
    Route::signed("POST", "/api/v3/capital/withdraw", Permission::Withdraw, withdraw),
];

/// `canTrade` and `canWithdraw` are about the account, not about the key.
fn account(house: &mut House<Mexc>, _: &Ask, caller: &Entry) -> Reply {
    let show = |(asset, balance): (&str, Balance)| {
        json!({ "asset": asset, "free": plain(balance.free), "locked": plain(balance.locked),
                "available": plain(balance.free) })
    };
    let balances: Vec<_> = house.desk.floor.wallet(caller.account).iter().map(show).collect();
    Ok(json!({ "makerCommission": null, "takerCommission": null, "buyerCommission": null,
               "sellerCommission": null, "canTrade": true, "canWithdraw": true, "canDeposit": true,
               "updateTime": null, "accountType": "SPOT", "balances": balances, "permissions": ["SPOT"] }))
}

fn self_symbols(house: &mut House<Mexc>, _: &Ask, _: &Entry) -> Reply {
    let symbols: Vec<_> = house.desk.floor.pairs.iter().map(Pair::symbol).collect();
    Ok(json!({ "code": 200, "data": symbols, "msg": null }))
}

fn trade_fee(house: &mut House<Mexc>, ask: &Ask, _: &Entry) -> Reply {
    house.asked_symbol(ask)?;
    let rate = house.desk.floor.fee_rate();
    Ok(json!({ "code": 0, "msg": "success", "timestamp": ask.now,
               "data": { "makerCommission": plain(rate), "takerCommission": plain(rate) } }))
}

/// The networks a coin moves on. Names are MEXC's.
fn networks(coin: &str) -> &'static [&'static str] {
    match coin {
        "BTC" => &["BTC"],
        "ETH" => &["ETH"],
        _ => &["ETH", "TRX"],
    }
}

/// The least that can be withdrawn.
const LEAST: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

fn coins(house: &mut House<Mexc>, _: &Ask, _: &Entry) -> Reply {
    Ok(house.desk.floor.assets().into_iter().map(coin).collect())
}

fn coin(coin: &str) -> Value {
    let network = |network: &&str| {
        json!({ "coin": coin, "depositDesc": null, "depositEnable": true, "minConfirm": 1, "name": coin,
                "network": network, "netWork": network, "withdrawEnable": true, "withdrawFee": "0.0001",
                "withdrawIntegerMultiple": null, "withdrawMax": "1000000", "withdrawMin": plain(LEAST),
                "sameAddress": false, "contract": "", "withdrawTips": null, "depositTips": null })
    };
    let list: Vec<_> = networks(coin).iter().map(network).collect();
    json!({ "coin": coin, "Name": coin, "name": coin, "networkList": list })
}

fn withdraw(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, address) = (need(&ask.params, "coin")?, need(&ask.params, "address")?);
    need(&ask.params, "amount")?;
    let amount = ask.params.decimal("amount").filter(|amount| *amount >= LEAST && amount.scale() <= 8);
    let amount = amount.ok_or(Error::WITHDRAWAL_AMOUNT)?;
    if !house.desk.floor.assets().contains(asset.as_str()) {
        return Err(Error::WITHDRAWAL_COIN);
    }
    let network = ask.params.text("netWork");
    if network.is_some_and(|network| !networks(&asset).contains(&network.as_str())) {
        return Err(Error::parameter("netWork"));
    }
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::WITHDRAWAL_BALANCE)?;
    Ok(json!({ "id": format!("{number:032x}") }))
}
