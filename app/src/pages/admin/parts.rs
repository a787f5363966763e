//! What several of these pages are made of: fields of filters, lists that go on, rows.

use std::future::Future;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;
use serde::de::DeserializeOwned;

use super::calls::{Found, find};
use super::place::Place;
use crate::browser;
use crate::pages::load::{Load, Loader};
use crate::pages::permissions::Permissions;
use crate::reactive::effect;
use crate::state::{Failure, Now, Toasts, date, full_time};
use crate::ui::{
    Button, FieldError, IconName, ListSkeleton, RelativeTime, StateCard, after, described_by, every_in_sight,
    focus_heading_if_lost, focus_row_if_lost,
};
use types::api::AuditParty;
use types::domain::Timestamp;
use types::words::permissions as may;

/// How long after the last change of a filter the list is fetched, in milliseconds.
const DEBOUNCE_MS: f64 = 250.0;

/// A field of a filter, or one that may stay empty.
#[component]
pub(super) fn Field(
    /// The id of the input, unique on the page; also its name.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// The type of the input.
    #[prop(default = "text")]
    kind: &'static str,
    /// An example of what can be typed.
    #[prop(optional)]
    example: &'static str,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="field-label" for=id>
                {label}
            </label>
            <input
                class="input"
                id=id
                name=id
                type=kind
                autocomplete="off"
                spellcheck="false"
                placeholder=example
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(id, false, error)
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            />
            <FieldError id=id error=error />
        </div>
    }
    .into_any()
}

/// One of several.
#[component]
pub(super) fn Select(
    /// The id of the control, unique on the page; also its name.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// The value of what is chosen.
    value: RwSignal<String>,
    /// Values, and what they are called.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let shown = move || {
        let option = |(option, name): (String, String)| {
            let is_chosen = value.with_untracked(|value| *value == option);
            view! {
                <option value=option selected=is_chosen>
                    {name}
                </option>
            }
        };
        options.get().into_iter().map(option).collect_view()
    };
    view! {
        <div class="field">
            <label class="field-label" for=id>
                {label}
            </label>
            <select
                class="input"
                id=id
                name=id
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by(id, false, error)
                on:change:target=move |event| value.set(event.target().value())
            >
                {shown}
            </select>
            <FieldError id=id error=error />
        </div>
    }
    .into_any()
}

/// Something that is so or not.
#[component]
pub(super) fn Check(
    /// What is so.
    #[prop(into)]
    label: String,
    /// Whether it is at first.
    checked: bool,
    /// Whether it stays as it is.
    #[prop(optional)]
    disabled: bool,
    /// Called when that changes.
    #[prop(into)]
    on_change: Callback<bool>,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                checked=checked
                disabled=disabled
                on:change:target=move |event| on_change.run(event.target().checked())
            />
            <span class="check-text">{label}</span>
        </label>
    }
    .into_any()
}

/// What `filter` gives, once nobody has changed it for a moment: each letter typed is no request.
pub(super) fn debounced(filter: impl Fn() -> String + Send + Sync + 'static) -> RwSignal<String> {
    let debounced = RwSignal::new(untrack(&filter));
    let changes = StoredValue::new(0_u32);
    effect(move |has_run| {
        let now = filter();
        if !has_run {
            return;
        }
        let number = changes.try_update_value(|changes| {
            *changes += 1;
            *changes
        });
        after(DEBOUNCE_MS, move || {
            if number.is_some()
                && changes.try_get_value() == number
                && debounced.try_get_untracked() != Some(now.clone())
            {
                debounced.try_set(now);
            }
        });
    });
    debounced
}

