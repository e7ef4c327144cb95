//! The private calls of API 1.0. Its answers say `status` 0000 or why not, always with HTTP 200.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{Bithumb, Reply};
use crate::amount::plain;
use crate::config::Permission::{Read, Trade, Withdraw};
use crate::floor::{Balance, Fill, Force, NewOrder, Order, Side, Terms};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;
use crate::request::{Answer, Received};
use crate::upbit::error::Error;
use crate::upbit::order::{amount, check, side};
use crate::upbit::show::{self, order_id, parse_order_id};

pub(super) const ROUTES: &[Route<Bithumb>] = &[
    Route::signed("POST", "/info/account", Read, account),
    Route::signed("POST", "/info/balance", Read, balance),
    Route::signed("POST", "/info/orders", Read, open),
    Route::signed("POST", "/info/order_detail", Read, detail),
    Route::signed("POST", "/trade/place", Trade, place),
    Route::signed("POST", "/trade/market_buy", Trade, market_buy),
    Route::signed("POST", "/trade/market_sell", Trade, market_sell),
    Route::signed("POST", "/trade/cancel", Trade, cancel),
    Route::signed("POST", "/trade/btc_withdrawal", Withdraw, withdraw),
];

pub(super) fn speaks(request: &Received) -> bool {
    ["/public/", "/info/", "/trade/"].iter().any(|start| request.path.starts_with(start))
}

pub(super) fn success(body: Value) -> Answer {
    let mut fields = Map::from_iter([("status".to_owned(), json!("0000"))]);
    if let Value::Object(more) = body {
        fields.extend(more);
    }
    Answer::json(200, &Value::Object(fields))
}

pub(super) fn refusal(error: Error, request: &Received) -> Answer {
    let (code, message) = match error {
        Error::Key | Error::Signature => ("5300", "Invalid Apikey"),
        Error::Payload => ("5100", "Bad Request.(Auth Data)"),
        Error::ExpiredToken => ("5100", "Bad Request.(Request Time)"),
        Error::Address => ("5302", "Method Not Allowed.(Access IP)"),
        Error::Scope => ("5302", "Method Not Allowed.(Access)"),
        Error::NoRoute => ("5100", "Bad Request(Bad Method)"),
        Error::Parameter | Error::Missing | Error::NoMarket => ("5500", "Invalid Parameter"),
        Error::NoOrder if request.path == "/info/orders" => ("5600", NOTHING_OPEN),
        other => ("5600", other.text()),
    };
    let status = match error {
        Error::NoRoute => 404,
        Error::TooMany => 429,
        _ => 200,
    };
    Answer::json(status, &json!({ "status": code, "message": message })).failed(code)
}

/// Clients know this text: to them it is no error, but an empty list.
const NOTHING_OPEN: &str = "거래 진행중인 내역이 존재하지 않습니다.";

/// The pair of `order_currency` and `payment_currency`.
fn pair(house: &House<Bithumb>, ask: &Ask) -> Result<usize, Error> {
    let base = ask.params.text("order_currency").ok_or(Error::Parameter)?;
    let quote = ask.params.text("payment_currency").unwrap_or_else(|| "KRW".to_owned());
    house.desk.floor.pair_of(&base, &quote).ok_or(Error::Parameter)
}

fn account(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let floor = &house.desk.floor;
    let pair = &floor.pairs[pair(house, ask)?];
    Ok(json!({ "data": {
        "created": "1700000000000", "account_id": caller.account_name, "order_currency": pair.base,
        "payment_currency": pair.quote, "trade_fee": plain(floor.fee_rate()),
        "balance": plain(floor.wallet(caller.account).get(&pair.base).total()),
    } }))
}

/// Of one currency and KRW, or of all.
fn balance(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let wanted = ask.params.text("currency").unwrap_or_else(|| "BTC".to_owned());
    let held = house.desk.floor.wallet(caller.account);
    let mut data = Map::new();
    for (asset, Balance { free, locked }) in held.iter() {
        if wanted == "ALL" || asset == "KRW" || asset == wanted {
            let asset = asset.to_lowercase();
            data.insert(format!("total_{asset}"), plain(free + locked).into());
            data.insert(format!("in_use_{asset}"), plain(locked).into());
            data.insert(format!("available_{asset}"), plain(free).into());
        }
    }
    Ok(json!({ "data": data }))
}

