//! The page that makes the first owner: `/set-up#token=…`.
//!
//! It is opened once in the life of an installation, so it is no part of the program, which everybody would load along:
//! a plain page in the app's style. Without scripts the link is pasted.

use std::collections::BTreeMap;

use axum::response::{Html, IntoResponse as _, Response};
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use minijinja::{Environment, context};
use types::api::Problem;
use types::words::ProblemCode;

use super::stylesheet;
use crate::auth::secrets::Capability;
use crate::http::headers::page_policy;
use crate::http::problem::ApiError;
use crate::random::Random;

/// The address of this page.
pub const PATH: &str = "/set-up";

const TEMPLATE: &str = include_str!("set_up.html");

/// What the page shows.
#[derive(Clone, Debug)]
pub enum View {
    /// The form: with what was typed, and what is wrong with it.
    Form(BTreeMap<String, String>, Option<Box<Problem>>),
    /// The link is not good.
    NoLink,
    /// Somebody is an owner.
    OwnerExists,
    /// The owner was made, and signs in at this address.
    Made(String),
}

impl View {
    /// What to show of a form that was refused, if it was.
    pub fn of(typed: BTreeMap<String, String>, problem: Option<Problem>) -> Self {
        let is_of = |name: &str| problem.iter().flat_map(|problem| &problem.errors).any(|error| error.field == name);
        if problem.as_ref().is_some_and(|problem| problem.code == ProblemCode::OwnerExists) {
            Self::OwnerExists
        } else if is_of("token") {
            Self::NoLink
        } else {
            Self::Form(typed, problem.map(Box::new))
        }
    }

    /// The page, with this status.
    pub fn page(&self, status: StatusCode, random: &dyn Random) -> Response {
        let nonce = Capability::draw(random);
        let mut response = match self.write(nonce.expose(), &stylesheet()) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(error) => return ApiError::internal(error).into_response(),
        };
        // Without one it would be that of pages without scripts and forms.
        if let Ok(policy) = HeaderValue::from_str(&page_policy(nonce.expose(), &[])) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn write(&self, nonce: &str, stylesheet: &str) -> Result<String, minijinja::Error> {
        let empty = BTreeMap::new();
        let (view, title, typed, problem) = match self {
            Self::Form(typed, problem) => ("form", "Create the first owner", typed, problem.as_deref()),
            Self::NoLink => ("no-link", "This link can’t be used", &empty, None),
            Self::OwnerExists => ("owner-exists", "There is an owner already", &empty, None),
            Self::Made(_) => ("made", "The owner is created", &empty, None),
        };
        let value = |name: &str| typed.get(name).cloned().unwrap_or_default();
        let error = |name: &str| {
            let mut errors = problem.iter().flat_map(|problem| &problem.errors);
            errors.find(|error| error.field == name).map(|error| error.message.clone())
        };
        // What is wrong with no field is wrong with the form.
        let whole = problem.filter(|problem| problem.errors.is_empty());
        let whole = whole.map(|problem| problem.detail.as_deref().unwrap_or(&problem.title).to_owned());
        let sign_in = if let Self::Made(sign_in) = self { sign_in.as_str() } else { "" };
        let values = context! {
            view => view,
            title => title,
            nonce => nonce,
            stylesheet => stylesheet,
            whole => whole,
            sign_in => sign_in,
            token => value("token"),
            name => value("name"),
            email => value("email"),
            name_error => error("name"),
            email_error => error("email"),
            password_error => error("password"),
        };
        Environment::new().render_named_str("set_up.html", TEMPLATE, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::api::FieldError;

    fn refused(field: &str) -> Problem {
        let mut problem = Problem::new(422, ProblemCode::InvalidFields, "Some fields are not right");
        let (field, message) = (field.to_owned(), "Not <so>.".to_owned());
        problem.errors = vec![FieldError { field, code: "wrong".to_owned(), message }];
        problem
    }

    #[test]
    fn the_form_comes_back_with_what_was_typed_and_what_is_wrong() {
        let typed = [("name", "\"><b>Ada"), ("email", "ada"), ("token", "t-0"), ("password", "hunter2")];
        let typed: BTreeMap<_, _> = typed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let page = View::of(typed, Some(refused("email"))).write("n0", "/pkg/latchkey.css").unwrap();
        assert!(page.contains("<script nonce=\"n0\">"), "{page}");
        assert!(page.contains("name=\"token\" value=\"t-0\""), "{page}");
        assert!(page.contains("id=\"email-error\"><span>Not &lt;so&gt;.</span>"), "{page}");
        assert!(!page.contains("<b>Ada") && !page.contains("hunter2"), "{page}");
        assert_eq!(page.matches("aria-invalid=\"true\"").count(), 1, "{page}");
        assert!(
            page.contains("<main class=\"entry-column\"") && page.contains("<label class=\"field-label\""),
            "{page}"
        );
    }

    #[test]
    fn a_link_that_is_not_good_any_more_shows_no_form() {
        let exists = Some(Problem::new(410, ProblemCode::OwnerExists, "This installation has an owner already"));
        for (view, says) in [
            (View::of(BTreeMap::new(), Some(refused("token"))), "This link can’t be used"),
            (View::of(BTreeMap::new(), exists), "There is an owner already"),
            (View::Made("https://id.example.com/sign-in".to_owned()), "The owner is created"),
        ] {
            let page = view.write("n0", "/pkg/latchkey.css").unwrap();
            assert!(page.contains(says) && !page.contains("<form"), "{page}");
        }
    }
}
