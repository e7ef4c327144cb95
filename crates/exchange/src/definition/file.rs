//! An `exchange.toml` as a definition, and what its shape alone cannot say.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{
    Definition, DefinitionError, Hole, PRODUCTION, Pattern, Profile,
    header::HeaderRules,
    is_word,
    known::{Known, Patterns},
    login::LoginStream,
    markets::Markets,
    shape::File,
    stream::Stream,
    token::TokenStream,
};
use crate::{
    Class, Field, KeyKind,
    answer::{Answers, Errors},
    pair::SecretShape,
    reading::{LeverageReader, Reader},
};

impl Definition {
    /// Reads an `exchange.toml`.
    ///
    /// Errors: the first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Definition, DefinitionError> {
        let file: File = toml::from_str(text).map_err(|error| DefinitionError::from_toml(text, &error))?;
        build(file).map_err(|(at, reason)| DefinitionError::at(text, at, reason))
    }

    /// Keys of one's own are kinds that can be made here and that one of its profiles signs with.
    fn check_own_keys(&self) -> Result<(), &'static str> {
        let Some(own) = &self.own_keys else { return Ok(()) };
        let taken = self.key_kinds();
        match own
            .kinds
            .iter()
            .all(|kind| matches!(kind, KeyKind::Ed25519 | KeyKind::Rsa) && taken.contains(kind))
        {
            true if !own.kinds.is_empty() && !own.paste.is_empty() => Ok(()),
            _ => Err(
                "own keys are ed25519 or rsa, one that a signing profile takes, with the place to paste them",
            ),
        }
    }

    /// Readers belong to endpoints of the class they read.
    fn check_readers(&self) -> Result<(), Wrong> {
        if let Some((at, _)) = self.read_places().find(|(_, inside)| !inside.is_sound()) {
            return Err((Some(at), "orders stand in each or member, not in both".to_owned()));
        }
        for (at, class, pattern) in self.read_endpoints() {
            let sample = pattern.sample();
            if sample.and_then(|(method, path)| self.classify(method, &path)) != Some(class) {
                let reason = format!("reads what is not an endpoint of class {}", class.as_str());
                return Err((Some(at), reason));
            }
        }
        Ok(())
    }

    /// Of what is read, one place must count.
    fn check_mirrored(&self) -> Result<(), Wrong> {
        for pattern in &self.mirrored {
            let sample = pattern.get_ref().sample();
            let endpoint = sample.and_then(|(method, path)| self.endpoint(method, &path));
            if endpoint.is_none_or(|endpoint| endpoint.reader.is_some() || endpoint.leverage.is_some()) {
                let reason = "what is mirrored is an endpoint whose parameters are not read".to_owned();
                return Err((Some(pattern.span().start), reason));
            }
        }
        Ok(())
    }

    /// What passes on from the client must not be what the signer sets, and what is refused neither of both.
    fn check_headers(&self) -> Result<(), Wrong> {
        let signing =
            |name: &String| self.profiles.iter().any(|own| own.own_headers().any(|own| own == *name));
        if self.request_headers.iter().any(signing) {
            return Err((None, "a signing header cannot be passed on from the client".to_owned()));
        }
        match self.refused_headers.iter().any(|name| signing(name) || self.request_headers.contains(name)) {
            true => Err((None, "a refused header cannot be passed on or part of the signature".to_owned())),
            false => Ok(()),
        }
    }

    /// A passphrase is asked for where it is sent, and only there.
    fn check_fields(&self) -> Result<(), Wrong> {
        let holes = [Hole::Passphrase, Hole::PassphraseMac];
        let sent = self.profiles.iter().any(|profile| holes.iter().any(|hole| profile.uses(hole)));
        match sent == self.fields.contains(&Field::Passphrase) {
            true => Ok(()),
            false => Err((None, "{passphrase} and the field passphrase go together".to_owned())),
        }
    }
}

/// Where in the file, and what.
type Wrong = (Option<usize>, String);

