//! What an order counts as, in dollars; and a batch, order by order and as a whole.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::Duration;

use super::spending::{limited, used_today};
use crate::{
    api::{Reply, text},
    bot::{Bot, FORM},
    world::World,
};

const BATCH: &str = "/api/v5/trade/batch-orders";

/// What was set aside for the order with this id, to a millionth.
async fn set_aside(world: &World, id: &str) -> Decimal {
    world.flush().await;
    let usd = sqlx::query_scalar("select usd from keygate.reservation where client_order_id = $1");
    let usd: Decimal = usd.bind(id).fetch_one(&mut world.superuser().await).await.unwrap();
    usd.round_dp(6).normalize()
}

/// Bitcoin is at 60,000. None of these is carried out, so that it stays there.
#[tokio::test]
async fn order_counts_as_much_as_it_may_turn_over() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "1000000"})).await;
    for (number, (order, usd)) in [
        ("side=BUY&type=MARKET&quoteOrderQty=25", "25"),
        ("side=SELL&type=MARKET&quoteOrderQty=25", "25"),
        ("side=BUY&type=MARKET&quantity=0.001", "63"),
        ("side=SELL&type=MARKET&quantity=0.001", "63"),
        ("side=BUY&type=LIMIT&quantity=0.001&price=50000", "50"),
        ("side=BUY&type=LIMIT&quantity=0.001&price=70000", "70"),
        ("side=SELL&type=LIMIT&quantity=0.001&price=50000", "63"),
        ("side=SELL&type=LIMIT&quantity=0.001&price=70000", "70"),
        ("side=BUY&type=STOP_LOSS&quantity=0.001&stopPrice=70000", "73.5"),
        ("side=BUY&type=TAKE_PROFIT&quantity=0.001&stopPrice=50000", "63"),
        ("side=SELL&type=STOP_LOSS&quantity=0.001&stopPrice=50000", "63"),
        ("side=SELL&type=TAKE_PROFIT&quantity=0.001&stopPrice=70000", "73.5"),
        ("side=BUY&type=STOP_LOSS_LIMIT&quantity=0.001&stopPrice=65000&price=66000", "66"),
        ("side=SELL&type=TAKE_PROFIT_LIMIT&quantity=0.001&stopPrice=70000&price=69000", "70"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("own-{number}");
        let params = format!("symbol=BTCUSDT&timeInForce=NEVER&{order}&newClientOrderId={id}");
        let reply = bot.binance("POST", "/api/v3/order", &params).await;
        assert_eq!(reply.status, 400, "{order}: {}", reply.text);
        assert_eq!(set_aside(&world, &id).await.to_string(), usd, "{order}");
    }
    assert_eq!(used_today(&world).await, Decimal::ZERO);
}

/// Bybit's classic accounts leave `marketUnit` aside, and an order does not say of which kind the account is.
#[tokio::test]
async fn order_in_a_unit_the_exchange_may_not_heed_counts_as_the_worse_of_both() {
    let world = World::new().await;
    let bot = world.bot("bybit", "trade").await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "1000000"})).await.is(200);
    for (id, side, unit, quantity, usd) in [
        ("sale", "Sell", "quoteCoin", "10", "630000"),
        ("sale-usual", "Sell", "baseCoin", "0.001", "63"),
        ("purchase", "Buy", "baseCoin", "0.001", "63"),
        ("purchase-usual", "Buy", "quoteCoin", "10", "10"),
    ] {
        let order = json!({"category": "spot", "symbol": "BTCUSDT", "side": side, "orderType": "Market",
            "timeInForce": "NEVER", "marketUnit": unit, "qty": quantity, "orderLinkId": id});
        let request = bot.api.request("POST", "/x/bybit/v5/order/create").header("x-keygate-key", &bot.token);
        Reply::of(request.json(&order)).await;
        assert_eq!(set_aside(&world, id).await.to_string(), usd, "{id}");
    }
}

/// Sums of such orders would be no numbers any more, and everybody's orders are summed in one place.
#[tokio::test]
async fn order_worth_more_than_a_limit_can_say_is_refused_where_dollars_count() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_position_size": "1000000"})).await;
    let sale =
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=99999999999999999999&price=790000000";
    for reply in
        [bot.binance("POST", "/api/v3/order", sale).await, bot.binance("POST", "/api/v3/order", sale).await]
    {
        reply.binance(403, -1002, "unpriceable");
    }
    bot.order().await.is(200);
}

