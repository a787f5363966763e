//! Rooms: who is in them, what is said there, and who leaves them with the end of a session.

mod endings;
mod feeds;
mod heartbeats;
mod http;
mod leftovers;
mod moderation;
mod presence;
mod races;
mod reasons;
mod socket;
mod socket_limits;
mod socket_sessions;
mod store;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Answer, Device, TestApp};
use crate::support::pair::eventually;
use crate::support::socket::Socket;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

fn id_of(device: &Device<'_>) -> String {
    device.tokens["user"]["id"].as_str().expect("an id").to_owned()
}

fn is(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

/// Makes a room, and gives its path.
async fn makes_room(device: &Device<'_>, name: &str) -> String {
    let answer = device.post("/api/rooms", &json!({"name": name})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    format!("/api/rooms/{}", answer.body["roomId"].as_str().expect("an id"))
}

/// Two users in a room that one of them has made.
async fn two_in_a_room(app: &TestApp) -> (Device<'_>, Device<'_>, String) {
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    let attic = makes_room(&ada, "Attic").await;
    joins(&bob, &attic).await;
    (ada, bob, attic)
}

async fn asks_to_join(device: &Device<'_>, room: &str) -> Answer {
    device.post(&format!("{room}/join"), &json!({})).await
}

async fn joins(device: &Device<'_>, room: &str) {
    let answer = asks_to_join(device, room).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

async fn leaves(device: &Device<'_>, room: &str) -> Answer {
    device.post(&format!("{room}/leave"), &json!({})).await
}

async fn says(device: &Device<'_>, room: &str, text: &str) -> Answer {
    device.post(&format!("{room}/messages"), &json!({"text": text})).await
}

async fn signs_out(device: &Device<'_>) {
    assert_eq!(device.post("/api/auth/logout", &json!({})).await.status, StatusCode::OK);
}

/// What was said in a room, oldest first.
async fn messages(device: &Device<'_>, room: &str) -> Vec<Value> {
    let answer = device.get(&format!("{room}/messages")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let mut messages = answer.body["messages"].as_array().expect("messages").clone();
    messages.reverse();
    messages
}

/// What the room has said of a user, in order.
async fn system_messages_of(reader: &Device<'_>, room: &str, user: &str) -> Vec<String> {
    let all = messages(reader, room).await;
    let of_user = all.iter().filter(|message| message["senderId"] == user && message["kind"] != "text");
    of_user.map(|message| message["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// Who is in a room, by their ids, with how they are there.
async fn participants(device: &Device<'_>, room: &str) -> Vec<(String, String)> {
    let answer = device.get(room).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let participants = answer.body["participants"].as_array().expect("a list").iter();
    participants.map(|participant| (text(&participant["userId"]), text(&participant["presence"]))).collect()
}

/// Whether a user is in a room.
async fn is_in(reader: &Device<'_>, room: &str, user: &str) -> bool {
    participants(reader, room).await.iter().any(|(id, _)| id == user)
}

/// The next event of this name about this user.
async fn next_of(socket: &mut Socket, name: &str, user: &str) -> Value {
    loop {
        let data = socket.next_named(name).await;
        if data["userId"] == user {
            return data;
        }
    }
}
