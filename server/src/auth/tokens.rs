//! Access tokens: JWTs signed with Ed25519 (RFC 9068, RFC 8037), verified strictly.
//!
//! Only what this installation itself makes is accepted, so the header must have exactly the three members we write,
//! and every claim must be of its type. A token that passed is remembered until it runs out, so that the signature is
//! checked once a token and not once a request.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use types::api::{CurrentSession, UserSummary, WhoAmI};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{BuiltInRole, SignInMethod};
use uuid::Uuid;

use super::keys::{KeyError, KeyRing};
use super::permissions::{Permission, Permissions};
use super::proofs::{Proof, Proofs};
use super::refresh::{CLOCK_LEEWAY, Lifetimes};
use crate::store::{SessionRow, User};

/// The audience of access tokens.
const AUDIENCE: &str = "latchkey";
const TYPE: &str = "at+jwt";
/// No token of ours is longer; anything longer is not looked at.
pub const LONGEST: usize = 4096;
/// How many verified tokens are remembered.
const REMEMBERED: usize = 20_000;

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    pub sub: UserId,
    pub sid: SessionId,
    jti: Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
    /// The user's epoch when the token was made.
    pub epoch: i64,
    roles: Vec<String>,
    permissions: Vec<String>,
    email: String,
    name: String,
    email_verified: bool,
    auth_time: i64,
    amr: Vec<SignInMethod>,
    /// What `amr` and `auth_time` are made of. Tokens from before it was written rest on one proof.
    #[serde(default)]
    proofs: Vec<Proof>,
    /// When the session began, in milliseconds. Absent from tokens from before it was written: at `auth_time` then.
    #[serde(default)]
    sbt: Option<i64>,
    /// When the session ends unless it is refreshed.
    sxp: i64,
    /// When the session ends however often it is refreshed.
    smx: i64,
    /// Who acts for the user, where somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
}

/// Who acts for the user of a token (RFC 8693, section 4.1), and from which session. The token is good only as long as
/// a token of that session would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Whoever acts.
    pub sub: UserId,
    /// The session from which they do.
    pub sid: SessionId,
    /// Their epoch when they began.
    pub epoch: i64,
    /// When that session began, in milliseconds.
    sbt: i64,
}

impl Act {
    /// The user of this token acts.
    pub fn of(token: &Verified) -> Self {
        let sbt = token.session_created_at.as_millis();
        Self { sub: token.user_id, sid: token.session_id, epoch: token.epoch, sbt }
    }

    /// When the session began from which they act.
    pub const fn session_created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.sbt)
    }
}

impl Claims {
    fn proofs(&self) -> Option<Proofs> {
        let one = || Some(Proofs::one(*self.amr.first()?, Timestamp::from_millis(self.auth_time.checked_mul(1000)?)));
        Proofs::try_from(self.proofs.clone()).ok().or_else(one)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// A token that was verified, with what requests need of it.
#[derive(Debug)]
pub struct Verified {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// The user's epoch when the token was made.
    pub epoch: i64,
    /// When the token runs out.
    pub expires_at: Timestamp,
    /// When the session began.
    pub session_created_at: Timestamp,
    /// When the session ends unless it is refreshed.
    pub session_expires_at: Timestamp,
    /// When the session ends however often it is refreshed.
    pub session_max_expires_at: Timestamp,
    /// How the user showed who they are.
    pub proofs: Proofs,
    /// The names of what the user may do.
    pub permissions: Vec<String>,
    /// Who acts for the user, where somebody does.
    pub act: Option<Act>,
    /// The user, as far as the token knows.
    pub user: UserSummary,
    /// The answer of `GET /api/auth/session`, ready to send.
    pub who_am_i: Bytes,
    /// When the session was last noted as active by a request with this token, in milliseconds.
    pub noted_at: AtomicI64,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, or damaged.
    #[error("the token is not valid")]
    Invalid,
    /// It was good once.
    #[error("the token has run out")]
    Expired,
}

/// Why a text is not an access token that may be used now, whatever its session does. Clients are told
/// [`TokenError::Invalid`] for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it is longer than any access token")]
    TooLong,
    #[error("it is no access token: its header is not one that this installation writes")]
    Header,
    #[error("its claims are damaged, or not those of an access token")]
    Claims,
    #[error("no key of its key id verifies then: there is none, or it had retired")]
    Key,
    #[error("its signature is not that of its key: it was changed, or somebody else made it")]
    Signature,
    #[error("it was issued for another public address")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("it was made later than that, beyond the leeway for clocks")]
    NotYet,
}

/// Makes and verifies access tokens.
pub struct AccessTokens {
    issuer: String,
    keys: Arc<KeyRing>,
    permissions: Permissions,
    /// By the whole token, compared letter by letter: hashing it in a way that nobody can forge would cost a third of
    /// the check.
    remembered: Cache<Box<str>, Arc<Verified>>,
}

/// A token that was just made.
pub struct Minted {
    pub token: String,
    /// When it runs out.
    pub expires_at: Timestamp,
}

impl AccessTokens {
    /// `issuer` is the public address of the installation; `permissions` are those that there are.
    pub fn new(issuer: String, keys: Arc<KeyRing>, permissions: Permissions) -> Self {
        Self { issuer, keys, permissions, remembered: Cache::new(REMEMBERED) }
    }