/// Asks again and again while the page is in sight: one question at a time, and a lost one is simply asked again. Call
/// it from the component that shows the answers, or from an effect that says how long they are wanted.
pub(super) fn ask_in_sight<F>(interval_ms: u32, ask: impl Fn() -> F + 'static)
where
    F: Future<Output = ()> + 'static,
{
    let asking = StoredValue::new(false);
    every_in_sight(interval_ms, move || {
        if asking.get_value() {
            return;
        }
        asking.set_value(true);
        let answer = ask();
        spawn_local(async move {
            answer.await;
            asking.try_set_value(false);
        });
    });
}

/// What the query of the page's address says under that name, to be changed by a field.
pub(super) fn of_address(name: &str) -> RwSignal<String> {
    RwSignal::new(use_query_map().with_untracked(|members| members.get(name)).unwrap_or_default())
}

/// What is looked for by a path, as the page's address says it.
pub(super) fn query_of(path: &str) -> &str {
    path.split_once('?').map_or("", |(_, query)| query)
}

/// Fetches what is looked for, whenever that is something else, and has the page's address say it. On the way back, as
/// much of it is fetched as there was. Gives the action of *Try again*. Call it from the component that shows what is
/// found.
pub(super) fn follow<T>(loader: Loader<Found<T>>, path: RwSignal<String>) -> Callback<()>
where
    T: Clone + DeserializeOwned + Send + Sync + 'static,
{
    note_refusals(loader);
    effect(move |has_run| {
        let path = path.get();
        if has_run {
            browser::store_query(query_of(&path));
            Place::forget();
        }
    });
    let place = StoredValue::new(path.with_untracked(|path| Place::of_this_page(path)));
    let left = StoredValue::new(place.get_value());
    effect(move |_| {
        let is_here = loader.state().with(|state| matches!(state, Load::Ready(Ok(_))));
        if is_here && let Some(left) = left.try_update_value(Option::take).flatten() {
            left.scroll_back();
        }
    });
    let asked = StoredValue::new(String::new());
    loader.follow(move || {
        let path = path.get();
        // What is here was found by something else, and stays for no longer than until it is known what fits.
        let before = asked.try_update_value(|asked| std::mem::replace(asked, path.clone())).unwrap_or_default();
        if before != path {
            loader.reset();
            if !before.is_empty() {
                place.set_value(None);
                left.set_value(None);
            }
        }
        let path = place.with_value(|place| place.as_ref().map_or(path, Place::path_with_rows));
        loader.fetch(find(path));
    })
}

/// In place of a list, where nothing can be looked for by what was typed.
#[component]
pub(super) fn NoSuchFilter(
    /// Why, in a sentence.
    text: String,
) -> impl IntoView {
    view! {
        <div role="status">
            <StateCard icon=IconName::Info title="This can’t be looked for" text=text />
        </div>
    }
    .into_any()
}

/// Where something cannot be fetched for want of a permission, those that are shown are old. Call it from the component
/// that shows what is fetched.
pub(super) fn note_refusals<T: Clone + Send + Sync + 'static>(loader: Loader<T>) {
    let permissions = expect_context::<Permissions>();
    effect(move |_| {
        loader.state().with(|state| {
            if let Load::Failed(failure) = state {
                permissions.note(failure);
            }
        });
    });
}

/// Fetches anew once something was changed. What had the focus may be gone with what was here before: then the heading
/// gets it. Call it from the component that shows what is fetched.
pub(super) fn once_changed<T>(loader: Loader<T>, fetch: impl Fn() + Copy + Send + Sync + 'static) -> Callback<()>
where
    T: Clone + Send + Sync + 'static,
{
    let was_changed = StoredValue::new(false);
    effect(move |_| {
        loader.state().track();
        if was_changed.try_update_value(std::mem::take) == Some(true) {
            after(0.0, focus_heading_if_lost);
        }
    });
    Callback::new(move |()| {
        was_changed.set_value(true);
        fetch();
    })
}

/// The rows of a list as far as they were fetched.
pub(super) struct Rows<T: Send + Sync + 'static> {
    fetched: RwSignal<Vec<T>>,
    cursor: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    /// The path that they were fetched by.
    path: StoredValue<String>,
}

impl<T: Send + Sync + 'static> Clone for Rows<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Rows<T> {}

