//! Client ids: the name a client gives its order or withdrawal, by which the exchange can be asked what became of it.

use data_encoding::HEXLOWER;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Reader,
    field::Field,
    scope::{Inside, Scope},
};
use crate::{
    Definition, Method, Part, Refusal, Request,
    definition::{Case, Pattern},
};

/// Where the id of an order or withdrawal stands, and what the exchange takes for one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientId {
    /// A parameter, or a member of the order.
    pub(super) param: Field,
    form: Form,
    /// What every id starts with.
    #[serde(default)]
    prefix: String,
    /// The greatest length with the prefix; of a number, its greatest count of digits.
    max_length: usize,
    /// The greatest length of a client's own, if the exchange takes longer ones than are made here.
    longest: Option<usize>,
    /// The greatest number a client may choose, where ids are numbers.
    greatest: Option<u64>,
    /// Parameters an order with an id of ours must not have: the exchange takes one of them. With one of them it may
    /// leave a client's own id aside, so such an order is not asked for by it.
    #[serde(default)]
    pub(super) unless: Vec<Field>,
}

/// The text of an id made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// Eight, four, four, four and twelve hexadecimal digits with hyphens between.
    Uuid,
    /// 32 hexadecimal digits.
    Hex,
    /// 25 small letters and digits, or fewer where the exchange takes no more.
    Base36,
    /// A number from 1, which stands bare in JSON.
    Number,
}

/// What an order or withdrawal says about its client id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnId {
    /// The client's.
    Given(String),
    /// None, and one can be put in.
    Missing,
    /// None that counts, and none may be put in.
    Excluded,
}

impl Definition {
    /// The client ids of a request's orders, or of its withdrawal. None if it holds neither, or their endpoint takes no ids.
    pub(crate) fn own_ids(&self, request: &Request) -> Result<Vec<OwnId>, Refusal> {
        let Some((inside, place)) = self.id_places(request) else { return Ok(Vec::new()) };
        let own_id = |scope| place.map_or(Ok(OwnId::Excluded), |place| place.own_id(scope));
        if inside.is_whole() {
            return Ok(vec![own_id(Scope::of(request))?]);
        }
        let items = inside.items(request)?.unwrap_or_default();
        items.iter().map(|item| own_id(inside.scope(request, item))).collect()
    }

    /// Whether the orders or withdrawals of an endpoint have client ids.
    pub(crate) fn takes_client_ids(&self, method: Method, path: &str) -> bool {
        let fits = |pattern: &Pattern| pattern.matches(method, path, Case::Exact);
        let orders = self.orders.iter().map(|own| (&own.get_ref().patterns, &own.get_ref().client_id));
        let withdrawals =
            self.withdrawals.iter().map(|own| (&own.get_ref().patterns, &own.get_ref().client_id));
        let mut readers = orders.chain(withdrawals);
        readers.find(|(patterns, _)| patterns.iter().any(fits)).is_some_and(|(_, id)| id.is_some())
    }

    /// Ids can be made as the definition says.
    pub(crate) fn check_client_ids(&self) -> Result<(), (Option<usize>, String)> {
        let orders = self.orders.iter().map(|own| (own.span().start, &own.get_ref().client_id));
        let withdrawals = self.withdrawals.iter().map(|own| (own.span().start, &own.get_ref().client_id));
        let wrong = orders.chain(withdrawals).find_map(|(at, id)| {
            let reason = id.as_ref()?.check().err()?;
            Some((Some(at), reason.to_owned()))
        });
        wrong.map_or(Ok(()), Err)
    }

    /// Where a request's orders have their client ids, or its withdrawal.
    pub(crate) fn client_id(&self, request: &Request) -> Option<(&Inside, &ClientId)> {
        let (inside, place) = self.id_places(request)?;
        Some((inside, place?))
    }

    fn id_places(&self, request: &Request) -> Option<(&Inside, Option<&ClientId>)> {
        match request.endpoint.reader? {
            Reader::Order(at) => {
                let own = self.orders[at].get_ref();
                Some((&own.inside, own.client_id.as_ref()))
            }
            Reader::Withdrawal(at) => {
                let own = self.withdrawals[at].get_ref();
                Some((&own.inside, own.client_id.as_ref()))
            }
            Reader::Cancel(_) => None,
        }
    }
}

impl OwnId {
    /// The client's id.
    pub(crate) fn given(self) -> Option<String> {
        match self {
            OwnId::Given(id) => Some(id),
            OwnId::Missing | OwnId::Excluded => None,
        }
    }
}

impl ClientId {
    fn own_id(&self, scope: Scope<'_>) -> Result<OwnId, Refusal> {
        let there = |field| Ok::<_, Refusal>(scope.text(field)?.filter(|text| !text.is_empty()));
        let own = there(&self.param)?;
        if let Some(own) = &own {
            self.check_own(own).map_err(|reason| Refusal::field(Part::Body, self.name(), reason))?;
        }
        for field in &self.unless {
            if there(field)?.is_some() {
                return Ok(OwnId::Excluded);
            }
        }
        Ok(own.map_or(OwnId::Missing, |own| OwnId::Given(own.into_owned())))
    }

