//! A frame that carries a token. Its parameters become the [`Request`] of the endpoint that its method stands for, in the
//! endpoint's words, to be decided on as everywhere; what is sent is the frame as it came, with another token in its place.

use rust_decimal::Decimal;

use super::{
    Act, Document, Frame, Json, Part, Refusal, Request,
    frame::{BadFrame, MAX_METHOD, check_members, in_frame, missing},
    login_frame::own_request,
    quote,
};
use crate::{Definition, SignLevel, definition::Call, definition::TokenStream};

/// Items of one list.
const MAX_ITEMS: usize = 64;
const MAX_TOKEN: usize = 512;

impl Definition {
    pub(super) fn token_frame(
        &self,
        stream: &TokenStream,
        path: &str,
        text: &str,
    ) -> Result<Frame, BadFrame> {
        let bad = |method: Option<&str>, id: Option<&str>, refusal| BadFrame {
            id: stream.echo(method, id),
            method: method.unwrap_or_default().to_owned(),
            key: None,
            refusal,
        };
        let document = self.frame_document(text).map_err(|refusal| bad(None, None, refusal))?;
        let method = document.text_of(&stream.members.method).filter(|method| method.len() <= MAX_METHOD);
        let method = method.map(str::to_owned);
        let id = read_id(stream, &document).map_err(|refusal| bad(method.as_deref(), None, refusal))?;
        let read = match &method {
            Some(method) => self.read_token_frame(stream, path, document, method, id.as_deref()),
            None => Err(missing(&stream.members.method)),
        };
        read.map_err(|refusal| bad(method.as_deref(), id.as_deref(), refusal))
    }

    fn read_token_frame(
        &self,
        stream: &TokenStream,
        path: &str,
        document: Document,
        method: &str,
        id: Option<&str>,
    ) -> Result<Frame, Refusal> {
        check_members(&stream.members, &document)?;
        let params = read_params(stream, &document)?;
        let act = if stream.heartbeat.is(method) { Act::Ping } else { Act::Call };
        let mut request = match stream.methods.get(method) {
            Some(call) => self.token_call(stream, call, &params)?,
            None if act == Act::Ping => own_request(path, method),
            None if stream.channels.methods.contains(method) => {
                check_channel(stream, &params)?;
                own_request(path, method)
            }
            None => return Err(Refusal::new(Part::Endpoint, "not a method this gateway knows")),
        };
        match (act, params.members().is_empty()) {
            (Act::Ping, true) => {}
            (Act::Ping, false) => {
                return Err(Refusal::field(Part::Frame, &stream.members.params, "not here"));
            }
            _ => check_token(stream, &params)?,
        }
        request.endpoint.level = SignLevel::Unsigned; // the token stands for the signature
        let id = match act {
            Act::Ping => id.unwrap_or("null").to_owned(), // its answer has a method of its own
            _ => stream.echo(Some(method), id),
        };
        let (path, method) = (path.to_owned(), method.to_owned());
        Ok(Frame { path, id, method, act, document, params, key: None, log_in: None, request })
    }

    fn token_call(&self, stream: &TokenStream, call: &Call, params: &Document) -> Result<Request, Refusal> {
        let unknown = || Refusal::new(Part::Endpoint, "not an endpoint");
        let (method, path) = call.endpoint().ok_or_else(unknown)?;
        let body = Written { stream, call }.params(params)?;
        self.call(method, path, &body, &[]).map_err(in_frame)
    }

    /// The token a frame carries.
    pub fn frame_token<'f>(&self, frame: &'f Frame) -> Option<&'f str> {
        frame.params.text_of(&self.token_stream.as_ref()?.token.member)
    }

    /// The frame with another token in the place of its own; every other byte stays.
    pub fn with_token(&self, frame: &Frame, token: &str) -> Option<String> {
        let stream = self.token_stream.as_ref()?;
        frame.params.text_of(&stream.token.member)?;
        let params = frame.params.put(&stream.token.member, &quote(token));
        Some(frame.document.put(&stream.members.params, &params))
    }
}

/// A whole number without a sign, or none. Answers come back under it, so it has one spelling.
fn read_id(stream: &TokenStream, document: &Document) -> Result<Option<String>, Refusal> {
    let name = &stream.members.id;
    match document.root().get(name) {
        None => Ok(None),
        Some(Json::Number(text)) if text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Some(text.to_string()))
        }
        Some(_) => Err(Refusal::field(Part::Frame, name, "must be a whole number of up to 18 digits")),
    }
}

fn read_params(stream: &TokenStream, document: &Document) -> Result<Document, Refusal> {
    let name = &stream.members.params;
    let Some(text) = document.member_text(name) else { return Ok(Document::empty()) };
    Document::parse_object(text).map_err(|_| Refusal::field(Part::Frame, name, "must be an object"))
}

fn check_token(stream: &TokenStream, params: &Document) -> Result<(), Refusal> {
    let name = &stream.token.member;
    match params.root().get(name) {
        Some(Json::Text(token)) if (1..=MAX_TOKEN).contains(&token.len()) => Ok(()),
        Some(_) => Err(Refusal::field(Part::Frame, name, "must be a text")),
        None => Err(missing(name)),
    }
}

fn check_channel(stream: &TokenStream, params: &Document) -> Result<(), Refusal> {
    let channels = &stream.channels;
    let name = channels.member.as_deref().unwrap_or_default();
    let own = [name, &stream.token.member];
    for member in params.members() {
        if !own.contains(&member.name.as_str()) && !channels.known.contains(&*member.name) {
            let reason = "not a part of a subscription this gateway knows";
            return Err(Refusal::field(Part::Frame, &member.name, reason));
        }
        scalar(&member.name, &member.value)?;
    }
    match params.text_of(name).is_some_and(|own| channels.names.contains(own)) {
        true => Ok(()),
        false => Err(Refusal::field(
            Part::Frame,
            name,
            "not a private channel this gateway knows; market data needs no key: take it from the exchange itself",
        )),
    }
}

