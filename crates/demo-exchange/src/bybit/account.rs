//! The caller's account: balances, what the key may do, fees, the coins with their chains, withdrawals.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Bybit, Reply, is_spot, need};
use crate::amount::plain;
use crate::config::{Credential, Permission};
use crate::floor::{AccountId, Balance};
use crate::house::{Ask, House, Route, Withdrawal};
use crate::key::Entry;

pub(super) const ROUTES: &[Route<Bybit>] = &[
    Route::signed("GET", "/v5/account/wallet-balance", Permission::Read, balance),
    Route::signed("GET", "/v5/account/info", Permission::Read, info),
    Route::signed("GET", "/v5/account/fee-rate", Permission::Read, fee_rate),
    Route::signed("GET", "/v5/user/query-api", Permission::Read, api_key),
    Route::signed("GET", "/v5/asset/coin/query-info", Permission::Read, coins),
    Route::signed("POST", "/v5/asset/withdraw/create", Permission::Withdraw, withdraw),
];

fn balance(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    if need(&ask.params, "accountType")? != "UNIFIED" {
        return Err(Error::ACCOUNT_TYPE);
    }
    let wanted = ask.params.text("coin");
    let listed = |asset: &str| wanted.as_ref().is_none_or(|list| list.split(',').any(|one| one == asset));
    Ok(json!({ "list": [wallet(house, caller.account, listed)] }))
}

/// The unified account's wallet, with these coins.
pub(super) fn wallet(house: &House<Bybit>, account: AccountId, listed: impl Fn(&str) -> bool) -> Value {
    let all = house.desk.floor.wallet(account).iter().filter(|(asset, _)| listed(asset));
    let show = |(asset, balance): (&str, Balance)| {
        let total = plain(balance.total());
        json!({
            "coin": asset, "equity": total, "walletBalance": total, "locked": plain(balance.locked),
            "usdValue": "", "borrowAmount": "0", "accruedInterest": "0", "spotBorrow": "0", "bonus": "0",
            "availableToWithdraw": "", "availableToBorrow": "", "totalOrderIM": "0", "totalPositionIM": "0",
            "totalPositionMM": "0", "unrealisedPnl": "0", "cumRealisedPnl": "0", "spotHedgingQty": "0",
            "marginCollateral": true, "collateralSwitch": true,
        })
    };
    json!({
        "accountType": "UNIFIED", "totalEquity": "", "totalWalletBalance": "", "totalMarginBalance": "",
        "totalAvailableBalance": "", "totalPerpUPL": "", "totalInitialMargin": "", "totalMaintenanceMargin": "",
        "accountIMRate": "", "accountMMRate": "", "accountLTV": "", "coin": all.map(show).collect::<Vec<_>>(),
    })
}

fn info(_: &mut House<Bybit>, ask: &Ask, _: &Entry) -> Reply {
    Ok(json!({ "marginMode": "REGULAR_MARGIN", "updatedTime": ask.now.to_string(), "unifiedMarginStatus": 6,
               "dcpStatus": "OFF", "timeWindow": 10, "smpGroup": 0, "isMasterTrader": false,
               "spotHedgingStatus": "OFF" }))
}

fn fee_rate(house: &mut House<Bybit>, ask: &Ask, _: &Entry) -> Reply {
    is_spot(&ask.params)?;
    let (only, rate) = (house.asked_symbol(ask)?, plain(house.desk.floor.fee_rate()));
    let pairs = house.desk.floor.pairs.iter().enumerate();
    let list = pairs.filter(|(index, _)| only.is_none_or(|only| only == *index)).map(|(_, pair)| {
        json!({ "symbol": pair.symbol(), "baseCoin": "", "takerFeeRate": rate, "makerFeeRate": rate })
    });
    Ok(json!({ "category": "spot", "list": list.collect::<Vec<_>>() }))
}