    /// What the exchange would cut off or write in another way is an id under which the order is not found again.
    fn check_own(&self, own: &str) -> Result<(), &'static str> {
        if let Some(greatest) = self.greatest {
            let plain = own.bytes().all(|b| b.is_ascii_digit()) && !own.starts_with('0');
            let fits = plain && own.parse().is_ok_and(|number: u64| number <= greatest);
            return fits.then_some(()).ok_or("not a whole number in plain digits, as the exchange's ids are");
        }
        match own.len() > self.longest.unwrap_or(self.max_length) {
            true => Err("longer than the exchange's ids are"),
            false => Ok(()),
        }
    }

    /// The parameters that say something about it.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        std::iter::once(&self.param).chain(&self.unless)
    }

    /// The parameter's name.
    pub(crate) fn name(&self) -> &str {
        self.param.name()
    }

    /// Whether ids are numbers.
    pub(crate) fn is_number(&self) -> bool {
        self.form == Form::Number
    }

    /// An id of 16 bytes: the same for the same bytes.
    pub(crate) fn text(&self, bytes: [u8; 16]) -> String {
        let number = u128::from_be_bytes(bytes);
        let body = match self.form {
            Form::Uuid => Uuid::from_bytes(bytes).hyphenated().to_string(),
            Form::Hex => HEXLOWER.encode(&bytes),
            Form::Base36 => base36(number, self.room().min(BASE36_LENGTH)),
            Form::Number => {
                (number % 10u128.pow(self.digits()) + 1).min(10u128.pow(self.digits()) - 1).to_string()
            }
        };
        format!("{}{body}", self.prefix)
    }

    /// What its shape alone cannot say.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let plain = |prefix: &String| prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let least = match self.form {
            Form::Uuid => 36,
            Form::Hex => 32,
            Form::Base36 => 16,
            Form::Number => 9,
        };
        match () {
            () if !matches!(&self.param, Field::Path(names) if names.len() == 1) => {
                Err("a client id stands in a parameter or member of the order")
            }
            () if !plain(&self.prefix) || (self.is_number() && !self.prefix.is_empty()) => {
                Err("a client id starts with letters, digits and -, a number with none")
            }
            () if self.longest.is_some_and(|longest| longest <= self.max_length) => {
                Err("longest is more than max_length, or left out")
            }
            () if self.greatest.is_some() != self.is_number() => {
                Err("greatest is for ids that are numbers, which all have it")
            }
            () if self.greatest.is_some_and(|greatest| u128::from(greatest) < 10u128.pow(self.digits())) => {
                Err("greatest has more than max_length digits")
            }
            () if self.room() < least => Err("ids of this form do not fit into max_length"),
            () => Ok(()),
        }
    }

    fn room(&self) -> usize {
        self.max_length.saturating_sub(self.prefix.len())
    }

    fn digits(&self) -> u32 {
        u32::try_from(self.max_length.min(30)).unwrap_or(30)
    }
}

/// As many letters as hold 16 bytes.
const BASE36_LENGTH: usize = 25;

/// The last digits of a number, small letters standing for those from 10 on.
fn base36(mut number: u128, length: usize) -> String {
    let mut digits = vec![b'0'; length];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(form: &str, bytes: [u8; 16]) -> String {
        toml::from_str::<ClientId>(&format!("param = \"id\"\n{form}")).unwrap().text(bytes)
    }

    #[test]
    fn an_id_has_its_exchanges_form() {
        let bytes = [0xab; 16];
        assert_eq!(id("form = \"uuid\"\nmax_length = 36", bytes), "abababab-abab-abab-abab-abababababab");
        assert_eq!(id("form = \"hex\"\nmax_length = 32", bytes), "ab".repeat(16));
        assert_eq!(
            id("form = \"base36\"\nprefix = \"t-\"\nmax_length = 30", [0xff; 16]),
            "t-f5lxx1zz5pnorynqglhzmsp33"
        );
        assert_eq!(id("form = \"base36\"\nmax_length = 20", [0xff; 16]), "1zz5pnorynqglhzmsp33");
        assert_eq!(id("form = \"number\"\ngreatest = 35184372088831\nmax_length = 13", [0; 16]), "1");
        assert!(id("form = \"number\"\ngreatest = 35184372088831\nmax_length = 13", [0xff; 16]).len() <= 13);
    }

    #[test]
    fn an_id_that_would_not_fit_or_hardly_differ_is_refused() {
        for form in [
            "form = \"uuid\"\nmax_length = 32",
            "form = \"hex\"\nprefix = \"t-\"\nmax_length = 32",
            "form = \"base36\"\nmax_length = 15",
            "form = \"number\"\ngreatest = 999999999\nmax_length = 8",
            "form = \"number\"\nmax_length = 13",
            "form = \"number\"\ngreatest = 9999999999999\nmax_length = 13",
            "form = \"hex\"\ngreatest = 35184372088831\nmax_length = 32",
            "form = \"number\"\ngreatest = 35184372088831\nprefix = \"t\"\nmax_length = 13",
            "form = \"hex\"\nprefix = \"t=\"\nmax_length = 64",
        ] {
            let id: ClientId = toml::from_str(&format!("param = \"id\"\n{form}")).unwrap();
            assert!(id.check().is_err(), "{form}");
        }
        let nested: ClientId = toml::from_str("param = \"a.b\"\nform = \"hex\"\nmax_length = 32").unwrap();
        assert!(nested.check().is_err());
    }
}
