//! How mails are written: templates as text and as HTML, in one layout each.
//!
//! The words stand in the areas, which list theirs in `Area::mails`. A mail to an address that nobody has proved
//! carries no words of whoever typed it: no name, in particular.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, UndefinedBehavior, Value, context};

use super::message::MailContent;

/// The layouts, and what mails have beside paragraphs. Values are escaped in what is called `.html`.
static LAYOUTS: LazyLock<Environment<'static>> = LazyLock::new(|| layouts().expect("the layouts are templates"));

fn layouts() -> Result<Environment<'static>, Error> {
    let mut layouts = Environment::new();
    layouts.set_undefined_behavior(UndefinedBehavior::Strict);
    layouts.set_syntax(SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?);
    layouts.add_template("layout.txt", include_str!("templates/layout.txt"))?;
    layouts.add_template("layout.html", include_str!("templates/layout.html"))?;
    layouts.add_template("parts.html", include_str!("templates/parts.html"))?;
    Ok(layouts)
}

/// What a mail says, with places for values. `name` is the reader's, or none; the layouts open with it.
#[derive(Clone, Copy, Debug)]
pub struct MailTemplate {
    /// Its name, as its files have it.
    pub name: &'static str,
    pub subject: &'static str,
    /// The text, in `layout.txt`.
    pub text: &'static str,
    /// The same as HTML, in `layout.html`.
    pub html: &'static str,
}

/// The template of this name in the folder `mails` beside the file, under a subject.
macro_rules! mail_template {
    ($name:literal, $subject:literal) => {
        $crate::mail::MailTemplate {
            name: $name,
            subject: $subject,
            text: include_str!(concat!("mails/", $name, ".txt")),
            html: include_str!(concat!("mails/", $name, ".html")),
        }
    };
}

pub(crate) use mail_template;

impl MailTemplate {
    /// The mail with these values.
    ///
    /// # Panics
    /// Where it is no template, or asks for a value that is not given: tests write every mail.
    pub fn write(&self, values: &Value) -> MailContent {
        self.try_write(values).unwrap_or_else(|error| panic!("the mail {} cannot be written: {error}", self.name))
    }

    fn try_write(&self, values: &Value) -> Result<MailContent, Error> {
        let subject = LAYOUTS.render_named_str("subject.txt", self.subject, values)?;
        let values = &context! { subject => &subject, ..values.clone() };
        let text = LAYOUTS.render_named_str("mail.txt", self.text, values)?;
        let html = LAYOUTS.render_named_str("mail.html", self.html, values)?;
        Ok(MailContent { subject, text, html })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AREAS;
    use std::collections::BTreeSet;

    /// The mails of all areas.
    fn all() -> Vec<MailTemplate> {
        let all: Vec<MailTemplate> = AREAS.iter().flat_map(|area| area.mails).copied().collect();
        assert!(all.len() > 5, "{all:?}");
        all
    }

    /// The values that a text asks for, apart from its layout.
    fn asked(text: &'static str) -> BTreeSet<String> {
        let template = LAYOUTS.template_from_named_str("mail.txt", text).expect("a template");
        template.undeclared_variables(false).into_iter().collect()
    }

    /// Markup for each value, as a stranger would write it.
    fn hostile<'a>(names: impl Iterator<Item = &'a str>) -> Value {
        Value::from_pairs(names.map(|name| (name.to_owned(), format!("<b>{name}</b>"))))
    }

    #[test]
    fn text_and_html_say_the_same_and_what_values_say_stays_text() {
        for mail in all() {
            let values = asked(mail.text);
            assert_eq!(asked(mail.html), values, "{}", mail.name);
            assert!(asked(mail.subject).is_subset(&values), "{}", mail.name);
            let content = mail.write(&hostile(values.iter().map(String::as_str).chain(["name"])));
            assert!(content.text.starts_with("Hello <b>name</b>,\n\n"), "{}", content.text);
            for value in values.iter().map(String::as_str).chain(["name"]) {
                assert!(content.text.contains(&format!("<b>{value}</b>")), "{value} in {}", content.text);
                let escaped = format!("&lt;b&gt;{value}&lt;&#x2f;b&gt;");
                assert!(content.html.contains(&escaped), "{value} in {}", content.html);
            }
            assert!(!content.html.contains("<b>"), "{}", content.html);
        }
    }

    #[test]
    fn a_value_that_is_missing_is_an_error() {
        for mail in all() {
            let values: Vec<String> = asked(mail.text).into_iter().chain(["name".to_owned()]).collect();
            for missing in &values {
                let given = values.iter().filter(|value| *value != missing).map(String::as_str);
                assert!(mail.try_write(&hostile(given)).is_err(), "{} without {missing}", mail.name);
            }
        }
    }

    #[test]
    fn html_fetches_nothing_and_is_readable_in_the_dark() {
        for mail in all() {
            let values = asked(mail.text);
            let html = mail.write(&hostile(values.iter().map(String::as_str).chain(["name"]))).html;
            for fetched in ["src=", "<link", "url(", "@import", "http:", "https:"] {
                assert!(!html.contains(fetched), "{fetched} in {html}");
            }
            assert!(html.contains("prefers-color-scheme: dark") && html.matches("<a ").count() <= 1, "{html}");
        }
    }

    #[test]
    fn a_mail_to_somebody_whose_name_is_not_known_opens_without_one() {
        for mail in all() {
            let asked = asked(mail.text);
            let values = hostile(asked.iter().map(String::as_str));
            let content = mail.write(&context! { name => None::<&str>, ..values });
            assert!(content.text.starts_with("Hello,\n\n") && content.html.contains("<p>Hello,</p>"));
        }
    }
}
