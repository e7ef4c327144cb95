//! `/api/v1/auth`: signing in and out, and what tokens are worth.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use keygate::{
    auth::{Client, Origin},
    error::Code,
    http::RequestId,
    user,
};
use seal::SecretText;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Api, Reply, text},
    world::{OWNER, PASSWORD, World},
};

const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const ME: &str = "/api/v1/users/me";

async fn login(api: &Api, email: &str, password: &str) -> Reply {
    api.nobody().post(LOGIN, json!({"email": email, "password": password})).await
}

async fn refresh(api: &Api, token: &Value) -> Reply {
    api.nobody().post(REFRESH, json!({"refresh_token": token})).await
}

/// As from this address, for a server that believes its proxy.
async fn login_from(api: &Api, address: &str, email: &str, password: &str) -> Reply {
    let request = api.nobody().request("POST", LOGIN).header("x-forwarded-for", address);
    Reply::of(request.json(&json!({"email": email, "password": password}))).await
}

#[tokio::test]
async fn login_answers_tokens_that_work_whatever_the_case_of_the_address() {
    let world = World::new().await;
    let tokens = login(&world.api, " OWNER@Example.com ", PASSWORD).await.is(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(300)));
    let me = world.api.with_token(text(&tokens["access_token"])).get(ME).await.is(200);
    assert_eq!(me["email"], OWNER);
    assert!(me.get("password_hash").is_none(), "{me}");
}

#[tokio::test]
async fn wrong_password_and_unknown_user_are_told_the_same() {
    let world = World::new().await;
    let wrong = login(&world.api, OWNER, "not the password at all").await;
    let unknown = login(&world.api, "nobody@example.com", "not the password at all").await;
    let nonsense = login(&world.api, "not an address", "not the password at all").await;
    for reply in [&wrong, &unknown, &nonsense] {
        reply.problem(401, "login-failed");
    }
    let shown = |reply: &Reply| {
        let mut body = reply.body.clone();
        body["request_id"] = Value::Null;
        body
    };
    assert_eq!(shown(&wrong), shown(&unknown));
    assert_eq!(shown(&wrong), shown(&nonsense));
}

#[tokio::test]
async fn registration_is_closed_unless_the_configuration_opens_it() {
    let closed = World::new().await;
    let input = json!({"email": "new@example.com", "name": "Nora", "password": PASSWORD});
    closed
        .api
        .nobody()
        .post("/api/v1/auth/register", input.clone())
        .await
        .problem(403, "registration-closed");
    assert_eq!(closed.count("users").await, 1);
    let open = World::with(|config| config.registration.open = true).await;
    let tokens = open.api.nobody().post("/api/v1/auth/register", input.clone()).await.is(201);
    let me = open.api.with_token(text(&tokens["access_token"])).get(ME).await.is(200);
    assert_eq!((&me["email"], &me["role"]), (&json!("new@example.com"), &json!("user")));
    open.api.nobody().post("/api/v1/auth/register", input).await.problem(409, "duplicate");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_wait_is_named() {
    let world = World::new().await;
    for _ in 0..10 {
        login(&world.api, OWNER, "not the password at all").await.problem(401, "login-failed");
    }
    let reply = login(&world.api, OWNER, PASSWORD).await;
    reply.problem(429, "too-many-attempts");
    let seconds: i64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    world.advance(Duration::minutes(16));
    login(&world.api, OWNER, PASSWORD).await.is(200);
}

#[tokio::test]
async fn guesses_from_elsewhere_do_not_lock_the_owner_out() {
    let world = World::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    for _ in 0..11 {
        login_from(&world.api, "203.0.113.9", OWNER, "not the password at all").await;
    }
    login_from(&world.api, "203.0.113.77", OWNER, PASSWORD).await.problem(429, "too-many-attempts");
    login_from(&world.api, "198.51.100.4", OWNER, PASSWORD).await.is(200);
}

#[tokio::test]
async fn address_claimed_without_a_trusted_proxy_counts_for_nothing() {
    let world = World::new().await;
    for last in 0..10 {
        login_from(&world.api, &format!("203.0.{last}.9"), OWNER, "not the password at all").await;
    }
    login_from(&world.api, "198.51.100.4", OWNER, PASSWORD).await.problem(429, "too-many-attempts");
}

/// The disk belongs to the record: what a stranger leaves is bounded, and forgotten.
#[tokio::test]
async fn attempts_and_what_has_ended_leave_nothing_behind() {
    let world = World::new().await;
    login(&world.api, "nobody@example.com", "not the password at all").await.problem(401, "login-failed");
    assert_eq!(
        world.count("keygate.login_bucket").await,
        2,
        "one of the network, and one of the account tried"
    );
    world.execute("update keygate.login_bucket set attempts = 60").await;
    for number in 0..5 {
        let refused =
            login(&world.api, &format!("nobody{number}@example.com"), "not the password at all").await;
        refused.problem(429, "too-many-attempts");
    }
    assert_eq!(
        world.count("keygate.login_bucket").await,
        2,
        "who has used up the network's attempts leaves no more"
    );
    world.advance(Duration::days(31));
    let tokens = login(&world.api, OWNER, PASSWORD).await.is(200);
    keygate::job::round(&world.server.app).await;
    let left = ["keygate.login_bucket", "keygate.refresh_family", "keygate.device"];
    for (table, rows) in left.into_iter().zip([1, 1, 0]) {
        assert_eq!(world.count(table).await, rows, "{table}");
    }
    world.api.with_token(text(&tokens["access_token"])).get(ME).await.is(200);
}

#[tokio::test]
async fn known_device_gets_in_while_strangers_exhaust_the_account() {
    let world = World::new().await;
    let app = &world.server.app;
    let client = Client { ip: "203.0.113.9".parse().unwrap(), agent: None, language: None };
    let origin = Origin { request: RequestId(uuid::Uuid::nil()), client: Some(client.clone()) };
    let attempt = |password: &'static str, device| {
        user::sign_in(app, OWNER, SecretText::from(password.to_owned()), &client, &origin, device)
    };
    let user = attempt(PASSWORD, None).await.unwrap();
    let known = user::remember_device(app, user, None).await.unwrap().hash;
    for _ in 0..10 {
        let refused = attempt("not the password at all", None).await.err().unwrap();
        assert_eq!(refused.code, Code::LoginFailed);
    }
    let other = "0".repeat(64);
    let stranger = attempt(PASSWORD, Some(&other)).await.err().unwrap();
    assert_eq!(stranger.code, Code::TooManyAttempts);
    assert!(attempt(PASSWORD, Some(&known)).await.is_ok());
}

