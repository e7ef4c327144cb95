//! Which of two limits lets less through.

use sqlx::types::ipnetwork::IpNetwork;

use super::Limits;

impl Limits {
    /// What both let through: of every limit the tighter one.
    pub fn meet(&self, other: &Limits) -> Limits {
        Limits {
            dry_run: self.dry_run && other.dry_run,
            can_read: self.can_read && other.can_read,
            can_trade: self.can_trade && other.can_trade,
            can_withdraw: self.can_withdraw && other.can_withdraw,
            can_transfer: self.can_transfer && other.can_transfer,
            can_manage_sub_accounts: self.can_manage_sub_accounts && other.can_manage_sub_accounts,
            max_requests_per_minute: least(self.max_requests_per_minute, other.max_requests_per_minute),
            max_requests_per_hour: least(self.max_requests_per_hour, other.max_requests_per_hour),
            max_requests_per_day: least(self.max_requests_per_day, other.max_requests_per_day),
            max_trade_amount_usd: least(self.max_trade_amount_usd, other.max_trade_amount_usd),
            max_daily_trade_volume_usd: least(
                self.max_daily_trade_volume_usd,
                other.max_daily_trade_volume_usd,
            ),
            max_withdrawal_amount_usd: least(self.max_withdrawal_amount_usd, other.max_withdrawal_amount_usd),
            max_daily_withdrawal_usd: least(self.max_daily_withdrawal_usd, other.max_daily_withdrawal_usd),
            daily_withdraw_limit: least(self.daily_withdraw_limit, other.daily_withdraw_limit),
            monthly_withdraw_limit: least(self.monthly_withdraw_limit, other.monthly_withdraw_limit),
            max_position_size: least(self.max_position_size, other.max_position_size),
            max_leverage: least(self.max_leverage, other.max_leverage),
            max_daily_loss: least(self.max_daily_loss, other.max_daily_loss),
            stop_loss_percentage: least(self.stop_loss_percentage, other.stop_loss_percentage),
            allowed_ip_addresses: common_networks(&self.allowed_ip_addresses, &other.allowed_ip_addresses),
            allowed_symbols: common(&self.allowed_symbols, &other.allowed_symbols),
            blocked_symbols: both(&self.blocked_symbols, &other.blocked_symbols),
        }
    }
}

/// An absent limit is the loosest.
fn least<T: Ord + Copy>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The part of each network that lies in one of the other list; networks either hold each other or do not meet.
fn common_networks(one: &Option<Vec<IpNetwork>>, other: &Option<Vec<IpNetwork>>) -> Option<Vec<IpNetwork>> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.clone().or_else(|| other.clone()),
    };
    let inside = |inner: &IpNetwork, outer: &IpNetwork| {
        outer.contains(inner.network()) && outer.prefix() <= inner.prefix()
    };
    let within = |inner: &&IpNetwork, list: &[IpNetwork]| list.iter().any(|outer| inside(inner, outer));
    let mut common: Vec<IpNetwork> = one.iter().filter(|own| within(own, other)).copied().collect();
    common.extend(other.iter().filter(|own| within(own, one) && !one.contains(own)));
    Some(common)
}

fn common(one: &Option<Vec<String>>, other: &Option<Vec<String>>) -> Option<Vec<String>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.iter().filter(|own| other.contains(own)).cloned().collect()),
        (one, other) => one.clone().or_else(|| other.clone()),
    }
}

fn both(one: &[String], other: &[String]) -> Vec<String> {
    let new = other.iter().filter(|own| !one.contains(own));
    one.iter().chain(new).cloned().collect()
}
