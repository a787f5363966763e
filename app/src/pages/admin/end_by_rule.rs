//! Ending many sessions by a rule: what it would end, then the question, then how far it is: `/admin/end-by-rule`.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::act::{Act, Acts};
use super::calls::{get, query, send};
use super::end_runs::{EndRuns, Progress};
use super::parts::Check;
use super::sessions::{SessionFields, SessionFilter, SessionRow, start_of_day};
use super::words::{counted, counted_users, ends_by_rule, rule_in_words};
use crate::pages::permissions::Permissions;
use crate::reactive::{effect, memo};
use crate::state::{Failure, store_with_page, stored_with_page};
use crate::ui::{Button, Emphasis, Form, FormErrors, FormProblem, Heading, after, focus_heading_if_lost};
use client::ports::Method;
use types::api::admin::{END_BY_RULE, PREVIEW_RULE, USERS, end_run};
use types::api::{AdminUserList, EndByRuleRequest, EndPreview, EndRule, EndRun};
use types::domain::{Invalid, Timestamp, UserId};
use types::words::permissions as may;

/// The name under which the entry of the tab's history has the id of what is being carried out.
const RUN: &str = "latchkeyEndRun";

/// What the page is doing: a rule is written, looked at, carried out.
#[derive(Clone, Copy)]
struct RuleForm {
    filter: SessionFilter,
    /// Whether the rule is about all sessions of everybody, where nothing else is said.
    all: RwSignal<bool>,
    errors: FormErrors,
    busy: RwSignal<bool>,
    /// The rule that was looked at, and what it would end.
    preview: RwSignal<Option<(EndRule, EndPreview)>>,
    /// What is being carried out.
    run: RwSignal<Option<EndRun>>,
}

/// The id of the person who is named by e-mail. What is no e-mail of anybody stays as it is.
async fn id_of(user: String) -> Result<String, Failure> {
    let email = user.trim().to_lowercase();
    if !email.contains('@') {
        return Ok(user);
    }
    // Of those whose e-mail begins so, the one that is no longer comes first.
    let found: AdminUserList = get(query(USERS, &[("q", email.as_str()), ("limit", "1")])).await?;
    let found = found.users.into_iter().find(|found| found.email == email);
    Ok(found.map_or(user, |found| found.user_id.to_string()))
}

