//! The rules that decide about calls, in plain words for whoever finds their bot refused: what it means and what to do.

/// What a rule means, and what its owner can do about it.
#[derive(Debug)]
pub struct Explained {
    pub meaning: &'static str,
    pub advice: &'static str,
    /// It is one of the limits of the connection.
    pub is_limit: bool,
}

/// Nothing for a rule that says all there is to say itself.
pub fn explain(rule: &str) -> Option<Explained> {
    let found = RULES.iter().find(|(name, ..)| *name == rule);
    found.map(|(_, meaning, advice, is_limit)| Explained { meaning, advice, is_limit: *is_limit })
}

const RULES: [(&str, &str, &str, bool); 48] = [
    (
        "address",
        "The call came from an address that is not on the list.",
        "Add the bot's address to the limits if it is yours; if it is not, revoke the key.",
        true,
    ),
    (
        "bad-request",
        "The call could not be read.",
        "Use the call that the exchange's client library makes.",
        false,
    ),
    ("bot-stopped", "The bot was stopped.", "Start it again on its page.", false),
    (
        "connection-deleted",
        "The connection is deleted.",
        "Restore it within seven days of its deletion.",
        false,
    ),
    (
        "daily-loss",
        "The account has lost as much today as it may, or a withdrawal that nobody knows about yet would make it so.",
        "Orders go on tomorrow (UTC), or when the withdrawal is known. Look at what the bot does first.",
        true,
    ),
    (
        "environment",
        "The key is for another environment of the exchange than the address that was called.",
        "Use the address that the bot's page shows.",
        false,
    ),
    (
        "exchange-login",
        "The exchange did not take the log-in of the stream.",
        "Check the connection: the key may be revoked at the exchange.",
        false,
    ),
    (
        "exchange-token",
        "The exchange gave no token for the stream.",
        "Check the connection, and that the key may open streams.",
        false,
    ),
    (
        "exchange-unreachable",
        "The exchange could not be reached, so nothing was done there.",
        "Try again; if it lasts, look at this machine's way to the internet.",
        false,
    ),
    ("expired", "The access key has expired.", "Make a new one on the bot's page.", false),
    (
        "honey-key",
        "This key exists only to be stolen: nobody has a reason to use it.",
        "Find out who has read the place where it lay, and change every secret that lay there too.",
        false,
    ),
    (
        "in-flight",
        "Too many frames of the stream wait for their answers.",
        "Have the bot wait for answers before it sends more.",
        false,
    ),
    (
        "inactive-user",
        "The account of the bot's owner is not active.",
        "An administrator can give it its access back.",
        false,
    ),
    (
        "max-daily-trades",
        "All orders of today together would be worth more than the limit of a day.",
        "Wait for midnight UTC, or raise the limit.",
        true,
    ),
    (
        "max-daily-withdrawals",
        "All withdrawals of today together would be more than the limit of a day.",
        "Wait for midnight UTC, or raise the limit.",
        true,
    ),
    (
        "max-leverage",
        "The call borrows more than the limits allow, or it cannot be told how much.",
        "Set the bot's leverage lower, or raise the limit.",
        true,
    ),
    (
        "max-monthly-withdrawals",
        "All withdrawals of this month together would be more than the limit of a month.",
        "Wait for the next month, or raise the limit.",
        true,
    ),
    (
        "max-position",
        "The order may lead to more of this asset than the limit allows.",
        "Sell some, cancel open orders, or raise the limit.",
        true,
    ),
    (
        "max-trade",
        "The order is worth more than the limit of one order.",
        "Order less at a time, or raise the limit.",
        true,
    ),
    (
        "max-withdrawal",
        "The withdrawal is more than the limit of one.",
        "Withdraw less at a time, or raise the limit.",
        true,
    ),
    (
        "no-balances",
        "A limit depends on what the account holds, and the exchange did not tell.",
        "Try again; if it lasts, check the connection.",
        true,
    ),
    (
        "no-connection",
        "The key's owner has no connection that fits.",
        "Add one, or name it in X-Keygate-Connection.",
        false,
    ),
    (
        "no-price",
        "A limit is in dollars, and there was no fresh price to value the order with.",
        "Try again; a market without a way to dollars cannot be traded under such a limit.",
        true,
    ),
    (
        "no-signature",
        "The call carries a virtual key and no signature of it.",
        "Have the client sign, with key and secret of the pair.",
        false,
    ),
    ("no-stream", "There is no such stream here.", "Use an address of docs/streams.md.", false),
    (
        "no-upstream",
        "The stream does not exist in this environment of the exchange.",
        "Use calls by HTTP there, or another environment.",
        false,
    ),
    (
        "one-credential",
        "The call carries none or several credentials of Keygate.",
        "Send exactly one: the pair, X-Keygate-Key or Authorization.",
        false,
    ),
    (
        "outcome-unknown",
        "The exchange's answer was lost: the order may be there or not.",
        "Look at the exchange before sending it again. Keygate asks it by the client id, or lists it among lost answers.",
        false,
    ),
    (
        "panic",
        "All signing was stopped.",
        "Start it again on the page that the red button leads to, with your password.",
        false,
    ),
    (
        "panic-ended",
        "Signing went on before Keygate had taken all open orders back.",
        "Look at the exchange for orders that are still open.",
        false,
    ),
    ("paused", "The connection is paused.", "Resume it on its page.", false),
    (
        "permission",
        "The limits of the connection do not allow this kind of call.",
        "Allow it in the limits if the bot is meant to do this.",
        true,
    ),
    (
        "queue",
        "Too many calls of this account waited for the exchange's own budget.",
        "Have the bot ask less often.",
        false,
    ),
    (
        "rate",
        "The bot called more often than the limits allow.",
        "Have it ask less often, or raise the limit.",
        true,
    ),
    (
        "replay",
        "This very call, with this signature, was made before.",
        "A client signs each call anew. If it was not your bot, somebody has seen its traffic: revoke the pair.",
        false,
    ),
    (
        "revoked",
        "The access key is revoked.",
        "Take it out of the program, or make a new one. If no program of yours has it, somebody else has.",
        false,
    ),
    (
        "scope",
        "The access key was made without the scope for this kind of call.",
        "Make a new virtual pair with it on the bot's page.",
        false,
    ),
    ("stale", "What the decision needs was too old.", "Try again.", false),
    (
        "stream-needs-pair",
        "Streams are opened with a virtual pair.",
        "Use key and secret of the pair instead of the token.",
        false,
    ),
    ("streams", "The owner has as many streams open as they may.", "Close some.", false),
    (
        "suspended",
        "The key was suspended after suspicious calls.",
        "Look at them here; if they were yours, confirm it among the suspended keys, with your password.",
        false,
    ),
    (
        "symbol",
        "The market is not one that the limits or the bot's own symbol allow.",
        "Correct the bot, or add the market.",
        true,
    ),
    (
        "unavailable",
        "Keygate could not serve the call; nothing was sent.",
        "Try again, and look at the server's log if it stays so.",
        false,
    ),
    (
        "unknown-key",
        "There is no access key like the one that was shown.",
        "Copy the key again, or make another one.",
        false,
    ),
    (
        "unknown-method",
        "Keygate does not know this method of the stream, and lets through only what it knows.",
        "Use the call that the exchange's client library uses.",
        false,
    ),
    (
        "unpriceable",
        "A limit is in dollars, and it cannot be told what this order is worth.",
        "Use an order that names quantity or amount.",
        true,
    ),
    (
        "unreadable-withdrawal",
        "The call does not say what is withdrawn and where to.",
        "Name asset, amount and address.",
        false,
    ),
    (
        "withdraw-needs-pair",
        "Withdrawals are signed with a virtual pair.",
        "Use key and secret of the pair instead of the token.",
        false,
    ),
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Every rule that stands in the gateway's source as the first word of a refusal.
    fn rules_of(dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                rules_of(&entry, found);
                continue;
            }
            let source = fs::read_to_string(&entry).expect("a source");
            for before in ["Denial::denied(", "stop(", "rule: ", "within("] {
                let quoted =
                    source.split(before).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                found.extend(quoted.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_rule_of_the_gateway_is_explained_in_sentences() {
        let mut found = Vec::new();
        rules_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway"), &mut found);
        assert!(found.len() > 25, "{found:?}");
        for rule in found {
            assert!(explain(&rule).is_some(), "{rule} is not explained");
        }
        assert!(RULES.is_sorted_by_key(|(name, ..)| *name), "not in order");
        for (name, meaning, advice, _) in RULES {
            assert!(meaning.ends_with('.') && advice.ends_with('.'), "{name}");
        }
        assert!(explain("no such rule").is_none());
    }
}
