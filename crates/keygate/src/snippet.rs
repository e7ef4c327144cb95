//! Ready-to-paste code that points an unmodified client at the gate; the pages and `keygate config` print the
//! same text. Self-contained, and every address of the exchange is replaced: a client that still knew one real
//! host would send its virtual key there.
//!
//! A program has no text where it, or we, cannot speak to the exchange that way.

mod ccxt;
mod freqtrade;
mod hummingbot;
mod krakenex;
mod pybit;
mod python_binance;
mod shell;

use exchange::Definition;

/// What a text is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Ccxt,
    CcxtJs,
    Curl,
    Env,
    Freqtrade,
    Hummingbot,
    Krakenex,
    Pybit,
    PythonBinance,
}

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

impl Program {
    /// In the order a reader looks for them.
    pub const ALL: [Program; 9] = [
        Program::Ccxt,
        Program::CcxtJs,
        Program::Freqtrade,
        Program::PythonBinance,
        Program::Pybit,
        Program::Krakenex,
        Program::Hummingbot,
        Program::Curl,
        Program::Env,
    ];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Program::Ccxt => "ccxt, Python",
            Program::CcxtJs => "ccxt, JavaScript",
            Program::Curl => "curl",
            Program::Env => "environment file",
            Program::Freqtrade => "freqtrade",
            Program::Hummingbot => "Hummingbot (advanced)",
            Program::Krakenex => "krakenex",
            Program::Pybit => "pybit",
            Program::PythonBinance => "python-binance",
        }
    }

    /// `None` if it cannot speak to this exchange.
    pub fn text(self, access: Access<'_>) -> Option<String> {
        match self {
            Program::Ccxt => Some(ccxt::python(access)),
            Program::CcxtJs => Some(ccxt::javascript(access)),
            Program::Curl => shell::curl(access),
            Program::Env => Some(shell::env(access)),
            Program::Freqtrade => freqtrade::config(access),
            Program::Hummingbot => hummingbot::recipe(access),
            Program::Krakenex => krakenex::code(access),
            Program::Pybit => pybit::code(access),
            Program::PythonBinance => python_binance::code(access),
        }
    }
}

/// The environment variables that the text for [`Program::Env`] sets: of the key, the secret and the passphrase.
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

    /// The first lines of Python code: what it imports of its own to read the pair.
    fn import_os(&self) -> &'static str {
        let values = [Some(self.key), Some(self.secret), self.passphrase];
        match values.into_iter().flatten().any(|value| value.starts_with('$')) {
            true => "import os\n",
            false => "",
        }
    }
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

fn python(value: &str) -> String {
    match value.strip_prefix('$') {
        Some(name) => format!("os.environ[{}]", quote(name)),
        None => quote(value),
    }
}

