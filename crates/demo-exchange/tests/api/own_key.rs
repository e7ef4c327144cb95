//! A public key goes in, an API key comes out, and the private half signs.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use demo_exchange::Pem;
use serde_json::{Value, json};

use crate::caller::{FORM, Reply, World, sign, text};

const KEYS: &str = "/_demo/binance/keys";
const ACCOUNT: &str = "/api/v3/account";

/// A ready-made pair, its public half as text.
fn public(world: &World, name: &str) -> String {
    let (demo_exchange::Credential::Ed25519(pem) | demo_exchange::Credential::Rsa(pem)) =
        world.binance_key(name).credential
    else {
        panic!("{name} has no public key")
    };
    pem.to_text()
}

async fn hand_over(world: &World, body: &Value) -> Reply {
    Reply::of(world.request("POST", KEYS).body(body.to_string())).await
}

#[tokio::test]
async fn public_key_gets_an_api_key_that_its_private_half_signs_for() {
    let world = World::new().await;
    for name in ["ed25519", "rsa"] {
        let given = hand_over(&world, &json!({"public_key_pem": public(&world, name)})).await.ok();
        let api_key = text(&given["api_key"]);
        assert_eq!(api_key.len(), 64);
        let params = world.timed("");
        let signed = format!("{params}&signature={}", sign(&world.binance_key(name), params.as_bytes()));
        let account = world.sent(&api_key, "GET", ACCOUNT, &signed).await.ok();
        assert_eq!(account["canTrade"], true);
        let foreign = if name == "rsa" { "ed25519" } else { "rsa" };
        let signed = format!("{params}&signature={}", sign(&world.binance_key(foreign), params.as_bytes()));
        world.sent(&api_key, "GET", ACCOUNT, &signed).await.refused(400, -1022);
    }
}

#[tokio::test]
async fn key_may_what_was_asked_for_on_the_account_that_was_named() {
    let world = World::new().await;
    let wish =
        json!({"public_key_pem": public(&world, "ed25519"), "permissions": ["read"], "account": "read-only"});
    let given = hand_over(&world, &wish).await.ok();
    assert_eq!((&given["account"], &given["permissions"]), (&json!("read-only"), &json!(["read"])));
    let again = hand_over(&world, &wish).await.ok();
    assert_ne!(given["api_key"], again["api_key"]);
}

#[tokio::test]
async fn what_is_no_public_key_is_refused() {
    let world = World::new().await;
    let private = world.binance_key("ed25519").private.unwrap().to_text();
    let ec = Pem { pem: "PUBLIC KEY".to_owned(), body: "MFkwEwYHKoZIzj0CAQ==".to_owned() }.to_text();
    for wrong in ["", "x", &private, &ec, "-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----"] {
        assert_eq!(hand_over(&world, &json!({"public_key_pem": wrong})).await.status, 400, "{wrong}");
    }
    let nobody = json!({"public_key_pem": public(&world, "rsa"), "account": "nobody"});
    assert_eq!(hand_over(&world, &nobody).await.status, 400);
}

#[tokio::test]
async fn the_page_has_a_form_for_it() {
    let world = World::new().await;
    let page = world.request("GET", "/_demo/").send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("<form method=post action=/_demo/binance/keys>")
            && page.contains("name=public_key_pem")
    );
    let seed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let start = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [&start[..], seed.public_key().as_ref()].concat();
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der).replace('+', "%2B");
    // browsers send line breaks as CRLF
    let form = format!("public_key_pem=-----BEGIN+PUBLIC+KEY-----%0D%0A{body}%0D%0A-----END+PUBLIC+KEY-----");
    let form = world.request("POST", KEYS).header("content-type", FORM).body(form);
    assert!(Reply::of(form).await.ok()["api_key"].as_str().unwrap().starts_with("DemoOwnKey"));
}
