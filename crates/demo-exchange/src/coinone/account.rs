//! Balances, fees and withdrawals of the `/v2.1` API.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::public::pair_index;
use super::{Call, Coinone, Reply, Route};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{AccountId, Short};

pub(super) static ROUTES: &[Route] = &[
    Route { path: "/v2.1/account/balance/all", permission: Permission::Read, handler: balances },
    Route { path: "/v2.1/account/balance", permission: Permission::Read, handler: balances_of },
    Route { path: "/v2.1/account/trade_fee", permission: Permission::Read, handler: fees },
    Route { path: "/v2.1/account/trade_fee/*/*", permission: Permission::Read, handler: fee },
    Route { path: "/v2.1/transaction/coin/withdrawal", permission: Permission::Withdraw, handler: withdraw },
    Route {
        path: "/v2.1/transaction/coin/withdrawal/address_book",
        permission: Permission::Read,
        handler: addresses,
    },
    Route { path: "/v2.1/transaction/coin/history", permission: Permission::Read, handler: history },
    Route { path: "/v2.1/transaction/krw/history", permission: Permission::Read, handler: no_history },
];

/// Coins that left.
pub(super) struct Withdrawal {
    account: AccountId,
    id: String,
    currency: String,
    address: String,
    tag: Option<String>,
    amount: Decimal,
    at_ms: i64,
}

const MIN_WITHDRAWAL: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

fn balances(coinone: &mut Coinone, call: &Call) -> Reply {
    Ok(list(coinone, call, |_| true))
}

fn balances_of(coinone: &mut Coinone, call: &Call) -> Reply {
    let asked = call.payload.list("currencies").ok_or(Error::Parameter)?;
    Ok(list(coinone, call, |asset| asked.iter().any(|currency| currency.eq_ignore_ascii_case(asset))))
}

fn list(coinone: &Coinone, call: &Call, wanted: impl Fn(&str) -> bool) -> Value {
    let wallet = coinone.floor.wallet(call.caller.account);
    let shown = wallet.iter().filter(|(asset, _)| wanted(asset)).map(|(asset, balance)| {
        json!({ "available": plain(balance.free), "limit": plain(balance.locked), "average_price": "0",
                "currency": asset })
    });
    json!({ "balances": shown.collect::<Vec<_>>() })
}

fn fees(coinone: &mut Coinone, _: &Call) -> Reply {
    let rates: Vec<Value> = (0..coinone.floor.pairs.len()).map(|pair| rate(coinone, pair)).collect();
    Ok(json!({ "fee_rates": rates }))
}

fn fee(coinone: &mut Coinone, call: &Call) -> Reply {
    let [quote, target] = call.rest.as_slice() else { return Err(Error::Pair) };
    Ok(json!({ "fee_rate": rate(coinone, pair_index(coinone, quote, target)?) }))
}

fn rate(coinone: &Coinone, pair: usize) -> Value {
    let (pair, rate) = (&coinone.floor.pairs[pair], plain(coinone.floor.fee_rate()));
    json!({ "quote_currency": pair.quote, "target_currency": pair.base, "maker_fee_rate": rate,
            "taker_fee_rate": rate })
}

/// Sends coins to an address that the customer registered before.
fn withdraw(coinone: &mut Coinone, call: &Call) -> Reply {
    let account = call.caller.account;
    let currency = call.payload.need("currency")?.to_uppercase();
    let amount = call.payload.amount("amount")?.ok_or(Error::Parameter)?;
    let address = call.payload.get("address").ok_or(Error::AddressMissing)?;
    if !coinone.floor.pairs.iter().any(|pair| pair.base == currency) {
        return Err(Error::Currency);
    }
    if !coinone.addresses.contains(&(account, address.clone())) {
        return Err(Error::AddressUnregistered);
    }
    if amount < MIN_WITHDRAWAL {
        return Err(Error::WithdrawalAmount);
    }
    coinone.floor.withdraw(account, &currency, amount).map_err(|Short| Error::WithdrawalBalance)?;
    let id = format!("de300000-0000-4000-a000-{:012x}", coinone.withdrawals.len() + 1);
    let tag = call.payload.get("secondary_address");
    let one = Withdrawal { account, id: id.clone(), currency, address, tag, amount, at_ms: call.now };
    coinone.withdrawals.push(one);
    Ok(json!({ "transaction_id": id }))
}

fn addresses(coinone: &mut Coinone, call: &Call) -> Reply {
    let own = coinone.addresses.iter().filter(|(account, _)| *account == call.caller.account);
    let show = |(_, address): &(AccountId, String)| json!({ "address": address });
    Ok(json!({ "address_books": own.map(show).collect::<Vec<_>>() }))
}

fn history(coinone: &mut Coinone, call: &Call) -> Reply {
    let own = coinone.withdrawals.iter().filter(|one| one.account == call.caller.account);
    let show = |one: &Withdrawal| {
        json!({ "id": one.id, "type": "WITHDRAWAL", "currency": one.currency, "amount": plain(one.amount),
                "fee": "0", "status": "SUCCESS", "to_address": one.address,
                "to_secondary_address": one.tag, "created_at": one.at_ms })
    };
    Ok(json!({ "transactions": own.map(show).collect::<Vec<_>>() }))
}

fn no_history(_: &mut Coinone, _: &Call) -> Reply {
    Ok(json!({ "krw_history": [] }))
}
