//! Why a call gave no answer.

use types::api::{Problem, Session};
use types::words::ProblemCode;

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server answered, and said what is wrong.
    Problem(Box<Problem>),
    /// The server could not be reached, or what answered was not the server.
    Unreachable,
    /// Nobody is signed in here any more; the page is about to be left.
    SignedOut,
}

impl Failure {
    /// The server's problem, where it said one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Unreachable | Self::SignedOut => None,
        }
    }

    /// The stable code of the server's problem, where it said one that this version knows.
    pub fn code(&self) -> Option<ProblemCode> {
        self.problem().and_then(|problem| problem.code.known())
    }

    /// The sentence to show under a field of that name, where the server refused it.
    pub fn field(&self, name: &str) -> Option<String> {
        self.problem().and_then(|problem| problem.field(name)).map(|error| error.message.clone())
    }

    /// In how many seconds to ask again, where the server said so.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.problem().and_then(|problem| problem.retry_after_secs)
    }

    /// One sentence for users.
    pub fn message(&self) -> String {
        match self {
            Self::Problem(problem) => problem.detail.clone().unwrap_or_else(|| sentence(&problem.title)),
            Self::Unreachable => "The server can’t be reached. Check your connection and try again.".to_owned(),
            Self::SignedOut => "You’re signed out.".to_owned(),
        }
    }

    /// The devices to choose from, where a sign-in was refused because the limit of sessions is reached.
    pub fn sessions_to_replace(&self) -> Option<Vec<Session>> {
        let problem = self.problem().filter(|problem| problem.code == ProblemCode::SessionLimitReached)?;
        problem.sessions.clone()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// A title where a sentence is wanted: titles have no full stop.
fn sentence(title: &str) -> String {
    if title.ends_with(['.', '?', '…']) { title.to_owned() } else { format!("{title}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("The session has ended", None, "The session has ended.")]
    #[case("Something went wrong.", None, "Something went wrong.")]
    #[case("Was this you?", None, "Was this you?")]
    #[case("Wait…", None, "Wait…")]
    #[case("Too many attempts", Some("Try again in 2 seconds."), "Try again in 2 seconds.")]
    fn a_problem_is_shown_as_a_sentence(#[case] title: &str, #[case] detail: Option<&str>, #[case] message: &str) {
        let mut problem = Problem::new(400, ProblemCode::MalformedRequest, title);
        problem.detail = detail.map(str::to_owned);
        assert_eq!(Failure::from(problem).message(), message);
    }
}
