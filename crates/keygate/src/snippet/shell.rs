//! What a shell reads: a call by hand, and lines for an environment file.

use super::{Access, prefix, variables};

/// A script with curl and openssl that reads the balance: the exchange's own signature, by hand.
pub fn curl(access: Access<'_>) -> Option<String> {
    let call = match access.definition.id() {
        "binance" => BINANCE,
        "coinone" => COINONE,
        _ => return None,
    };
    let (gate, key, secret) = (word(&access.gate()), word(access.key), word(access.secret));
    Some(format!("GATE={gate}\nKEY={key}\nSECRET={secret}\n{call}"))
}

/// The gate's address for this exchange, the pair under usual names.
pub fn env(access: Access<'_>) -> String {
    let Access { definition, key, secret, .. } = access;
    let (prefix, gate) = (prefix(definition.id()), access.gate());
    let [key_name, secret_name, passphrase_name] = variables(definition.id());
    // a private key has several lines
    let secret = if secret.contains('\n') { format!("\"{}\"", secret.trim_end()) } else { secret.to_owned() };
    let passphrase = access.passphrase.map_or(String::new(), |text| format!("{passphrase_name}={text}\n"));
    format!("{prefix}_BASE_URL={gate}\n{key_name}={key}\n{secret_name}={secret}\n{passphrase}")
}

fn word(value: &str) -> String {
    match value.strip_prefix('$') {
        Some(name) => format!("\"${name}\""),
        None => format!("'{}'", value.replace('\'', r"'\''")),
    }
}

const BINANCE: &str = r#"QUERY="timestamp=$(date +%s)000"
SIGNATURE=$(printf %s "$QUERY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.* //')
curl -sS -H "X-MBX-APIKEY: $KEY" "$GATE/api/v3/account?$QUERY&signature=$SIGNATURE"
"#;

const COINONE: &str = r#"NONCE=$(cat /proc/sys/kernel/random/uuid)
PAYLOAD=$(printf '{"access_token":"%s","nonce":"%s"}' "$KEY" "$NONCE" | base64 -w 0)
SIGNATURE=$(printf %s "$PAYLOAD" | openssl dgst -sha512 -hmac "$SECRET" | sed 's/.* //')
curl -sS -H "Content-Type: application/json" -H "X-COINONE-PAYLOAD: $PAYLOAD" \
  -H "X-COINONE-SIGNATURE: $SIGNATURE" --data "$PAYLOAD" "$GATE/v2.1/account/balance/all"
"#;
