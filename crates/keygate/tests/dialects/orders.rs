//! An order in every dialect.

/// For each exchange: method, path and body of a purchase of 0.01 BTC, with `{price}`.
pub const ORDERS: &[(&str, &str, &str)] = &[
    (
        "binance",
        "POST /api/v3/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price={price}",
    ),
    (
        "bitfinex",
        "POST /v2/auth/w/order/submit",
        r#"{"type":"EXCHANGE LIMIT","symbol":"tBTCUSD","amount":"0.01","price":"{price}"}"#,
    ),
    (
        "bitget",
        "POST /api/v2/spot/trade/place-order",
        r#"{"symbol":"BTCUSDT","side":"buy","orderType":"limit","force":"gtc","size":"0.01","price":"{price}"}"#,
    ),
    (
        "bithumb",
        "POST /v2/orders",
        r#"{"market":"KRW-BTC","side":"bid","order_type":"limit","volume":"0.01","price":"{price}"}"#,
    ),
    ("bitstamp", "POST /api/v2/buy/btcusd/", "amount=0.01&price={price}"),
    (
        "bybit",
        "POST /v5/order/create",
        r#"{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"{price}"}"#,
    ),
    (
        "coinbase",
        "POST /api/v3/brokerage/orders",
        r#"{"product_id":"BTC-USD","side":"BUY","order_configuration":{"limit_limit_gtc":{"base_size":"0.01","limit_price":"{price}"}}}"#,
    ),
    (
        "coinbaseexchange",
        "POST /orders",
        r#"{"product_id":"BTC-USD","side":"buy","type":"limit","size":"0.01","price":"{price}"}"#,
    ),
    (
        "coinone",
        "POST /v2.1/order",
        r#"{"side":"BUY","quote_currency":"KRW","target_currency":"BTC","type":"LIMIT","price":"{price}","qty":"0.01","post_only":false}"#,
    ),
    (
        "cryptocom",
        "POST /exchange/v1/private/create-order",
        r#"{"id":1,"method":"private/create-order","params":{"instrument_name":"BTC_USDT","side":"BUY","type":"LIMIT","price":"{price}","quantity":"0.01"}}"#,
    ),
    (
        "gate",
        "POST /api/v4/spot/orders",
        r#"{"currency_pair":"BTC_USDT","type":"limit","side":"buy","amount":"0.01","price":"{price}"}"#,
    ),
    (
        "htx",
        "POST /v1/order/orders/place",
        r#"{"account-id":"{account}","symbol":"btcusdt","type":"buy-limit","amount":"0.01","price":"{price}"}"#,
    ),
    ("kraken", "POST /0/private/AddOrder", "pair=XBTUSD&type=buy&ordertype=limit&volume=0.01&price={price}"),
    (
        "kucoin",
        "POST /api/v1/hf/orders",
        r#"{"symbol":"BTC-USDT","side":"buy","type":"limit","size":"0.01","price":"{price}"}"#,
    ),
    ("mexc", "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price={price}", ""),
    (
        "okx",
        "POST /api/v5/trade/order",
        r#"{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","sz":"0.01","px":"{price}"}"#,
    ),
    (
        "upbit",
        "POST /v1/orders",
        r#"{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.01","price":"{price}"}"#,
    ),
];