/// What is wrong with which field; with the rule as a whole where its name is empty.
type WrongField = (&'static str, Invalid);

/// The rule that the fields say, and what it would end; or what is wrong with them. Only who `finds` users names them
/// by e-mail.
async fn look_at(
    mut fields: [String; 5],
    all: bool,
    finds: bool,
) -> Result<Result<(EndRule, EndPreview), WrongField>, Failure> {
    let [user, ..] = &mut fields;
    if finds {
        *user = id_of(std::mem::take(user)).await?;
    } else if user.contains('@') {
        return Ok(Err(("user", Invalid::new("malformed", "Use an id: your roles let you find nobody by e-mail."))));
    }
    let rule = match rule(fields.each_ref().map(String::as_str), all) {
        Ok(rule) => rule,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let preview = send(Method::Post, PREVIEW_RULE.to_owned(), &rule).await?;
    Ok(Ok((rule, preview)))
}

/// The rule that the fields say, or what is wrong with which of them.
fn rule([user, network, client, place, before]: [&str; 5], all: bool) -> Result<EndRule, WrongField> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let wrong = |message: &'static str| Invalid::new("malformed", message);
    let user = match given(user) {
        None => None,
        Some(id) => Some(id.parse::<UserId>().map_err(|_| ("user", wrong("Nobody has this e-mail or id.")))?),
    };
    let signed_in_before = match start_of_day(before.trim()) {
        day if day.is_empty() => None,
        day => Some(Timestamp::parse_rfc3339(&day).ok_or_else(|| ("before", wrong("Choose a day.")))?),
    };
    let rule = EndRule {
        user,
        network: given(network),
        client: given(client),
        place: given(place),
        signed_in_before,
        all: None,
    };
    match (rule == EndRule::default(), all) {
        (true, false) => {
            let message = "Say which sessions, or tick that it is about all of them.";
            Err(("", Invalid::new("required", message)))
        }
        (true, true) => Ok(EndRule { all: Some(true), ..rule }),
        (false, _) => Ok(rule),
    }
}

/// Whether a rule would end the same number by both.
const fn same_numbers(one: &EndPreview, other: &EndPreview) -> bool {
    one.sessions == other.sessions
        && one.users == other.users
        && one.complete == other.complete
        && one.spared == other.spared
}

impl RuleForm {
    fn new() -> Self {
        Self {
            filter: SessionFilter::of_address(),
            all: RwSignal::new(false),
            errors: FormErrors::default(),
            busy: RwSignal::new(false),
            preview: RwSignal::new(None),
            run: RwSignal::new(None),
        }
    }

    /// All that is typed, read whenever it changes.
    fn typed(self) -> ([String; 5], bool) {
        let SessionFilter { user, network, client, place, before } = self.filter;
        ([user, network, client, place, before].map(|field| field.get()), self.all.get())
    }

    /// Asks what the rule would end.
    fn fetch_preview(self, permissions: Permissions) {
        let (fields, all) = untrack(|| self.typed());
        let finds = untrack(|| permissions.allow(may::USERS_READ));
        self.busy.set(true);
        spawn_local(async move {
            match look_at(fields, all, finds).await {
                Ok(Ok(looked_at)) => {
                    self.preview.try_set(Some(looked_at));
                }
                Ok(Err(("", invalid))) => self.errors.set_whole(invalid.message),
                Ok(Err((field, invalid))) => self.errors.set(field, invalid.message),
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    permissions.note(&failure);
                    self.errors.refuse(&failure, &["network", "client", "place", "user"]);
                }
            }
            self.busy.try_set(false);
        });
    }

    /// Asks whether to carry it out, with what it would end by now; where that is something else, the page says so too.
    fn ask(self, acts: Acts, rule: EndRule) {
        acts.ask_of_now(async move {
            let now: EndPreview = send(Method::Post, PREVIEW_RULE.to_owned(), &rule).await?;
            let is_as_shown = self.preview.try_with_untracked(|looked_at| {
                looked_at.as_ref().filter(|(shown, _)| *shown == rule).map(|(_, shown)| same_numbers(shown, &now))
            });
            // What was looked at may be that of another rule by now.
            let Some(is_as_shown) = is_as_shown.flatten() else { return Ok::<_, Failure>(None) };
            if !is_as_shown {
                self.preview.try_set(Some((rule.clone(), now.clone())));
            }
            Ok((now.sessions > 0).then(|| self.question(rule, &now)))
        });
    }

    /// The e-mail of the person whom the rule names: of whom something is shown, or who was typed.
    fn email(self, rule: &EndRule, preview: &EndPreview) -> Option<String> {
        rule.user?;
        let typed = || self.filter.user.try_get_untracked().filter(|typed| typed.contains('@'));
        preview.sample.first().map(|row| row.email.clone()).or_else(typed)
    }

    /// The question whether to carry it out.
    fn question(self, rule: EndRule, preview: &EndPreview) -> Act {
        let text = format!(
            "{} The rule: {}. Those devices are signed out at once. It can’t be undone.",
            ends_by_rule(preview),
            rule_in_words(&rule, self.email(&rule, preview).as_deref())
        );
        let title = format!("End {} of {}?", counted(preview.sessions, "session"), counted_users(preview.users));
        let action = format!("End {}", counted(preview.sessions, "session"));
        Act::new(title, text, action, move |request| {
            let body = EndByRuleRequest { rule: rule.clone(), reason: request.reason, password: request.password };
            async move {
                let run: EndRun = send(Method::Post, END_BY_RULE.to_owned(), &body).await?;
                self.preview.try_set(None);
                store_with_page(RUN, Some(&run.id));
                self.run.try_set(Some(run));
                Ok::<String, Failure>("The sessions are being ended.".to_owned())
            }
        })
    }
}

