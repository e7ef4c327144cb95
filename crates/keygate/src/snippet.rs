//! Ready-to-paste code that points an unmodified client at the gate; the pages and `keygate config` print the
//! same text. Self-contained, and every address of the exchange is replaced: a client that still knew one real
//! host would send its virtual key there.
//!
//! `base_url` is Keygate's own address, `exchange` the id of a definition, which is also ccxt's name for it.
//! `key` and `secret` are a virtual pair; written `$NAME` they are read from that environment variable when the
//! code runs, so that the text itself can be kept anywhere.

/// Python, ccxt (and `ccxt.async_support`, which takes the same lines).
pub fn ccxt(base_url: &str, exchange: &str, key: &str, secret: &str) -> String {
    let (os, gate) = (import_os(key, secret), quote(&gate(base_url, exchange)));
    let (key, secret) = (python(key), python(secret));
    let coin_futures = match exchange {
        "binance" => "exchange.urls[\"api\"][\"dapiData\"] = gate + \".coinm/futures/data\"\n",
        _ => "",
    };
    format!(
        "import json\n{os}import re\n\nimport ccxt\n\n\
         gate = {gate}\n\
         exchange = ccxt.{exchange}({{\"apiKey\": {key}, \"secret\": {secret}}})\n\
         # every address of the exchange leads through the gate\n\
         urls = re.sub(r'https?://[^/\"]+', gate, json.dumps(exchange.urls[\"api\"]))\n\
         exchange.urls[\"api\"] = json.loads(urls)\n\
         {coin_futures}\n\
         print(exchange.fetch_balance()[\"total\"])\n"
    )
}

/// JavaScript, ccxt as a module.
pub fn ccxt_js(base_url: &str, exchange: &str, key: &str, secret: &str) -> String {
    let gate = quote(&gate(base_url, exchange));
    let (key, secret) = (javascript(key), javascript(secret));
    let coin_futures = match exchange {
        "binance" => "exchange.urls.api.dapiData = gate + \".coinm/futures/data\";\n",
        _ => "",
    };
    format!(
        "import ccxt from \"ccxt\";\n\n\
         const gate = {gate};\n\
         const exchange = new ccxt.{exchange}({{ apiKey: {key}, secret: {secret} }});\n\
         // every address of the exchange leads through the gate\n\
         const urls = JSON.stringify(exchange.urls.api).replace(/https?:\\/\\/[^\\/\"]+/g, gate);\n\
         exchange.urls.api = JSON.parse(urls);\n\
         {coin_futures}\n\
         console.log((await exchange.fetchBalance()).total);\n"
    )
}

/// Python, python-binance. Only for Binance; the asynchronous client takes the same attributes, but must be made
/// by `AsyncClient(…)`: its `create()` calls the exchange before they are set.
pub fn python_binance(base_url: &str, exchange: &str, key: &str, secret: &str) -> String {
    let os = match import_os(key, secret) {
        "" => String::new(),
        os => format!("{os}\n"),
    };
    let gate = quote(&gate(base_url, exchange));
    let (key, secret) = (python(key), python(secret));
    format!(
        "{os}from binance import Client\n\n\
         gate = {gate}\n\
         client = Client({key}, {secret}, ping=False)\n\
         # every address of the exchange leads through the gate\n\
         client.API_URL = gate + \"/api\"\n\
         client.MARGIN_API_URL = gate + \"/sapi\"\n\
         client.FUTURES_URL = gate + \"/fapi\"\n\
         client.FUTURES_DATA_URL = gate + \"/futures/data\"\n\
         client.FUTURES_COIN_URL = gate + \"/dapi\"\n\
         client.FUTURES_COIN_DATA_URL = gate + \".coinm/futures/data\"\n\
         client.OPTIONS_URL = gate + \"/eapi\"\n\
         client.PAPI_URL = gate + \"/papi\"\n\n\
         print(client.get_account()[\"balances\"])\n"
    )
}

/// A shell script with curl and openssl that reads the balance: the exchange's own signature, by hand.
pub fn curl(base_url: &str, exchange: &str, key: &str, secret: &str) -> String {
    let gate = gate(base_url, exchange);
    let (key, secret) = (shell(key), shell(secret));
    let call = match exchange {
        "coinone" => COINONE_CURL,
        _ => BINANCE_CURL,
    };
    format!("GATE={}\nKEY={key}\nSECRET={secret}\n{call}", shell(&gate))
}

