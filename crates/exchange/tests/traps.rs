//! Endpoints that are not what their method or name suggests, at every exchange that has them: what an exchange calls a
//! transfer may pay a stranger, and what looks like a read may hand out a key.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Class, Method};
use support::builtin;

fn class(exchange: &str, endpoint: &str) -> Option<Class> {
    let (method, path) = endpoint.split_once(' ').unwrap();
    builtin(exchange).classify(Method::parse(method).unwrap(), path)
}

/// Every endpoint of a list, one to a line, has this class.
fn all_are(expected: Class, traps: &str) {
    for line in traps.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (exchange, endpoint) = line.split_once(' ').unwrap();
        assert_eq!(class(exchange, endpoint), Some(expected), "{line}");
    }
}

#[test]
fn a_token_that_works_without_the_gateway_is_a_session() {
    all_are(
        Class::Session,
        "
        kraken POST /0/private/GetWebSocketsToken
        bitfinex POST /v2/auth/w/token
        bitstamp POST /api/v2/websockets_token/
        kucoin POST /api/v1/bullet-private
        cryptocom GET /exchange/v1/public/auth
        cryptocom POST /exchange/v1/public/auth
        okx POST /api/v5/tradingBot/signal/create-signal
        okx GET /api/v5/tradingBot/signal/signals
        mexc GET /api/v3/userDataStream
        mexc POST /api/v3/userDataStream
        mexc PUT /api/v3/userDataStream
        mexc DELETE /api/v3/userDataStream
        binance POST /api/v3/userDataStream
        binance GET /fapi/v1/listenKey
        binance POST /sapi/v1/userListenToken
        ",
    );
}

#[test]
fn paying_somebody_else_is_a_withdrawal_whatever_it_is_called() {
    all_are(
        Class::Withdraw,
        "
        mexc POST /api/v3/capital/transfer/internal
        mexc POST /api/v3/broker/capital/withdraw/apply
        gate POST /api/v4/withdrawals/push
        gate POST /api/v4/push
        gate POST /api/v4/otc/order/create
        gate POST /api/v4/otc/stable_coin/order/create
        coinbase POST /v2/accounts/a-1/sells
        coinbase POST /v2/accounts/a-1/sells/s-1/commit
        coinbase POST /v2/accounts/a-1/transactions
        coinbase POST /v2/accounts/a-1/transactions/t-1/resend
        binance POST /sapi/v1/giftcard/createCode
        binance POST /sapi/v2/localentity/withdraw/apply
        binance POST /sapi/v2/fiat/withdraw
        bitget POST /api/v2/spot/wallet/withdrawal
        bitget POST /api/v2/broker/account/subaccount-withdrawal
        bitget POST /api/v3/p2p/order-release
        okx POST /api/v5/asset/withdrawal
        okx POST /api/v5/asset/withdrawal-lightning
        okx POST /api/v5/fiat/create-withdrawal
        htx POST /v2/c2c/transfer
        bybit POST /v5/fiat/trade-execute
        bitfinex POST /v2/auth/w/ext/wallets/withdrawals/request
        cryptocom POST /exchange/v1/private/fiat/fiat-create-withdraw
        bitstamp POST /api/v2/crypto-transactions/deposits/d-1/reject/
        bitstamp POST /api/v2/withdrawal/open/
        coinbaseexchange POST /withdrawals/coinbase-account
        coinbaseexchange POST /withdrawals/payment-method
        bithumb POST /trade/btc_withdrawal
        bithumb POST /trade/krw_withdrawal
        bithumb POST /v1/withdraws/krw
        upbit POST /v1/withdraws/krw
        kucoin POST /api/v1/withdrawals
        kucoin POST /api/v3/withdrawals
        coinone POST /v2/transaction/btc
        coinone POST /v2.1/transaction/krw/withdrawal
        kraken POST /0/private/Withdraw
        ",
    );
}

