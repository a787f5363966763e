//! The program takes the page over from the server: it shows its own, gives back what was typed, and takes the server's
//! away.
//!
//! Nothing here relies on the page being as the server wrote it: extensions put elements into it, wrap others and
//! replace texts, and whatever they put outside of what is taken away stays where it is.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise, Reflect};
use leptos::IntoView;
use leptos::mount::mount_to;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Document, Element, Event, EventInit, FocusOptions, HtmlElement, HtmlInputElement};

use crate::browser::dom::{APP_ID, SERVED_ID};

/// Every page has this element: once it is there, so is the page.
const MAIN: &str = "main";

/// Shows `app` in place of what the server rendered, as soon as it is there and nobody is in the middle of something.
/// Does not begin before `ready` is done, which is given the path of the page.
pub fn take_over<V: IntoView + 'static>(ready: impl AsyncFnOnce(&str) + 'static, app: impl FnOnce() -> V + 'static) {
    spawn_local(async move {
        // Without a document there is nothing to show the app in.
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        ready(&path_of(&document).unwrap_or_default()).await;
        let Some(own) = own_place(&document) else { return };
        let path = path_of(&document);
        mount_to(own.clone(), app).forget();
        while own.query_selector(MAIN).ok().flatten().is_none() {
            TimeoutFuture::new(0).await;
        }
        until_idle().await;
        let left = (path == path_of(&document)).then(|| Left::by_user(&document, &own));
        own.set_hidden(false);
        if let Some(served) = document.get_element_by_id(SERVED_ID) {
            served.remove();
        }
        if let Some(left) = left {
            left.give_back(&own);
        }
        call("tookOver");
    });
}

/// The program has broken down: the page works as far as it can without.
pub fn broke_down() {
    call("fail");
}

/// What the field of that name holds in the page that the server rendered, or the script beside it keeps for it.
pub fn served_value(name: &str) -> Option<String> {
    let document = web_sys::window()?.document()?;
    let found = document.query_selector(&format!("#{SERVED_ID} input[name={name}]")).ok().flatten();
    let value = found.and_then(|found| Some(found.dyn_into::<HtmlInputElement>().ok()?.value()));
    value.filter(|value| !value.is_empty()).or_else(|| call(name)?.as_string().filter(|value| !value.is_empty()))
}

/// An element for the program, hidden, in front of what the server rendered.
fn own_place(document: &Document) -> Option<HtmlElement> {
    let own: HtmlElement = document.create_element("div").ok()?.dyn_into().ok()?;
    own.set_id(APP_ID);
    own.set_hidden(true);
    match document.get_element_by_id(SERVED_ID) {
        Some(served) => served.before_with_node_1(&own).ok()?,
        None => document.body()?.append_with_node_1(&own).ok()?,
    }
    Some(own)
}

fn path_of(document: &Document) -> Option<String> {
    document.location()?.pathname().ok()
}

/// What the script beside the page offers.
fn offered(name: &str) -> Option<(JsValue, Function)> {
    let window = web_sys::window()?;
    let script = Reflect::get(&window, &JsValue::from_str("latchkey")).ok()?;
    let function = Reflect::get(&script, &JsValue::from_str(name)).ok()?.dyn_into().ok()?;
    Some((script, function))
}

fn call(name: &str) -> Option<JsValue> {
    let (script, function) = offered(name)?;
    function.call0(&script).ok()
}

/// Ready once nobody has a button half pressed or a form half sent.
async fn until_idle() {
    if let Some(promise) = call("untilIdle").and_then(|promise| promise.dyn_into::<Promise>().ok()) {
        // It never refuses.
        let _ = JsFuture::from(promise).await;
    }
}

/// What a user has typed and where they are.
struct Left {
    fields: Vec<(Key, HtmlInputElement)>,
    focus: Option<Focus>,
}

/// Which of a page's inputs: the same in both pages.
#[derive(PartialEq, Eq)]
struct Key {
    name: String,
    kind: String,
    /// For what is chosen among several of that name.
    choice: Option<String>,
}