    /// Makes a token for a session as it is now.
    pub fn mint(
        &self,
        jti: Uuid,
        user: &User,
        session: &SessionRow,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Minted, KeyError> {
        let expires_at = lifetimes.access_end(now, session.expires_at);
        self.sign(&self.claims(jti, user, session, expires_at, now), expires_at, now)
    }

    /// Makes the one token of a session in which somebody acts for the user. It lasts as long as the session, and
    /// allows nothing that needs a permission.
    pub fn mint_acting(
        &self,
        jti: Uuid,
        user: &User,
        session: &SessionRow,
        act: Act,
        now: Timestamp,
    ) -> Result<Minted, KeyError> {
        let expires_at = session.expires_at;
        let claims = self.claims(jti, user, session, expires_at, now);
        // Other services may go by the roles.
        let roles = vec![BuiltInRole::User.as_str().to_owned()];
        self.sign(&Claims { roles, permissions: Vec::new(), act: Some(act), ..claims }, expires_at, now)
    }

    fn claims(&self, jti: Uuid, user: &User, session: &SessionRow, expires_at: Timestamp, now: Timestamp) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user.id,
            sid: session.id,
            jti,
            iat: now.as_secs(),
            nbf: now.as_secs(),
            exp: expires_at.as_secs(),
            epoch: user.epoch,
            roles: user.roles.clone(),
            permissions: self.permissions.of(user.base_role, &user.added_permissions),
            email: user.email.clone(),
            name: user.name.clone(),
            email_verified: user.email_verified_at.is_some(),
            auth_time: session.proofs.latest().as_secs(),
            amr: session.proofs.methods(),
            proofs: session.proofs.iter().collect(),
            sbt: Some(session.created_at.as_millis()),
            sxp: session.expires_at.as_secs(),
            smx: session.max_expires_at.as_secs(),
            act: None,
        }
    }

    fn sign(&self, claims: &Claims, expires_at: Timestamp, now: Timestamp) -> Result<Minted, KeyError> {
        let signer = self.keys.signer(now)?;
        let header =
            Header { typ: Some(TYPE.to_owned()), kid: Some(signer.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, claims, &signer.key).map_err(|_| super::secrets::CryptoFailure)?;
        Ok(Minted { token, expires_at })
    }

    /// Verifies a presented token. The answer says nothing of whether its session still lives.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Verified>, TokenError> {
        let verified = self.verify_even_if_expired(token, now)?;
        if verified.has_expired(now) { Err(TokenError::Expired) } else { Ok(verified) }
    }

