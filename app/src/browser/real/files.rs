//! Files that the user downloads.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long the text stays where the browser can fetch it, in milliseconds: it saves after the click has returned.
const RETAINED_MS: f64 = 60_000.0;

/// Saves a text as a file of that name, where the browser keeps what is downloaded.
pub fn save_file(name: &str, media_type: &str, text: &str) {
    // Every browser that runs this app has what it takes.
    let _ = try_save_file(name, media_type, text);
}

fn try_save_file(name: &str, media_type: &str, text: &str) -> Result<(), JsValue> {
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(text)), &kind)?;
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
