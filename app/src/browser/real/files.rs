//! Files that the user downloads.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long the text stays where the browser can fetch it, in milliseconds: it saves after the click has returned.
const RETAINED_MS: f64 = 60_000.0;

/// How much is handed to the browser at once, in bytes.
const PART_BYTES: usize = 1024 * 1024;

/// A file that is written piece by piece. The browser has what was written, on disk where it is much.
#[derive(Default)]
pub struct FileParts {
    parts: Array,
    waiting: Vec<u8>,
}

impl FileParts {
    /// Writes a piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
        if self.waiting.len() >= PART_BYTES {
            self.hand_over();
        }
    }

    /// Saves all of it as a file of that name, where the browser keeps what is downloaded.
    pub fn save(mut self, name: &str, media_type: &str) {
        self.hand_over();
        // Every browser that runs this app has what it takes.
        let _ = save_parts(name, media_type, &self.parts);
    }

    fn hand_over(&mut self) {
        let bytes = Uint8Array::from(self.waiting.as_slice());
        if let Ok(part) = Blob::new_with_u8_array_sequence(&Array::of1(&bytes)) {
            self.parts.push(&part);
        }
        self.waiting.clear();
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