/// Lines for an environment file: the gate's address for this exchange, the pair under usual names.
pub fn env(base_url: &str, exchange: &str, key: &str, secret: &str) -> String {
    let gate = gate(base_url, exchange);
    let (key_name, secret_name) = variables(exchange);
    format!("{}_BASE_URL={gate}\n{key_name}={key}\n{secret_name}={secret}\n", prefix(exchange))
}

/// The environment variables that [`env`] sets: of the key and of the secret.
pub fn variables(exchange: &str) -> (String, String) {
    let prefix = prefix(exchange);
    (format!("{prefix}_API_KEY"), format!("{prefix}_API_SECRET"))
}

fn prefix(exchange: &str) -> String {
    exchange.to_uppercase().replace(['.', '-'], "_")
}

fn gate(base_url: &str, exchange: &str) -> String {
    format!("{}/x/{exchange}", base_url.trim_end_matches('/'))
}

fn import_os(key: &str, secret: &str) -> &'static str {
    match [key, secret].iter().any(|value| value.starts_with('$')) {
        true => "import os\n",
        false => "",
    }
}

fn python(value: &str) -> String {
    match value.strip_prefix('$') {
        Some(name) => format!("os.environ[{}]", quote(name)),
        None => quote(value),
    }
}

fn javascript(value: &str) -> String {
    match value.strip_prefix('$') {
        Some(name) => format!("process.env.{name}"),
        None => quote(value),
    }
}

fn shell(value: &str) -> String {
    match value.strip_prefix('$') {
        Some(name) => format!("\"${name}\""),
        None => format!("'{}'", value.replace('\'', r"'\''")),
    }
}

/// A text as Python and JavaScript both read it: JSON's escapes are common to them.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const BINANCE_CURL: &str = r#"QUERY="timestamp=$(date +%s)000"
SIGNATURE=$(printf %s "$QUERY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.* //')
curl -sS -H "X-MBX-APIKEY: $KEY" "$GATE/api/v3/account?$QUERY&signature=$SIGNATURE"
"#;

const COINONE_CURL: &str = r#"NONCE=$(cat /proc/sys/kernel/random/uuid)
PAYLOAD=$(printf '{"access_token":"%s","nonce":"%s"}' "$KEY" "$NONCE" | base64 -w 0)
SIGNATURE=$(printf %s "$PAYLOAD" | openssl dgst -sha512 -hmac "$SECRET" | sed 's/.* //')
curl -sS -H "Content-Type: application/json" -H "X-COINONE-PAYLOAD: $PAYLOAD" \
  -H "X-COINONE-SIGNATURE: $SIGNATURE" --data "$PAYLOAD" "$GATE/v2.1/account/balance/all"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    type Snippet = fn(&str, &str, &str, &str) -> String;
    const ALL: [Snippet; 5] = [ccxt, ccxt_js, python_binance, curl, env];

    #[test]
    fn each_names_the_gate_and_the_pair_and_no_real_host() {
        for snippet in ALL {
            let text = snippet("http://localhost:8480/", "binance", "KEY", "SECRET");
            assert!(text.contains("http://localhost:8480/x/binance"), "{text}");
            assert!(text.contains("KEY") && text.contains("SECRET"), "{text}");
            assert!(!text.contains("binance.com"), "{text}");
            assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        }
    }

    #[test]
    fn a_value_cannot_end_its_quotes() {
        let text = ccxt("http://gate", "binance", "a\"b", "c\\d");
        assert!(text.contains(r#""apiKey": "a\"b""#) && text.contains(r#""secret": "c\\d""#), "{text}");
        assert!(curl("http://gate", "binance", "a'b", "c").contains(r"KEY='a'\''b'"));
    }

    #[test]
    fn a_variable_is_read_when_the_code_runs() {
        assert!(ccxt("u", "binance", "$K", "$S").contains(r#""secret": os.environ["S"]"#));
        assert!(ccxt("u", "binance", "$K", "$S").contains("import os\n"));
        assert!(!ccxt("u", "binance", "K", "S").contains("import os\n"));
        assert!(ccxt_js("u", "coinone", "$K", "$S").contains("secret: process.env.S"));
        assert!(
            python_binance("u", "binance", "$K", "$S").contains(r#"Client(os.environ["K"], os.environ["S"]"#)
        );
        assert!(curl("u", "coinone", "$K", "$S").contains("SECRET=\"$S\""));
    }
}
