//! What a key may read about its account.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::param::Params;
use super::public::{fixed, pair};
use super::{Access, Binance, Call, Reply, Route};
use crate::config::Permission;
use crate::floor::{Fill, Order, Side};

pub(super) static ROUTES: &[Route] = &[
    Route::get("/api/v3/account", 20, &["omitZeroBalances"], Access::Signed(Permission::Read, account)),
    Route::get("/api/v3/account/commission", 20, &["symbol"], Access::Signed(Permission::Read, commission)),
    Route::get("/api/v3/rateLimit/order", 40, &[], Access::Signed(Permission::Read, order_limits)),
    Route::get("/api/v3/myTrades", 20, MY_TRADES, Access::Signed(Permission::Read, my_trades)),
    Route::get("/sapi/v1/account/apiRestrictions", 1, &[], Access::Signed(Permission::Read, restrictions))
        .lenient(),
    Route::get("/sapi/v1/account/status", 1, &[], Access::Signed(Permission::Read, status)).lenient(),
    Route::get("/sapi/v1/account/apiTradingStatus", 1, &[], Access::Signed(Permission::Read, trading_status))
        .lenient(),
];

const MY_TRADES: &[&str] = &["symbol", "orderId", "startTime", "endTime", "fromId", "limit"];

fn account(binance: &mut Binance, call: &Call) -> Reply {
    let omit_zero = call.params.get("omitZeroBalances")?.is_some_and(|value| value == "true");
    let wallet = binance.floor.wallet(call.caller.account);
    let shown = wallet.iter().filter(|(_, balance)| !(omit_zero && balance.total().is_zero()));
    let balances: Vec<Value> = shown
        .map(|(asset, balance)| {
            json!({ "asset": asset, "free": fixed(balance.free), "locked": fixed(balance.locked) })
        })
        .collect();
    let rate = fixed(binance.floor.fee_rate());
    let points = binance.floor.fee_rate() * Decimal::from(10_000);
    Ok(json!({
        "makerCommission": points.normalize(), "takerCommission": points.normalize(),
        "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": { "maker": rate, "taker": rate, "buyer": fixed(Decimal::ZERO),
                             "seller": fixed(Decimal::ZERO) },
        "canTrade": true, "canWithdraw": true, "canDeposit": true, "brokered": false,
        "requireSelfTradePrevention": false, "preventSor": false,
        "updateTime": call.now, "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": call.caller.account,
    }))
}

fn commission(binance: &mut Binance, call: &Call) -> Reply {
    let pair = pair(binance, call.params)?;
    let (rate, none) = (fixed(binance.floor.fee_rate()), fixed(Decimal::ZERO));
    let zero = json!({ "maker": none, "taker": none, "buyer": none, "seller": none });
    Ok(json!({
        "symbol": binance.floor.pairs[pair].symbol(),
        "standardCommission": { "maker": rate, "taker": rate, "buyer": none, "seller": none },
        "specialCommission": zero, "taxCommission": zero,
        "discount": { "enabledForAccount": false, "enabledForSymbol": false, "discountAsset": "BNB",
                      "discount": none },
    }))
}

fn order_limits(_: &mut Binance, _: &Call) -> Reply {
    Ok(json!([
        { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100, "count": 0 },
        { "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000, "count": 0 },
    ]))
}

/// The fills of the caller's orders, oldest first.
fn my_trades(binance: &mut Binance, call: &Call) -> Reply {
    let pair = pair(binance, call.params)?;
    let order_id = call.params.integer("orderId")?;
    let limit = call.params.limit(500, 1000)?;
    let within = window(call.params)?;
    let orders = binance.floor.orders(call.caller.account);
    let orders = orders.filter(|order| order.pair == pair && order_id.is_none_or(|id| order.id == id));
    let fills = orders.flat_map(|order| order.fills.iter().map(move |fill| (order, fill)));
    let mut fills: Vec<_> = fills.filter(|(_, fill)| within(fill.at_ms)).collect();
    fills.sort_by_key(|(_, fill)| fill.trade_id);
    let latest = fills.len().saturating_sub(limit);
    let symbol = binance.floor.pairs[pair].symbol();
    Ok(fills[latest..].iter().map(|(order, fill)| my_trade(&symbol, order, fill)).collect())
}

/// `startTime` and `endTime` as a test.
pub(super) fn window(params: &Params) -> Result<impl Fn(i64) -> bool, super::Error> {
    let bound = |name, default| -> Result<i64, super::Error> {
        Ok(params.integer(name)?.map_or(default, |ms| i64::try_from(ms).unwrap_or(i64::MAX)))
    };
    let (start, end) = (bound("startTime", 0)?, bound("endTime", i64::MAX)?);
    Ok(move |ms| (start..=end).contains(&ms))
}

fn my_trade(symbol: &str, order: &Order, fill: &Fill) -> Value {
    json!({
        "symbol": symbol, "id": fill.trade_id, "orderId": order.id, "orderListId": -1,
        "price": fixed(fill.price), "qty": fixed(fill.quantity), "quoteQty": fixed(fill.price * fill.quantity),
        "commission": fixed(fill.fee), "commissionAsset": fill.fee_asset, "time": fill.at_ms,
        "isBuyer": order.side == Side::Buy, "isMaker": fill.maker, "isBestMatch": true,
    })
}

/// The exchange's own record of what a key may do.
fn restrictions(_: &mut Binance, call: &Call) -> Reply {
    let may = |permission| call.caller.may(permission);
    Ok(json!({
        "ipRestrict": !call.caller.key.ips.is_empty(),
        "createTime": 1_690_000_000_000_i64,
        "enableReading": may(Permission::Read),
        "enableWithdrawals": may(Permission::Withdraw),
        "enableInternalTransfer": may(Permission::Transfer),
        "permitsUniversalTransfer": may(Permission::Transfer),
        "enableSpotAndMarginTrading": may(Permission::Trade),
        "enableMargin": false,
        "enableFutures": false,
        "enableVanillaOptions": false,
        "enablePortfolioMarginTrading": false,
        "enableFixApiTrade": false,
        "enableFixReadOnly": false,
    }))
}

fn status(_: &mut Binance, _: &Call) -> Reply {
    Ok(json!({ "data": "Normal" }))
}

fn trading_status(_: &mut Binance, _: &Call) -> Reply {
    Ok(
        json!({ "data": { "isLocked": false, "plannedRecoverTime": 0, "triggerCondition": {}, "updateTime": 0 } }),
    )
}
