//! Tokens of an older system, accepted for a while so that nobody has to sign in again because of a move (SPEC section
//! 1).
//!
//! HS256 under `JWT_SECRET`, and without a `jti`. The algorithm is fixed on our side, as it is for our own tokens (RFC
//! 8725, 3.1): HS256 is only ever tried with this secret, and this secret with nothing but HS256. Nothing is signed
//! with it here. Whether the user may still use such a token only the database knows; that is asked in
//! `user`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use types::domain::{Timestamp, UserId};

use crate::auth::refresh::CLOCK_LEEWAY;
use crate::auth::tokens::{LONGEST, TokenError, claims_are_text};

/// Verifies tokens of an older system.
pub struct LegacyTokens {
    key: DecodingKey,
    until: Timestamp,
}

/// What a token of an older system says, once it was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyToken {
    pub user_id: UserId,
    /// When it was made; the older system knows whole seconds only.
    issued_at: Timestamp,
}

/// Nothing that names, brings or fetches a key but a `kid`, which is not looked at: there is one key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: Option<String>,
    #[serde(default, rename = "kid")]
    _kid: IgnoredAny,
}

#[derive(Deserialize)]
struct Claims {
    sub: UserId,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
}

impl LegacyTokens {
    /// Accepts what is signed with `secret`, while it is before `until`.
    pub fn new(secret: &SecretString, until: Timestamp) -> Self {
        Self { key: DecodingKey::from_secret(secret.expose_secret().as_bytes()), until }
    }

    /// Verifies a presented token. The answer says nothing of whether the user was signed out or disabled since.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<LegacyToken, TokenError> {
        if now >= self.until || token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let claims = self.check(token, now).ok_or(TokenError::Invalid)?;
        let (expires_at, issued_at) = (moment(claims.exp), moment(claims.iat));
        let (expires_at, issued_at) = expires_at.zip(issued_at).ok_or(TokenError::Invalid)?;
        if now >= expires_at {
            return Err(TokenError::Expired);
        }
        Ok(LegacyToken { user_id: claims.sub, issued_at })
    }

    fn check(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let header = token.split('.').next()?;
        let header: StrictHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // A type is not needed; that of another kind of token, such as ours, is not good (RFC 8725, 3.11).
        if header.alg != "HS256" || !header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT")) {
            return None;
        }
        if !claims_are_text(token) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are ours to check, against the database's clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims: Map<String, Value> = jsonwebtoken::decode(token, &self.key, &validation).ok()?.claims;
        // Whatever carries an id could be revoked by it where it comes from, and nobody here would know.
        if claims.contains_key("jti") {
            return None;
        }
        let claims: Claims = serde_json::from_value(Value::Object(claims)).ok()?;
        let latest_beginning = now.plus(CLOCK_LEEWAY).as_secs();
        let begun = claims.iat <= latest_beginning && claims.nbf.is_none_or(|nbf| nbf <= latest_beginning);
        (begun && claims.exp > 0).then_some(claims)
    }
}

impl LegacyToken {
    /// Whether it outlives a sign-out of everything at `last_logout`: its second must be a later one. One that was made
    /// in the same second might be from before.
    pub fn outlives(&self, last_logout: Option<Timestamp>) -> bool {
        last_logout.is_none_or(|cut_off| self.issued_at > cut_off)
    }
}

