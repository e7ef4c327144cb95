//! Whatever arrives and whatever the limits are: what the decision lets through is on every list.

use std::{fs, path::Path};

use exchange::{Exchanges, Incoming, Request, Symbol};
use proptest::{prelude::*, sample::Index, sample::subsequence};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{super::leverage, *};

const MARKETS: [&str; 7] = ["BTC/USDT", "ETH/USDT", "BTC/USD", "BTC/KRW", "ETH/BTC", "XRP/USDT", "BTC/USDC"];

fn limits() -> impl Strategy<Value = Limits> {
    let list = || subsequence(MARKETS.to_vec(), 0..4);
    (any::<[bool; 5]>(), prop::option::of(list()), list(), prop::option::of(0..4i64)).prop_map(
        |(can, allowed, blocked, leverage)| {
            let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
            let limits = serde_json::json!({
                "can_read": can[0], "can_trade": can[1], "can_withdraw": can[2], "can_transfer": can[3],
                "can_manage_sub_accounts": can[4], "allowed_symbols": allowed.map(owned),
                "blocked_symbols": owned(blocked), "max_leverage": leverage.map(Decimal::from),
                "allowed_ip_addresses": null,
            });
            serde_json::from_value(limits).unwrap()
        },
    )
}

thread_local! {
    static EXCHANGES: Exchanges = Exchanges::builtin();
    /// Exchange, endpoint and body of every request of the definitions' tables.
    static REQUESTS: Vec<(String, String, String)> = {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/exchanges");
        let mut requests = Vec::new();
        for folder in fs::read_dir(root).unwrap().map(|folder| folder.unwrap()) {
            let id = folder.file_name().into_string().unwrap();
            let table = fs::read(folder.path().join("money.json")).unwrap_or_else(|_| b"[]".to_vec());
            for case in serde_json::from_slice::<Vec<Value>>(&table).unwrap() {
                let text = |member: &str| case[member].as_str().unwrap_or_default().to_owned();
                requests.push((id.clone(), text("endpoint"), text("body")));
            }
        }
        assert!(requests.len() > 400);
        requests
    };
}

/// One of the tables' requests, some of them with a few characters changed.
fn request(at: Index, edit: Option<(Index, &str)>) -> Option<(String, Request)> {
    let (id, endpoint, mut body) = REQUESTS.with(|requests| at.get(requests).clone());
    if let Some((place, put)) = edit {
        let place = body.floor_char_boundary(place.index(body.len() + 1));
        body.replace_range(place..body.ceil_char_boundary((place + put.len()).min(body.len())), put);
    }
    let (method, target) = endpoint.split_once(' ')?;
    let incoming = Incoming { method, target, body: body.as_bytes(), ..Incoming::default() };
    let request = EXCHANGES.with(|all| all.get(&id).unwrap().request(incoming).ok())?;
    Some((id, request))
}

/// Letters and digits only, with the names that some exchanges have of their own.
fn plain(symbol: &Symbol) -> String {
    let text = match symbol {
        Symbol::Market(name) => name.clone(),
        Symbol::Pair { base, quote } => format!("{base}{quote}"),
    };
    let text: String = text.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace("XXBT", "BTC")
        .replace("XBT", "BTC")
        .replace("ZUSD", "USD")
        .replace("UST", "USDT")
        .replace("USDTT", "USDT")
        .replace("USDTD", "USDT")
}

/// Whether a market can be the one that a list names, in either order of its assets, with a prefix or not.
fn may_be(symbol: &Symbol, listed: &str) -> bool {
    let (base, quote) = listed.split_once('/').unwrap();
    let own = plain(symbol);
    [format!("{base}{quote}"), format!("{quote}{base}")].iter().any(|name| own.ends_with(name.as_str()))
}

proptest! {
    #[test]
    fn what_passes_is_on_every_list(
        limits in limits(), at in any::<Index>(), place in any::<Index>(), put in "[A-Za-z0-9.\"]{0,3}", edits: bool,
    ) {
        let Some((id, request)) = request(at, edits.then_some((place, put.as_str()))) else { return Ok(()) };
        let symbols = EXCHANGES.with(|all| {
            symbol::of_connection(all.get(&id).unwrap(), Class::Trade, request.reading(), &limits).is_ok()
        });
        let class = request.class();
        if permitted(class, &limits).is_ok() {
            let allowed = match class {
                Class::Public => true,
                Class::Read => limits.can_read,
                Class::Trade => limits.can_trade,
                Class::Withdraw => limits.can_withdraw,
                Class::Transfer | Class::Finance => limits.can_transfer,
                Class::Subaccount => limits.can_manage_sub_accounts,
                Class::Session | Class::KeyAdmin => false,
            };
            prop_assert!(allowed, "{class:?} passed");
        }
        match request.reading() {
            Reading::Cancel { .. } => {
                prop_assert!(symbols && leverage::within(&request, &limits).is_ok(), "a cancel was stopped");
            }
            Reading::Orders(orders) if symbols => for order in orders {
                if let Some(list) = &limits.allowed_symbols {
                    prop_assert!(list.iter().any(|own| may_be(&order.symbol, own)), "{:?} passed {list:?}", order.symbol);
                }
                let blocked = limits.blocked_symbols.iter().find(|own| {
                    own.split_once('/').is_some_and(|(base, quote)| plain(&order.symbol) == format!("{base}{quote}"))
                });
                prop_assert!(blocked.is_none(), "{:?} passed, and {blocked:?} is blocked", order.symbol);
            },
            Reading::Orders(_) => {}
            _ => prop_assert!(
                !symbols || (limits.allowed_symbols.is_none() && limits.blocked_symbols.is_empty()),
                "what cannot be read passed a list"
            ),
        }
    }
}
