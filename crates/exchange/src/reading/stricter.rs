//! What a request says can make it of a stricter class than its endpoint is: a transfer to another account, for one.

use serde::Deserialize;
use toml::Spanned;

use super::{
    field::{Condition, Field},
    scope::Scope,
};
use crate::{
    Class, Definition, Refusal, Request,
    definition::{Case, Pattern},
};

/// Requests of some endpoints that are of another class, unless one of the conditions holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stricter {
    #[serde(rename = "match")]
    patterns: Vec<Pattern>,
    class: Class,
    unless: Vec<Condition>,
}

impl Definition {
    /// The class of a request: that of its endpoint, or a stricter one for what it says.
    pub(crate) fn class_of(&self, request: &Request) -> Result<Class, Refusal> {
        let fits = |pattern: &Pattern| pattern.matches(request.method, &request.path, Case::Exact);
        let mut readers = self.stricter.iter().map(Spanned::get_ref);
        let Some(own) = readers.find(|own| own.patterns.iter().any(fits)) else {
            return Ok(request.endpoint.class);
        };
        let fields: Vec<&Field> = own.unless.iter().flat_map(Condition::fields).collect();
        self.check_decisive(request, &fields, false)?;
        match Scope::of(request).any(&own.unless, Case::Exact)? {
            true => Ok(request.endpoint.class),
            false => Ok(own.class),
        }
    }

    /// The other class is a stricter one, and there is a way not to be of it.
    pub(crate) fn check_stricter(&self) -> Result<(), (Option<usize>, String)> {
        let rank = |class: Class| Class::PRECEDENCE.iter().position(|own| *own == class);
        for own in &self.stricter {
            let wrong = |reason: &str| Err((Some(own.span().start), reason.to_owned()));
            if own.get_ref().unless.is_empty() {
                return wrong("requests that are always of another class belong into [ops]");
            }
            for pattern in &own.get_ref().patterns {
                let class = pattern.sample().and_then(|(method, path)| self.classify(method, &path));
                if class.is_none_or(|class| rank(own.get_ref().class) >= rank(class)) {
                    return wrong("the endpoint is not of a class that is less strict");
                }
            }
        }
        Ok(())
    }
}
