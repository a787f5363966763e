//! A user as a file has them: a JSON object a line. Read whole or refused, by the name of the field.

use serde::Serialize;
use serde_json::{Map, Value};
use types::domain::{DisplayName, Email, Invalid, Timestamp, UserId};
use types::words::AccountType;

use super::keycloak::Credential;
use crate::accounts::{ImportedHash, new_address};

/// A user who is to be imported.
#[derive(Clone, Debug)]
pub struct ImportRecord {
    /// The line, from 1 on; in an export of Keycloak, the place among its users.
    pub line: u64,
    /// The one they had; a new one otherwise.
    pub id: Option<UserId>,
    pub email: Email,
    pub name: DisplayName,
    /// Beside the one that everybody has, until they were checked.
    pub roles: Vec<String>,
    pub email_verified: bool,
    pub disabled: bool,
    /// Whether a new password must be set before the next sign-in.
    pub password_reset_required: bool,
    pub account_type: AccountType,
    pub created_at: Option<Timestamp>,
    pub password_hash: Option<ImportedHash>,
}

/// A user as the file has them, or why they are not imported.
pub type Entry = Result<ImportRecord, Refusal>;

/// Why a user is not imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The line, from 1 on; in an export of Keycloak, the place among its users.
    pub line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name of the field; none where the line as a whole is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// For programs, in kebab-case.
    pub code: &'static str,
    /// A sentence for users.
    pub reason: String,
}

impl Refusal {
    /// The code where an address has an account already.
    const EXISTS: &'static str = "exists";

    /// A line that is wrong as a whole.
    pub fn of_line(line: u64, reason: impl Into<String>) -> Self {
        Self { line, email: None, field: None, code: "malformed", reason: reason.into() }
    }

    /// Whether nothing is wrong but that the address has an account.
    pub fn is_about_existence(&self) -> bool {
        self.code == Self::EXISTS
    }
}

impl ImportRecord {
    /// Why it is refused after all.
    pub fn refused(&self, field: &'static str, code: &'static str, reason: impl Into<String>) -> Refusal {
        let email = Some(self.email.to_string());
        Refusal { line: self.line, email, field: Some(field), code, reason: reason.into() }
    }

    /// That somebody has its address.
    pub fn exists(&self, reason: &str) -> Refusal {
        self.refused("email", Refusal::EXISTS, reason)
    }
}

/// A field that is wrong, if it is one, and why.
pub struct WrongField(pub Option<&'static str>, pub Invalid);

/// Has an [`Invalid`] be about a field.
pub fn of_field(field: &'static str) -> impl FnOnce(Invalid) -> WrongField {
    move |invalid| WrongField(Some(field), invalid)
}

pub fn read_line(line: u64, text: &[u8]) -> Entry {
    match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => {
            let email = fields.get("email").and_then(Value::as_str).map(str::to_owned);
            read_fields(line, Fields(fields)).map_err(|wrong| refuse(line, email, wrong))
        }
        Ok(_) => Err(Refusal::of_line(line, "This is no JSON object.")),
        Err(error) => Err(Refusal::of_line(line, format!("This is no JSON: {error}."))),
    }
}

/// The refusal for a field that is wrong.
pub fn refuse(line: u64, email: Option<String>, WrongField(field, invalid): WrongField) -> Refusal {
    Refusal { line, email, field, code: invalid.code, reason: invalid.message }
}

fn read_fields(line: u64, mut fields: Fields) -> Result<ImportRecord, WrongField> {
    let email = fields.text("email")?.unwrap_or_default();
    let email = new_address(&email).map_err(of_field("email"))?;
    let (first, last) = (fields.text("firstName")?, fields.text("lastName")?);
    let name = fields.text("name")?.or_else(|| full_name(first, last));
    let account_type = match fields.text("accountType")? {
        None => AccountType::default(),
        Some(name) => AccountType::parse(&name).ok_or_else(|| malformed("accountType", "INDIVIDUAL or BUSINESS"))?,
    };
    let created_at = match fields.text("createdAt")? {
        None => None,
        Some(text) => Some(
            Timestamp::parse_rfc3339(&text)
                .ok_or_else(|| malformed("createdAt", "a moment in UTC, such as 2026-11-01T12:00:00Z"))?,
        ),
    };
    let id = match fields.text("id")? {
        None => None,
        Some(id) => Some(user_id(&id).ok_or_else(|| malformed("id", "a UUID"))?),
    };
    let record = ImportRecord {
        line,
        id,
        name: display_name(name, &email)?,
        email,
        roles: fields.texts("roles")?,
        email_verified: fields.flag("emailVerified")?,
        disabled: fields.flag("disabled")?,
        password_reset_required: fields.flag("passwordResetRequired")?,
        account_type,
        created_at,
        password_hash: fields.hash("passwordHash")?,
    };
    fields.end()?;
    Ok(record)
}

/// An id that a user may keep. The first and the last of all are nobody's.
pub fn user_id(text: &str) -> Option<UserId> {
    text.parse().ok().filter(|id: &UserId| !id.0.is_nil() && !id.0.is_max())
}

