//! ccxt, Python and JavaScript. Its asynchronous library and the one with streams take the same lines.

use super::{Access, addresses, quote};

pub fn python(access: Access<'_>) -> String {
    let (exchange, os, gate) = (access.definition.id(), access.import_os(), quote(&access.gate()));
    let (key, secret) = (super::python(access.key), super::python(access.secret));
    let password =
        access.passphrase.map_or(String::new(), |text| format!(", \"password\": {}", super::python(text)));
    let more: String = addresses(exchange)
        .map(|(name, rest)| format!("exchange.urls[\"api\"][{}] = gate + {}\n", quote(name), quote(rest)))
        .collect();
    format!(
        "import json\n{os}import re\n\n\
         # asynchronous: `import ccxt.async_support as ccxt`; with streams: `import ccxt.pro as ccxt`\n\
         import ccxt\n\n\
         gate = {gate}\n\
         exchange = ccxt.{exchange}({{\"apiKey\": {key}, \"secret\": {secret}{password}}})\n\
         # every address of the exchange leads through the gate, streams too\n\
         urls = re.sub(r'https?://[^/\"]+', gate, json.dumps(exchange.urls[\"api\"]))\n\
         urls = re.sub(r'wss?://[^/\"]+', gate.replace(\"http\", \"ws\", 1), urls)\n\
         exchange.urls[\"api\"] = json.loads(urls)\n\
         {more}\n\
         print(exchange.fetch_balance()[\"total\"])\n"
    )
}

/// As a module.
pub fn javascript(access: Access<'_>) -> String {
    let (exchange, gate) = (access.definition.id(), quote(&access.gate()));
    let (key, secret) = (variable(access.key), variable(access.secret));
    let password = access.passphrase.map_or(String::new(), |text| format!(", password: {}", variable(text)));
    let more: String = addresses(exchange)
        .map(|(name, rest)| format!("exchange.urls.api[{}] = gate + {};\n", quote(name), quote(rest)))
        .collect();
    format!(
        "import ccxt from \"ccxt\";\n\n\
         const gate = {gate};\n\
         // with streams: `new ccxt.pro.{exchange}`\n\
         const exchange = new ccxt.{exchange}({{ apiKey: {key}, secret: {secret}{password} }});\n\
         // every address of the exchange leads through the gate, streams too\n\
         const urls = JSON.stringify(exchange.urls.api)\n  \
           .replace(/https?:\\/\\/[^\\/\"]+/g, gate)\n  \
           .replace(/wss?:\\/\\/[^\\/\"]+/g, gate.replace(\"http\", \"ws\"));\n\
         exchange.urls.api = JSON.parse(urls);\n\
         {more}\n\
         console.log((await exchange.fetchBalance()).total);\n"
    )
}

fn variable(value: &str) -> String {
    match value.strip_prefix('$') {
        Some(name) => format!("process.env.{name}"),
        None => quote(value),
    }
}
