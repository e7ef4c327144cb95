//! Login throttling that cannot lock the owner out: attempts are counted per account *and* network, per
//! network, and for a device that has signed in before in a bucket of its own. Nothing of a stranger's counts per
//! account alone, so a stranger elsewhere can exhaust only their own buckets.

use aws_lc_rs::digest;
use uuid::Uuid;

use super::{Email, store};
use crate::{
    app::App,
    auth::{Caller, Client, Via},
    error::{Code, Result},
};

/// The buckets an attempt was charged to, to be emptied when it succeeds.
pub struct Buckets(pub Vec<Vec<u8>>);

pub async fn charge(
    app: &App,
    email: &Email,
    user: Option<Uuid>,
    client: &Client,
    device: Option<&str>,
) -> Result<Buckets> {
    let network = bucket(&[b"network", &client.neighbourhood()]);
    let known = match device {
        // asked for nobody too, so that the time it takes tells nothing
        Some(device) => store::knows_device(app, device, user.unwrap_or(Uuid::nil())).await?,
        None => false,
    };
    let account = match device.filter(|_| known) {
        Some(device) => bucket(&[b"device", device.as_bytes()]),
        None => account_of(email, client),
    };
    let way_out = ", or sign in on a device you have used before";
    // the network first: who has used it up leaves no trace of the addresses they go on to try
    if !known {
        charge_one(app, &network, PER_NETWORK, way_out).await?;
    }
    charge_one(app, &account, PER_ACCOUNT, way_out).await?;
    Ok(Buckets(vec![account]))
}

/// An attempt of somebody who is signed in already, at their own password: counted apart, so that whoever fails to sign in
/// keeps nobody from it who did; and by sign-in, so that a stolen one cannot lock its owner out elsewhere.
pub async fn charge_caller(app: &App, caller: &Caller, client: &Client) -> Result<Buckets> {
    let account = bucket(&[b"confirm", caller.user.as_bytes(), &client.neighbourhood()]);
    let (Via::Session { id, .. } | Via::Token { family: id, .. } | Via::AccessKey { id, .. }) = &caller.via;
    let everywhere = bucket(&[b"confirm", id.as_bytes()]);
    charge_one(app, &account, PER_ACCOUNT, "").await?;
    // who holds a stolen session may have many networks, and keeps nobody else from the password
    charge_one(app, &everywhere, PER_CALLER, "").await?;
    Ok(Buckets(vec![account, everywhere]))
}

async fn charge_one(app: &App, bucket: &[u8], allowed: i32, way_out: &str) -> Result<()> {
    match store::charge_login(app, bucket, allowed).await? {
        None => Ok(()),
        Some(seconds) => Err(Code::TooManyAttempts
            .with(format!("Wait {seconds} seconds{way_out}."))
            .retry_after(u64::try_from(seconds).unwrap_or(60))),
    }
}

fn account_of(email: &Email, client: &Client) -> Vec<u8> {
    bucket(&[b"account", email.text().as_bytes(), &client.neighbourhood()])
}

pub async fn clear(app: &App, buckets: &Buckets) -> Result<()> {
    store::clear_login(app, &buckets.0).await
}

/// The name of a bucket says nothing about whom it counts.
fn bucket(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in parts {
        hash.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finish().as_ref().to_vec()
}

const PER_ACCOUNT: i32 = 10;
const PER_CALLER: i32 = 40;
const PER_NETWORK: i32 = 60;