/// Parameters in the words of an endpoint, as JSON.
struct Written<'a> {
    stream: &'a TokenStream,
    call: &'a Call,
}

impl Written<'_> {
    fn params(&self, params: &Document) -> Result<String, Refusal> {
        let Json::Object(members) = params.root() else { return Ok("{}".to_owned()) };
        let own = members.iter().filter(|member| member.name != self.stream.token.member);
        let mut out = Vec::new();
        for member in own {
            match &member.value {
                Json::Array(items) if self.call.lists.iter().any(|own| *own == *member.name) => {
                    let items = self.list(&member.name, items, scalar)?;
                    self.say(&member.name, &items, &mut out)?;
                }
                Json::Array(items) if self.call.each.as_deref() == Some(&*member.name) => {
                    let items = self.list(&member.name, items, |_, item| self.item(&member.name, item))?;
                    self.say(&member.name, &items, &mut out)?;
                }
                value => self.value(&member.name, value, &mut out)?,
            }
        }
        Ok(format!("{{{}}}", out.join(",")))
    }

    fn list(
        &self,
        name: &str,
        items: &[Json],
        write: impl Fn(&str, &Json) -> Result<String, Refusal>,
    ) -> Result<String, Refusal> {
        if !(1..=MAX_ITEMS).contains(&items.len()) {
            return Err(Refusal::field(Part::Frame, name, "must have one to 64 items"));
        }
        let items = items.iter().map(|item| write(name, item)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("[{}]", items.join(",")))
    }

    /// An object of a list.
    fn item(&self, name: &str, item: &Json) -> Result<String, Refusal> {
        let Json::Object(members) = item else {
            return Err(Refusal::field(Part::Frame, name, "must be a list of objects"));
        };
        let mut out = Vec::new();
        for member in members {
            self.value(&member.name, &member.value, &mut out)?;
        }
        Ok(format!("{{{}}}", out.join(",")))
    }

    /// A plain value, or an object of such.
    fn value(&self, name: &str, value: &Json, out: &mut Vec<String>) -> Result<(), Refusal> {
        let must_be_list = self.call.lists.iter().chain(&self.call.each).any(|list| list == name);
        match value {
            _ if must_be_list => Err(Refusal::field(Part::Frame, name, "must be a list")),
            Json::Object(members) => {
                let mut inside = members.iter();
                inside.try_for_each(|inner| self.word(&format!("{name}.{}", inner.name), &inner.value, out))
            }
            value => self.word(name, value, out),
        }
    }

    fn word(&self, name: &str, value: &Json, out: &mut Vec<String>) -> Result<(), Refusal> {
        let written = scalar(name, value)?;
        let stream = self.stream;
        if stream.apart.contains(name) {
            return Ok(());
        }
        if let Some(texts) = stream.only.get(name) {
            if !value.text().is_some_and(|text| texts.iter().any(|own| own == text)) {
                let reason = "this value is not read in frames; send such an order by REST";
                return Err(Refusal::field(Part::Frame, name, reason));
            }
            if !stream.words.contains_key(name) {
                return Ok(());
            }
        }
        self.say(name, &written, out)
    }

    /// Says a value under the endpoint's name for it.
    fn say(&self, name: &str, json: &str, out: &mut Vec<String>) -> Result<(), Refusal> {
        let unknown = || Refusal::field(Part::Frame, name, "not a parameter this gateway knows in frames");
        let (own, with) = self.stream.words.get(name).ok_or_else(unknown)?.parts();
        out.push(format!("{}:{json}", quote(own)));
        out.extend(with.map(|(name, text)| format!("{}:{}", quote(name), quote(text))));
        Ok(())
    }
}

/// A text, a truth value or a number without an exponent.
fn scalar(name: &str, json: &Json) -> Result<String, Refusal> {
    let refuse = |reason| Err(Refusal::field(Part::Frame, name, reason));
    match json {
        Json::Text(text) => Ok(quote(text)),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Number(text) => match plain(text) {
            Some(number) => Ok(number),
            None => refuse("not a number that can be read exactly"),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => refuse("must be a text, a number or a truth value"),
    }
}

/// `5e-05` is `0.00005` to every reader of JSON, and what Python writes for it; amounts are read without exponents.
fn plain(number: &str) -> Option<String> {
    let Some((digits, exponent)) = number.split_once(['e', 'E']) else { return Some(number.to_owned()) };
    let exponent: i32 = exponent.parse().ok()?;
    let value = Decimal::from_str_exact(digits).ok()?;
    let scale = i32::try_from(value.scale()).ok()?.checked_sub(exponent)?;
    let (mantissa, scale) = match u32::try_from(scale) {
        Ok(scale) => (value.mantissa(), scale),
        Err(_) => (value.mantissa().checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?, 0),
    };
    Some(Decimal::try_from_i128_with_scale(mantissa, scale).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_an_exponent_is_written_out_exactly() {
        for (text, written) in [
            ("5e-05", "0.00005"),
            ("1.25E-3", "0.00125"),
            ("1e3", "1000"),
            ("1.5e+1", "15"),
            ("1.50e1", "15.0"),
            ("0.001", "0.001"),
            ("50000.10", "50000.10"),
            ("1e-28", "0.0000000000000000000000000001"),
        ] {
            assert_eq!(plain(text).as_deref(), Some(written), "{text}");
        }
        for text in ["1e-29", "1e30", "1e99999999999", "1.2345678901234567890123456789e-1", "1e2147483648"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
