//! Tokens of our own, for exchanges that give out one for their streams. The exchange's would work without the gate; this
//! one opens nothing but a stream here, and any instance can tell it, because it carries its own proof.
//!
//! `kgt_` ‖ base64url(end ‖ salt ‖ MAC ‖ public half of the access key). The MAC covers the exchange and all the rest.

use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use exchange::{Answer as Dialect, Class, Definition};
use seal::{Key, mac};

use super::{Account, Call, Denial, answer, credential::Proof, decide, record};
use crate::{app::App, risk::Look};

impl Call<'_> {
    /// Answers a request for a token. What it opens may move money later, so the request is on record and its signature
    /// used up first; reading is what a stream needs, and each frame is decided by itself.
    pub(super) async fn issue_token(
        &self,
        account: &Account,
        proof: Option<Proof>,
        look: &Look,
    ) -> Result<Response, Denial> {
        let Some(proof) = proof else {
            return Err(Denial::denied("stream-needs-pair", "a token is for who signs with a virtual pair"));
        };
        decide::allowed(self.whence(), Class::Read, account)?;
        self.in_force(account)?;
        self.count(account).await?;
        self.learn(account, look).await?;
        record::logon(self, account, proof).await?;
        let end = now_s(self.app) + u64::from(self.definition.token_life_s());
        let token = Token { exchange: self.definition.id(), end, prefix: &account.key_prefix };
        let text = token.text(&self.app.keys.stream_token, seal::random::array());
        Ok(answer::json(self.definition.tell_token(&text)))
    }
}

/// The public half of the access key a token was given to; refused if it is not one of ours for this exchange, or, unless
/// it is in use already, too old.
pub(super) fn read(app: &App, definition: &Definition, text: &str, in_use: bool) -> Result<String, Denial> {
    let refuse = |kind, rule, text: &str| Denial { kind, rule, text: text.to_owned() };
    let Some((prefix, end)) = Token::read(&app.keys.stream_token, definition.id(), text) else {
        let reason = "this is not a token of Keygate's for this exchange";
        return Err(refuse(Dialect::BadSignature, "bad-token", reason));
    };
    match in_use || now_s(app) < end {
        true => Ok(prefix),
        false => {
            Err(refuse(Dialect::BadTimestamp, "token-expired", "this token is too old; ask for another one"))
        }
    }
}

/// What a token says.
struct Token<'a> {
    exchange: &'a str,
    /// Seconds since 1970.
    end: u64,
    /// The public half of the access key it was given to.
    prefix: &'a str,
}

impl Token<'_> {
    fn text(&self, key: &Key, salt: [u8; SALT]) -> String {
        let (end, tag) = (self.end.to_be_bytes(), self.sign(key, &salt));
        let text = BASE64URL_NOPAD.encode(&[&end[..], &salt, &tag, self.prefix.as_bytes()].concat());
        format!("{MARK}{text}")
    }

    /// Access key and end of a token for this exchange, if it is one.
    fn read(key: &Key, exchange: &str, text: &str) -> Option<(String, u64)> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(MARK)?.as_bytes()).ok()?;
        let (end, rest) = bytes.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk::<SALT>()?;
        let (tag, prefix) = rest.split_first_chunk::<32>()?;
        let token =
            Token { exchange, end: u64::from_be_bytes(*end), prefix: std::str::from_utf8(prefix).ok()? };
        mac::equal(tag, &token.sign(key, salt)).then(|| (token.prefix.to_owned(), token.end))
    }

    fn sign(&self, key: &Key, salt: &[u8; SALT]) -> [u8; 32] {
        let exchange = self.exchange.as_bytes();
        let length = u64::try_from(exchange.len()).unwrap_or(u64::MAX).to_be_bytes();
        mac::sign_parts(key, &[&length, exchange, &self.end.to_be_bytes(), salt, self.prefix.as_bytes()])
    }
}

fn now_s(app: &App) -> u64 {
    u64::try_from(app.clock.now_ms() / 1000).unwrap_or(0)
}

const MARK: &str = "kgt_";
const SALT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_exchange_and_under_one_key_and_changed_nowhere() {
        let key = seal::random::key();
        let text = Token { exchange: "kraken", end: 7, prefix: "kg_12345678" }.text(&key, [1; SALT]);
        assert_eq!(Token::read(&key, "kraken", &text), Some(("kg_12345678".to_owned(), 7)));
        assert_eq!(Token::read(&key, "krake", &text), None);
        assert_eq!(Token::read(&seal::random::key(), "kraken", &text), None);
        for at in 0..text.len() {
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(Token::read(&key, "kraken", &changed), None, "changed at {at}");
            assert_eq!(Token::read(&key, "kraken", &text[..at]), None, "cut off at {at}");
        }
        assert_eq!(Token::read(&key, "kraken", &format!("{text}A")), None);
    }
}