    /// Verifies all but the token's end: signing out is forgiving (SPEC section 2).
    pub fn verify_even_if_expired(&self, token: &str, now: Timestamp) -> Result<Arc<Verified>, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        if let Some(verified) = self.remembered.get(token) {
            return Ok(verified);
        }
        let verified = Arc::new(self.examine(token, now).map_err(|_| TokenError::Invalid)?);
        if !verified.has_expired(now) {
            self.remembered.insert(token.into(), Arc::clone(&verified));
        }
        Ok(verified)
    }

    /// The same without remembering it, and with what is wrong.
    pub fn examine(&self, token: &str, now: Timestamp) -> Result<Verified, Flaw> {
        if token.len() > LONGEST {
            return Err(Flaw::TooLong);
        }
        Verified::of(&self.check(token, now)?).ok_or(Flaw::Claims)
    }

    pub const fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// How many verified tokens are remembered.
    pub fn remembered(&self) -> usize {
        self.remembered.len()
    }

    /// Forgets all verified tokens: the keys have changed.
    pub fn forget(&self) {
        self.remembered.clear();
    }

    fn check(&self, token: &str, now: Timestamp) -> Result<Claims, Flaw> {
        let header = header_of(token).ok_or(Flaw::Header)?;
        // Times are ours to check, against our own clock; issuer and audience must be the very strings we write.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        if !claims_are_text(token) {
            return Err(Flaw::Claims);
        }
        let decoded =
            self.keys.with_key(&header.kid, now, |key| jsonwebtoken::decode::<Claims>(token, key, &validation));
        let claims = decoded.ok_or(Flaw::Key)?.map_err(|error| flaw_of(&error))?.claims;
        let latest_beginning = now.plus(CLOCK_LEEWAY).as_secs();
        if claims.iss != self.issuer {
            Err(Flaw::Issuer)
        } else if claims.aud != AUDIENCE {
            Err(Flaw::Audience)
        } else if claims.nbf > latest_beginning || claims.iat > latest_beginning {
            Err(Flaw::NotYet)
        } else if claims.exp <= 0 {
            Err(Flaw::Claims)
        } else {
            Ok(claims)
        }
    }
}

/// The header of a token, where it is one that we write.
fn header_of(token: &str) -> Option<StrictHeader> {
    let header = token.split('.').next()?;
    let header: StrictHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    (header.alg == "EdDSA" && header.typ == TYPE).then_some(header)
}

/// The id of the key that a token says it is signed with, whether it is or not.
pub fn key_id(token: &str) -> Option<String> {
    header_of(token).map(|header| header.kid)
}

fn flaw_of(error: &jsonwebtoken::errors::Error) -> Flaw {
    match error.kind() {
        // Header and claims have been decoded before: only the signature is left.
        ErrorKind::InvalidSignature | ErrorKind::Base64(_) => Flaw::Signature,
        _ => Flaw::Claims,
    }
}

/// Whether the claims are UTF-8, those that nobody reads included (RFC 8725, 3.7).
pub fn claims_are_text(token: &str) -> bool {
    let claims = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    claims.is_some_and(|claims| std::str::from_utf8(&claims).is_ok())
}

impl Verified {
    /// Whether the token allows what a permission is for.
    pub fn has(&self, permission: Permission) -> bool {
        self.permissions.iter().any(|name| name == permission.name())
    }

    /// Whether it has run out.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    fn of(claims: &Claims) -> Option<Self> {
        let moment = |seconds: i64| seconds.checked_mul(1000).map(Timestamp::from_millis);
        let proofs = claims.proofs()?;
        let user = UserSummary {
            id: claims.sub,
            email: claims.email.clone(),
            name: claims.name.clone(),
            roles: claims.roles.clone(),
            email_verified: claims.email_verified,
        };
        let session = CurrentSession {
            session_id: claims.sid,
            current: true,
            created_at: claims.sbt.map_or_else(|| moment(claims.auth_time), |at| Some(Timestamp::from_millis(at)))?,
            expires_at: moment(claims.sxp)?,
            max_expires_at: moment(claims.smx)?,
            signed_in_with: proofs.method().into(),
            token_expires_at: moment(claims.exp)?,
        };
        let (expires_at, session_expires_at) = (session.token_expires_at, session.expires_at);
        let (session_created_at, session_max_expires_at) = (session.created_at, session.max_expires_at);
        let who_am_i = WhoAmI { session_id: Some(claims.sid), session: Some(session), user: user.clone() };
        Some(Self {
            user_id: claims.sub,
            session_id: claims.sid,
            epoch: claims.epoch,
            expires_at,
            session_created_at,
            session_expires_at,
            session_max_expires_at,
            proofs,
            permissions: claims.permissions.clone(),
            act: claims.act,
            user,
            who_am_i: serde_json::to_vec(&who_am_i).ok()?.into(),
            noted_at: AtomicI64::new(0),
        })
    }
}
