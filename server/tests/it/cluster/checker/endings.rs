//! Which session was ended by which calls, and how certainly.

use std::collections::BTreeMap;

use super::super::history::{Call, History, Moment, Outcome, Scope, What};

/// How certain it is that a call ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// The server said that it is done.
    Confirmed,
    /// The server said that it will be done.
    Pending,
    /// Nobody can tell.
    Possible,
}

/// Who ended what, in a whole history.
pub struct Endings<'a> {
    history: &'a History,
    of: BTreeMap<&'a str, Vec<(Certainty, &'a Call)>>,
    sign_ins: BTreeMap<&'a str, &'a Call>,
}

impl<'a> Endings<'a> {
    pub fn of(history: &'a History) -> Self {
        let sign_ins = history.calls.iter().filter(|call| call.what == What::SignIn && call.outcome == Outcome::Ok);
        let sign_ins = sign_ins.filter_map(|call| Some((call.session.as_deref()?, call))).collect();
        let mut endings = Self { history, of: BTreeMap::new(), sign_ins };
        for call in &history.calls {
            if let What::End { scope, ended } = &call.what {
                endings.apply(call, scope, *ended);
            }
        }
        endings
    }

    fn apply(&mut self, call: &'a Call, scope: &'a Scope, ended: u64) {
        match scope {
            Scope::This => self.one(call.session.as_deref(), call),
            Scope::Other(session) => self.one(Some(session), call),
            Scope::Others | Scope::All => {
                let theirs: Vec<&'a Call> =
                    self.sign_ins.values().copied().filter(|sign_in| sign_in.who == call.who).collect();
                for sign_in in theirs {
                    let session = sign_in.session.as_deref();
                    let own = session == call.session.as_deref();
                    if own && *scope == Scope::Others {
                        continue;
                    }
                    if own {
                        self.one(session, call);
                    } else if let Some(certainty) = one_of_many(call, sign_in, ended) {
                        self.add(session, certainty, call);
                    }
                }
            }
        }
    }

    /// A call that names the session.
    fn one(&mut self, session: Option<&'a str>, call: &'a Call) {
        let certainty = match call.outcome {
            Outcome::Ok => Certainty::Confirmed,
            Outcome::Pending => Certainty::Pending,
            Outcome::Refused => return,
            Outcome::Failed | Outcome::Unknown => Certainty::Possible,
        };
        self.add(session, certainty, call);
    }

    fn add(&mut self, session: Option<&'a str>, certainty: Certainty, call: &'a Call) {
        if let Some(session) = session {
            self.of.entry(session).or_default().push((certainty, call));
        }
    }

    fn all_of(&self, session: &str) -> &[(Certainty, &'a Call)] {
        self.of.get(session).map_or(&[], Vec::as_slice)
    }

    /// Whose session it is.
    pub fn owner(&self, session: &str) -> Option<&'a str> {
        self.sign_ins.get(session).map(|sign_in| sign_in.who.as_str())
    }

    /// Whether nobody can have ended it.
    pub fn none(&self, session: &str) -> bool {
        self.all_of(session).is_empty()
    }

    /// When its end was first confirmed, and by which call.
    pub fn confirmed(&self, session: &str) -> Option<(Moment, &'a Call)> {
        let confirmed = self.all_of(session).iter().filter(|(certainty, _)| *certainty == Certainty::Confirmed);
        confirmed.map(|(_, call)| (call.finished, *call)).min_by_key(|(finished, _)| *finished)
    }

    /// A call that obliges every server to refuse it once everything is healed: one that was confirmed, or one that was
    /// acknowledged, whatever became of the server that did.
    pub fn acknowledged(&self, session: &str) -> Option<&'a Call> {
        let binding = |(certainty, _): &&(Certainty, &'a Call)| *certainty != Certainty::Possible;
        self.all_of(session).iter().find(binding).map(|(_, call)| *call)
    }

    /// The end, if there is one, by reason of which this very server must refuse `request` although others need not
    /// yet.
    pub fn refused_at_once(&self, session: &str, request: &Call) -> Option<&'a Call> {
        self.obliges_at_once(session, request.server, request.invoked, request.finished)
    }

    /// The same for something that this server said in a stream at this moment.
    pub fn silent_at_once(&self, session: &str, server: usize, sent: Moment) -> Option<&'a Call> {
        self.obliges_at_once(session, server, sent, sent)
    }

    fn obliges_at_once(&self, session: &str, server: usize, began: Moment, finished: Moment) -> Option<&'a Call> {
        let mut here = self.all_of(session).iter().filter(|(_, end)| end.server == server && began > end.finished);
        let obliges = |(certainty, end): &&(Certainty, &'a Call)| match certainty {
            Certainty::Confirmed => true,
            // Which the *others* are only the database knows; another server may have taken over a pending end.
            Certainty::Pending => {
                !matches!(end.what, What::End { scope: Scope::Others, .. })
                    && !self.died_between(end.server, end.invoked, finished)
            }
            Certainty::Possible => false,
        };
        here.find(obliges).map(|(_, end)| *end)
    }

    fn died_between(&self, server: usize, from: Moment, to: Moment) -> bool {
        self.history.deaths.iter().any(|(dead, at)| *dead == server && (from..=to).contains(at))
    }
}

/// A call that ended many sessions of a user at once: what it means for one that began with `sign_in`.
fn one_of_many(call: &Call, sign_in: &Call, ended: u64) -> Option<Certainty> {
    let began_before = sign_in.finished < call.invoked;
    let began_after = sign_in.invoked > call.finished;
    match call.outcome {
        // Nothing was left to end, or the session that asked had ended before: neither touched this one.
        Outcome::Ok if ended == 0 => None,
        Outcome::Ok | Outcome::Pending if began_after => None,
        Outcome::Ok if began_before => Some(Certainty::Confirmed),
        Outcome::Pending if began_before => Some(Certainty::Pending),
        Outcome::Refused => None,
        // What failed may still happen, to whatever there is by then.
        Outcome::Ok | Outcome::Pending | Outcome::Failed | Outcome::Unknown => Some(Certainty::Possible),
    }
}
