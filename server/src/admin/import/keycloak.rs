//! Users as Keycloak exports them: `kc.sh export`, in one file or several, or the realm from its console.

use serde::Deserialize;
use serde_json::Value;
use types::domain::{Email, Invalid, Timestamp};
use types::words::AccountType;

use super::record::{Entry, ImportRecord, WrongField, display_name, full_name, of_field, refuse, user_id};
use crate::accounts::{ImportedHash, new_address};

/// An export, as far as it is about users.
/// The required action of whoever must set a new password.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";

#[derive(Deserialize)]
pub struct Export {
    /// One by one: what is wrong with one of them concerns no other.
    pub users: Vec<Value>,
}

/// A user. Roles stay behind: names that mean something to Keycloak may mean more here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExportedUser {
    id: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    #[serde(default)]
    email_verified: bool,
    enabled: Option<bool>,
    /// In milliseconds.
    created_timestamp: Option<i64>,
    #[serde(default)]
    credentials: Vec<Credential>,
    /// What the user has to do at the next sign-in.
    #[serde(default)]
    required_actions: Vec<String>,
}

/// A proof of identity. What it holds is JSON within JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    #[serde(rename = "type")]
    kind: Option<String>,
    secret_data: Option<String>,
    #[serde(rename = "credentialData")]
    parameters: Option<String>,
}

