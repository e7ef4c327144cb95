//! A private key in a file connects as a shared secret does.

use demo_exchange::{Config, Pem};

use crate::home::{Home, TRADE_KEY};

#[test]
fn private_keys_connect_from_a_file() {
    let home = Home::new();
    let _server = home.with_owner(&["--demo"]);
    for name in ["ed25519", "rsa"] {
        let (public, private) = demo_key(name);
        let file = home.file("key.pem", &private.to_text());
        let add = format!("connection add binance --environment practice --name {name} --trade");
        let file = file.to_str().unwrap();
        home.run(&format!("{add} --api-key {public} --secret-file {file}")).ok();
        let checked = home.json(&format!("connection check {name}"));
        assert_eq!(
            (&checked["status"], &checked["exchange_permissions"]["trade"]),
            (&"active".into(), &true.into())
        );
    }
}

#[test]
fn a_damaged_or_foreign_private_key_does_not_connect() {
    let home = Home::new();
    let _server = home.with_owner(&["--demo"]);
    let (public, private) = demo_key("ed25519");
    let add = "connection add binance --environment practice --secret-file key.pem --api-key";
    home.file("key.pem", &private.to_text().replace("-----END", "---END"));
    home.run(&format!("{add} {public}")).fails(1).says("secret");
    home.file("key.pem", &private.to_text());
    home.run(&format!("{add} {TRADE_KEY}")).fails(1);
    assert_eq!(home.json("connection list"), serde_json::json!([]), "nothing was stored");
}

/// A key of the demo exchange: its public half, and the private one.
fn demo_key(name: &str) -> (String, Pem) {
    let accounts = Config::demo().exchanges.remove("binance").unwrap().accounts;
    let key = accounts.into_iter().flat_map(|account| account.keys).find(|key| key.name == name).unwrap();
    (key.api_key, key.private.unwrap())
}
