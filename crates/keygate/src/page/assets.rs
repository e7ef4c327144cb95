//! The style sheet and the scripts, compiled in. Their names carry a hash of their content, so browsers may
//! keep them for ever and never see an old one.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::{extract::Path, response::Response};
use data_encoding::HEXLOWER;
use http::{HeaderValue, header};

use crate::error::{Code, Result};

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
    /// The name with the hash of the content in it.
    file: String,
}

pub async fn serve(Path(file): Path<String>) -> Result<Response> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or(Code::NotFound)?;
    let mut response = Response::new(asset.content.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

/// Where an asset is; templates call this.
pub fn url(name: &str) -> String {
    let file = ASSETS.iter().find(|asset| asset.name == name).map_or(name, |asset| &asset.file);
    format!("/assets/{file}")
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset("keygate.css", "text/css; charset=utf-8", include_bytes!("../../assets/keygate.css")),
        asset("icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
        asset("copy.js", SCRIPT, include_bytes!("../../assets/copy.js")),
        asset("keys.js", SCRIPT, include_bytes!("../../assets/keys.js")),
        asset("refresh.js", SCRIPT, include_bytes!("../../assets/refresh.js")),
        asset("setup.js", SCRIPT, include_bytes!("../../assets/setup.js")),
    ]
});

fn asset(name: &'static str, kind: &'static str, content: &'static [u8]) -> Asset {
    let hash = HEXLOWER.encode(&digest::digest(&digest::SHA256, content).as_ref()[..6]);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    Asset { name, kind, content, file: format!("{stem}-{hash}.{ending}") }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kind: &str) -> usize {
        ASSETS.iter().filter(|asset| asset.kind.starts_with(kind)).map(|asset| asset.content.len()).sum()
    }

    #[test]
    fn style_and_scripts_stay_within_their_budgets() {
        assert!(bytes("text/css") < 20 * 1024, "style: {}", bytes("text/css"));
        assert!(bytes("text/javascript") < 12 * 1024, "scripts: {}", bytes("text/javascript"));
    }

    #[test]
    fn scripts_never_build_pages_from_text() {
        for asset in ASSETS.iter().filter(|asset| asset.kind == SCRIPT) {
            let text = String::from_utf8_lossy(asset.content);
            for way in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval("]
            {
                assert!(!text.contains(way), "{} uses {way}", asset.name);
            }
        }
    }
}
