//! Balances, keys and withdrawals.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::order::{MAX_TOTAL, amount, pair_index};
use super::show::market;
use crate::amount::plain;
use crate::date::kst;
use crate::floor::Balance;
use crate::house::{Ask, Dialect, House, Reply, Withdrawal};
use crate::key::Entry;

/// How long a key lives: a year.
const KEY_LIFE_MS: i64 = 365 * 86_400_000;

pub(crate) fn accounts<D: Dialect<Error = Error>>(house: &mut House<D>, _: &Ask, caller: &Entry) -> Reply<D> {
    Ok(house.desk.floor.wallet(caller.account).iter().map(|(asset, held)| shown(asset, held)).collect())
}

fn shown(asset: &str, held: Balance) -> Value {
    json!({ "currency": asset, "balance": plain(held.free), "locked": plain(held.locked), "avg_buy_price": "0",
            "avg_buy_price_modified": true, "unit_currency": "KRW" })
}

/// The keys of the account, and when they end; what they may do is not told.
pub(crate) fn api_keys<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    let own = house.desk.keys.iter().filter(|entry| entry.account == caller.account);
    let show =
        |entry: &Entry| json!({ "access_key": entry.key.api_key, "expire_at": kst(ask.now + KEY_LIFE_MS) });
    Ok(own.map(show).collect())
}

/// What may be ordered in a market, and with what.
pub(crate) fn chance<D: Dialect<Error = Error>>(house: &mut House<D>, ask: &Ask, caller: &Entry) -> Reply<D> {
    let floor = &house.desk.floor;
    let name = ask.params.text("market").ok_or(Error::Parameter)?;
    let pair = &floor.pairs[pair_index(floor, &name).ok_or(Error::Parameter)?];
    let (fee, wallet) = (plain(floor.fee_rate()), floor.wallet(caller.account));
    let least = plain(pair.min_notional);
    Ok(json!({
        "bid_fee": fee, "ask_fee": fee, "maker_bid_fee": fee, "maker_ask_fee": fee,
        "market": {
            "id": market(pair), "name": format!("{}/{}", pair.base, pair.quote), "order_types": ["limit"],
            "order_sides": ["ask", "bid"], "bid_types": ["limit", "price"], "ask_types": ["limit", "market"],
            "bid": { "currency": pair.quote, "min_total": least },
            "ask": { "currency": pair.base, "min_total": least },
            "max_total": plain(MAX_TOTAL), "state": "active",
        },
        "bid_account": shown(&pair.quote, wallet.get(&pair.quote)),
        "ask_account": shown(&pair.base, wallet.get(&pair.base)),
    }))
}

pub(crate) fn wallet_status<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    _: &Entry,
) -> Reply<D> {
    let show = |asset: &str| {
        json!({ "currency": asset, "wallet_state": "working", "block_state": "normal", "block_height": 1,
                "block_updated_at": kst(ask.now), "block_elapsed_minutes": 0, "net_type": asset,
                "network_name": asset })
    };
    Ok(house.desk.floor.assets().into_iter().map(show).collect())
}

pub(crate) fn withdrawal_chance<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    let asset = known_currency(house, ask)?;
    let held = house.desk.floor.wallet(caller.account).get(&asset);
    Ok(json!({
        "member_level": { "security_level": 3, "fee_level": 0, "email_verified": true, "locked": false,
                          "identity_auth_verified": true, "bank_account_verified": true, "wallet_locked": false },
        "currency": { "code": asset, "withdraw_fee": "0", "is_coin": asset != "KRW", "wallet_state": "working",
                      "wallet_support": ["deposit", "withdraw"] },
        "account": shown(&asset, held),
        "withdraw_limit": { "currency": asset, "minimum": "0.00000001", "onetime": plain(MAX_TOTAL),
                            "daily": plain(MAX_TOTAL), "remaining_daily": plain(MAX_TOTAL), "fixed": 8,
                            "can_withdraw": true },
    }))
}

fn known_currency<D: Dialect>(house: &House<D>, ask: &Ask) -> Result<String, Error> {
    let asset = ask.params.text("currency").ok_or(Error::Parameter)?;
    Some(asset).filter(|asset| house.desk.floor.assets().contains(asset.as_str())).ok_or(Error::Parameter)
}

pub(crate) fn withdraw_coin<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    let asset = known_currency(house, ask)?;
    let address = ask.params.text("address").ok_or(Error::Parameter)?;
    if asset == "KRW" || ask.params.text("net_type").is_none() {
        return Err(Error::Parameter);
    }
    withdraw(house, ask, caller, asset, address)
}

/// To the bank account of the customer.
pub(crate) fn withdraw_krw<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    withdraw(house, ask, caller, "KRW".to_owned(), "bank".to_owned())
}

fn withdraw<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
    asset: String,
    address: String,
) -> Reply<D> {
    let amount = amount(&ask.params, "amount")?.ok_or(Error::Parameter)?;
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    let mut shown = self::sent(0, &withdrawal);
    let number = house.desk.withdraw(withdrawal).ok_or(Error::WithdrawFunds)?;
    shown["uuid"] = withdrawal_id(number).into();
    shown["state"] = "WAITING".into();
    shown["created_at"] = kst(ask.now).into();
    Ok(shown)
}

fn withdrawal_id(number: usize) -> String {
    format!("0dde0002-0000-4000-8000-{number:012x}")
}

fn sent(number: usize, withdrawal: &Withdrawal) -> Value {
    json!({ "type": "withdraw", "uuid": withdrawal_id(number), "currency": withdrawal.asset,
            "net_type": withdrawal.asset, "txid": null, "state": "DONE", "created_at": null, "done_at": null,
            "amount": plain(withdrawal.amount), "fee": plain(Decimal::ZERO), "transaction_type": "default" })
}

/// What the caller sent out, newest first.
fn own<D: Dialect>(house: &House<D>, caller: &Entry) -> Vec<Value> {
    let numbered = (1..).zip(&house.desk.withdrawals);
    let own = numbered.filter(|(_, withdrawal)| withdrawal.account == caller.account);
    let mut shown: Vec<Value> = own.map(|(number, withdrawal)| sent(number, withdrawal)).collect();
    shown.reverse();
    shown
}

pub(crate) fn withdrawals<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    let asset = ask.params.text("currency");
    let mut shown = own(house, caller);
    shown.retain(|one| asset.as_ref().is_none_or(|asset| one["currency"] == asset.as_str()));
    Ok(Value::Array(shown))
}

pub(crate) fn withdrawal<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    let id = ask.params.text("uuid").ok_or(Error::Parameter)?;
    own(house, caller).into_iter().find(|one| one["uuid"] == id.as_str()).ok_or(Error::NoWithdrawal)
}