impl Key {
    fn of(input: &HtmlInputElement) -> Self {
        let kind = input.type_();
        // A password that is shown is one still.
        let kind = if input.autocomplete().ends_with("-password") { "password".to_owned() } else { kind };
        let choice = (kind == "radio").then(|| input.value());
        Self { name: input.name(), kind, choice }
    }
}

struct Focus {
    tag: String,
    /// The how manieth of that kind.
    index: usize,
    key: Option<Key>,
    /// The selection, where the input gives one.
    selection: Option<(u32, u32)>,
}

impl Left {
    /// Looks outside of `own` only: there everything is new.
    fn by_user(document: &Document, own: &HtmlElement) -> Self {
        let inputs = all::<HtmlInputElement>(document.query_selector_all("input[name]"));
        let fields = inputs.into_iter().filter(|input| !own.contains(Some(input)));
        let focus = document.active_element().and_then(|active| Focus::on(&active, document));
        Self { fields: fields.map(|input| (Key::of(&input), input)).collect(), focus }
    }

    fn give_back(self, own: &HtmlElement) {
        let mine = all::<HtmlInputElement>(own.query_selector_all("input[name]"));
        for (key, theirs) in &self.fields {
            if let Some(mine) = mine.iter().find(|mine| Key::of(mine) == *key) {
                copy(theirs, mine);
            }
        }
        if let Some(focus) = self.focus {
            focus.give_back(own, &mine);
        }
    }
}

/// Gives `to` the value of `from`, and fires its events.
fn copy(from: &HtmlInputElement, to: &HtmlInputElement) {
    let event = match from.type_().as_str() {
        "checkbox" | "radio" if from.checked() != to.checked() => {
            to.set_checked(from.checked());
            "change"
        }
        "checkbox" | "radio" => return,
        _ if from.value() != to.value() => {
            to.set_value(&from.value());
            "input"
        }
        _ => return,
    };
    let init = EventInit::new();
    init.set_bubbles(true);
    if let Ok(event) = Event::new_with_event_init_dict(event, &init) {
        // Whether anybody wants to prevent it does not matter.
        let _ = to.dispatch_event(&event);
    }
}

impl Focus {
    fn on(active: &Element, document: &Document) -> Option<Self> {
        let served = document.get_element_by_id(SERVED_ID)?;
        let tag = active.tag_name().to_ascii_lowercase();
        let alike = all::<Element>(served.query_selector_all(&tag));
        let index = alike.iter().position(|element| element == active);
        let input = active.dyn_ref::<HtmlInputElement>().filter(|input| !input.name().is_empty());
        // An input that was moved out of the page is still ours.
        let index = index.or_else(|| input.map(|_| 0))?;
        Some(Self { tag, index, key: input.map(Key::of), selection: input.and_then(selection) })
    }

    fn give_back(self, own: &HtmlElement, inputs: &[HtmlInputElement]) {
        let input = self.key.as_ref().and_then(|key| inputs.iter().find(|input| Key::of(input) == *key));
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        if let Some(input) = input {
            // It fails only for what cannot have the focus.
            let _ = input.focus_with_options(&options);
            if let Some((start, end)) = self.selection {
                // Nor does it fail for an input that has given one.
                let _ = input.set_selection_range(start, end);
            }
        } else {
            let alike = all::<HtmlElement>(own.query_selector_all(&self.tag));
            let _ = alike.get(self.index).map(|element| element.focus_with_options(&options));
        }
    }
}

/// Inputs for e-mail addresses give no selection: there the caret is at the end, where it mostly is.
fn selection(input: &HtmlInputElement) -> Option<(u32, u32)> {
    input.selection_start().ok().flatten().zip(input.selection_end().ok().flatten())
}

fn all<T: JsCast>(list: Result<web_sys::NodeList, JsValue>) -> Vec<T> {
    let list = list.ok();
    let nodes = (0..list.as_ref().map_or(0, web_sys::NodeList::length)).filter_map(|index| list.as_ref()?.item(index));
    nodes.filter_map(|node| node.dyn_into().ok()).collect()
}