#[derive(Deserialize)]
struct SecretData {
    value: String,
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialData {
    algorithm: String,
    hash_iterations: u32,
    #[serde(default)]
    additional_parameters: AdditionalParameters,
}

/// Of Argon2. Each is a list of one.
#[derive(Default, Deserialize)]
struct AdditionalParameters {
    #[serde(default)]
    memory: Vec<String>,
    #[serde(default)]
    parallelism: Vec<String>,
    #[serde(default, rename = "type")]
    kind: Vec<String>,
    #[serde(default)]
    version: Vec<String>,
}

/// Reads the user at this place.
pub fn read_user(place: u64, user: Value) -> Entry {
    let email = user.get("email").and_then(Value::as_str).map(str::to_owned);
    let read = || {
        let user: ExportedUser = serde_json::from_value(user).map_err(|error| {
            WrongField(None, Invalid::new("malformed", format!("This is no user of Keycloak: {error}.")))
        })?;
        record_of(place, user)
    };
    read().map_err(|wrong| refuse(place, email, wrong))
}

fn record_of(place: u64, user: ExportedUser) -> Result<ImportRecord, WrongField> {
    let email: Email = new_address(&user.email.unwrap_or_default()).map_err(of_field("email"))?;
    let password = user.credentials.iter().find(|credential| credential.kind.as_deref() == Some("password"));
    let password_hash = password.map(Credential::hash).transpose().map_err(of_field("credentials"))?;
    Ok(ImportRecord {
        line: place,
        // Those of users of a directory are no UUIDs.
        id: user.id.as_deref().and_then(user_id),
        name: display_name(full_name(user.first_name, user.last_name), &email)?,
        email,
        roles: Vec::new(),
        email_verified: user.email_verified,
        disabled: user.enabled == Some(false),
        password_reset_required: user.required_actions.iter().any(|action| action == UPDATE_PASSWORD),
        account_type: AccountType::default(),
        created_at: user.created_timestamp.map(Timestamp::from_millis),
        password_hash,
    })
}

impl Credential {
    /// The hash of a password.
    pub fn hash(&self) -> Result<ImportedHash, Invalid> {
        let malformed = || Invalid::new("malformed", "This is no credential of Keycloak that has a password.");
        let (Some(secret), Some(data)) = (&self.secret_data, &self.parameters) else { return Err(malformed()) };
        let SecretData { value, salt } = serde_json::from_str(secret).map_err(|_| malformed())?;
        let data: CredentialData = serde_json::from_str(data).map_err(|_| malformed())?;
        let (value, salt) = (value.trim_end_matches('='), salt.trim_end_matches('='));
        let params = if data.algorithm == "argon2" {
            data.argon2().ok_or_else(malformed)?
        } else {
            // PBKDF2; whatever else it is, nothing can be compared with it.
            format!("${}$i={}", data.algorithm, data.hash_iterations)
        };
        ImportedHash::parse(&format!("{params}${salt}${value}"))
    }
}

impl CredentialData {
    /// What a PHC string of Argon2 begins with.
    fn argon2(&self) -> Option<String> {
        let AdditionalParameters { memory, parallelism, kind, version } = &self.additional_parameters;
        let (memory, parallelism, kind) = (memory.first()?, parallelism.first()?, kind.first()?);
        let version = match version.first()?.as_str() {
            "1.0" => 16,
            "1.3" => 19,
            _ => return None,
        };
        Some(format!("$argon2{kind}$v={version}$m={memory},t={},p={parallelism}", self.hash_iterations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn credential(secret: &Value, data: &Value) -> Value {
        json!({ "type": "password", "secretData": secret.to_string(), "credentialData": data.to_string() })
    }

    fn hash(secret: &Value, data: &Value) -> Result<String, Invalid> {
        let credential: Credential = serde_json::from_value(credential(secret, data)).unwrap();
        credential.hash().map(ImportedHash::into_text)
    }

    #[test]
    fn a_user_is_read_with_the_password_and_without_roles() {
        let secret = json!({
            "value": "Q48U40HHNzLrBBkT8wH/A1qgOZkGIKaqLgj9behHqqnxld9xyWv3lTRarZyDJPzBPqKyy44MHP79vK3dlJlpRA==",
            "salt": "MDEyMzQ1Njc4OWFiY2RlZg==",
        });
        let data = json!({ "hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {} });
        let user = json!({
            "id": "f6b1", "username": "ada", "email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace",
            "emailVerified": true, "enabled": false, "createdTimestamp": 1_582_977_600_000_i64,
            "realmRoles": ["admin"], "credentials": [{ "type": "otp" }, credential(&secret, &data)],
            "requiredActions": ["VERIFY_EMAIL", "UPDATE_PASSWORD"],
        });
        let record = read_user(3, user).unwrap();
        assert_eq!((record.line, record.name.as_str(), record.roles.len()), (3, "Ada Lovelace", 0));
        assert!(record.email_verified && record.disabled && record.password_hash.is_some());
        assert!(record.password_reset_required);
        assert_eq!(record.created_at.map(|at| at.to_string()), Some("2020-02-29T12:00:00.000Z".to_owned()));
        let refusal = read_user(4, json!({ "username": "service-account-app" })).unwrap_err();
        assert_eq!((refusal.line, refusal.field, refusal.code), (4, Some("email"), "required"));
    }

    #[test]
    fn argon2_and_pbkdf2_become_phc_strings_and_others_are_refused() {
        let secret = json!({ "value": "RdescudvJCsgt3ub+b+dWRWJTmaaJObG", "salt": "c29tZXNhbHQ=" });
        let parameters = json!({ "memory": ["65536"], "parallelism": ["4"], "type": ["i"], "version": ["1.3"] });
        let argon2 = json!({ "hashIterations": 2, "algorithm": "argon2", "additionalParameters": parameters });
        let expected = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
        assert_eq!(hash(&secret, &argon2), Ok(expected.to_owned()));
        let pbkdf2 = json!({ "hashIterations": 210_000, "algorithm": "pbkdf2-sha512" });
        let expected = "$pbkdf2-sha512$i=210000$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
        assert_eq!(hash(&secret, &pbkdf2), Ok(expected.to_owned()));
        let costly = json!({ "hashIterations": 3_000_000, "algorithm": "pbkdf2-sha512" });
        assert_eq!(hash(&secret, &costly).unwrap_err().code, "too-costly");
        let md5 = json!({ "hashIterations": 1, "algorithm": "md5" });
        assert_eq!(hash(&secret, &md5).unwrap_err().code, "unknown-hash");
        assert_eq!(hash(&json!({}), &pbkdf2).unwrap_err().code, "malformed");
    }
}