/// What the key may do. Keys never expire here, which Bybit writes as the first second of 1970.
fn api_key(_: &mut House<Bybit>, _: &Ask, caller: &Entry) -> Reply {
    let changes = [Permission::Trade, Permission::Transfer, Permission::Withdraw].map(|one| caller.may(one));
    let words = |known: &[(Permission, &'static str)]| -> Vec<&str> {
        known.iter().filter(|(permission, _)| caller.may(*permission)).map(|(_, word)| *word).collect()
    };
    let wallet = words(&[(Permission::Transfer, "AccountTransfer"), (Permission::Withdraw, "Withdraw")]);
    let ips: Vec<_> = caller.key.ips.iter().map(ToString::to_string).collect();
    let is_rsa = matches!(caller.key.credential, Credential::Rsa(_));
    Ok(json!({
        "id": caller.account.to_string(), "note": caller.key.name, "apiKey": caller.key.api_key, "secret": "",
        "readOnly": u8::from(changes == [false; 3]),
        // a key that only reads names what it may look at with the same word
        "permissions": {
            "ContractTrade": [], "Spot": ["SpotTrade"], "Wallet": wallet, "Options": [], "Derivatives": [],
            "CopyTrading": [], "BlockTrade": [], "Exchange": [], "NFT": [], "Affiliate": [], "Earn": [],
        },
        "ips": if ips.is_empty() { vec!["*".to_owned()] } else { ips },
        "type": if is_rsa { 2 } else { 1 }, "deadlineDay": -2, "expiredAt": "1970-01-01T00:00:00Z",
        "createdAt": "2023-01-01T00:00:00Z", "unified": 0, "uta": 1, "userID": 24_600_000 + caller.account,
        "inviterID": 0, "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0, "rsaPublicKey": "",
        "isMaster": true, "parentUid": "0", "kycLevel": "LEVEL_DEFAULT", "kycRegion": "",
    }))
}

/// The chains a coin moves on. Names are Bybit's.
fn chains(coin: &str) -> &'static [&'static str] {
    match coin {
        "BTC" => &["BTC"],
        "ETH" => &["ETH"],
        _ => &["ETH", "TRX"],
    }
}

/// The least that can be withdrawn.
const LEAST: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

fn coins(house: &mut House<Bybit>, ask: &Ask, _: &Entry) -> Reply {
    let wanted = ask.params.text("coin");
    let coins = house.desk.floor.assets().into_iter();
    let coins = coins.filter(|coin| wanted.as_deref().is_none_or(|wanted| wanted == *coin));
    Ok(json!({ "rows": coins.map(coin).collect::<Vec<_>>() }))
}

fn coin(coin: &str) -> Value {
    let chain = |chain: &&str| {
        json!({ "chain": chain, "chainType": chain, "confirmation": "6", "withdrawFee": "0.0001",
                "depositMin": "0", "withdrawMin": plain(LEAST), "chainDeposit": "1", "chainWithdraw": "1",
                "minAccuracy": "8", "withdrawPercentageFee": "0", "contractAddress": "" })
    };
    let chains: Vec<_> = chains(coin).iter().map(chain).collect();
    json!({ "coin": coin, "name": coin, "remainAmount": "1000000", "chains": chains })
}

fn withdraw(house: &mut House<Bybit>, ask: &Ask, caller: &Entry) -> Reply {
    let need = |name| need(&ask.params, name);
    let (coin, chain, address) = (need("coin")?, need("chain")?, need("address")?);
    need("amount")?;
    let amount = ask.params.decimal("amount").filter(|amount| amount.scale() <= 8);
    let amount = amount.ok_or_else(|| Error::invalid("amount"))?;
    if need("timestamp")?.parse::<i64>().is_err() {
        return Err(Error::invalid("timestamp"));
    }
    if !["FUND", "SPOT", "UTA", "FUND,UTA"].contains(&need("accountType")?.as_str()) {
        return Err(Error::invalid("accountType"));
    }
    let known = house.desk.floor.assets().contains(coin.as_str());
    if !known || !chains(&coin).contains(&chain.as_str()) {
        return Err(Error::WITHDRAWAL_COIN);
    }
    if amount < LEAST {
        return Err(Error::WITHDRAWAL_RANGE);
    }
    let withdrawal = Withdrawal { account: caller.account, asset: coin, amount, address };
    let number = house.desk.withdraw(withdrawal).ok_or(Error::WITHDRAWAL_BALANCE)?;
    Ok(json!({ "id": number.to_string() }))
}
