//! Limits in plain sentences, as pages and the command line show them.

use rust_decimal::Decimal;

use super::{Limits, networks};

impl Limits {
    /// What programs may do, a sentence for each subject; what is not limited is said too where it is dangerous.
    pub fn sentences(&self) -> Vec<String> {
        let mut all: Vec<String> = self.dry_run.then(|| DRY_RUN.to_owned()).into_iter().collect();
        all.push(self.actions());
        all.extend(self.markets());
        if self.can_trade {
            all.push(self.orders());
            all.extend(self.risks());
        }
        if self.can_withdraw {
            all.push(self.withdrawals());
        }
        all.push(self.places());
        all.extend(self.requests());
        all
    }

    fn actions(&self) -> String {
        let may = [
            (self.can_read, "read"),
            (self.can_trade, "trade"),
            (self.can_transfer, "transfer"),
            (self.can_withdraw, "withdraw"),
            (self.can_manage_sub_accounts, "manage sub-accounts"),
        ];
        let may: Vec<&str> = may.into_iter().filter(|(may, _)| *may).map(|(_, what)| what).collect();
        match may.as_slice() {
            [] => "Programs may do nothing.".to_owned(),
            may => format!("Programs may {}, and nothing else.", and(may)),
        }
    }

    fn markets(&self) -> Vec<String> {
        let mut all = Vec::new();
        match self.allowed_symbols.as_deref() {
            _ if !self.can_trade => {}
            None => all.push("They may trade every market.".to_owned()),
            Some([]) => all.push("They may trade no market.".to_owned()),
            Some(list) => all.push(format!("They may trade {} only.", and(list))),
        }
        if self.can_trade && !self.blocked_symbols.is_empty() {
            all.push(format!("They may never trade {}.", and(&self.blocked_symbols)));
        }
        all
    }

    fn orders(&self) -> String {
        let parts = [(self.max_trade_amount_usd, "an order"), (self.max_daily_trade_volume_usd, "a day")];
        amounts("Orders", &parts)
    }

    fn withdrawals(&self) -> String {
        let parts = [
            (self.max_withdrawal_amount_usd, "a withdrawal"),
            (self.withdrawals_per_day(), "a day"),
            (self.monthly_withdraw_limit, "a month"),
        ];
        amounts("Withdrawals", &parts)
    }

    fn risks(&self) -> Vec<String> {
        let mut all = Vec::new();
        all.extend(
            self.max_position_size
                .map(|most| format!("No purchase may lead to more than {} of one asset.", usd(most))),
        );
        all.extend(self.max_leverage.map(|most| match most <= Decimal::ONE {
            true => "No borrowed money.".to_owned(),
            false => format!("Leverage is {} at most.", most.normalize()),
        }));
        let loss = self.max_daily_loss.map(usd);
        let share = self.stop_loss_percentage.map(|share| format!("{} %", share.normalize()));
        let stops: Vec<String> = loss.into_iter().chain(share).collect();
        if !stops.is_empty() {
            all.push(format!(
                "Orders stop for the day (UTC) once the account has lost {}.",
                stops.join(" or ")
            ));
        }
        all
    }

    fn places(&self) -> String {
        match self.allowed_ip_addresses.as_deref() {
            None => "Calls may come from any address.".to_owned(),
            Some([]) => "Calls may come from no address.".to_owned(),
            Some(list) => {
                let list: Vec<String> = list.iter().map(networks::text).collect();
                format!("Calls may come from {} only.", and(&list))
            }
        }
    }

    fn requests(&self) -> Option<String> {
        let parts = [
            (self.max_requests_per_minute, "a minute"),
            (self.max_requests_per_hour, "an hour"),
            (self.max_requests_per_day, "a day"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter_map(|(most, period)| most.map(|most| format!("{} {period}", grouped(&most.to_string()))))
            .collect();
        (!parts.is_empty()).then(|| format!("Requests: at most {}; cancels do not count.", and(&parts)))
    }
}

const DRY_RUN: &str =
    "Dry run: reads and orders that these limits would refuse are carried out, and recorded with the rule.";

fn amounts(what: &str, parts: &[(Option<Decimal>, &str)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .filter_map(|(most, period)| most.map(|most| format!("{} {period}", usd(most))))
        .collect();
    match parts.as_slice() {
        [] => format!("{what} may have any size."),
        parts => format!("{what}: at most {}.", and(parts)),
    }
}

/// `1,250.50 USD`
pub fn usd(amount: Decimal) -> String {
    let text = amount.normalize().to_string();
    match text.split_once('.') {
        Some((whole, part)) => format!("{}.{part} USD", grouped(whole)),
        None => format!("{} USD", grouped(&text)),
    }
}

fn grouped(whole: &str) -> String {
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn and<T: AsRef<str>>(parts: &[T]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::template;

    #[test]
    fn limits_read_as_their_owner_would_say_them() {
        let patch = serde_json::json!({
            "can_trade": true, "allowed_symbols": ["BTC/USDT", "ETH/USDT"], "max_trade_amount_usd": "500",
            "max_daily_trade_volume_usd": "5000.50", "allowed_ip_addresses": ["10.0.0.5", "10.1.0.0/16"],
            "max_leverage": "1", "max_daily_loss": "200", "stop_loss_percentage": "10",
        });
        let limits = template::none().with(patch.as_object().unwrap()).unwrap();
        assert_eq!(
            limits.sentences(),
            [
                "Programs may read and trade, and nothing else.",
                "They may trade BTC/USDT and ETH/USDT only.",
                "Orders: at most 500 USD an order and 5,000.5 USD a day.",
                "No borrowed money.",
                "Orders stop for the day (UTC) once the account has lost 200 USD or 10 %.",
                "Calls may come from 10.0.0.5 and 10.1.0.0/16 only.",
                "Requests: at most 60 a minute, 3,600 an hour and 100,000 a day; cancels do not count.",
            ]
        );
        let dry = limits.with(serde_json::json!({"dry_run": true}).as_object().unwrap()).unwrap();
        assert!(dry.sentences()[0].starts_with("Dry run:"));
        assert_eq!(dry.sentences()[1..], limits.sentences());
    }
}
