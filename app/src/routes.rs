//! The app: its contexts and which page is where.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Redirect, Route, Router, Routes};
use leptos_router::path;

use crate::pages::{
    ForgotPasswordPage, HouseRoutes, NotFoundPage, Notifications, RegisterPage, ResetPasswordPage, SecureAccount,
    SignInPage, StoredView, VerifyPage,
};
use crate::sent_form::SentForm;
use crate::shell::DevelopmentDemo;
use crate::state::{Alerts, provide_app_state};
use crate::ui::{FirstPageShown, MisclickGuard};

/// The app. The server renders it, and the program takes its place: at first nobody is known to be signed in or out.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    FirstPageShown::provide();
    DevelopmentDemo::provide();
    SentForm::provide();
    provide_app_state();
    MisclickGuard::provide();
    Alerts::provide();
    SecureAccount::provide();
    StoredView::provide();
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Latchkey".to_owned() } else { format!("{title} · Latchkey") }
        } />
        // The router leaves external links alone, and the browser then moves the focus as it should.
        <a class="skip-link" href="#main" rel="external">
            "Skip to content"
        </a>
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/sign-in") view=SignInPage />
                <Route path=path!("/register") view=RegisterPage />
                <Route path=path!("/verify") view=VerifyPage />
                <Route path=path!("/forgot-password") view=ForgotPasswordPage />
                <Route path=path!("/reset-password") view=ResetPasswordPage />
                <Route path=path!("/") view=|| view! { <Redirect path="/devices" /> } />
                <HouseRoutes />
            </Routes>
            <Notifications />
        </Router>
    }
    .into_any()
}