#[test]
fn every_coin_of_bitstamp_has_a_withdrawal_of_its_own() {
    for coin in ["btc", "usdc", "1inch", "xrp", "a_coin_of_tomorrow"] {
        assert_eq!(
            class("bitstamp", &format!("POST /api/v2/{coin}_withdrawal/")),
            Some(Class::Withdraw),
            "{coin}"
        );
    }
}

/// A key that may do little makes one that may do much; so does changing the addresses of withdrawals.
#[test]
fn making_a_key_is_keyadmin_however_weak_the_key_that_makes_it() {
    all_are(
        Class::KeyAdmin,
        "
        kucoin POST /api/v1/sub/api-key
        kucoin GET /api/v1/sub/api-key
        kucoin POST /api/v1/sub/api-key/update
        kucoin POST /api/v1/broker/nd/account/apikey
        okx POST /api/v5/users/subaccount/apikey
        okx POST /api/v5/users/subaccount/modify-apikey
        okx POST /api/v5/broker/nd/subaccount/apikey
        bybit POST /v5/user/create-sub-api
        bybit POST /v5/user/update-api
        bybit POST /v5/user/delete-api
        bybit GET /v5/user/sub-apikeys
        gate POST /api/v4/sub_accounts/1/keys
        gate PUT /api/v4/sub_accounts/1/keys/k-1
        gate GET /api/v4/sub_accounts/1/keys
        gate POST /api/v4/otc/bank/set_default
        htx POST /v2/sub-user/api-key-generation
        htx POST /v2/sub-user/api-key-modification
        htx POST /api/v6/copyTrading/trader/apikey
        bitget POST /api/v2/user/create-virtual-subaccount-apikey
        bitget POST /api/v2/user/batch-create-subaccount-and-apikey
        bitget POST /api/v3/user/update-sub-api
        mexc POST /api/v3/sub-account/apiKey
        mexc DELETE /api/v3/sub-account/apiKey
        mexc POST /api/v3/broker/sub-account/apiKey
        binance POST /sapi/v2/sub-account/subAccountApi
        binance POST /sapi/v1/account/enableFastWithdrawSwitch
        bitstamp POST /api/v2/revoke_all_api_keys/
        bitfinex POST /v2/auth/w/settings/set
        coinbaseexchange POST /address-book
        coinbaseexchange PUT /address-book/a-1
        coinbaseexchange DELETE /address-book/a-1
        ",
    );
}

#[test]
fn moving_between_users_of_one_account_is_no_transfer_of_its_own() {
    all_are(
        Class::Subaccount,
        "
        htx POST /v1/account/transfer
        htx POST /v2/point/transfer
        ",
    );
}

#[test]
fn a_get_that_changes_something_is_no_read() {
    assert_eq!(class("bybit", "GET /v5/user/del-submember"), Some(Class::Subaccount));
    assert_eq!(class("okx", "GET /api/v5/account/set-auto-repay"), Some(Class::Finance));
    assert_eq!(class("okx", "GET /api/v5/account/spot-manual-borrow-repay"), Some(Class::Finance));
}

#[test]
fn a_post_that_changes_nothing_is_a_read() {
    all_are(
        Class::Read,
        "
        binance POST /sapi/v3/asset/getUserAsset
        coinone POST /v2.1/account/balance/all
        coinone POST /v2.1/order/info
        kraken POST /0/private/BalanceEx
        kraken POST /0/private/GetApiKeyInfo
        kraken POST /0/private/WithdrawStatus
        bitfinex POST /v2/auth/r/wallets
        bitfinex POST /v2/auth/r/permissions
        cryptocom POST /exchange/v1/private/user-balance
        cryptocom POST /exchange/v1/private/get-open-orders
        bitstamp POST /api/v2/account_balances/
        bitstamp POST /api/v2/open_orders/btcusd/
        bitstamp POST /api/v2/btc_address/
        bithumb POST /info/balance
        bithumb POST /v2/orders/search
        gate POST /api/v4/unified/portfolio_calculator
        htx POST /api/v1/contract_account_info
        htx POST /swap-api/v1/swap_position_info
        mexc POST /api/v3/capital/deposit/address
        mexc POST /api/v1/private/order/batch_query_with_external
        okx POST /api/v5/account/position-builder
        bitget POST /api/v3/account/max-open-available
        kucoin POST /api/v1/deposit-addresses
        coinbase POST /v2/accounts/a-1/addresses
        coinbaseexchange POST /reports
        ",
    );
    all_are(
        Class::Public,
        "
        gate POST /api/v4/futures/usdt/funding_rates
        kraken POST /0/public/Ticker
        ",
    );
}