#[tokio::test]
async fn refresh_token_is_good_for_one_use() {
    let world = World::new().await;
    let first = login(&world.api, OWNER, PASSWORD).await.is(200);
    let second = refresh(&world.api, &first["refresh_token"]).await.is(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    world.api.with_token(text(&second["access_token"])).get(ME).await.is(200);
}

#[tokio::test]
async fn refresh_token_used_twice_ends_the_whole_sign_in() {
    let world = World::new().await;
    let first = login(&world.api, OWNER, PASSWORD).await.is(200);
    let second = refresh(&world.api, &first["refresh_token"]).await.is(200);
    refresh(&world.api, &first["refresh_token"]).await.problem(401, "unauthorized");
    refresh(&world.api, &second["refresh_token"]).await.problem(401, "unauthorized");
    for tokens in [first, second] {
        world.api.with_token(text(&tokens["access_token"])).get(ME).await.problem(401, "unauthorized");
    }
    world.api.get(ME).await.is(200); // another sign-in of the same user is not touched
}

#[tokio::test]
async fn refresh_token_used_by_two_at_once_serves_one_at_most() {
    let world = World::new().await;
    let tokens = login(&world.api, OWNER, PASSWORD).await.is(200);
    let (a, b) = tokio::join!(
        refresh(&world.api, &tokens["refresh_token"]),
        refresh(&world.api, &tokens["refresh_token"])
    );
    let good = [&a, &b].iter().filter(|reply| reply.status == 200).count();
    assert_eq!(good, 1, "{} {}", a.status, b.status);
}

#[tokio::test]
async fn refresh_token_ends_after_a_week_unused() {
    let world = World::new().await;
    let tokens = login(&world.api, OWNER, PASSWORD).await.is(200);
    world.advance(Duration::days(7) + Duration::seconds(1));
    refresh(&world.api, &tokens["refresh_token"]).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn sign_in_ends_after_thirty_days_however_often_it_was_renewed() {
    let world = World::new().await;
    let mut tokens = login(&world.api, OWNER, PASSWORD).await.is(200);
    for _ in 0..5 {
        world.advance(Duration::days(5));
        tokens = refresh(&world.api, &tokens["refresh_token"]).await.is(200);
    }
    world.advance(Duration::days(5) + Duration::seconds(1));
    refresh(&world.api, &tokens["refresh_token"]).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn logout_ends_access_and_refresh_at_once() {
    let world = World::new().await;
    let tokens = login(&world.api, OWNER, PASSWORD).await.is(200);
    let me = world.api.with_token(text(&tokens["access_token"]));
    me.tell("/api/v1/auth/logout").await.is(204);
    me.get(ME).await.problem(401, "unauthorized");
    refresh(&world.api, &tokens["refresh_token"]).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn access_token_lives_five_minutes() {
    let world = World::new().await;
    world.advance(Duration::seconds(299));
    world.api.get(ME).await.is(200);
    world.advance(Duration::seconds(10));
    world.api.get(ME).await.problem(401, "unauthorized");
}

/// The parts of a real token, as JSON.
fn parts(token: &str) -> (Value, Value) {
    let part = |at| {
        let text = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    (part(0), part(1))
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

#[tokio::test]
async fn forged_access_tokens_are_refused() {
    let world = World::new().await;
    let real = world.api.token();
    let (header, claims) = parts(real);
    let signature = real.rsplit_once('.').unwrap().1;
    let with = |member: &str, value: Value| {
        let mut claims = claims.clone();
        claims[member] = value;
        claims
    };
    let mut forged = vec![
        format!("{}.", unsigned(&json!({"alg": "none", "typ": "at+jwt", "kid": header["kid"]}), &claims)),
        format!("{}.", unsigned(&json!({"alg": "none"}), &claims)),
        format!("{}.{signature}", unsigned(&header, &with("sub", json!(uuid::Uuid::nil())))),
        format!("{}.{signature}", unsigned(&header, &with("exp", json!(9_999_999_999_i64)))),
        real.rsplit_once('.').unwrap().0.to_owned(),
        format!("{real}A"),
        format!("{real}.{signature}"),
        "..".to_owned(),
        String::new(),
    ];
    let mut confused = Header::new(Algorithm::HS256);
    confused.typ = Some("at+jwt".to_owned());
    confused.kid = header["kid"].as_str().map(str::to_owned);
    for secret in [&b""[..], b"keygate", signature.as_bytes()] {
        forged.push(encode(&confused, &claims, &EncodingKey::from_secret(secret)).unwrap());
    }
    for token in forged {
        world.api.with_token(&token).get(ME).await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn token_of_our_key_with_other_claims_is_refused() {
    let world = World::new().await;
    let keys = &world.server.app.keys.jwt;
    let claims = parts(world.api.token()).1;
    let issue = |typ: Option<&str>, member: &str, value: Value| {
        let mut header = Header::new(Algorithm::EdDSA);
        (header.typ, header.kid) = (typ.map(str::to_owned), Some(keys.kid.clone()));
        let mut claims = claims.clone();
        claims[member] = value;
        encode(&header, &claims, &keys.encoding).unwrap()
    };
    let good = issue(Some("at+jwt"), "aud", json!("keygate"));
    world.api.with_token(&good).get(ME).await.is(200);
    for bad in [
        issue(Some("JWT"), "aud", json!("keygate")),
        issue(None, "aud", json!("keygate")),
        issue(Some("at+jwt"), "aud", json!("another")),
        issue(Some("at+jwt"), "aud", Value::Null),
        issue(Some("at+jwt"), "iss", json!("another")),
        issue(Some("at+jwt"), "exp", json!(1_000_000_000)),
        issue(Some("at+jwt"), "iat", json!(9_999_999_999_i64)),
        issue(Some("at+jwt"), "sv", json!(77)),
        issue(Some("at+jwt"), "sid", json!(uuid::Uuid::nil())),
        issue(Some("at+jwt"), "sub", json!(uuid::Uuid::nil())),
    ] {
        world.api.with_token(&bad).get(ME).await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let world = World::new().await;
    let request = world.api.request("GET", ME).header("authorization", "Bearer another");
    Reply::of(request).await.problem(401, "unauthorized");
    let basic = world.api.nobody().request("GET", ME).basic_auth(OWNER, Some(PASSWORD));
    let reply = Reply::of(basic).await;
    reply.problem(401, "unauthorized");
    assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
}

#[tokio::test]
async fn password_never_stands_in_a_row() {
    let world = World::new().await;
    login(&world.api, OWNER, PASSWORD).await.is(200);
    assert_eq!(world.count(&format!("users where users::text like '%{PASSWORD}%'")).await, 0);
    assert_eq!(world.count("users where password_hash like '%argon2id%'").await, 1);
}
