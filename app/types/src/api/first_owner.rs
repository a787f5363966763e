//! The first owner on the wire.

use serde::{Deserialize, Serialize};

use super::request::request;
use crate::domain::UserId;

/// `POST`: makes the first owner.
pub const FIRST_OWNER: &str = "/api/set-up/owner";

request! {
    /// Body of `POST /api/set-up/owner`.
    FirstOwnerRequest, FirstOwnerFields {
        /// The token of the link in the log of a server: what stands behind `#token=`.
        token: String,
        /// The address to sign in with. It counts as proved.
        email: String,
        /// The name others see.
        name: String,
        /// The password as typed.
        password: String,
    }
}

/// Answer of `POST /api/set-up/owner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FirstOwner {
    /// The id of the account.
    pub user_id: UserId,
    /// The address to sign in with.
    pub email: String,
}

#[cfg(feature = "schema")]
mod examples {
    use super::{FirstOwner, FirstOwnerRequest};
    use crate::api::examples::Example;

    impl Example for FirstOwnerRequest {
        const EXAMPLE: &'static str = r#"{
            "token": "q0Yc1ZbS8dVf3RtN7mKx2LwJ5hGp9uQe4aTi6oBrXsE", "email": "ada@example.com", "name": "Ada Lovelace",
            "password": "tuesday otter lamp"
        }"#;
    }

    impl Example for FirstOwner {
        const EXAMPLE: &'static str =
            r#"{"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com"}"#;
    }
}
