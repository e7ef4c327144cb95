//! Accounts, balances, what a key may do, fees and withdrawals.

use serde_json::{Value, json};

use super::error::Error;
use super::public::chain;
use super::{Htx, Reply, account_number, done, done_v2, pair_of, symbol};
use crate::amount::{number, plain};
use crate::config::Permission;
use crate::floor::{AccountId, Balance};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Htx>] = &[
    Route::signed("GET", "/v1/account/accounts", Permission::Read, accounts),
    Route::signed("GET", "/v1/account/accounts/*/balance", Permission::Read, balance),
    Route::signed("GET", "/v2/user/uid", Permission::Read, |_, _, caller| Ok(done_v2(uid(caller.account)))),
    Route::signed("GET", "/v2/user/api-key", Permission::Read, api_keys),
    Route::signed("GET", "/v2/reference/transact-fee-rate", Permission::Read, fee_rates),
    Route::signed("POST", "/v1/dw/withdraw/api/create", Permission::Withdraw, withdraw),
    Route::signed("GET", "/v1/query/deposit-withdraw", Permission::Read, withdrawals),
];

/// The number of a customer.
fn uid(account: AccountId) -> usize {
    200_000 + account
}

fn accounts(_: &mut House<Htx>, _: &Ask, caller: &Entry) -> Reply {
    let id = account_number(caller.account);
    Ok(done(json!([{ "id": id, "type": "spot", "subtype": "", "state": "working" }])))
}

fn balance(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let id = account_number(caller.account);
    if ask.rest.first() != Some(&id.to_string()) {
        return Err(Error::account());
    }
    let rows = |(asset, held): (&str, Balance)| {
        let currency = asset.to_lowercase();
        [
            json!({ "currency": currency, "type": "trade", "balance": plain(held.free), "available": plain(held.free) }),
            json!({ "currency": currency, "type": "frozen", "balance": plain(held.locked) }),
        ]
    };
    let list: Vec<Value> = house.desk.floor.wallet(caller.account).iter().flat_map(rows).collect();
    Ok(done(json!({ "id": id, "type": "spot", "state": "working", "list": list })))
}

/// The keys of the customer, or the one that is asked about.
fn api_keys(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    if ask.params.text("uid") != Some(uid(caller.account).to_string()) {
        return Err(Error::invalid("uid"));
    }
    let wanted = ask.params.text("accessKey");
    let own = house.desk.keys.iter().filter(|entry| entry.account == caller.account);
    let own = own.filter(|entry| wanted.as_ref().is_none_or(|wanted| *wanted == entry.key.api_key));
    Ok(done_v2(own.map(|entry| described(entry, ask.now)).collect::<Vec<_>>()))
}

fn described(entry: &Entry, now: i64) -> Value {
    let words =
        [(Permission::Read, "readOnly"), (Permission::Trade, "trade"), (Permission::Withdraw, "withdraw")];
    let words: Vec<&str> =
        words.into_iter().filter(|(one, _)| entry.may(*one)).map(|(_, word)| word).collect();
    let ips: Vec<String> = entry.key.ips.iter().map(ToString::to_string).collect();
    json!({
        "accessKey": entry.key.api_key, "note": entry.key.name, "permission": words.join(","),
        "ipAddresses": ips.join(","), "validDays": if ips.is_empty() { 90 } else { -1 }, "status": "normal",
        "createTime": now, "updateTime": now,
    })
}

fn fee_rates(house: &mut House<Htx>, ask: &Ask, _: &Entry) -> Reply {
    let told = ask.params.text("symbols").ok_or_else(|| Error::missing("symbols"))?;
    let rate = plain(house.desk.floor.fee_rate());
    let shown = |name: &str| {
        let pair = &house.desk.floor.pairs[pair_of(house, name)?];
        Ok(json!({
            "symbol": symbol(pair), "makerFeeRate": rate, "takerFeeRate": rate, "actualMakerRate": rate,
            "actualTakerRate": rate,
        }))
    };
    Ok(done_v2(told.split(',').map(shown).collect::<Result<Vec<Value>, Error>>()?))
}

fn withdraw(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let address = ask.params.text("address").ok_or_else(Error::address)?;
    let asset = ask.params.text("currency").ok_or_else(|| Error::missing("currency"))?.to_uppercase();
    let amount = ask.params.decimal("amount").filter(|amount| !amount.is_zero()).ok_or_else(Error::amount)?;
    if !house.desk.floor.assets().contains(asset.as_str()) {
        return Err(Error::currency());
    }
    if ask.params.text("chain").is_some_and(|told| told != chain(&asset)) {
        return Err(Error::chain());
    }
    let free = house.desk.floor.wallet(caller.account).get(&asset).free;
    let withdrawal = Withdrawal { account: caller.account, asset, amount, address };
    Ok(done(house.desk.withdraw(withdrawal).ok_or_else(|| Error::withdrawal_balance(free))?))
}

/// There are no deposits to tell of.
fn withdrawals(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let withdrawals = match ask.params.text("type").as_deref() {
        Some("withdraw") => house.desk.withdrawals.as_slice(),
        Some("deposit") => &[],
        _ => return Err(Error::invalid("type")),
    };
    let own = withdrawals.iter().zip(1..).filter(|(withdrawal, _)| withdrawal.account == caller.account);
    let shown = |(withdrawal, id): (&Withdrawal, u64)| {
        json!({
            "id": id, "type": "withdraw", "sub-type": "NORMAL", "currency": withdrawal.asset.to_lowercase(),
            "chain": chain(&withdrawal.asset), "tx-hash": "", "amount": number(withdrawal.amount),
            "address": withdrawal.address, "address-tag": "", "fee": 0, "state": "confirmed",
            "created-at": ask.now, "updated-at": ask.now,
        })
    };
    Ok(done(own.map(shown).collect::<Vec<_>>()))
}