#[test]
fn moving_to_a_sub_account_is_more_than_a_transfer() {
    all_are(
        Class::Subaccount,
        "
        kraken POST /0/private/AccountTransfer
        kraken POST /0/private/CreateSubaccount
        okx POST /api/v5/asset/subaccount/transfer
        okx POST /api/v5/account/move-positions
        bybit POST /v5/asset/transfer/universal-transfer
        bybit POST /v5/user/create-sub-member
        bybit POST /v5/position/move-positions
        kucoin POST /api/v2/accounts/sub-transfer
        kucoin POST /api/v2/sub/user/created
        bitget POST /api/v2/spot/wallet/subaccount-transfer
        bitget POST /api/v3/account/sub-transfer
        gate POST /api/v4/wallet/sub_account_transfers
        gate POST /api/v4/sub_accounts
        mexc POST /api/v3/capital/sub-account/universalTransfer
        htx POST /v1/subuser/transfer
        htx POST /v2/sub-user/creation
        htx POST /api/v1/contract_master_sub_transfer
        cryptocom POST /exchange/v1/private/create-subaccount-transfer
        bitstamp POST /api/v2/transfer-to-main/
        bitstamp POST /api/v2/transfer-from-main/
        upbit POST /v1/pockets/transfer
        upbit GET /v1/pockets
        binance POST /sapi/v1/sub-account/universalTransfer
        binance GET /sapi/v1/sub-account/list
        coinbaseexchange POST /profiles
        coinbase POST /api/v3/brokerage/portfolios
        ",
    );
}

#[test]
fn moving_between_wallets_is_a_transfer() {
    all_are(
        Class::Transfer,
        "
        binance POST /sapi/v1/asset/transfer
        kraken POST /0/private/WalletTransfer
        okx POST /api/v5/asset/transfer
        bybit POST /v5/asset/transfer/inter-transfer
        kucoin POST /api/v3/accounts/universal-transfer
        bitget POST /api/v2/spot/wallet/transfer
        gate POST /api/v4/wallet/transfers
        mexc POST /api/v3/capital/transfer
        htx POST /v2/account/transfer
        bitfinex POST /v2/auth/w/transfer
        coinbase POST /api/v3/brokerage/portfolios/move_funds
        coinbaseexchange POST /profiles/transfer
        ",
    );
}

/// What comes back looks like a gain, and would hide a loss of the day from whoever may only trade.
#[test]
fn who_may_only_trade_takes_no_withdrawal_back() {
    all_are(
        Class::Withdraw,
        "
        kraken POST /0/private/WithdrawCancel
        okx POST /api/v5/asset/cancel-withdrawal
        okx POST /api/v5/fiat/cancel-withdrawal
        bybit POST /v5/asset/withdraw/cancel
        gate DELETE /api/v4/withdrawals/w-1
        mexc DELETE /api/v3/capital/withdraw
        htx POST /v1/dw/withdraw-virtual/1/cancel
        upbit DELETE /v1/withdraws/coin
        bithumb DELETE /v1/withdraws/coin
        kucoin DELETE /api/v1/withdrawals/w-1
        bitget POST /api/v2/spot/wallet/cancel-withdrawal
        bitget POST /api/v3/account/cancel-withdrawal
        bitstamp POST /api/v2/withdrawal/cancel/
        ",
    );
}
