//! The wallet API: coins, withdrawals, transfers between the customer's own wallets.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::account::window;
use super::error::Error;
use super::public::fixed;
use super::{Access, Binance, Call, Reply, Route};
use crate::config::Permission;
use crate::floor::{AccountId, Short};

pub(super) static ROUTES: &[Route] = &[
    Route::get("/sapi/v1/capital/config/getall", 10, &[], Access::Signed(Permission::Read, coins)).lenient(),
    Route::get("/sapi/v1/margin/allPairs", 1, &[], Access::Keyed(nothing)).lenient(),
    Route::get("/sapi/v1/margin/isolated/allPairs", 1, &[], Access::Signed(Permission::Read, none)).lenient(),
    Route::get(
        "/sapi/v1/system/status",
        1,
        &[],
        Access::Public(|_, _, _| Ok(json!({ "status": 0, "msg": "normal" }))),
    ),
    Route::post("/sapi/v3/asset/getUserAsset", 5, &[], Access::Signed(Permission::Read, user_assets))
        .lenient(),
    Route::post("/sapi/v1/asset/get-funding-asset", 1, &[], Access::Signed(Permission::Read, funding))
        .lenient(),
    Route::get("/sapi/v1/asset/tradeFee", 1, &[], Access::Signed(Permission::Read, trade_fees)).lenient(),
    Route::post("/sapi/v1/asset/transfer", 1, &[], Access::Signed(Permission::Transfer, transfer)).lenient(),
    Route::post("/sapi/v1/capital/withdraw/apply", 1, &[], Access::Signed(Permission::Withdraw, withdraw))
        .lenient(),
    Route::get("/sapi/v1/capital/withdraw/history", 10, &[], Access::Signed(Permission::Read, withdrawals))
        .lenient(),
    Route::get("/sapi/v1/capital/deposit/hisrec", 1, &[], Access::Signed(Permission::Read, none)).lenient(),
    Route::get("/sapi/v1/sub-account/list", 1, &[], Access::Signed(Permission::Read, sub_accounts)).lenient(),
];

/// What left the spot wallets.
#[derive(Default)]
pub(super) struct Ledger {
    withdrawals: Vec<Withdrawal>,
    transfers: u64,
}

struct Withdrawal {
    account: AccountId,
    id: String,
    coin: String,
    network: String,
    address: String,
    tag: Option<String>,
    order_id: Option<String>,
    amount: Decimal,
    at_ms: i64,
}

/// Pretended network fee, in units of the coin.
const NETWORK_FEE: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

fn assets(binance: &Binance) -> Vec<String> {
    let pairs = binance.floor.pairs.iter();
    let mut assets: Vec<String> = pairs.flat_map(|pair| [pair.base.clone(), pair.quote.clone()]).collect();
    assets.sort();
    assets.dedup();
    assets
}

fn network(coin: &str) -> &str {
    if coin == "USDT" { "TRX" } else { coin }
}

fn coins(binance: &mut Binance, call: &Call) -> Reply {
    let wallet = binance.floor.wallet(call.caller.account);
    let coin = |coin: String| {
        let (balance, zero) = (wallet.get(&coin), fixed(Decimal::ZERO));
        json!({
            "coin": coin, "name": coin, "depositAllEnable": true, "withdrawAllEnable": true, "trading": true,
            "isLegalMoney": false, "free": fixed(balance.free), "locked": fixed(balance.locked),
            "freeze": zero, "withdrawing": zero, "ipoing": zero, "ipoable": zero, "storage": zero,
            "networkList": [{
                "network": network(&coin), "coin": coin, "name": network(&coin), "isDefault": true,
                "depositEnable": true, "withdrawEnable": true, "withdrawFee": NETWORK_FEE.to_string(),
                "withdrawMin": NETWORK_FEE.to_string(), "withdrawMax": "1000000",
                "withdrawIntegerMultiple": "0.00000001", "minConfirm": 1, "unLockConfirm": 1,
                "addressRegex": "", "memoRegex": "", "sameAddress": false,
            }],
        })
    };
    Ok(assets(binance).into_iter().map(coin).collect())
}

fn nothing(_: &Binance, _: &super::Params, _: i64) -> Reply {
    Ok(json!([]))
}

fn none(_: &mut Binance, _: &Call) -> Reply {
    Ok(json!([]))
}

/// Nobody has any.
fn sub_accounts(_: &mut Binance, _: &Call) -> Reply {
    Ok(json!({ "subAccounts": [] }))
}

fn user_assets(binance: &mut Binance, call: &Call) -> Reply {
    let only = call.params.get("asset")?;
    let wallet = binance.floor.wallet(call.caller.account);
    let shown = wallet
        .iter()
        .filter(|(asset, balance)| only.is_none_or(|only| only == *asset) && !balance.total().is_zero());
    let show = |(asset, balance): (&str, crate::floor::Balance)| {
        let zero = fixed(Decimal::ZERO);
        json!({ "asset": asset, "free": fixed(balance.free), "locked": fixed(balance.locked), "freeze": zero,
                "withdrawing": zero, "ipoable": zero, "btcValuation": zero })
    };
    Ok(shown.map(show).collect())
}

