//! What the definitions know about markets, client ids, the fate of orders, panics and leverage.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

use std::{fs, path::Path};

use exchange::{
    Definition, Exchanges, Folder, Incoming, Leverage, Method, OrderStatus, Placed, Symbol, check,
};

fn file(id: &str, name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id);
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn every_exchange_is_known_by_its_recorded_shapes() {
    let mut problems = Vec::new();
    for definition in Exchanges::builtin().iter() {
        let id = definition.id();
        let (text, orders) = (file(id, "exchange.toml"), file(id, "orders.json"));
        let checked =
            check(&Folder { definition: &text, orders: &orders, vectors: "[]", endpoints: "" }).unwrap();
        assert!(checked.orders > 10, "{id}: {}", checked.orders);
        let own = checked.problems.into_iter().filter(|problem| problem.file == "orders.json");
        problems.extend(own.map(|problem| format!("{id}: {}: {}", problem.place, problem.reason)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Each is refused with its reason, at its line or in the lines above that belong to its table.
#[test]
fn a_mistake_is_refused_with_line_and_reason() {
    let mistakes = [
        ("binance", "form = \"base36\"", "form = \"base37\"", "unknown variant `base37`"),
        ("binance", "max_length = 36 }", "max_length = 12 }", "do not fit into max_length"),
        ("binance", "max_length = 36 }", "max_length = 36, min_length = 1 }", "unknown field"),
        ("gate", "prefix = \"t-\"", "prefix = \"t&\"", "starts with letters, digits and -"),
        ("gate", "mirrored = [\"PATCH", "mirrored = [\"POST", "whose parameters are not read"),
        (
            "binance",
            "GET /api/v3/order?symbol={symbol}&origClientOrderId={client_id}",
            "GET /api/v3/openOrders",
            "which order is meant",
        ),
        (
            "binance",
            "GET /api/v3/order?symbol={symbol}&orig",
            "GET /api/v3/trades?symbol={symbol}&orig",
            "is of class read",
        ),
        (
            "binance",
            "GET /api/v3/order?symbol={symbol}&orig",
            "GET /api/v9/order?symbol={symbol}&orig",
            "not an endpoint",
        ),
        (
            "binance",
            "of = [\"POST /api/v3/order\"",
            "of = [\"POST /api/v3/orderList/oco\"",
            "have no client id",
        ),
        ("binance", "done = [\"FILLED\"]", "done = [\"FILLED\", \"NEW\"]", "two states"),
        ("binance", "done = [\"FILLED\"]", "gone = [\"FILLED\"]", "unknown variant `gone`"),
        ("binance", "at = \"\" }", "at = \"\", list = \"\" }", "at a place, in a list or in a map"),
        ("bybit", ", client_id = \"/orderLinkId\" },", ", clientid = \"/orderLinkId\" },", "unknown field"),
        (
            "binance",
            "request = \"GET /api/v3/openOrders\"",
            "request = \"GET /api/v3/time\"",
            "is of class read",
        ),
        ("binance", "id = \"/orderId\"", "order = \"/orderId\"", "unknown field"),
        ("binance", "id = \"/orderId\"\n", "", "has an id"),
        (
            "coinone",
            "base = \"/target_currency\"\nquote",
            "symbol = \"/symbol\"\nbase = \"/target_currency\"\nquote",
            "a symbol, or base and quote",
        ),
        (
            "binance",
            "request = \"DELETE /api/v3/order?",
            "request = \"GET /api/v3/order?",
            "read as a cancellation",
        ),
        (
            "kraken",
            "all = \"POST /0/private/CancelAll\"",
            "all = \"POST /0/private/CancelOrder txid={symbol}\"",
            "without naming a market",
        ),
        (
            "binance",
            "match = [\"POST /fapi/v1/leverage\"",
            "match = [\"POST /sapi/v1/capital/withdraw/apply\"",
            "class trade or finance",
        ),
        (
            "okx",
            "class = \"subaccount\"\nunless",
            "class = \"read\"\nunless",
            "not of a class that is less strict",
        ),
        (
            "bitfinex",
            "unless = [{ email_dst = [], user_id_dst = [] }]",
            "unless = []",
            "always of another class",
        ),
        ("coinbase", "longest = 128", "longest = 36", "longest is more than max_length"),
        ("binance", "otherwise = \"borrows\"", "otherwise = \"perhaps\"", "unknown variant `perhaps`"),
        (
            "binance",
            "request = \"GET /api/v3/exchangeInfo?",
            "request = \"GET /api/v3/account?",
            "a list of markets is public",
        ),
        ("binance", "names = [\"/symbol\"]\n", "", "in a list, with pointers to their names"),
        ("bitfinex", "USDT = [\"UST\"]", "USDT = [\"UST\", \"UDC\"]", "one name stands for two assets"),
    ];
    for (id, from, to, reason) in mistakes {
        let text = file(id, "exchange.toml");
        let at = text.find(from).unwrap_or_else(|| panic!("{id} has no {from}"));
        let line = text[..at].matches('\n').count() + 1;
        let error =
            Definition::parse(&text.replacen(from, to, 1)).err().unwrap_or_else(|| panic!("{id} takes {to}"));
        assert!(error.reason.contains(reason), "{id} {to}: {error}");
        assert!(
            (line.saturating_sub(15)..=line + 1).contains(&error.line),
            "{id} {to}: line {line}, {error}"
        );
    }
}

#[test]
fn a_case_that_does_not_hold_is_named() {
    let text = file("kraken", "exchange.toml");
    let changes = [
        ("\"is\": \"open 0.00005\"", "\"is\": \"done\"", "status, POST /0/private/AddOrder: done"),
        ("\"XBT/USD\": \"BTC/USD\"", "\"XBT/USD\": \"XBT/USD\"", "markets, XBT/USD"),
        ("cl_ord_id=0101", "cl_ord_id=0202", "client_ids, POST /0/private/AddOrder"),
        ("\"is\": \"borrows 5\"", "\"is\": \"none\"", "leverage=5"),
        ("CancelOrder txid=O45M52", "CancelOrder txid=O45M53", "open_orders"),
        ("\"is\": \"not found\"", "\"is\": \"lost\"", "status, POST /0/private/AddOrder: lost"),
        ("\"markets\":", "\"market\":", "line 2"),
    ];
    for (from, to, place) in changes {
        let orders = file("kraken", "orders.json");
        assert!(orders.contains(from), "there is no {from}");
        let orders = orders.replacen(from, to, 1);
        let checked =
            check(&Folder { definition: &text, orders: &orders, vectors: "[]", endpoints: "" }).unwrap();
        let mut own = checked.problems.iter().filter(|problem| problem.file == "orders.json");
        assert!(own.any(|problem| problem.place.contains(place)), "{to}: {:?}", checked.problems);
    }
}

#[test]
fn what_no_case_shows_is_named() {
    let text = file("upbit", "exchange.toml");
    let orders = file("upbit", "orders.json");
    let (before_leverage, _) = orders.split_once("\"leverage\"").unwrap();
    for (orders, missing) in [
        (orders.replace("\"not found\"", "\"unreadable\""), "[[order_status]] 1: found and not found"),
        (format!("{before_leverage}\"leverage\": []}}"), "[[leverage]]"),
        (orders.replace("\"open_orders\"", "\"open_orders\": null, \"status\""), "line"),
        (String::new(), "the whole file"),
    ] {
        let checked =
            check(&Folder { definition: &text, orders: &orders, vectors: "[]", endpoints: "" }).unwrap();
        assert!(
            checked.problems.iter().any(|problem| problem.place.contains(missing)),
            "{:?}",
            checked.problems
        );
    }
}

/// Where the exchange leaves it aside, "not found" would say nothing.
#[test]
fn an_order_whose_own_id_may_not_count_is_not_asked_for_by_it() {
    let ids = |id: &str, target: &str, body: &str| {
        let definition = Definition::parse(&file(id, "exchange.toml")).unwrap();
        let incoming = Incoming { method: "POST", target, body: body.as_bytes(), ..Incoming::default() };
        definition.request(incoming).unwrap().client_ids().to_vec()
    };
    let bitget = |more: &str| {
        let order =
            r#"{"symbol":"BTCUSDT","side":"buy","orderType":"limit","price":"1","size":"2","clientOid":"c"#;
        ids("bitget", "/api/v2/spot/trade/place-order", &format!(r#"{order}"{more}}}"#))
    };
    assert_eq!(bitget(""), [Some("c".to_owned())]);
    assert_eq!(bitget(r#","tpslType":"tpsl""#), [None]);
    let kraken = "pair=XBTUSD&type=buy&ordertype=limit&volume=1&price=2&cl_ord_id=c";
    assert_eq!(ids("kraken", "/0/private/AddOrder", kraken), [Some("c".to_owned())]);
    assert_eq!(ids("kraken", "/0/private/AddOrder", &format!("{kraken}&userref=7")), [None]);
}

#[test]
fn an_order_of_another_host_is_not_asked_for_here() {
    let kucoin = Definition::parse(&file("kucoin", "exchange.toml")).unwrap();
    let symbol = Symbol::Market("BTC-USDT".to_owned());
    let order = |group| Placed {
        method: Method::Post,
        group,
        path: "/api/v1/orders",
        symbol: &symbol,
        client_id: "c1",
        quantity: None,
        at_ms: 1,
    };
    assert_eq!(kucoin.order_status_requests(&order(None), 2).len(), 6);
    assert!(
        kucoin.order_status_requests(&order(Some("futures")), 2).is_empty(),
        "contracts are on another host"
    );
    let unknown =
        kucoin.read_order_status(&order(Some("futures")), 0, 200, br#"{"code":"200000","data":[]}"#);
    assert_eq!(unknown, OrderStatus::Unreadable);
}

#[test]
fn a_name_that_could_be_two_markets_is_none() {
    let assets = |definition: &Definition, name: &str, list: Option<&[u8]>| {
        let list = list.map(|body| definition.read_markets(body).unwrap());
        definition.assets(&Symbol::Market(name.to_owned()), list.as_ref())
    };
    let upbit = file("upbit", "exchange.toml")
        .replace("[\"{quote}-{base}\"]", "[\"{quote}-{base}\", \"{base}-{quote}\"]");
    assert_eq!(assets(&Definition::parse(&upbit).unwrap(), "KRW-BTC", None), None);
    let mexc = Definition::parse(&file("mexc", "exchange.toml")).unwrap();
    let twice = br#"{"symbols":[{"symbol":"ABC","baseAsset":"A","quoteAsset":"BC"},{"symbol":"ABC","baseAsset":"AB","quoteAsset":"C"}]}"#;
    assert_eq!(assets(&mexc, "ABC", Some(twice)), None);
    let once = br#"{"symbols":[{"symbol":"ABC","baseAsset":"A","quoteAsset":"BC"},{"symbol":"ABC","baseAsset":"A","quoteAsset":"BC"}]}"#;
    assert_eq!(assets(&mexc, "ABC", Some(once)), Some(("A".to_owned(), "BC".to_owned())));
}

#[test]
fn an_asset_of_a_balance_has_its_usual_name() {
    let exchanges = Exchanges::builtin();
    let usual = |id: &str, name: &'static str| exchanges.get(id).unwrap().usual_asset(name).to_owned();
    assert_eq!(
        [usual("kraken", "XXBT"), usual("kraken", "ZUSD"), usual("kraken", "SOL")],
        ["BTC", "USD", "SOL"]
    );
    assert_eq!([usual("bitfinex", "UST"), usual("upbit", "BTC")], ["USDT", "BTC"]);
    assert_eq!(usual("bitfinex", "DOG"), "DOG", "a million dogecoins");
}

/// Kraken takes `cl_ord_id` as a UUID in any case, with hyphens or without, and answers in its own.
#[test]
fn a_uuid_is_found_in_whatever_way_the_exchange_writes_it() {
    let kraken = Definition::parse(&file("kraken", "exchange.toml")).unwrap();
    let symbol = Symbol::Market("XBTUSD".to_owned());
    let read = |own: &str, listed: &str| {
        let order = Placed {
            method: Method::Post,
            group: None,
            path: "/0/private/AddOrder",
            symbol: &symbol,
            client_id: own,
            quantity: None,
            at_ms: 1,
        };
        let body = format!(
            r#"{{"error":[],"result":{{"open":{{"O1":{{"cl_ord_id":"{listed}","status":"open","vol_exec":"0"}}}}}}}}"#
        );
        kraken.read_order_status(&order, 0, 200, body.as_bytes())
    };
    let found = |own: &str, listed: &str| matches!(read(own, listed), OrderStatus::Found { .. });
    let uuid = "6d1b345e-2821-40e2-ad83-4ecb18a06876";
    assert!(found(&uuid.to_uppercase(), uuid) && found(uuid, &uuid.to_uppercase()));
    assert!(found(uuid, &uuid.replace('-', "")));
    assert_eq!(read("my-id", "MY-ID"), OrderStatus::NotFound, "only UUIDs have several ways to be written");
    assert_eq!(read(uuid, &uuid.replace('6', "7")), OrderStatus::NotFound);
}

/// What lends money is known by its name; whoever adds one has to say that it borrows, or that it gives back.
#[test]
fn a_loan_is_never_said_to_borrow_nothing() {
    let harmless = ["repay", "cancel", "max-loan", "supply"];
    let mut loans = 0;
    for definition in Exchanges::builtin().iter() {
        for line in file(definition.id(), "endpoints.txt").lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["finance", method, path] = words.as_slice() else { continue };
            let takes = path.contains("borrow") || path.contains("loan") || path.contains("Loan");
            if !takes || harmless.iter().any(|word| path.to_lowercase().contains(word)) {
                continue;
            }
            let request = Incoming { method, target: path, ..Incoming::default() };
            let request = definition.request(request).unwrap();
            assert_ne!(request.leverage(), Leverage::None, "{} {line}", definition.id());
            loans += 1;
        }
    }
    assert!(loans > 30, "{loans}");
}
