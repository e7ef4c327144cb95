//! `POST /_demo/binance/keys`: what an exchange's page does with a public key of its user's own. It gives an API key
//! for it, and never sees the private half.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Credential, Key, Pem, Permission};
use crate::request::{Answer, Received, form_decode};
use crate::server::State;

/// As JSON; the form of the page has the first member alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    public_key_pem: String,
    #[serde(default = "trade_account")]
    account: String,
    #[serde(default = "read_and_trade")]
    permissions: Vec<Permission>,
}

pub(crate) fn answer(state: &mut State, request: &Received) -> Answer {
    match wish(request).and_then(|wish| take(state, wish)) {
        Ok(given) => Answer::json(200, &given),
        Err(reason) => Answer::json(400, &json!({ "error": reason })),
    }
}

fn wish(request: &Received) -> Result<Wish, String> {
    let form = request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form"));
    if !form {
        return serde_json::from_slice(&request.body).map_err(|error| error.to_string());
    }
    let body = String::from_utf8_lossy(&request.body);
    let pem = body.split('&').find_map(|pair| pair.strip_prefix("public_key_pem="));
    let public_key_pem = pem.and_then(form_decode).ok_or("the form has a field public_key_pem")?;
    Ok(Wish { public_key_pem, account: trade_account(), permissions: read_and_trade() })
}

fn take(state: &mut State, wish: Wish) -> Result<Value, String> {
    let credential = credential(&wish.public_key_pem)?;
    let binance = state.exchange("binance").ok_or("Binance is not open")?;
    let account = binance.floor().customers().find(|(name, _)| *name == wish.account).map(|(_, id)| id);
    let account = account.ok_or_else(|| format!("no account {}", wish.account))?;
    let number = (1..).find(|number| binance.keys().get(&api_key(*number)).is_none()).unwrap_or_default();
    let key = Key {
        name: format!("own-{number}"),
        api_key: api_key(number),
        credential,
        passphrase: None,
        permissions: wish.permissions,
        ips: Vec::new(),
        private: None,
    };
    let given = json!({ "api_key": key.api_key, "account": wish.account, "permissions": key.permissions });
    binance.keys_mut().insert(account, &wish.account, key);
    Ok(given)
}

/// Like the real one: 64 letters and digits.
fn api_key(number: u32) -> String {
    format!("DemoOwnKey{number:054}")
}

/// Told apart by the start of the DER (RFC 8410) and the identifier inside it (RFC 8017).
fn credential(text: &str) -> Result<Credential, String> {
    let pem = Pem::from_text(text).filter(|pem| pem.pem == "PUBLIC KEY");
    let pem = pem.ok_or("paste the public key with its BEGIN PUBLIC KEY and END PUBLIC KEY lines")?;
    let der = pem.der().ok_or("the public key is damaged")?;
    match der {
        der if der.starts_with(&ED25519) && der.len() == 44 => Ok(Credential::Ed25519(pem)),
        der if der.windows(RSA.len()).take(16).any(|part| part == RSA) => Ok(Credential::Rsa(pem)),
        _ => Err("the public key is neither Ed25519 nor RSA".to_owned()),
    }
}

const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

fn trade_account() -> String {
    "trade".to_owned()
}

fn read_and_trade() -> Vec<Permission> {
    vec![Permission::Read, Permission::Trade]
}
