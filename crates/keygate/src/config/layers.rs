//! Where settings come from, and where they are looked for.

use std::{
    env,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};

use super::{DEFAULTS, Flags, HELP, environment};
use crate::error::Fatal;

/// The layers, lowest first, as figment joins them.
pub fn figment(flags: &Flags) -> Result<Figment, Fatal> {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(path) = config_file(flags)? {
        figment = figment.merge(Toml::file(path));
    }
    Ok(flags_layer(environment::layers(figment, &flags.secrets)?, flags))
}

fn flags_layer(mut figment: Figment, flags: &Flags) -> Figment {
    if let Some(dir) = &flags.data_dir {
        figment = figment.merge(Serialized::default("data_dir", dir));
    }
    if !flags.listen.is_empty() {
        let listen: Vec<String> = flags.listen.iter().map(ToString::to_string).collect();
        figment = figment.merge(Serialized::default("listen", listen));
    }
    if let Some(url) = &flags.public_url {
        figment = figment.merge(Serialized::default("public_url", url));
    }
    figment
}

fn config_file(flags: &Flags) -> Result<Option<PathBuf>, Fatal> {
    let named = flags.config.clone().or_else(|| env::var_os("KEYGATE_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        return match path.is_file() {
            true => Ok(Some(path)),
            false => Err(Fatal::new(format!("no configuration file at {}", path.display()), HELP)),
        };
    }
    let home = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".config")));
    let places = [home.map(|dir| dir.join("keygate/keygate.toml")), Some("/etc/keygate/keygate.toml".into())];
    Ok(places.into_iter().flatten().find(|path| path.is_file()))
}

pub(super) fn default_data_dir() -> PathBuf {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
    match (crate::cluster::is_root(), env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(home)) {
        (false, Some(dir)) => dir.join("keygate"),
        _ => PathBuf::from("/var/lib/keygate"),
    }
}
