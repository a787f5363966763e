//! The words for a session and its device.

use super::vocabulary::vocabulary;

vocabulary! {
    /// What sort of thing is signed in; decides the icon.
    DeviceKind {
        /// A telephone.
        Phone = "phone",
        /// A tablet.
        Tablet = "tablet",
        /// A computer with a screen.
        Laptop = "laptop",
        /// A command line or script.
        Terminal = "terminal",
        /// A native app.
        App = "app",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// How a session was signed in.
    SignInMethod {
        /// E-mail and password.
        Password = "password",
        /// A passkey.
        Passkey = "passkey",
        /// An `OpenID` Connect provider.
        Provider = "provider",
        /// A one-time code by e-mail.
        Code = "code",
    }
}

vocabulary! {
    /// How far one device has got with being signed out.
    ReceiptStatus {
        /// It is not connected: its next request will be refused.
        Offline = "offline",
        /// It was notified over its event stream.
        Notified = "told",
        /// Its browser has confirmed that it signed itself out.
        Confirmed = "confirmed",
    }
}

vocabulary! {
    /// Where a client wants its refresh token.
    #[derive(Default)]
    TokenDelivery {
        /// In an `HttpOnly` cookie: for browsers.
        Cookie = "cookie",
        /// In the body: for native apps and scripts.
        #[default]
        Body = "body",
    }
}
