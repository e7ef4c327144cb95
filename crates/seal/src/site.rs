//! Keys of the site itself (`site_api_keys`), which belong to no user and are sealed by the root
//! provider: `kms1.<provider id>.<b64url(what the provider returned)>`.

use uuid::Uuid;

use crate::root::Root;
use crate::{KeyError, OpenError, RootError, SecretBytes, context, text};

/// Which site key: the row, the column and the provider the key is for (`openai`, ...).
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The row's id.
    pub row: Uuid,
    /// The column's name.
    pub column: &'static str,
    /// The row's `provider`: a value moved to another provider's row no longer opens.
    pub provider: &'a str,
}

/// Seals a site key by the root provider.
pub fn seal(root: &dyn Root, site: &Site<'_>, plaintext: &[u8]) -> Result<String, RootError> {
    let wrapped = root.wrap(&site.encode(), plaintext)?;
    Ok(format!("kms1.{}.{}", root.id(), text::b64url(&wrapped)))
}

/// Opens a site key. One sealed by another root key is [`KeyError::WrongRootKey`].
pub fn open(root: &dyn Root, site: &Site<'_>, sealed: &str) -> Result<SecretBytes, KeyError> {
    let (id, payload) =
        sealed.strip_prefix("kms1.").and_then(|rest| rest.rsplit_once('.')).ok_or(OpenError)?;
    let wrapped = text::from_b64url(payload)?;
    if id != root.id() {
        return Err(KeyError::WrongRootKey);
    }
    root.unwrap(&site.encode(), &wrapped).map_err(|error| match error {
        RootError::Refused => KeyError::Open,
        other => KeyError::Root(other),
    })
}

impl Site<'_> {
    /// `"kg1" ‖ L("site_api_keys") ‖ L(column) ‖ row ‖ L(provider)`
    fn encode(&self) -> Vec<u8> {
        let mut bytes = context::start("site_api_keys");
        context::push_sized(&mut bytes, self.column.as_bytes());
        bytes.extend_from_slice(self.row.as_bytes());
        context::push_sized(&mut bytes, self.provider.as_bytes());
        bytes
    }
}
