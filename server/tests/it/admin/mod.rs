//! The calls of administrators.

mod audit;
mod limits;
mod overview;
mod sessions;
mod users;

use reqwest::StatusCode;

use crate::support::app::{Answer, Device};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const OWNER: &str = "owner@example.com";

fn id_of<'d>(device: &'d Device<'_>) -> &'d str {
    device.tokens["user"]["id"].as_str().expect("an id")
}

fn is(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

fn is_ok(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}
