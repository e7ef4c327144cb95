//! Who asks: the query names the key and the time, and is signed with method, host and path. The body is not.

use super::Htx;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::date;
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::{Received, form_decode};

/// Clients sign the name of the exchange's host, wherever they reach it.
const HOSTS: [&str; 4] = ["api.huobi.pro", "api-aws.huobi.pro", "api.hbdm.vn", "api.hbdm.com"];

/// How far the clocks may be apart.
const WINDOW_MS: u64 = 300_000;

/// The query, decoded.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(request: &Received) -> Option<Self> {
        let pairs = request.query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((form_decode(name)?, form_decode(value)?))
        });
        decoded.collect::<Option<_>>().map(Self)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All but the signature, by the order of the names, encoded anew.
    fn signed(mut self) -> String {
        self.0.retain(|(name, _)| name != "Signature");
        self.0.sort();
        let pairs = self.0.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// When the request was signed, in milliseconds.
    fn time(&self) -> Option<i64> {
        date::read(self.get("Timestamp")?, date::SECONDS)
    }
}

/// Percent escapes for all but letters, digits and `-_.~`.
fn encode(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

pub(super) fn is_signed(request: &Received) -> bool {
    request.query.split('&').any(|pair| pair.starts_with("Signature="))
}

impl Auth for Htx {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        Query::parse(request)?.get("AccessKeyId").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let query = Query::parse(request)?;
        let signature = query.get("Signature")?.to_owned();
        let (method, path, query) = (&request.method, &request.path, query.signed());
        let holds = |host: &str| {
            let mac = entry.mac(HMAC_SHA256, format!("{method}\n{host}\n{path}\n{query}").as_bytes());
            mac.is_some_and(|mac| check::base64(&mac) == signature)
        };
        let own = request.header("host").unwrap_or_default().to_lowercase();
        Some(HOSTS.into_iter().any(holds) || holds(&own))
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let query = Query::parse(request).ok_or(Error::signature("Parameter error"))?;
        let told = |name| query.get(name).ok_or_else(|| Error::signature("Missing parameter"));
        let (method, version) = (told("SignatureMethod")?, told("SignatureVersion")?);
        let (api_key, _) = (told("AccessKeyId")?, told("Signature")?);
        if (method, version) != ("HmacSHA256", "2") {
            return Err(Error::signature("Incorrect signature method or version"));
        }
        let entry =
            desk.keys.get(api_key).ok_or(Error::signature("Incorrect Access key [Access key错误]"))?;
        if !entry.admits(request.peer) {
            return Err(Error::signature("Incorrect IP address [IP地址错误]"));
        }
        if query.time().is_none_or(|time| time.abs_diff(request.at_ms) > WINDOW_MS) {
            return Err(Error::signature(
                "Invalid submission time or incorrect time format [无效的提交时间，或时间格式错误]",
            ));
        }
        signer.map(|_| entry.clone()).ok_or(Error::signature("Verification failure [校验失败]"))
    }
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn what_is_signed_is_encoded_byte_by_byte() {
        assert_eq!(encode("a b/ç:-_.~"), "a%20b%2F%C3%A7%3A-_.~");
    }
}
