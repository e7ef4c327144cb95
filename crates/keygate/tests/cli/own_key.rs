//! `keygate connection add --generate`: the secret is made in the vault; the command line carries public halves only.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::home::{Home, Server};

const ADD: &str = "connection add binance --environment practice";

/// What its owner does at the exchange: hands over the public half, and is given an API key.
fn hand_over(server: &Server, public_key_pem: &str) -> String {
    let words = server.lines.iter().flat_map(|line| line.split(' '));
    let page = words.into_iter().find(|word| word.contains("/_demo/")).unwrap();
    let host = page.trim_start_matches("http://").split('/').next().unwrap();
    let body = json!({ "public_key_pem": public_key_pem }).to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    let (kind, length) = ("content-type: application/json", body.len());
    let head = format!("POST /_demo/binance/keys HTTP/1.1\r\nhost: {host}\r\n{kind}\r\nconnection: close");
    write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let given: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    given["api_key"].as_str().unwrap().to_owned()
}

#[test]
fn key_made_in_the_vault_is_completed_with_the_api_key_it_was_given() {
    let home = Home::new();
    let server = home.with_owner(&["--demo"]);
    for kind in ["ed25519", "rsa"] {
        let made = home.run(&format!("{ADD} --generate {kind}")).ok();
        assert!(made.out.starts_with("-----BEGIN PUBLIC KEY-----\n"), "the data is the key alone: {made:?}");
        assert!(
            made.out.ends_with("-----END PUBLIC KEY-----\n") && !made.out.contains("PRIVATE"),
            "{made:?}"
        );
        assert!(!made.err.contains("PRIVATE"), "{made:?}");
        let api_key = hand_over(&server, &made.out);
        let (_, next) = made.err.split_once("keygate ").unwrap();
        let next = next.trim_end().replace("KEY", &api_key);
        assert!(next.contains("--environment practice --own-key "), "{next}");
        let added = home.run(&format!("{next} --name {kind} --trade")).ok();
        added.says("Next: keygate bot add NAME");
        assert_eq!(home.json(&format!("connection check {kind}"))["status"], "active");
    }
    assert_eq!(home.json("connection own-keys"), json!([]));
}

#[test]
fn as_json_the_made_key_is_one_document_with_its_id() {
    let home = Home::new();
    let server = home.with_owner(&["--demo"]);
    let made = home.json(&format!("{ADD} --generate ed25519"));
    assert!(made["paste"].is_string() && made["expires_at"].is_string());
    assert_eq!(home.json("connection own-keys")[0]["id"], made["id"]);
    let id = made["id"].as_str().unwrap();
    let api_key = hand_over(&server, made["public_key_pem"].as_str().unwrap());
    let connection = home.json(&format!("{ADD} --own-key {id} --api-key {api_key}"));
    assert_eq!(connection["api_key_id"], made["id"]);
}

#[test]
fn what_cannot_be_made_or_completed_says_why_and_keeps_what_waits() {
    let home = Home::new();
    let _server = home.with_owner(&["--demo"]);
    home.run(&format!("{ADD} --generate hmac")).fails(1).says("ed25519, rsa");
    home.run("connection add coinone --generate ed25519").fails(1).says("no public keys");
    home.run(&format!("{ADD} --generate ed25519 --api-key K")).fails(2);
    home.run(&format!("{ADD} --own-key 7 --api-key K")).fails(2);
    let id = home.json(&format!("{ADD} --generate ed25519"))["id"].as_str().unwrap().to_owned();
    home.feed(&format!("{ADD} --own-key {id} --api-key K --secret-stdin"), "x").fails(2);
    home.run(&format!("{ADD} --own-key {id}")).fails(2).says("--api-key KEY");
    home.run(&format!("{ADD} --own-key {id} --api-key {}", "U".repeat(64))).fails(1);
    home.run(&format!("connection add binance --own-key {id} --api-key K")).fails(1).says("practice");
    assert_eq!(home.json("connection list"), json!([]));
    home.run(&format!("connection delete-own-key {id}")).ok().says("Destroyed.");
    home.run(&format!("connection delete-own-key {id}")).fails(5);
    home.run(&format!("{ADD} --own-key {id} --api-key K")).fails(1).says("seven days");
}
