//! freqtrade: a configuration file beside the bot's own. It cannot run code, so that every address ccxt knows of the
//! exchange is written out; a client test compares the list with the ccxt that freqtrade brings.

use serde_json::{Map, Value};

use super::{Access, addresses, quote};

/// ccxt's name of an exchange -> its `urls["api"]`, streams included.
const ADDRESSES: &str = include_str!("ccxt_addresses.json");

/// A value that stands in an environment variable is left to freqtrade's own variables: its file cannot name one.
pub fn config(access: Access<'_>) -> Option<String> {
    let exchange = access.definition.id();
    // ccxt has neither candles nor single orders there, which freqtrade asks for
    if exchange == "coinone" {
        return None;
    }
    let all: Map<String, Value> = serde_json::from_str(ADDRESSES).ok()?;
    let mut own = through(all.get(exchange)?, &access.gate());
    for (name, rest) in addresses(exchange) {
        own[name] = Value::from(access.gate() + rest);
    }
    let own = serde_json::to_string_pretty(&own).ok()?.replace('\n', "\n        ");
    let pair = [("key", Some(access.key)), ("secret", Some(access.secret)), ("password", access.passphrase)];
    let pair: String = pair.into_iter().filter_map(|(name, value)| Some(member(name, value?))).collect();
    Some(format!(
        "// freqtrade trade --config config.json --config this-file.json\n\
         {{\n  \
           \"exchange\": {{\n    \
             \"name\": {},\n\
         {pair}    \
             // no candles by WebSocket: the gate carries no public streams\n    \
             \"enable_ws\": false,\n    \
             // every address of the exchange leads through the gate\n    \
             \"ccxt_config\": {{\n      \
               \"urls\": {{\n        \
                 \"api\": {own}\n      \
               }}\n    \
             }}\n  \
           }}\n\
         }}\n",
        quote(exchange)
    ))
}

fn member(name: &str, value: &str) -> String {
    match value.starts_with('$') {
        true => format!("    // first: export FREQTRADE__EXCHANGE__{}=\"{value}\"\n", name.to_uppercase()),
        false => format!("    {}: {},\n", quote(name), quote(value)),
    }
}

/// A tree of addresses with the gate in the place of each scheme and host.
fn through(addresses: &Value, gate: &str) -> Value {
    match addresses {
        Value::String(url) => Value::from(moved(url, gate)),
        Value::Object(tree) => {
            tree.iter().map(|(name, url)| (name.clone(), through(url, gate))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn moved(url: &str, gate: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
    match scheme.starts_with("ws") {
        true => format!("{}{path}", gate.replacen("http", "ws", 1)),
        false => format!("{gate}{path}"),
    }
}
