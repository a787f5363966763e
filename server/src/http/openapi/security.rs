//! What a call needs of whoever makes it, as the document of the API says it.

use serde_json::{Value, json};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use crate::auth::permissions::Permission;
use crate::http::needs::{Credential, Needs, Requirement};

const ACCESS_TOKEN: &str = "accessToken";
const REFRESH_COOKIE: &str = "refreshCookie";
const TICKET: &str = "ticket";

/// How credentials travel.
pub fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some("An access token, from signing in or refreshing."));
    let cookie = ApiKeyValue::with_description(
        "latchkey",
        "A refresh token, for browsers. Its name goes on with a dot and a tag, and begins with `__Host-` where the address is HTTPS; \
         calls that rest on it send the header `Latchkey-Client`. Other clients have the token in the body.",
    );
    let ticket = ApiKeyValue::with_description("ticket", "Opens the event stream once, within 30 seconds.");
    [
        (ACCESS_TOKEN, SecurityScheme::Http(bearer.build())),
        (REFRESH_COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        (TICKET, SecurityScheme::ApiKey(ApiKey::Query(ticket))),
    ]
}

/// What a call needs, as one of several. `None` where anybody may make it.
pub fn of(needs: Needs) -> Option<Vec<SecurityRequirement>> {
    let names: Vec<Option<&str>> = match needs {
        Needs::Nothing => return None,
        Needs::Principal(_) => vec![Some(ACCESS_TOKEN)],
        Needs::Credentials(credentials) => credentials.iter().flat_map(|credential| ways(*credential)).collect(),
    };
    let requirement = |name: Option<&str>| match name {
        Some(name) => SecurityRequirement::new(name, [] as [&str; 0]),
        None => SecurityRequirement::default(),
    };
    Some(names.into_iter().map(requirement).collect())
}

/// How a credential may travel. `None` is in the request itself: its body, or its path.
fn ways(credential: Credential) -> Vec<Option<&'static str>> {
    match credential {
        Credential::AccessToken | Credential::ExpiredAccessToken => vec![Some(ACCESS_TOKEN)],
        Credential::RefreshToken => vec![Some(REFRESH_COOKIE), None],
        Credential::Ticket => vec![Some(TICKET)],
        Credential::Receipt | Credential::MailedSecret | Credential::OwnerLink | Credential::Password => vec![None],
        // Not of calls of the API.
        Credential::OwnForm | Credential::MetricsToken => Vec::new(),
    }
}

/// What every operation says under `x-latchkey-needs`, in the words of the document.
pub const ABOUT_NEEDS: &str = "\
    What a call needs of whoever makes it is in `security`, and in full in `x-latchkey-needs`, an object that always has \
    these members: `summary`, in words; `credentials`, any of which will do, by name (`accessToken`, \
    `expiredAccessToken`, `refreshToken`, `ticket`, `receipt`, `mailedSecret`, `ownerLink`, `password`), none where \
    anybody may call; `session`, whether the token must belong to a session; `permission`, the permission that the \
    user must have, or null; `recentProof`, whether the user must have proved who they are a short while ago, or give \
    the password along; `whileActing`, whether somebody who acts for the user may make the call as well.";

/// What OpenAPI has no words for: one shape, whatever the call needs.
pub fn in_words(needs: Needs) -> Value {
    let nothing = Requirement { session: false, permission: None, recent_proof: false, while_acting: true };
    let (credentials, requirement) = match needs {
        Needs::Nothing => (Vec::new(), nothing),
        Needs::Credentials(credentials) => (credentials.iter().copied().map(name).collect(), nothing),
        Needs::Principal(requirement) => (vec![name(Credential::AccessToken)], requirement),
    };
    let Requirement { session, permission, recent_proof, while_acting } = requirement;
    json!({
        "summary": needs.to_string(),
        "credentials": credentials,
        "session": session,
        "permission": permission.map(Permission::name),
        "recentProof": recent_proof,
        "whileActing": while_acting,
    })
}

/// The name of a credential for programs.
const fn name(credential: Credential) -> &'static str {
    match credential {
        Credential::AccessToken => ACCESS_TOKEN,
        Credential::ExpiredAccessToken => "expiredAccessToken",
        Credential::RefreshToken => "refreshToken",
        Credential::Ticket => TICKET,
        Credential::Receipt => "receipt",
        Credential::MailedSecret => "mailedSecret",
        Credential::OwnerLink => "ownerLink",
        Credential::Password => "password",
        // Not of calls of the API.
        Credential::OwnForm => "ownForm",
        Credential::MetricsToken => "metricsToken",
    }
}