/// Checks what the shapes alone cannot say.
fn build(mut file: File) -> Result<Definition, Wrong> {
    let id = checked(&file.exchange.id, |id| {
        is_word(id).then_some(()).ok_or("an id is lower-case letters and digits")
    })?;
    let errors = checked(&file.errors, Errors::check)?;
    let answers = checked(&file.answers, Answers::check)?;
    let secret_shape = checked(&file.virtual_secret, SecretShape::check)?;
    if !file.env.contains_key(PRODUCTION) {
        return Err((None, "there is no [env.production]".to_owned()));
    }
    let markets = match &file.markets {
        Some(markets) => checked(markets, Markets::check)?,
        None => Markets::default(),
    };
    let probes = file.probe.span().start;
    let stream_at = file.stream.as_ref().map(|stream| stream.span().start);
    let stream = file.stream.map(|stream| checked(&stream, Stream::check)).transpose()?;
    let login_at: Vec<usize> = file.login_stream.iter().map(|stream| stream.span().start).collect();
    let login_streams = file.login_stream.iter().map(|stream| checked(stream, LoginStream::check));
    let login_streams = login_streams.collect::<Result<_, _>>()?;
    let token_at = file.token_stream.as_ref().map(|stream| stream.span().start);
    let token_stream = file.token_stream.map(|stream| checked(&stream, TokenStream::check)).transpose()?;
    let own_keys_at = file.exchange.own_keys.as_ref().map(|own| own.span().start);
    file.order_status.extend(file.withdrawal_status);
    let profiles = check_profiles(file.signing)?;
    let (passed, refused) = (lower(file.request.headers), lower(file.request.refused));
    let selecting = file.env.values().flat_map(|own| own.headers.keys());
    let header_rules = HeaderRules::new(&profiles, &passed, refused.iter().chain(selecting));
    file.order.iter_mut().for_each(|own| own.get_mut().complete());
    file.cancel.iter_mut().for_each(|own| own.get_mut().complete());
    file.withdrawal.iter_mut().for_each(|own| own.get_mut().complete());
    let readers = Reader::of(&file.order, &file.cancel, &file.withdrawal);
    let leverages = LeverageReader::endpoints(&file.leverage);
    let mut definition = Definition {
        id,
        name: file.exchange.name,
        docs: file.exchange.docs,
        fields: file.exchange.fields,
        own_keys: file.exchange.own_keys.map(Spanned::into_inner),
        environments: file.env,
        profiles,
        patterns: Patterns::new(order_ops(file.ops)?, file.sign_level.key_only, readers, leverages),
        known: Known::default(),
        response_headers: lower(file.response.headers),
        rate_scope: file.response.rate_scope,
        request_headers: passed,
        refused_headers: refused,
        header_rules,
        repeatable: file.request.repeatable,
        mirrored: file.request.mirrored,
        max_body: file.request.max_body,
        orders: file.order,
        cancels: file.cancel,
        withdrawals: file.withdrawal,
        leverages: file.leverage,
        stricter: file.stricter,
        order_status: file.order_status,
        open_orders: file.open_orders,
        cancel_order: file.cancel_order,
        probes: file.probe.into_inner(),
        errors,
        answers,
        secret_shape,
        traffic: file.traffic,
        markets,
        stream,
        login_streams,
        token_stream,
    };
    definition.check_probes().map_err(|refusal| (Some(probes), refusal.to_string()))?;
    definition.check_market_list()?;
    definition.check_own_keys().map_err(|reason| (own_keys_at, reason.to_owned()))?;
    definition.probes.check_rows().map_err(|reason| (Some(probes), reason.to_owned()))?;
    definition.check_fields()?;
    definition.check_readers()?;
    definition.check_mirrored()?;
    definition.check_client_ids()?;
    definition.check_leverages()?;
    definition.check_stricter()?;
    definition.check_order_status()?;
    definition.check_open_orders()?;
    definition.check_headers()?;
    definition.check_traffic()?;
    definition.check_stream().map_err(|reason| (stream_at, reason))?;
    for (stream, at) in definition.login_streams.iter().zip(login_at) {
        definition.check_login_stream(stream).map_err(|reason| (Some(at), reason))?;
    }
    definition.check_token_stream().map_err(|reason| (token_at, reason))?;
    definition.known = definition.patterns.known();
    Ok(definition)
}

fn checked<T: Clone>(part: &Spanned<T>, check: impl Fn(&T) -> Result<(), &'static str>) -> Result<T, Wrong> {
    match check(part.get_ref()) {
        Ok(()) => Ok(part.get_ref().clone()),
        Err(reason) => Err((Some(part.span().start), reason.to_owned())),
    }
}

/// All profiles. One of them must be for the rest of the paths, and two may share a path only with other keys.
fn check_profiles(file: BTreeMap<String, Spanned<Profile>>) -> Result<Vec<Profile>, Wrong> {
    let mut profiles: Vec<Profile> = Vec::new();
    for profile in file.into_values() {
        let start = profile.span().start;
        let profile = profile.into_inner().check().map_err(|reason| (Some(start), reason.to_owned()))?;
        let clashes = |own: &Profile| {
            own.paths == profile.paths && own.keys.keys().any(|kind| profile.keys.contains_key(kind))
        };
        if profiles.iter().any(clashes) {
            return Err((
                Some(start),
                "another profile signs the same paths with this kind of key".to_owned(),
            ));
        }
        profiles.push(profile);
    }
    match profiles.iter().any(|profile| profile.paths.is_empty()) {
        true => Ok(profiles),
        false => Err((None, "one signing profile must have no paths".to_owned())),
    }
}

/// All patterns in the order of precedence, each once.
fn order_ops(mut ops: BTreeMap<Class, Vec<Spanned<String>>>) -> Result<Vec<(Pattern, Class)>, Wrong> {
    let mut ordered: Vec<(Pattern, Class)> = Vec::new();
    for class in Class::PRECEDENCE {
        for text in ops.remove(&class).unwrap_or_default() {
            let wrong = |reason: &str| (Some(text.span().start), reason.to_owned());
            let pattern = Pattern::parse(text.get_ref()).map_err(wrong)?;
            if ordered.iter().any(|(own, _)| *own == pattern) {
                return Err(wrong("this pattern is listed twice"));
            }
            ordered.push((pattern, class));
        }
    }
    Ok(ordered)
}

fn lower(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| name.to_ascii_lowercase()).collect()
}