/// A litecoin is 0.0015 bitcoins, which is 90 dollars.
#[tokio::test]
async fn asset_without_a_market_in_dollars_counts_over_bitcoin() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_trade_amount_usd": "90", "max_withdrawal_amount_usd": "90"}))
        .await
        .is(200);
    for (amount, price, passes) in [("1.001", "0.00151", false), ("1", "0.00150", true)] {
        let out = format!("coin=LTC&amount={amount}&address=LdemoAddress");
        let order = format!("symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price={price}");
        for (path, params, rule) in [
            ("/sapi/v1/capital/withdraw/apply", out, "max-withdrawal"),
            ("/api/v3/order", order, "max-trade"),
        ] {
            let reply = bot.binance("POST", path, &params).await;
            match passes {
                true => drop(reply.is(200)),
                false => drop(reply.binance(403, -1002, rule)),
            }
        }
    }
}

#[tokio::test]
async fn won_count_by_the_exchanges_own_market_of_dollars() {
    let world = World::new().await;
    let bot = world.bot("coinone", "raw").await;
    bot.limited(&world, json!({"max_trade_amount_usd": "50"})).await.is(200);
    // a dollar is 1,400 won
    let order = |price: &str| {
        json!({"side": "BUY", "quote_currency": "KRW", "target_currency": "BTC", "type": "LIMIT", "price": price,
               "qty": "0.001", "post_only": false, "user_order_id": "own"})
    };
    bot.coinone("/v2.1/order", order("70100000")).await.coinone("40", "max-trade");
    let passed = bot.coinone("/v2.1/order", order("70000000")).await;
    assert_eq!(passed.body["result"], "success", "{}", passed.text);
    assert_eq!(set_aside(&world, "own").await, Decimal::from(50));
}

/// A euro is 1.2 dollars there, by its market in dollars.
#[tokio::test]
async fn euros_count_by_the_exchanges_own_market_of_dollars() {
    let world = World::where_exchanges(|config| {
        let kraken = config.exchanges.get_mut("kraken").unwrap();
        kraken.pairs.extend([pair("BTC", "EUR", "50000"), pair("EUR", "USD", "1.2")].map(from_json));
        let balances = kraken.accounts.iter_mut().map(|account| &mut account.balances);
        balances.for_each(|own| _ = own.insert("EUR".to_owned(), 100_000.into()));
    })
    .await;
    let bot = world.bot("kraken", "trade").await;
    bot.limited(&world, json!({"max_trade_amount_usd": "48"})).await.is(200);
    let order = async |price: &str| {
        let order = format!("pair=XBTEUR&type=buy&ordertype=limit&volume=0.001&price={price}&cl_ord_id=own");
        let request = bot.api.request("POST", "/x/kraken/0/private/AddOrder").header("content-type", FORM);
        Reply::of(request.header("x-keygate-key", &bot.token).body(order)).await
    };
    refused(&order("40010").await, "max-trade");
    let passed = order("40000").await;
    assert_eq!(passed.body["error"], json!([]), "{}", passed.text);
    assert_eq!(set_aside(&world, "own").await, Decimal::from(48));
}

fn pair(base: &str, quote: &str, price: &str) -> Value {
    json!({"base": base, "quote": quote, "price": price, "rung": "0.01", "depth": "100", "tick": "0.01",
        "step": "0.00001", "min_quantity": "0.0001", "max_quantity": "1000000", "min_notional": "0.5"})
}

fn from_json<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// One order of a batch: so much at so many dollars a bitcoin.
fn one(market: &str, quantity: &str, price: &str) -> Value {
    json!({"instId": market, "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": quantity, "px": price})
}

async fn batch(bot: &Bot, orders: &[Value]) -> Reply {
    let request = bot.api.request("POST", &format!("/x/okx{BATCH}")).header("x-keygate-key", &bot.token);
    Reply::of(request.json(orders)).await
}

#[track_caller]
fn refused(reply: &Reply, rule: &str) {
    assert_eq!(reply.header("keygate-problem"), Some(rule), "{}", reply.text);
}

