//! Ready-to-paste code that points an unmodified client at the gate; the pages and `keygate config` print the
//! same text. Self-contained, and every address of the exchange is replaced: a client that still knew one real
//! host would send its virtual key there.
//!
//! A snippet is `None` where its program, or we, cannot speak to the exchange that way.

use exchange::Definition;

/// What a program is given. Values written `$NAME` are read from that environment variable when the code runs, so
/// that the text itself can be kept anywhere.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// Keygate's own address.
    pub base_url: &'a str,
    /// Its id is also ccxt's name for the exchange.
    pub definition: &'a Definition,
    pub key: &'a str,
    pub secret: &'a str,
    pub passphrase: Option<&'a str>,
}

pub type Snippet = fn(Access<'_>) -> Option<String>;

/// Python, ccxt (and `ccxt.async_support`, which takes the same lines).
pub fn ccxt(access: Access<'_>) -> Option<String> {
    let (exchange, os, gate) = (access.definition.id(), access.import_os(), quote(&access.gate()));
    let (key, secret) = (python(access.key), python(access.secret));
    let password =
        access.passphrase.map_or(String::new(), |text| format!(", \"password\": {}", python(text)));
    let more = addresses(exchange)
        .map(|(name, rest)| format!("exchange.urls[\"api\"][{}] = gate + {}\n", quote(name), quote(rest)));
    Some(format!(
        "import json\n{os}import re\n\nimport ccxt\n\n\
         gate = {gate}\n\
         exchange = ccxt.{exchange}({{\"apiKey\": {key}, \"secret\": {secret}{password}}})\n\
         # every address of the exchange leads through the gate\n\
         urls = re.sub(r'https?://[^/\"]+', gate, json.dumps(exchange.urls[\"api\"]))\n\
         exchange.urls[\"api\"] = json.loads(urls)\n\
         {}\n\
         print(exchange.fetch_balance()[\"total\"])\n",
        more.collect::<String>()
    ))
}

/// JavaScript, ccxt as a module.
pub fn ccxt_js(access: Access<'_>) -> Option<String> {
    let (exchange, gate) = (access.definition.id(), quote(&access.gate()));
    let (key, secret) = (javascript(access.key), javascript(access.secret));
    let password =
        access.passphrase.map_or(String::new(), |text| format!(", password: {}", javascript(text)));
    let more = addresses(exchange)
        .map(|(name, rest)| format!("exchange.urls.api[{}] = gate + {};\n", quote(name), quote(rest)));
    Some(format!(
        "import ccxt from \"ccxt\";\n\n\
         const gate = {gate};\n\
         const exchange = new ccxt.{exchange}({{ apiKey: {key}, secret: {secret}{password} }});\n\
         // every address of the exchange leads through the gate\n\
         const urls = JSON.stringify(exchange.urls.api).replace(/https?:\\/\\/[^\\/\"]+/g, gate);\n\
         exchange.urls.api = JSON.parse(urls);\n\
         {}\n\
         console.log((await exchange.fetchBalance()).total);\n",
        more.collect::<String>()
    ))
}

/// Where two hosts of an exchange share paths, the gate tells them apart by a suffix: ccxt's names of such addresses.
fn addresses(exchange: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all: &[(&str, &str, &str)] = &[
        ("binance", "dapiData", ".coinm/futures/data"),
        ("htx", "contract", ".contract"),
        ("kucoin", "futuresPrivate", ".futures"),
        ("kucoin", "futuresPublic", ".futures"),
    ];
    all.iter().filter(move |own| own.0 == exchange).map(|own| (own.1, own.2))
}

/// Python, python-binance. Only for Binance; the asynchronous client takes the same attributes, but must be made
/// by `AsyncClient(…)`: its `create()` calls the exchange before they are set.
pub fn python_binance(access: Access<'_>) -> Option<String> {
    if access.definition.id() != "binance" {
        return None;
    }
    let os = match access.import_os() {
        "" => String::new(),
        os => format!("{os}\n"),
    };
    let gate = quote(&access.gate());
    let (key, secret) = (python(access.key), python(access.secret));
    Some(format!(
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
    ))
}

/// A shell script with curl and openssl that reads the balance: the exchange's own signature, by hand.
pub fn curl(access: Access<'_>) -> Option<String> {
    let call = match access.definition.id() {
        "binance" => BINANCE_CURL,
        "coinone" => COINONE_CURL,
        _ => return None,
    };
    let (gate, key, secret) = (shell(&access.gate()), shell(access.key), shell(access.secret));
    Some(format!("GATE={gate}\nKEY={key}\nSECRET={secret}\n{call}"))
}

/// Lines for an environment file: the gate's address for this exchange, the pair under usual names.
pub fn env(access: Access<'_>) -> Option<String> {
    let Access { definition, key, secret, .. } = access;
    let (prefix, gate) = (prefix(definition.id()), access.gate());
    let [key_name, secret_name, passphrase_name] = variables(definition.id());
    // a private key has several lines
    let secret = if secret.contains('\n') { format!("\"{}\"", secret.trim_end()) } else { secret.to_owned() };
    let passphrase = access.passphrase.map_or(String::new(), |text| format!("{passphrase_name}={text}\n"));
    Some(format!("{prefix}_BASE_URL={gate}\n{key_name}={key}\n{secret_name}={secret}\n{passphrase}"))
}

/// The environment variables that [`env`] sets: of the key, the secret and the passphrase.
pub fn variables(exchange: &str) -> [String; 3] {
    ["KEY", "SECRET", "PASSPHRASE"].map(|part| format!("{}_API_{part}", prefix(exchange)))
}

fn prefix(exchange: &str) -> String {
    exchange.to_uppercase().replace(['.', '-'], "_")
}

impl Access<'_> {
    fn gate(&self) -> String {
        format!("{}/x/{}", self.base_url.trim_end_matches('/'), self.definition.id())
    }

    fn import_os(&self) -> &'static str {
        let values = [Some(self.key), Some(self.secret), self.passphrase];
        match values.into_iter().flatten().any(|value| value.starts_with('$')) {
            true => "import os\n",
            false => "",
        }
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
    use std::sync::LazyLock;

    use exchange::Exchanges;

    use super::*;

    const ALL: [Snippet; 5] = [ccxt, ccxt_js, python_binance, curl, env];

    fn snippet(make: Snippet, exchange: &str, key: &str, secret: &str) -> Option<String> {
        static KNOWN: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);
        let definition = KNOWN.get(exchange).unwrap();
        let passphrase = definition.fields().contains(&exchange::Field::Passphrase).then_some("PASSPHRASE");
        make(Access { base_url: "http://localhost:8480/", definition, key, secret, passphrase })
    }

    #[test]
    fn each_names_the_gate_and_the_pair_and_no_real_host() {
        for definition in Exchanges::builtin().iter() {
            let id = definition.id();
            let texts: Vec<String> =
                ALL.into_iter().filter_map(|make| snippet(make, id, "KEY", "SECRET")).collect();
            assert!(texts.len() >= 3, "{id}");
            for text in texts {
                assert!(text.contains(&format!("http://localhost:8480/x/{id}")), "{text}");
                assert!(text.contains("KEY") && text.contains("SECRET"), "{text}");
                let has_passphrase = definition.fields().contains(&exchange::Field::Passphrase);
                assert_eq!(text.contains("PASSPHRASE"), has_passphrase, "{text}");
                assert!(!text.contains(".com") && !text.contains(".co.kr"), "{text}");
                assert!(text.lines().all(|line| line.len() <= 120), "{text}");
            }
        }
    }

    #[test]
    fn a_program_that_cannot_speak_to_an_exchange_has_no_lines() {
        assert!(snippet(python_binance, "okx", "K", "S").is_none());
        assert!(snippet(curl, "okx", "K", "S").is_none(), "its signature is another one");
    }

    #[test]
    fn a_value_cannot_end_its_quotes() {
        let text = snippet(ccxt, "binance", "a\"b", "c\\d").unwrap();
        assert!(text.contains(r#""apiKey": "a\"b""#) && text.contains(r#""secret": "c\\d""#), "{text}");
        assert!(snippet(curl, "binance", "a'b", "c").unwrap().contains(r"KEY='a'\''b'"));
    }

    #[test]
    fn a_variable_is_read_when_the_code_runs() {
        let text = |make, exchange| snippet(make, exchange, "$K", "$S").unwrap();
        assert!(text(ccxt, "binance").contains(r#""secret": os.environ["S"]"#));
        assert!(text(ccxt, "binance").contains("import os\n"));
        assert!(!snippet(ccxt, "binance", "K", "S").unwrap().contains("import os\n"));
        assert!(text(ccxt_js, "coinone").contains("secret: process.env.S"));
        assert!(text(python_binance, "binance").contains(r#"Client(os.environ["K"], os.environ["S"]"#));
        assert!(text(curl, "coinone").contains("SECRET=\"$S\""));
    }
}
