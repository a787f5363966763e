//! The key by which a message shows that it is from a server of this installation.
//!
//! Everyone who can reach the Redis or the database's notifications can send there; Redis is often shared, and has no
//! password by default. Without tags a stranger could show users events that did not happen, and make servers poll the
//! log all the time.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The key of the messages of an installation, which is known by its `LATCHKEY_SECRET` and its public address.
pub struct MessageKey(hmac::Key);

impl MessageKey {
    /// How much longer a message gets by its tag, in bytes.
    pub const LENGTH: usize = 44;

    pub const fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// The message with its tag before it.
    pub fn seal(&self, message: &str) -> String {
        let tag = hmac::sign(&self.0, message.as_bytes());
        format!("{}.{message}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The message, if its tag is right.
    pub fn open<'m>(&self, sealed: &'m str) -> Option<&'m str> {
        let (tag, message) = sealed.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, message.as_bytes(), &tag).ok().map(|()| message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::secrets::Keys;

    fn message_key(secret: &str, address: &str) -> MessageKey {
        Keys::derive(secret).unwrap().bus_message_key(address)
    }

    #[test]
    fn a_message_is_opened_by_its_own_installation_only_and_as_it_was_sent() {
        let ours = message_key("secret", "https://id.example.com");
        let sealed = ours.seal("{\"a\":1}");
        assert_eq!(sealed.len(), "{\"a\":1}".len() + MessageKey::LENGTH);
        assert_eq!(ours.open(&sealed), Some("{\"a\":1}"));
        for other in
            [message_key("another", "https://id.example.com"), message_key("secret", "https://staging.example.com")]
        {
            assert_eq!(other.open(&sealed), None);
        }
        let tag = sealed.split('.').next().unwrap();
        for forged in [
            "{\"a\":1}",
            "",
            ".",
            ".{\"a\":1}",
            &sealed.replace('1', "2"),
            &sealed[1..],
            &format!("{tag}."),
            &format!("{sealed} "),
        ] {
            assert_eq!(ours.open(forged), None, "{forged}");
        }
    }
}