impl<T: Clone + Send + Sync + 'static> Rows<T> {
    /// The first page of a path, and where the next begins.
    pub fn new(path: String, rows: Vec<T>, cursor: Option<String>) -> Self {
        Self {
            fetched: RwSignal::new(rows),
            cursor: RwSignal::new(cursor),
            busy: RwSignal::new(false),
            path: StoredValue::new(path),
        }
    }

    /// All of them so far.
    pub fn all(self) -> RwSignal<Vec<T>> {
        self.fetched
    }

    /// Puts rows on top that came since, without those that are there already.
    pub fn put_on_top(self, newer: Vec<T>, id: impl Fn(&T) -> &str) {
        let is_new = |all: &Vec<T>, row: &T| !all.iter().any(|known| id(known) == id(row));
        self.fetched.try_maybe_update(|all| {
            let mut rows: Vec<T> = newer.into_iter().filter(|row| is_new(all, row)).collect();
            let is_changed = !rows.is_empty();
            if is_changed {
                rows.append(all);
                *all = rows;
            }
            (is_changed, ())
        });
    }

    /// Whether there may be more of them.
    pub fn has_more(self) -> bool {
        self.cursor.with(Option::is_some)
    }

    /// Stores with the page how many there are, and where it is. Called before somebody leaves it for what a row leads
    /// to.
    pub fn store_place(self) {
        let count = self.fetched.try_with_untracked(Vec::len);
        if let (Some(path), Some(count)) = (self.path.try_get_value(), count) {
            Place::store(path, count);
        }
    }

    /// Fetches the next page. `more` has the button that asked for it, and is gone with the last page.
    fn fetch<F>(self, fetch: impl FnOnce(String, String) -> F, more: NodeRef<html::Div>, notes: (Toasts, Permissions))
    where
        F: Future<Output = Result<(Vec<T>, Option<String>), Failure>> + 'static,
    {
        let Some(cursor) = self.cursor.get_untracked() else { return };
        let (toasts, permissions) = notes;
        let focus_first_new = focus_row_if_lost(more, self.fetched.with_untracked(Vec::len));
        self.busy.set(true);
        let page = fetch(self.path.get_value(), cursor);
        spawn_local(async move {
            match page.await {
                Ok((rows, cursor)) => {
                    self.fetched.try_update(|all| all.extend(rows));
                    self.cursor.try_set(cursor);
                    self.store_place();
                    after(0.0, focus_first_new);
                }
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    permissions.note(&failure);
                    toasts.error(format!("The next entries could not be loaded. {}", failure.message()));
                }
            }
            self.busy.try_set(false);
        });
    }
}

/// *Show more*, as long as there is more. `fetch` is given the path, and the cursor of the next page.
pub(super) fn show_more<T, F>(
    rows: Rows<T>,
    fetch: impl Fn(String, String) -> F + Copy + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(Vec<T>, Option<String>), Failure>> + 'static,
{
    let notes = (expect_context::<Toasts>(), expect_context::<Permissions>());
    let busy = rows.busy;
    let node_ref = NodeRef::<html::Div>::new();
    let more = move |()| rows.fetch(fetch, node_ref, notes);
    view! {
        {move || {
            rows.has_more()
                .then(|| {
                    view! {
                        <div node_ref=node_ref class="admin-more">
                            <Button busy=busy on_press=more>
                                "Show more"
                            </Button>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

/// A moment in words, with the exact time in the tooltip.
pub(super) fn moment(at: Timestamp) -> AnyView {
    let now = expect_context::<Now>().now();
    view! { <RelativeTime at=at now=now day=date full=full_time /> }.into_any()
}

/// Somebody by address: a link for whoever may look at users, or that they have no account any more.
pub(super) fn party(party: AuditParty) -> AnyView {
    let may_look = expect_context::<Permissions>().allow(may::USERS_READ);
    match (party.email, may_look) {
        (Some(email), true) => view! {
            <a href=format!("/admin/users/{}", party.user_id)>
                <bdi>{email}</bdi>
            </a>
        }
        .into_any(),
        (Some(email), false) => view! { <bdi>{email}</bdi> }.into_any(),
        (None, true) => view! { <span title=party.user_id.to_string()>"a deleted account"</span> }.into_any(),
        (None, false) => view! { <span title=party.user_id.to_string()>"somebody else"</span> }.into_any(),
    }
}

/// Rows with the measure of real ones.
#[component]
pub(super) fn RowsSkeleton(
    /// What is being fetched.
    text: &'static str,
) -> impl IntoView {
    view! { <ListSkeleton text=text list="panel" row="admin-row" /> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rows_come_on_top_and_none_comes_twice() {
        Owner::new().with(|| {
            let rows = Rows::new("/api/rows".to_owned(), vec!["2".to_owned(), "1".to_owned()], None);
            rows.put_on_top(vec!["4".to_owned(), "3".to_owned(), "2".to_owned()], |row| row);
            assert_eq!(rows.all().get_untracked(), ["4", "3", "2", "1"]);
        });
    }
}
