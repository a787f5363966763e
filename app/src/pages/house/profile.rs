//! Who one is here: `/profile`.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::account_data::{DataSection, DeleteSection};
use super::password_form::PasswordSection;
use crate::pages::load::{Load, Loader};
use crate::pages::register::AccountTypeField;
use crate::reactive::memo;
use crate::state::{Auth, DraftKey, Drafts, Now, Toasts, date, full_time};
use crate::ui::words::humanised;
use crate::ui::{
    Avatar, AvatarPlaceholder, Badge, BadgeTone, Bar, Button, Emphasis, Form, FormErrors, FormProblem, Heading,
    LoadFailed, Loading, RelativeTime, SettingsSection, TextField,
};
use types::api::{Profile, ProfilePatch};
use types::domain::{DisplayName, Timestamp};

const NAME_DRAFT: DraftKey = "profile.name";
/// What stands in the place of what whoever acts for the user may not do.
const ONLY_THEY: &str = "Only they can change the password, download the data or delete the account.";

/// Name, account type, e-mail, password, and what is left to do for somebody who leaves.
#[component]
pub fn ProfilePage() -> impl IntoView {
    let auth = expect_context::<Auth>();
    let loader = Loader::<Profile>::new();
    let again = loader.follow(move || loader.fetch(async move { auth.profile().await }));
    let in_person = auth.in_person();
    view! {
        <div class="page">
            <NameAndKind />
            {move || match loader.state().get() {
                Load::Loading => view! { <ProfileSkeleton /> }.into_any(),
                Load::Failed(failure) => {
                    let title = "Your profile could not be loaded";
                    view! { <LoadFailed title=title text=failure.message() on_again=again /> }.into_any()
                }
                Load::Ready(profile) => {
                    let own = if in_person.get() {
                        view! { <OwnSections profile=profile.clone() /> }.into_any()
                    } else {
                        view! { <p class="page-lead">{ONLY_THEY}</p> }.into_any()
                    };
                    view! {
                        <AboutSection profile=profile.clone() />
                        <EmailSection profile=profile />
                        {own}
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// What nobody does for the user who acts for them.
#[component]
fn OwnSections(profile: Profile) -> impl IntoView {
    let email = profile.user.email.clone();
    view! {
        <PasswordSection profile=profile />
        <DataSection />
        <DeleteSection email=email />
    }
    .into_any()
}

/// The page's first line: who one is.
#[component]
fn NameAndKind() -> impl IntoView {
    let user = expect_context::<Auth>().user();
    let name = Signal::derive(move || user.get().map(|user| user.name).unwrap_or_default());
    let known = memo(move |_| user.with(Option::is_some));
    view! {
        <div class="settings-user">
            {move || {
                if known.get() {
                    view! { <Avatar name=name large=true /> }.into_any()
                } else {
                    view! { <AvatarPlaceholder large=true /> }.into_any()
                }
            }}
            <div class="page-head-text">
                <Heading title="Profile">
                    {move || {
                        if known.get() {
                            view! { <bdi>{move || name.get()}</bdi> }.into_any()
                        } else {
                            view! {
                                <span class="heard">"Profile"</span>
                                <span class="bar bar-10" aria-hidden="true"></span>
                            }
                                .into_any()
                        }
                    }}
                </Heading>
                <p class="page-lead">"How others see you, and how you sign in."</p>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn AboutSection(profile: Profile) -> impl IntoView {
    let auth = expect_context::<Auth>();
    let drafts = expect_context::<Drafts>();
    let toasts = expect_context::<Toasts>();
    // One that only a newer server knows stays what it is.
    let (known_type, type_in_words) = (profile.account_type.known(), humanised(profile.account_type.name()));
    let saved = RwSignal::new((profile.user.name.clone(), known_type.unwrap_or_default()));
    let name = RwSignal::new(drafts.get(NAME_DRAFT).unwrap_or(profile.user.name));
    let account_type = RwSignal::new(known_type.unwrap_or_default());
    let changed = move || {
        saved.with(|(saved_name, saved_type)| *saved_type != account_type.get() || name.with(|name| name != saved_name))
    };
    let errors = FormErrors::default();
    let busy = RwSignal::new(false);
    let save = move |()| {
        let Some(parsed) = errors.check("name", DisplayName::parse(&name.get_untracked())) else { return };
        let (name, account_type) = (Some(parsed.into()), known_type.map(|_| account_type.get_untracked()));
        let patch = ProfilePatch { name, account_type, ..ProfilePatch::default() };
        busy.set(true);
        spawn_local(async move {
            match auth.patch_profile(patch).await {
                Ok(profile) => {
                    drafts.forget(NAME_DRAFT);
                    saved.try_set((profile.user.name, profile.account_type.known().unwrap_or_default()));
                    toasts.info("Profile saved.");
                }
                Err(failure) => errors.refuse(&failure, &["name"]),
            }
            busy.try_set(false);
        });
    };
    let about = view! {
        "Account created "
        <time datetime=profile.created_at.to_string() title=full_time(profile.created_at)>
            {date(profile.created_at)}
        </time>
        "."
    }
    .into_any();
    view! {
        <SettingsSection id="about-you" title="About you" about=about>
            <Form errors=errors busy=busy label="About you" on_submit=save>
                <FormProblem errors=errors />
                <TextField
                    id="name"
                    label="Your name"
                    autocomplete="name"
                    any_direction=true
                    value=name
                    error=errors.of("name")
                    on_type=move |text: String| drafts.store(NAME_DRAFT, text)
                />
                {if known_type.is_some() {
                    view! { <AccountTypeField value=account_type /> }.into_any()
                } else {
                    view! { <p class="small quiet">{format!("Account type: {type_in_words}")}</p> }.into_any()
                }}
                <div class="settings-actions">
                    <Button emphasis=Emphasis::primary_if(changed) submit=true busy=busy>
                        "Save changes"
                    </Button>
                </div>
            </Form>
        </SettingsSection>
    }
    .into_any()
}

#[component]
fn EmailSection(profile: Profile) -> impl IntoView {
    let verified = profile.user.email_verified;
    let about = "You sign in with it, and we send warnings to it.".into_any();
    view! {
        <SettingsSection id="your-email" title="E-mail" about=about>
            <div class="settings-actions">
                <span class="settings-value">{profile.user.email}</span>
                {if verified {
                    view! { <Badge tone=BadgeTone::Accent>"Confirmed"</Badge> }.into_any()
                } else {
                    view! { <Badge tone=BadgeTone::Warning>"Unconfirmed"</Badge> }.into_any()
                }}
            </div>
        </SettingsSection>
    }
    .into_any()
}

/// When the password was last changed.
#[component]
pub(super) fn PasswordAge(changed_at: Timestamp) -> impl IntoView {
    let now = expect_context::<Now>().now();
    view! {
        "Last changed "
        <RelativeTime at=changed_at now=now day=date full=full_time />
        "."
    }
    .into_any()
}

/// Sections with the measure of real ones.
#[component]
fn ProfileSkeleton() -> impl IntoView {
    let section = || {
        view! {
            <div class="settings-section">
                <div class="settings-about">
                    <Bar width="bar-6" />
                    <Bar width="bar-10" />
                </div>
                <div>
                    <Bar width="bar-6" />
                    <span class="bar bar-input"></span>
                </div>
            </div>
        }
    };
    view! { <Loading text="Loading your profile…">{section()} {section()} {section()}</Loading> }
}
