//! Markets by their letters: whether a name can be, or surely is, the one that a list names.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Instant,
};

use exchange::{Definition, Symbol};
use serde_json::{Value, json};

use super::EXCHANGES;
use crate::gateway::price::List;

/// What lists may name.
pub const LISTED: [&str; 14] = [
    "BTC/USDT", "ETH/USDT", "BTC/USD", "BTC/KRW", "ETH/BTC", "XRP/USDT", "BTC/USDC", "eth/usd", "BTC-USDT",
    "KRW-BTC", "BTC_USDT", "BTCUSDT", "XXBTZUSD", "TBTCUSD",
];

/// The markets of every exchange's list, and of the prices.
pub const PAIRS: [(&str, &str); 22] = [
    ("BTC", "USDT"),
    ("BTC", "USD"),
    ("BTC", "USDC"),
    ("BTC", "EUR"),
    ("BTC", "KRW"),
    ("ETH", "USDT"),
    ("ETH", "USD"),
    ("ETH", "BTC"),
    ("ETH", "KRW"),
    ("XRP", "USDT"),
    ("XRP", "BTC"),
    ("XRP", "KRW"),
    ("USDT", "KRW"),
    ("EUR", "USD"),
    ("USDC", "USDT"),
    ("DOGE", "USD"),
    ("DOGE", "KRW"),
    ("SOL", "ETH"),
    ("ADA", "EUR"),
    ("XLM", "EUR"),
    ("BTC", "ETH"),
    ("LTC", "BTC"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    Surely,
    Perhaps,
    Not,
}

/// Whether a market is one of those a list names.
pub fn is_on(definition: &Definition, symbol: &Symbol, list: &[String]) -> Is {
    let all: Vec<Is> = list.iter().map(|listed| is(definition, symbol, listed)).collect();
    match () {
        () if all.contains(&Is::Surely) => Is::Surely,
        () if all.contains(&Is::Perhaps) => Is::Perhaps,
        () => Is::Not,
    }
}

fn is(definition: &Definition, symbol: &Symbol, listed: &str) -> Is {
    if spellings(definition, symbol, listed).any(|name| name.eq_ignore_ascii_case(&text(symbol))) {
        return Is::Surely;
    }
    let (left, right) = listed.split_once(['/', '-', '_']).unwrap_or((listed, ""));
    let (left, right, own) = (usual(left), usual(right), usual(&text(symbol)));
    match [format!("{left}{right}"), format!("{right}{left}")].iter().any(|name| own.ends_with(name.as_str()))
    {
        true => Is::Perhaps,
        false => Is::Not,
    }
}

/// How the market that a list names is surely called in a request.
fn spellings(definition: &Definition, symbol: &Symbol, listed: &str) -> impl Iterator<Item = String> {
    let sign = match (symbol, definition.id()) {
        (Symbol::Pair { .. }, _) => Some("/"),
        (_, "binance" | "bitget" | "bybit" | "htx" | "mexc") => Some(""),
        (_, "coinbase" | "kucoin" | "okx") => Some("-"),
        (_, "cryptocom" | "gate") => Some("_"),
        _ => None,
    };
    let usual = sign.filter(|_| listed.contains('/')).map(|sign| listed.replace('/', sign));
    let by_name = matches!(symbol, Symbol::Market(_)).then(|| listed.to_owned());
    let at_kraken = definition.id() == "kraken" && listed == "BTC/USD";
    usual.into_iter().chain(by_name).chain(at_kraken.then(|| "XXBTZUSD".to_owned()))
}

fn text(symbol: &Symbol) -> String {
    match symbol {
        Symbol::Market(name) => name.clone(),
        Symbol::Pair { base, quote } => format!("{base}/{quote}"),
    }
}

/// Letters and digits only, with the names that some exchanges have of their own.
fn usual(name: &str) -> String {
    let text: String = name.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace("XXBT", "BTC")
        .replace("XBT", "BTC")
        .replace("ZUSD", "USD")
        .replace("UST", "USDT")
        .replace("USDTT", "USDT")
        .replace("USDTD", "USDT")
}

/// Base and quote of a market.
pub fn assets(definition: &Definition, symbol: &Symbol) -> Option<(String, String)> {
    definition.assets(symbol, list(definition).as_ref().map(|list| &list.markets))
}

/// The exchange's list of markets, where it has one.
pub fn list(definition: &Definition) -> Option<Arc<List>> {
    LISTS.get(definition.id()).cloned()
}

static LISTS: LazyLock<HashMap<String, Arc<List>>> = LazyLock::new(|| {
    let lists = EXCHANGES.iter().filter_map(|definition| {
        let markets = definition.read_markets(listing(definition.id()).to_string().as_bytes()).ok()?;
        Some((definition.id().to_owned(), Arc::new(List { markets, since: Instant::now() })))
    });
    lists.collect()
});

/// The answer to a question for all markets, with every member in which an exchange has one.
fn listing(exchange: &str) -> Value {
    let row = |(base, quote): &(&str, &str)| {
        let name = format!("{base}{quote}");
        let row = json!({
            "symbol": name, "baseAsset": base, "quoteAsset": quote, "baseCoin": base, "quoteCoin": quote,
            "base-currency": base, "quote-currency": quote, "market_symbol": name, "name": format!("{base}/{quote}"),
            "base_currency": base, "counter_currency": quote, "market_type": "SPOT",
        });
        row
    };
    let rows: Vec<Value> = PAIRS.iter().map(row).collect();
    match exchange {
        "bitstamp" => json!(rows),
        "kraken" => json!({"result": {
            "XXBTZUSD": {"altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD"},
            "XETHXXBT": {"altname": "ETHXBT", "wsname": "ETH/XBT", "base": "XETH", "quote": "XXBT"},
        }}),
        _ => json!({"symbols": rows, "data": rows, "result": {"list": rows}}),
    }
}
