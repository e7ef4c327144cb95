//! What an endpoint does, and so which permission it needs.

use serde::{Deserialize, Serialize};

/// The kind of an endpoint. Every endpoint a definition lists has exactly one; anything else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Market data that needs no account. Sent unsigned: exchanges refuse signature parameters here.
    Public,
    /// Reads the account: balances, orders, history, addresses.
    Read,
    /// Earn, staking, loans and the like: money stays in the account but changes its form.
    Finance,
    /// Places, changes or cancels orders, converts assets, sets leverage.
    Trade,
    /// Moves assets between wallets of the same account.
    Transfer,
    /// Sub-accounts: reading them, moving assets to them, managing them.
    Subaccount,
    /// Sends assets out of the account, also in disguise (vouchers, gift cards, fiat).
    Withdraw,
    /// Hands out a token or stream key that works without this gateway.
    Session,
    /// Makes, changes or deletes API keys and their restrictions.
    KeyAdmin,
}

impl Class {
    /// The order in which classes claim an endpoint that several of them list: the first wins.
    pub(crate) const PRECEDENCE: [Class; 9] = [
        Class::KeyAdmin,
        Class::Session,
        Class::Withdraw,
        Class::Subaccount,
        Class::Transfer,
        Class::Trade,
        Class::Finance,
        Class::Public,
        Class::Read,
    ];

    /// Whether the call must be on record before it is signed, and has strict parameters: everything but
    /// reads. `Session` and `KeyAdmin` count, because what they hand out can move money later.
    pub fn moves_money(self) -> bool {
        !matches!(self, Class::Public | Class::Read)
    }

    /// The name used in definitions, logs and the API: `public`, `read`, ..., `keyadmin`.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Public => "public",
            Class::Read => "read",
            Class::Finance => "finance",
            Class::Trade => "trade",
            Class::Transfer => "transfer",
            Class::Subaccount => "subaccount",
            Class::Withdraw => "withdraw",
            Class::Session => "session",
            Class::KeyAdmin => "keyadmin",
        }
    }
}

/// What an endpoint wants to see of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignLevel {
    /// Nothing: class `public`.
    Unsigned,
    /// The API key alone, no time and no signature (Binance listen keys).
    KeyOnly,
    /// Key, time or nonce, and signature.
    Signed,
}
