//! Who owns what: free and locked amounts per asset. Amounts only ever move between wallets, so the sum over
//! all wallets of one asset never changes.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Balance {
    pub(crate) free: Decimal,
    pub(crate) locked: Decimal,
}

impl Balance {
    pub(crate) fn total(self) -> Decimal {
        self.free + self.locked
    }
}

/// The balances of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wallet(BTreeMap<String, Balance>);

/// The wallet has less free than asked for; nothing was changed.
#[derive(Debug)]
pub(crate) struct Short;

impl Wallet {
    pub(crate) fn of(balances: &BTreeMap<String, Decimal>) -> Self {
        let filled = |(asset, free): (&String, &Decimal)| {
            (asset.clone(), Balance { free: *free, locked: Decimal::ZERO })
        };
        Self(balances.iter().map(filled).collect())
    }

    pub(crate) fn get(&self, asset: &str) -> Balance {
        self.0.get(asset).copied().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Balance)> {
        self.0.iter().map(|(asset, balance)| (asset.as_str(), *balance))
    }

    pub(super) fn receive(&mut self, asset: &str, amount: Decimal) {
        self.entry(asset).free += amount;
    }

    pub(super) fn take_free(&mut self, asset: &str, amount: Decimal) -> Result<(), Short> {
        let balance = self.entry(asset);
        if balance.free < amount {
            return Err(Short);
        }
        balance.free -= amount;
        Ok(())
    }

    pub(super) fn lock(&mut self, asset: &str, amount: Decimal) -> Result<(), Short> {
        self.take_free(asset, amount)?;
        self.entry(asset).locked += amount;
        Ok(())
    }

    pub(super) fn unlock(&mut self, asset: &str, amount: Decimal) {
        self.take_locked(asset, amount);
        self.receive(asset, amount);
    }

    /// Takes what an order locked before.
    pub(super) fn take_locked(&mut self, asset: &str, amount: Decimal) {
        self.entry(asset).locked -= amount;
    }

    fn entry(&mut self, asset: &str) -> &mut Balance {
        self.0.entry(asset.to_owned()).or_default()
    }
}
