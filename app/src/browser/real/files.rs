//! Files that the user downloads.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long the text stays where the browser can fetch it, in milliseconds: it saves after the click has returned.
const RETAINED_MS: f64 = 60_000.0;

/// A file that is written piece by piece. The browser has what was written, on disk where it is much.
#[derive(Default)]
pub struct FileParts(Array);

impl FileParts {
    /// Writes a piece; `false` where the browser takes no more.
    pub fn add(&self, piece: &[u8]) -> bool {
        let part = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(piece)));
        part.map(|part| self.0.push(&part)).is_ok()
    }

    /// Saves all of it as a file of that name, where the browser keeps what is downloaded.
    pub fn save(&self, name: &str, media_type: &str) {
        // Every browser that runs this app has what it takes.
        let _ = save_parts(name, media_type, &self.0);
    }
}

fn save_parts(name: &str, media_type: &str, parts: &Array) -> Result<(), JsValue> {
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let blob = Blob::new_with_blob_sequence_and_options(parts, &kind)?;
    let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::NULL)?;
    // Not put into the document: the router, which hears of every click there, has no part in it.
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into().map_err(JsValue::from)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    super::after(RETAINED_MS, move || {
        // An address that is gone already is as good.
        let _ = Url::revoke_object_url(&address);
    });
    Ok(())
}