/// A text as Python, JavaScript and JSON read it: JSON's escapes are common to them.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use exchange::{Exchanges, Field};
    use serde_json::Value;

    use super::*;

    fn text(program: Program, exchange: &str, key: &str, secret: &str) -> Option<String> {
        static KNOWN: LazyLock<Exchanges> = LazyLock::new(Exchanges::builtin);
        let definition = KNOWN.get(exchange).unwrap();
        let passphrase = definition.fields().contains(&Field::Passphrase).then_some("PASSPHRASE");
        program.text(Access { base_url: "http://localhost:8480/", definition, key, secret, passphrase })
    }

    #[test]
    fn each_names_the_gate_and_the_pair_and_no_real_host() {
        for definition in Exchanges::builtin().iter() {
            let id = definition.id();
            let has_passphrase = definition.fields().contains(&Field::Passphrase);
            for program in Program::ALL {
                let Some(text) = text(program, id, "KEY", "SECRET") else { continue };
                assert!(text.contains(&format!("http://localhost:8480/x/{id}")), "{text}");
                assert!(text.contains("KEY") && text.contains("SECRET"), "{text}");
                assert_eq!(text.contains("PASSPHRASE"), has_passphrase, "{text}");
                let names_hosts =
                    text.contains(".com") || text.contains(".co.kr") || text.contains("{hostname}");
                assert_eq!(
                    names_hosts,
                    program == Program::Hummingbot && !["bitstamp", "gate", "htx"].contains(&id),
                    "{text}"
                );
                assert!(text.lines().all(|line| line.len() <= 120), "{text}");
            }
        }
    }

    #[test]
    fn a_program_that_cannot_speak_to_an_exchange_has_no_lines() {
        let speaks = |program| -> Vec<String> {
            let all = Exchanges::builtin();
            let ids = all.iter().map(|definition| definition.id().to_owned());
            ids.filter(|id| text(program, id, "K", "S").is_some()).collect()
        };
        let all: Vec<String> = Exchanges::builtin().iter().map(|own| own.id().to_owned()).collect();
        assert_eq!(speaks(Program::PythonBinance), ["binance"]);
        assert_eq!(speaks(Program::Pybit), ["bybit"]);
        assert_eq!(speaks(Program::Krakenex), ["kraken"]);
        assert_eq!(speaks(Program::Curl), ["binance", "coinone"], "elsewhere the signature is another one");
        let listed: serde_json::Map<String, Value> =
            serde_json::from_str(include_str!("snippet/ccxt_addresses.json")).unwrap();
        let told = |id: &&String| id.as_str() != "coinone" && listed.contains_key(id.as_str());
        assert!(speaks(Program::Freqtrade).iter().eq(all.iter().filter(told)));
        assert!(speaks(Program::Freqtrade).len() >= 16, "{:?}", speaks(Program::Freqtrade));
        assert_eq!(speaks(Program::Hummingbot).len(), 10);
        for program in [Program::Ccxt, Program::CcxtJs, Program::Env] {
            assert_eq!(speaks(program), all, "{program:?}");
        }
    }

    /// freqtrade's file is made of what ccxt knows; who is not there has none, and is told so.
    #[test]
    fn an_exchange_that_no_list_has_is_spoken_to_by_what_needs_its_id_alone() {
        let file = include_str!("../../exchange/exchanges/kraken/exchange.toml");
        let definition = &Definition::parse(&file.replace("id = \"kraken\"", "id = \"newcomer\"")).unwrap();
        let access =
            Access { base_url: "http://localhost", definition, key: "K", secret: "S", passphrase: None };
        for program in Program::ALL {
            let speaks = [Program::Ccxt, Program::CcxtJs, Program::Env].contains(&program);
            let text = program.text(access);
            assert_eq!(text.is_some(), speaks, "{program:?}");
            assert!(text.is_none_or(|text| text.contains("http://localhost/x/newcomer")), "{program:?}");
        }
    }

    #[test]
    fn a_value_cannot_end_its_quotes() {
        let code = text(Program::Ccxt, "binance", "a\"b", "c\\d").unwrap();
        assert!(code.contains(r#""apiKey": "a\"b""#) && code.contains(r#""secret": "c\\d""#), "{code}");
        assert!(text(Program::Curl, "binance", "a'b", "c").unwrap().contains(r"KEY='a'\''b'"));
    }

    #[test]
    fn a_variable_is_read_when_the_code_runs() {
        let code = |program, exchange| text(program, exchange, "$K", "$S").unwrap();
        assert!(code(Program::Ccxt, "binance").contains(r#""secret": os.environ["S"]"#));
        for (program, exchange) in [
            (Program::Ccxt, "okx"),
            (Program::Krakenex, "kraken"),
            (Program::Pybit, "bybit"),
            (Program::PythonBinance, "binance"),
        ] {
            assert!(code(program, exchange).contains("import os\n"), "{program:?}");
            assert!(!text(program, exchange, "K", "S").unwrap().contains("import os\n"), "{program:?}");
        }
        assert!(code(Program::CcxtJs, "coinone").contains("secret: process.env.S"));
        assert!(
            code(Program::PythonBinance, "binance").contains(r#"Gated(os.environ["K"], os.environ["S"])"#)
        );
        assert!(code(Program::Curl, "coinone").contains("SECRET=\"$S\""));
        let file = code(Program::Freqtrade, "okx");
        assert!(
            file.contains("FREQTRADE__EXCHANGE__SECRET=\"$S\"") && !file.contains("\"secret\""),
            "{file}"
        );
    }

    /// freqtrade reads its file with comments; without them it is plain JSON.
    #[test]
    fn the_file_for_freqtrade_has_every_address_of_the_exchange() {
        let api = |exchange: &str| {
            let file = text(Program::Freqtrade, exchange, "K", "S").unwrap();
            let plain = file.lines().filter(|line| !line.trim_start().starts_with("//"));
            let file: Value = serde_json::from_str(&plain.collect::<String>()).unwrap();
            file["exchange"]["ccxt_config"]["urls"]["api"].clone()
        };
        let binance = api("binance");
        assert_eq!(binance["private"], "http://localhost:8480/x/binance/api/v3");
        assert_eq!(binance["dapiData"], "http://localhost:8480/x/binance.coinm/futures/data");
        assert_eq!(binance["ws"]["ws-api"]["spot"], "ws://localhost:8480/x/binance/ws-api/v3");
        assert_eq!(api("okx")["rest"], "http://localhost:8480/x/okx");
        assert_eq!(api("kucoin")["futuresPrivate"], "http://localhost:8480/x/kucoin.futures");
    }
}