/// First and last name together.
pub fn full_name(first: Option<String>, last: Option<String>) -> Option<String> {
    let parts: Vec<String> = [first, last].into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A name, or what stands before the `@` where there is none.
pub fn display_name(name: Option<String>, email: &Email) -> Result<DisplayName, WrongField> {
    let name = name.unwrap_or_else(|| email.local_part().to_owned());
    DisplayName::parse(&name).map_err(of_field("name"))
}

fn malformed(field: &'static str, wanted: &str) -> WrongField {
    WrongField(Some(field), Invalid::new("malformed", format!("This must be {wanted}.")))
}

/// What is left of a line. A field that is `null` is not there.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, WrongField> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(field, "a text")),
        }
    }

    fn texts(&mut self, field: &'static str) -> Result<Vec<String>, WrongField> {
        let texts = self.take(field).map_or_else(|| Ok(Vec::new()), serde_json::from_value);
        texts.map_err(|_| malformed(field, "a list of texts"))
    }

    fn flag(&mut self, field: &'static str) -> Result<bool, WrongField> {
        match self.take(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(malformed(field, "true or false")),
        }
    }

    /// A hash as a text, or a credential of Keycloak.
    fn hash(&mut self, field: &'static str) -> Result<Option<ImportedHash>, WrongField> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => ImportedHash::parse(&text).map(Some).map_err(of_field(field)),
            Some(value) => {
                let credential: Credential = serde_json::from_value(value)
                    .map_err(|_| malformed(field, "a text, or a credential of Keycloak"))?;
                credential.hash().map(Some).map_err(of_field(field))
            }
        }
    }

    /// Nothing may be left: a field of another spelling would be missed by nobody.
    fn end(self) -> Result<(), WrongField> {
        let Some(name) = self.0.keys().next() else { return Ok(()) };
        let message = format!("There is no field {name:?} here.");
        Err(WrongField(None, Invalid::new("unknown-field", message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.";

    const ID: &str = "5f0e5b36-6a4f-4a43-8d40-0e5d1bb0a001";

    fn read(text: &str) -> Entry {
        read_line(7, text.as_bytes())
    }

    #[test]
    fn a_line_is_read_with_all_that_it_says() {
        let record = read(&format!(
            r#"{{"id": "{ID}", "email": "Ada@Example.com", "firstName": "Ada", "lastName": "Lovelace",
                "emailVerified": true, "roles": ["owner"], "passwordHash": "{HASH}", "disabled": true,
                "passwordResetRequired": true, "createdAt": "2020-02-29T12:00:00Z", "accountType": "BUSINESS"}}"#
        ))
        .unwrap();
        assert_eq!(record.id.map(|id| id.to_string()), Some(ID.to_owned()));
        assert_eq!((record.email.as_str(), record.name.as_str()), ("ada@example.com", "Ada Lovelace"));
        assert_eq!((record.line, record.roles.as_slice()), (7, ["owner".to_owned()].as_slice()));
        assert!(record.email_verified && record.disabled && record.account_type == AccountType::Business);
        assert!(record.password_reset_required);
        assert_eq!(record.created_at.map(|at| at.to_string()), Some("2020-02-29T12:00:00.000Z".to_owned()));
        assert_eq!(record.password_hash.map(ImportedHash::into_text), Some(HASH.to_owned()));
    }

    #[test]
    fn a_name_goes_before_first_and_last() {
        let text = r#"{"email": "ada@example.com", "name": "Countess", "firstName": "Ada", "lastName": "Lovelace"}"#;
        assert_eq!(read(text).unwrap().name.as_str(), "Countess");
    }

    #[test]
    fn an_address_is_enough_and_null_says_nothing() {
        let record =
            read(r#"{"email": "ada@example.com", "name": null, "passwordHash": null, "roles": null}"#).unwrap();
        assert_eq!(record.name.as_str(), "ada");
        assert!(record.password_hash.is_none() && !record.email_verified && record.roles.is_empty());
    }

    #[rstest]
    #[case(r#"{"name": "Ada"}"#, Some("email"), "required")]
    #[case(r#"{"email": "ada"}"#, Some("email"), "malformed")]
    #[case(r#"{"email": "a@example.com", "id": "7"}"#, Some("id"), "malformed")]
    #[case(r#"{"email": "a@example.com", "id": "00000000-0000-0000-0000-000000000000"}"#, Some("id"), "malformed")]
    #[case(r#"{"email": "a@example.com", "name": 7}"#, Some("name"), "malformed")]
    #[case(r#"{"email": "a@example.com", "roles": "owner"}"#, Some("roles"), "malformed")]
    #[case(r#"{"email": "a@example.com", "emailVerified": "t"}"#, Some("emailVerified"), "malformed")]
    #[case(r#"{"email": "a@example.com", "createdAt": "yesterday"}"#, Some("createdAt"), "malformed")]
    #[case(r#"{"email": "a@example.com", "accountType": "king"}"#, Some("accountType"), "malformed")]
    #[case(r#"{"email": "a@example.com", "passwordHash": "letmein"}"#, Some("passwordHash"), "unknown-hash")]
    #[case(r#"{"email": "a@example.com", "passwordHash": {"secretData": "{}"}}"#, Some("passwordHash"), "malformed")]
    #[case(r#"{"email": "a@example.com", "passwordhash": "x"}"#, None, "unknown-field")]
    #[case(r#"["email", "a@example.com"]"#, None, "malformed")]
    #[case("email,a@example.com", None, "malformed")]
    fn what_is_wrong_is_refused_by_line_and_field(#[case] text: &str, #[case] field: Option<&str>, #[case] code: &str) {
        let refusal = read(text).unwrap_err();
        assert_eq!((refusal.line, refusal.field, refusal.code), (7, field, code), "{refusal:?}");
        assert!(refusal.reason.ends_with('.'), "{refusal:?}");
    }
}
