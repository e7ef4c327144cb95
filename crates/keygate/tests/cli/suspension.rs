//! `keygate suspension`, and honey keys.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::home::{Home, PASSWORD};

/// A home whose server believes what callers say of their address, and knows where the addresses of the tests are.
fn home() -> Home {
    let home = Home::new();
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/geoip");
    let settings = home.path(".config/keygate");
    fs::create_dir_all(&settings).unwrap();
    let text = format!("trusted_proxies = [\"127.0.0.1\"]\n[geoip]\ncity = \"{files}/city.mmdb\"\n");
    fs::write(settings.join("keygate.toml"), text).unwrap();
    home
}

/// Reads the account with a token, from somewhere; the status.
fn call(home: &Home, token: &str, from: &str, agent: &str) -> u16 {
    let host = home.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    let head = format!(
        "GET /x/binance/api/v3/account HTTP/1.1\r\nhost: {host}\r\nx-keygate-key: {token}\r\nx-forwarded-for: {from}\r\n\
         user-agent: {agent}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn suspended_key_is_listed_with_its_reasons_and_confirmed_with_the_password() {
    let home = home();
    let _server = home.with_bot();
    let pair = home.json("access create --bot grid");
    let (token, key) = (pair["token"].as_str().unwrap(), pair["prefix"].as_str().unwrap());
    home.run("suspension list").ok();
    assert_eq!(call(&home, token, "192.0.2.7", "ccxt/4"), 200);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(call(&home, token, "198.51.100.1", "curl/8"), 403);
    assert_eq!(call(&home, token, "192.0.2.7", "ccxt/4"), 403);
    let listed = home.run("suspension list").ok().out;
    for words in [key, "grid", "198.51.100.1", "new-country", "impossible-travel"] {
        assert!(listed.contains(words), "no {words}: {listed}");
    }
    let confirm = format!("suspension confirm {key}");
    home.run(&confirm).fails(4).says("--password-file");
    home.feed(&format!("{confirm} --password-stdin"), "wrong\n").fails(4);
    assert_eq!(call(&home, token, "192.0.2.7", "ccxt/4"), 403);
    home.feed(&format!("{confirm} --password-stdin"), &format!("{PASSWORD}\n")).ok().says("signs again");
    assert_eq!(call(&home, token, "192.0.2.7", "ccxt/4"), 200);
    home.run(&confirm).fails(5).says("does not stand still");
    assert!(home.json("suspension list")[0]["confirmed_at"].is_string());
}

#[test]
fn honey_key_is_made_for_a_bot_and_told_apart_by_its_owner_alone() {
    let home = home();
    let _server = home.with_bot();
    home.run("access create --honey").fails(2);
    let bait = home.json("access create --bot grid --honey");
    assert_eq!(bait["honey"], json!(true));
    assert_eq!(call(&home, bait["token"].as_str().unwrap(), "192.0.2.7", "thief/1"), 401);
    assert_eq!(home.json("access list --bot grid")[0]["honey"], json!(true));
    assert_eq!(home.json("alerts list")[0]["kind"], "honey-key");
}

#[test]
fn doctor_says_which_geoip_file_cannot_be_used() {
    let home = home();
    let settings = home.path(".config/keygate/keygate.toml");
    let asn = home.file("asn.mmdb", "no such file");
    let more = format!("{}asn = \"{}\"\n", fs::read_to_string(&settings).unwrap(), asn.display());
    fs::write(settings, more).unwrap();
    let found = home.json("doctor --offline");
    let of = |check: &str| {
        let all = found.as_array().unwrap();
        all.iter().find(|own| own["check"] == check).unwrap_or_else(|| panic!("{found}")).clone()
    };
    assert_eq!(of("geoip city")["severity"], "ok");
    assert_eq!(of("geoip asn")["severity"], "medium");
    assert!(of("geoip asn")["text"].as_str().unwrap().contains("cannot be used"));
}