/// Ending many sessions by a rule.
#[component]
pub(super) fn EndByRulePage() -> impl IntoView {
    let permissions = expect_context::<Permissions>();
    let form = RuleForm::new();
    let RuleForm { filter, all, errors, busy, preview, run, .. } = form;
    // What was begun here before a reload.
    if let Some(id) = stored_with_page(RUN) {
        spawn_local(async move {
            if let Ok(found) = get::<EndRun>(end_run(&id)).await {
                run.try_set(Some(found));
            }
        });
    }
    // What was looked at is that of another rule, once somebody changes something.
    effect(move |has_run| {
        form.typed();
        if has_run {
            preview.set(None);
        }
    });
    let close = move |()| {
        store_with_page(RUN, None);
        run.set(None);
        // The button is gone.
        after(0.0, focus_heading_if_lost);
    };
    let shown = memo(move |_| run.with(|run| run.as_ref().map(|run| run.id.clone())));
    let named_by = if untrack(|| permissions.allow(may::USERS_READ)) { "E-mail or id" } else { "Id" };
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <Heading title="End by rule" />
                <p class="page-lead">
                    "Ends every session that fits all you say here. Nothing ends before you have seen how many."
                </p>
            </div>
        </div>
        <Form errors=errors busy=busy label="Rule" on_submit=move |()| form.fetch_preview(permissions)>
            <FormProblem errors=errors />
            <div class="admin-filters">
                <SessionFields filter=filter errors=errors named_by=named_by />
            </div>
            <Check
                label="All sessions of everybody, if nothing else is said"
                checked=false
                on_change=move |is_so: bool| all.set(is_so)
            />
            <div class="settings-actions">
                <Button emphasis=Emphasis::primary_if(move || preview.with(Option::is_none)) submit=true busy=busy>
                    "Show what would end"
                </Button>
            </div>
        </Form>
        <p class="heard" role="status">
            {move || preview.with(|looked_at| looked_at.as_ref().map(|(_, preview)| ends_by_rule(preview)))}
        </p>
        {move || preview.get().map(|(rule, preview)| view! { <Preview form=form rule=rule preview=preview /> })}
        {move || run.get().map(|run| view! { <Progress run=run on_close=close /> })}
        <EndRuns shown=shown />
    }
    .into_any()
}

/// What the rule would end, in a sentence, with some of it; and the button that asks.
#[component]
fn Preview(form: RuleForm, rule: EndRule, preview: EndPreview) -> impl IntoView {
    let acts = expect_context::<Acts>();
    let text = ends_by_rule(&preview);
    let EndPreview { sessions, sample, .. } = preview;
    let action = format!("End {}", counted(sessions, "session"));
    let has_any = sessions > 0;
    let shown = sample.len();
    let rows = sample.into_iter().map(|row| {
        view! { <SessionRow row=row with_user=true may_end=false on_end=move |()| {} /> }
    });
    let rows = rows.collect_view();
    let ask = move |()| form.ask(acts, rule.clone());
    view! {
        <section class="admin-section" aria-labelledby="preview">
            <h2 id="preview">"What would end"</h2>
            <p class="admin-preview">{text}</p>
            {has_any
                .then(|| {
                    view! {
                        <p class="small quiet">{format!("Some of them ({shown}):")}</p>
                        <ul class="panel admin-list" role="list" aria-label="Some of the sessions">
                            {rows}
                        </ul>
                        <div class="settings-actions">
                            <Button emphasis=Emphasis::DangerSolid busy=acts.is_looking() on_press=ask>
                                {action}
                            </Button>
                        </div>
                    }
                })}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_says_something_or_that_it_is_about_everything() {
        let nothing = rule([""; 5], false).map_err(|(field, invalid)| (field, invalid.code));
        assert_eq!(nothing, Err(("", "required")));
        assert_eq!(rule([" "; 5], true).ok(), Some(EndRule { all: Some(true), ..EndRule::default() }));
        let network = rule(["", " 192.0.2.0/24 ", "", "", ""], true).ok();
        assert_eq!(network, Some(EndRule { network: Some("192.0.2.0/24".to_owned()), ..EndRule::default() }));
    }

    #[test]
    fn a_day_is_its_first_moment_and_an_id_is_one() {
        let before = rule(["", "", "", "", "2026-11-29"], false).ok().and_then(|rule| rule.signed_in_before);
        assert_eq!(before, Timestamp::parse_rfc3339("2026-11-29T00:00:00Z"));
        let of_nobody = rule(["ada", "", "", "", ""], false).map_err(|(field, _)| field);
        assert_eq!(of_nobody, Err("user"));
    }
}
