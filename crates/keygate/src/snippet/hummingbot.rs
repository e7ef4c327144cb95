//! Hummingbot: its addresses are constants and it has no proxy setting, so the exchange's name itself has to lead to
//! the gate. A recipe for people who run such things already, not a headline.

use super::Access;

pub fn recipe(access: Access<'_>) -> Option<String> {
    let own = access.definition.id();
    let &(id, connector, host) = CONNECTORS.iter().find(|(id, ..)| *id == own)?;
    let (keygate, gate) = (access.base_url.trim_end_matches('/'), access.gate());
    let passphrase = access.passphrase.map_or(String::new(), |text| format!("#        passphrase  {text}\n"));
    let (key, secret) = (access.key, access.secret.trim_end().replace('\n', "\n#                    "));
    Some(format!(
        "# ADVANCED. Hummingbot has no setting for the address of an exchange: the name {host} itself has\n\
         # to lead to {gate}. Keygate's tests do not run Hummingbot.\n\
         # What does not go this way: its WebSocket streams. They still reach {} itself, which does not know the\n\
         # virtual key; Hummingbot is left with asking for its orders.\n\
         #\n\
         # 1. A proxy that answers to the name with a certificate of its own authority. Caddyfile:\n\
         #\n\
         #    {host} {{\n\
         #        tls internal\n\
         #        rewrite * /x/{id}{{uri}}\n\
         #        reverse_proxy {keygate} {{\n\
         #            header_up Host {{upstream_hostport}}\n\
         #        }}\n\
         #    }}\n\
         #\n\
         # 2. The certificates that Hummingbot shall trust: the public ones for everything else it calls, and\n\
         #    Caddy's root (in its data directory: pki/authorities/local/root.crt).\n\
         #\n\
         #    cat /etc/ssl/certs/ca-certificates.crt root.crt > trusted.crt\n\
         #\n\
         # 3. In Hummingbot's docker-compose.yml, with the address Caddy listens on:\n\
         #\n\
         #    extra_hosts: [\"{host}:192.0.2.1\"]\n\
         #    environment: {{ SSL_CERT_FILE: /trusted.crt }}\n\
         #    volumes: [\"./trusted.crt:/trusted.crt:ro\"]\n\
         #\n\
         # 4. In Hummingbot: connect {connector}\n\
         #\n\
         #        API key     {key}\n\
         #        secret      {secret}\n\
         {passphrase}",
        access.definition.name()
    ))
}

/// Our id, the connector's name in Hummingbot, the host it calls.
const CONNECTORS: [(&str, &str, &str); 10] = [
    ("binance", "binance", "api.binance.com"),
    ("bitstamp", "bitstamp", "www.bitstamp.net"),
    ("bybit", "bybit", "api.bybit.com"),
    ("coinbase", "coinbase_advanced_trade", "api.coinbase.com"),
    ("gate", "gate_io", "api.gateio.ws"),
    ("htx", "htx", "api.huobi.pro"),
    ("kraken", "kraken", "api.kraken.com"),
    ("kucoin", "kucoin", "api.kucoin.com"),
    ("mexc", "mexc", "api.mexc.com"),
    ("okx", "okx", "www.okx.com"),
];