fn moment(seconds: i64) -> Option<Timestamp> {
    seconds.checked_mul(1000).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;
    use rstest::rstest;
    use serde_json::json;
    use std::time::Duration;
    use uuid::Uuid;

    const SECRET: &str = "the secret of an older system, which is long";
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_500);
    const NOW_SECS: i64 = 1_800_000_000;
    const ADA: UserId = UserId(Uuid::from_u128(1));

    fn legacy() -> LegacyTokens {
        LegacyTokens::new(&SECRET.into(), NOW.plus(Duration::from_mins(1)))
    }

    fn good_header() -> Value {
        json!({"alg": "HS256", "typ": "JWT"})
    }

    fn good_claims() -> Value {
        json!({"sub": ADA, "iat": NOW_SECS - 60, "exp": NOW_SECS + 60, "iss": "elsewhere", "role": "admin"})
    }

    fn sign(header: &Value, claims: &Value, algorithm: hmac::Algorithm, secret: &[u8]) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn with(mut object: Value, name: &str, value: Value) -> Value {
        object[name] = value;
        object
    }

    fn without(mut object: Value, name: &str) -> Value {
        object.as_object_mut().unwrap().remove(name);
        object
    }

    fn verify(header: &Value, claims: &Value) -> Result<UserId, TokenError> {
        let token = sign(header, claims, hmac::HMAC_SHA256, SECRET.as_bytes());
        legacy().verify(&token, NOW).map(|token| token.user_id)
    }

    #[test]
    fn headers_of_older_systems_are_accepted() {
        for header in [good_header(), json!({"alg": "HS256"}), json!({"alg": "HS256", "typ": "jwt", "kid": "2019"})] {
            assert_eq!(verify(&header, &good_claims()), Ok(ADA), "{header}");
        }
    }

    #[rstest]
    #[case::our_own_type("typ", json!("at+jwt"))]
    #[case::another_type("typ", json!("refresh+jwt"))]
    #[case::another_algorithm("alg", json!("HS512"))]
    #[case::our_own_algorithm("alg", json!("EdDSA"))]
    #[case::no_algorithm("alg", json!("none"))]
    #[case::a_key_from_elsewhere("jku", json!("http://127.0.0.1:9/"))]
    #[case::a_key_that_it_brings("jwk", json!({"kty": "oct", "k": "AAAA"}))]
    #[case::critical_members("crit", json!(["exp"]))]
    fn headers_that_say_anything_else_are_refused(#[case] name: &str, #[case] value: Value) {
        assert_eq!(verify(&with(good_header(), name, value), &good_claims()), Err(TokenError::Invalid));
    }

    #[rstest]
    #[case::with_an_id("jti", json!("0198"), TokenError::Invalid)]
    #[case::with_an_empty_id("jti", Value::Null, TokenError::Invalid)]
    #[case::no_uuid("sub", json!("ada@example.com"), TokenError::Invalid)]
    #[case::a_number_for_a_user("sub", json!(7), TokenError::Invalid)]
    #[case::past_its_time("exp", json!(NOW_SECS), TokenError::Expired)]
    #[case::past_its_time_long_ago("exp", json!(1), TokenError::Expired)]
    #[case::an_end_before_all_time("exp", json!(-1), TokenError::Invalid)]
    #[case::an_end_beyond_all_time("exp", json!(i64::MAX), TokenError::Invalid)]
    #[case::a_fraction("exp", json!(1_800_000_060.5), TokenError::Invalid)]
    #[case::a_text("exp", json!("1800000060"), TokenError::Invalid)]
    #[case::made_in_the_future("iat", json!(NOW_SECS + 61), TokenError::Invalid)]
    #[case::a_text_for_its_beginning("iat", json!("yesterday"), TokenError::Invalid)]
    #[case::not_yet_good("nbf", json!(NOW_SECS + 61), TokenError::Invalid)]
    fn claims_are_taken_as_strictly_as_our_own(#[case] name: &str, #[case] value: Value, #[case] error: TokenError) {
        assert_eq!(verify(&good_header(), &with(good_claims(), name, value)), Err(error));
    }

    #[rstest]
    fn user_beginning_and_end_must_be_there(#[values("sub", "iat", "exp")] name: &str) {
        assert_eq!(verify(&good_header(), &without(good_claims(), name)), Err(TokenError::Invalid));
    }

    #[test]
    fn only_this_secret_with_this_algorithm_signs() {
        let (header, claims) = (good_header(), good_claims());
        for token in [
            sign(&header, &claims, hmac::HMAC_SHA256, b"the secret of another system, which is long"),
            sign(&header, &claims, hmac::HMAC_SHA512, SECRET.as_bytes()),
            sign(&with(header.clone(), "alg", json!("HS512")), &claims, hmac::HMAC_SHA512, SECRET.as_bytes()),
            format!("{}.", sign(&header, &claims, hmac::HMAC_SHA256, SECRET.as_bytes()).rsplit_once('.').unwrap().0),
            "x".repeat(5000),
        ] {
            assert_eq!(legacy().verify(&token, NOW), Err(TokenError::Invalid), "{token}");
        }
    }

    #[test]
    fn claims_that_are_not_text_are_refused_also_where_nobody_reads_them() {
        let [start, end] = ["{\"x\":\"", "\","].map(str::as_bytes);
        let claims = good_claims().to_string();
        let spell = |inside: &[u8]| {
            let claims = [start, inside, end, &claims.as_bytes()[1..]].concat();
            let signed =
                format!("{}.{}", URL_SAFE_NO_PAD.encode(good_header().to_string()), URL_SAFE_NO_PAD.encode(claims));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
        };
        for (inside, text) in
            [("café".as_bytes(), true), (b"caf\xe9", false), (b"\xff", false), (b"\xed\xa0\x80", false)]
        {
            assert_eq!(claims_are_text(&spell(inside)), text);
            assert_eq!(legacy().verify(&spell(inside), NOW).is_ok(), text);
        }
    }

    #[test]
    fn from_the_given_moment_on_nothing_is_accepted() {
        let token = sign(&good_header(), &good_claims(), hmac::HMAC_SHA256, SECRET.as_bytes());
        let legacy = LegacyTokens::new(&SECRET.into(), NOW);
        assert!(legacy.verify(&token, Timestamp::from_millis(NOW.as_millis() - 1)).is_ok());
        assert_eq!(legacy.verify(&token, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_outlives_a_cut_off_only_from_the_next_second_on() {
        let token = LegacyToken { user_id: ADA, issued_at: Timestamp::from_millis(100_000) };
        assert!(token.outlives(None));
        for (cut_off, outlives) in [(99_999, true), (100_000, false), (100_999, false), (200_000, false)] {
            assert_eq!(token.outlives(Some(Timestamp::from_millis(cut_off))), outlives, "{cut_off}");
        }
    }
}