fn place(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let side = side(&ask.params, "type")?;
    let price = amount(&ask.params, "price")?.ok_or(Error::Parameter)?;
    let terms = Terms::Limit { price, quantity: units(ask)?, force: Force::GoodTillCancel };
    create(house, ask, caller, side, terms)
}

fn market_buy(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    create(house, ask, caller, Side::Buy, Terms::Market { quantity: units(ask)? })
}

fn market_sell(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    create(house, ask, caller, Side::Sell, Terms::Market { quantity: units(ask)? })
}

fn units(ask: &Ask) -> Result<Decimal, Error> {
    amount(&ask.params, "units")?.ok_or(Error::Parameter)
}

fn create(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry, side: Side, terms: Terms) -> Reply {
    let pair = pair(house, ask)?;
    let floor = &mut house.desk.floor;
    check(&floor.pairs[pair], side, &terms)?;
    let client_id = order_id(floor.last_id() + 1);
    let new = NewOrder { account: caller.account, pair, side, terms, client_id };
    let id = floor.place(new, ask.now).map_err(|refusal| Error::of(&refusal, side))?;
    Ok(json!({ "order_id": order_id(id) }))
}

/// The caller's order that the call names, in the pair it names.
fn asked<'a>(house: &'a House<Bithumb>, ask: &Ask, caller: &Entry) -> Result<&'a Order, Error> {
    let pair = pair(house, ask)?;
    let id = ask.params.text("order_id").ok_or(Error::Parameter)?;
    let order = parse_order_id(&id).and_then(|id| house.desk.floor.order(caller.account, id));
    order.filter(|order| order.pair == pair).ok_or(Error::NoOrder)
}

fn cancel(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let side = side(&ask.params, "type")?;
    let id = asked(house, ask, caller).ok().filter(|order| order.side == side).ok_or(Error::NoOrder)?.id;
    house.desk.floor.cancel(caller.account, id, ask.now).ok_or(Error::NoOrder)?;
    Ok(json!({}))
}

fn open(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let index = pair(house, ask)?;
    let floor = &house.desk.floor;
    let pair = &floor.pairs[index];
    let show = |order: &Order| {
        json!({ "order_currency": pair.base, "payment_currency": pair.quote, "order_id": order_id(order.id),
                "order_date": micros(order.created_ms), "type": show::side(order.side), "watch_price": "0",
                "units": plain(order.quantity()), "units_remaining": plain(order.remaining()),
                "price": plain(order.terms.price().unwrap_or_default()) })
    };
    let open = floor.open_orders(caller.account).filter(|order| order.pair == index);
    match open.map(show).collect::<Vec<_>>() {
        none if none.is_empty() => Err(Error::NoOrder),
        some => Ok(json!({ "data": some })),
    }
}

fn detail(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let order = asked(house, ask, caller)?;
    let pair = &house.desk.floor.pairs[order.pair];
    let status = match show::state(order) {
        "wait" => "Pending",
        "done" => "Completed",
        _ => "Cancel",
    };
    let trade = |fill: &Fill| {
        json!({ "transaction_date": micros(fill.at_ms), "price": plain(fill.price), "units": plain(fill.quantity),
                "fee_currency": fill.fee_asset, "fee": plain(fill.fee),
                "total": plain(fill.price * fill.quantity) })
    };
    Ok(json!({ "data": {
        "order_date": micros(order.created_ms), "type": show::side(order.side), "order_status": status,
        "order_currency": pair.base, "payment_currency": pair.quote, "watch_price": "0",
        "order_price": plain(order.terms.price().unwrap_or_default()), "order_qty": plain(order.quantity()),
        "cancel_date": "", "cancel_type": "", "contract": order.fills.iter().map(trade).collect::<Vec<_>>(),
    } }))
}

fn micros(at_ms: i64) -> String {
    format!("{at_ms}000")
}

/// Of any coin, whatever the path says.
fn withdraw(house: &mut House<Bithumb>, ask: &Ask, caller: &Entry) -> Reply {
    let (amount, asset) = (units(ask)?, ask.params.text("currency").unwrap_or_else(|| "BTC".to_owned()));
    let address = ask.params.text("address").ok_or(Error::Parameter)?;
    if !house.desk.floor.pairs.iter().any(|pair| pair.base == asset) {
        return Err(Error::Parameter);
    }
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    house.desk.withdraw(withdrawal).map(|_| json!({})).ok_or(Error::WithdrawFunds)
}