fn funding(binance: &mut Binance, call: &Call) -> Reply {
    let zero = fixed(Decimal::ZERO);
    let show = |(asset, balance): (&str, crate::floor::Balance)| {
        json!({ "asset": asset, "free": fixed(balance.free), "locked": zero, "freeze": zero,
                "withdrawing": zero, "btcValuation": zero })
    };
    Ok(binance
        .floor
        .pocket(call.caller.account)
        .into_iter()
        .flat_map(|pocket| pocket.iter())
        .map(show)
        .collect())
}

fn trade_fees(binance: &mut Binance, _: &Call) -> Reply {
    let rate = binance.floor.fee_rate().to_string();
    let fee = |symbol: String| json!({ "symbol": symbol, "makerCommission": rate, "takerCommission": rate });
    Ok(binance.floor.pairs.iter().map(|pair| fee(pair.symbol())).collect())
}

/// Between the spot wallet and the customer's other wallet; both stay on the exchange.
fn transfer(binance: &mut Binance, call: &Call) -> Reply {
    let direction = match call.params.need("type")? {
        "MAIN_FUNDING" | "MAIN_UMFUTURE" | "MAIN_CMFUTURE" | "MAIN_MARGIN" => Direction::Out,
        "FUNDING_MAIN" | "UMFUTURE_MAIN" | "CMFUTURE_MAIN" | "MARGIN_MAIN" => Direction::Back,
        _ => return Err(Error::data("type")),
    };
    let asset = call.params.need("asset")?;
    let amount = call.params.need_amount("amount")?;
    let account = call.caller.account;
    let moved = match direction {
        Direction::Out => binance.floor.stow(account, asset, amount),
        Direction::Back => binance.floor.fetch(account, asset, amount),
    };
    moved.map_err(|Short| Error::transfer_balance())?;
    binance.wallet.transfers += 1;
    Ok(json!({ "tranId": 13_000_000_000_u64 + binance.wallet.transfers }))
}

enum Direction {
    Back,
    Out,
}

fn withdraw(binance: &mut Binance, call: &Call) -> Reply {
    let coin = call.params.need("coin")?;
    let address = call.params.need("address")?;
    let amount = call.params.need_amount("amount")?;
    if !assets(binance).iter().any(|known| known == coin) {
        return Err(Error::coin_closed());
    }
    if amount <= NETWORK_FEE {
        return Err(Error::withdrawal_amount());
    }
    let account = call.caller.account;
    binance.floor.withdraw(account, coin, amount).map_err(|Short| Error::withdrawal_balance())?;
    let id = format!("{:032x}", 0xdead_0000 + binance.wallet.withdrawals.len() + 1);
    binance.wallet.withdrawals.push(Withdrawal {
        account,
        id: id.clone(),
        coin: coin.to_owned(),
        network: call.params.get("network")?.unwrap_or(network(coin)).to_owned(),
        address: address.to_owned(),
        tag: call.params.get("addressTag")?.map(str::to_owned),
        order_id: call.params.get("withdrawOrderId")?.map(str::to_owned),
        amount,
        at_ms: call.now,
    });
    Ok(json!({ "id": id }))
}

fn withdrawals(binance: &mut Binance, call: &Call) -> Reply {
    let (coin, order_id) = (call.params.get("coin")?, call.params.get("withdrawOrderId")?);
    let days = if order_id.is_some() { 7 } else { 90 };
    let earliest = call.now - days * 24 * 60 * 60 * 1000;
    if call
        .params
        .integer("startTime")?
        .is_some_and(|start| i64::try_from(start).is_ok_and(|ms| ms < earliest))
    {
        return Err(Error::interval_too_big(days * 24));
    }
    let within = window(call.params)?;
    let own = binance.wallet.withdrawals.iter().filter(|one| one.account == call.caller.account);
    let own = own.filter(|one| one.at_ms >= earliest && within(one.at_ms));
    let own = own.filter(|one| order_id.is_none_or(|id| one.order_id.as_deref() == Some(id)));
    let show = |one: &Withdrawal| -> Value {
        json!({
            "id": one.id, "amount": one.amount.to_string(), "transactionFee": NETWORK_FEE.to_string(),
            "coin": one.coin, "status": 6, "address": one.address, "addressTag": one.tag, "txId": one.id,
            "applyTime": one.at_ms.to_string(), "network": one.network, "transferType": 0,
            "withdrawOrderId": one.order_id, "confirmNo": 1, "walletType": 0,
        })
    };
    Ok(own.filter(|one| coin.is_none_or(|coin| one.coin == coin)).map(show).collect())
}
