//! The files that say where addresses are.

use std::path::Path;

use super::{Finding, Severity, finding};
use crate::{config::Config, risk::geo};

/// One line for each file that is configured; one for all if none is.
pub fn look(config: &Config) -> Vec<Finding> {
    let files = &config.geoip;
    let files = [("city", &files.city), ("asn", &files.asn), ("anonymous", &files.anonymous)];
    let named = files.into_iter().filter(|(_, path)| !path.as_os_str().is_empty());
    let findings: Vec<Finding> = named.map(|(name, path)| file(name, path)).collect();
    match findings.is_empty() {
        true => {
            let text =
                "no GeoIP file: countries, travel and anonymisers count for nothing in the score of a call";
            vec![finding("geoip", Severity::Ok, text, "")]
        }
        false => findings,
    }
}

fn file(name: &str, path: &Path) -> Finding {
    let check = format!("geoip {name}");
    match geo::examine(path) {
        Ok(()) => finding(&check, Severity::Ok, format!("{} can be used", path.display()), ""),
        Err(error) => finding(
            &check,
            Severity::Medium,
            format!("{} cannot be used: {error}", path.display()),
            "supply a whole file in MaxMind's format (.mmdb); until then nothing is known of what it tells",
        ),
    }
}
