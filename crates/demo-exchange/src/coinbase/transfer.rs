//! Money that leaves: `POST /v2/accounts/{id}/transactions` of the type `send`.

use serde_json::{Value, json};

use super::account::{account_id, named};
use super::config::amount;
use super::error::Error;
use super::{Coinbase, Reply};
use crate::amount::plain;
use crate::config::Permission::{Read, Withdraw};
use crate::date::seconds;
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Coinbase>] = &[
    Route::signed("GET", "/v2/accounts/*/transactions", Read, list),
    Route::signed("POST", "/v2/accounts/*/transactions", Withdraw, send),
    Route::signed("GET", "/v2/accounts/*/deposits", Read, none),
    Route::signed("GET", "/v2/accounts/*/withdrawals", Read, none),
];

fn send(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, _) = named(house, ask, caller)?;
    if ask.params.text("type").as_deref() != Some("send") {
        return Err(Error::Argument("type is not supported"));
    }
    if ask.params.text("currency").is_some_and(|currency| currency != asset) {
        return Err(Error::Argument("currency is not the account's"));
    }
    let address = ask.params.text("to").ok_or(Error::Argument("to is missing"))?;
    let amount = amount(&ask.params, "amount")?.ok_or(Error::Argument("amount is missing"))?;
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    let mut data = shown(0, &withdrawal);
    let number = house.desk.withdraw(withdrawal).ok_or(Error::Funds)?;
    let time = format!("{}Z", seconds(ask.now));
    data["id"] = transaction_id(number).into();
    data["status"] = "pending".into();
    data["created_at"] = time.clone().into();
    data["updated_at"] = time.into();
    Ok(json!({ "data": data }))
}

fn transaction_id(number: usize) -> String {
    format!("c01b0004-0000-5000-8000-{number:012x}")
}

fn shown(number: usize, withdrawal: &Withdrawal) -> Value {
    let Withdrawal { account, asset, amount, address } = withdrawal;
    let money = |amount: String| json!({ "amount": amount, "currency": asset });
    json!({
        "id": transaction_id(number), "type": "send", "status": "completed",
        "amount": money(format!("-{}", plain(*amount))), "description": null, "created_at": null, "updated_at": null,
        "resource": "transaction",
        "resource_path": format!("/v2/accounts/{}/transactions", account_id(*account, asset)),
        "network": { "status": "pending", "transaction_fee": money("0".to_owned()),
                     "transaction_amount": money(plain(*amount)), "confirmations": 0 },
        "to": { "resource": "address", "address": address, "currency": asset },
    })
}

/// What left an account, newest first.
fn list(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    let (asset, _) = named(house, ask, caller)?;
    let numbered = (1..).zip(&house.desk.withdrawals);
    let own = numbered.filter(|(_, one)| one.account == caller.account && one.asset == asset);
    let mut data: Vec<Value> = own.map(|(number, one)| shown(number, one)).collect();
    data.reverse();
    Ok(json!({ "pagination": { "next_uri": null }, "data": data }))
}

/// To and from bank accounts nothing moves.
fn none(house: &mut House<Coinbase>, ask: &Ask, caller: &Entry) -> Reply {
    named(house, ask, caller)?;
    Ok(json!({ "pagination": { "next_uri": null }, "data": [] }))
}