#[tokio::test]
async fn batch_is_held_to_every_limit_order_by_order_and_to_the_day_as_a_whole() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    let limits = json!({"max_trade_amount_usd": "50", "max_daily_trade_volume_usd": "120",
        "allowed_symbols": ["BTC/USDT"]});
    bot.limited(&world, limits).await.is(200);
    let fits = one("BTC-USDT", "0.001", "50000");
    refused(&batch(&bot, &[fits.clone(), one("BTC-USDT", "0.001", "50010")]).await, "max-trade");
    refused(&batch(&bot, &[fits.clone(), one("ETH-USDT", "0.01", "2000")]).await, "symbol");
    refused(&batch(&bot, &[fits.clone(), fits.clone(), fits.clone()]).await, "max-daily-trades");
    assert_eq!(world.asked(BATCH), 0, "half of a batch is no batch");
    batch(&bot, &[fits.clone(), fits.clone()]).await.is(200);
    assert_eq!(used_today(&world).await, Decimal::from(100));
    refused(&batch(&bot, &[fits]).await, "max-daily-trades");
}

#[tokio::test]
async fn order_of_a_batch_that_the_exchange_refused_gives_its_dollars_back() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "100000000"})).await.is(200);
    let answer =
        batch(&bot, &[one("BTC-USDT", "0.001", "50000"), one("BTC-USDT", "1000", "50000")]).await.is(200);
    let codes: Vec<&str> = answer["data"].as_array().unwrap().iter().map(|own| text(&own["sCode"])).collect();
    assert!(codes[0] == "0" && codes[1] != "0", "the bot reads what the exchange says: {answer}");
    world.flush().await;
    assert_eq!(used_today(&world).await, Decimal::from(50_000_050));
    for _ in 0..2 {
        world.advance(Duration::seconds(70));
        keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
        world.flush().await;
    }
    assert_eq!(used_today(&world).await, Decimal::from(50));
    assert_eq!(world.count("keygate.reservation where state = 'confirmed' and place = 0").await, 1);
    assert_eq!(world.count("keygate.reservation where state = 'rejected' and place = 1").await, 1);
}

/// Whatever the exchange calls an order that is never filled above its price.
#[tokio::test]
async fn purchase_at_a_limit_price_counts_with_that_price_in_every_word_for_it() {
    let world = World::new().await;
    let bot = world.bot("okx", "trade").await;
    bot.limited(&world, json!({"max_trade_amount_usd": "50"})).await.is(200);
    for kind in ["limit", "post_only", "fok", "ioc"] {
        let mut order = one("BTC-USDT", "0.001", "50000");
        order["ordType"] = json!(kind);
        let reply = batch(&bot, &[order]).await;
        assert_eq!((reply.status, reply.header("keygate-problem")), (200, None), "{kind}: {}", reply.text);
    }
}

#[tokio::test]
async fn whoever_sells_an_asset_for_bitcoin_buys_bitcoin() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    // two bitcoins at 60,000
    bot.limited(&world, json!({"max_position_size": "120050"})).await.is(200);
    let order = |text: &str| format!("type=LIMIT&timeInForce=GTC&{text}");
    let sale = order("symbol=LTCBTC&side=SELL&quantity=1&price=0.00200");
    let reply = bot.binance("POST", "/api/v3/order", &sale).await;
    let text = reply.binance(403, -1002, "max-position");
    assert!(text.contains("USD of BTC"), "{text}");
    // dollars are what is paid with
    let sale = order("symbol=BTCUSDT&side=SELL&quantity=0.1&price=70000");
    bot.binance("POST", "/api/v3/order", &sale).await.is(200);
}

/// However long answers are kept for bots.
#[tokio::test]
async fn prices_that_were_kept_value_nothing() {
    let world = World::with(|config| config.gateway.public_fresh_ms = 60_000).await;
    let bot = limited(&world, json!({"max_trade_amount_usd": "1000"})).await;
    let path = "/api/v3/ticker/price";
    let asked = world.asked(path);
    for orders in 1..=2 {
        let signed = bot.signed(crate::bot::BUY, world.clock.now_ms());
        Reply::of(bot.binance_request("POST", "/api/v3/order", &signed)).await.is(200);
        assert_eq!(world.asked(path), asked + orders);
        world.advance(Duration::seconds(20));
    }
}
