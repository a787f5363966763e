// Rooms: who is there, what is said, and what the end of a session takes along. Each person has a browser of their own.

import AxeBuilder from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import { demo, stranger, type Account } from "../support/api.ts";
import { Cable } from "../support/cable.ts";
import { unreachable } from "../support/complaints.ts";
import type { Person } from "../support/person.ts";
import {
  atOnce,
  greyed,
  inRoom,
  joinsRoom,
  log,
  makesRoom,
  message,
  room,
  says,
  signedUp,
  threeInARoom,
} from "../support/rooms.ts";
import { expect, test, userAgents } from "../support/test.ts";

test("three people see who comes, what is said and who writes", async ({ open }) => {
  const [ada, grace, bob] = await threeInARoom(open);
  await expect(log(ada)).toContainText("Bob Kahn joined", atOnce);
  for (const name of ["Ada Lovelace", "Grace Hopper", "Bob Kahn"]) {
    await expect(inRoom(ada, name)).toContainText("Here");
  }
  await message(grace).pressSequentially("Good", { delay: 60 });
  await expect(ada.page.getByText("Grace Hopper is typing…")).toBeVisible(atOnce);
  await expect(grace.page.getByText("is typing…")).toHaveCount(0);
  await message(grace).press("Shift+Enter");
  await message(grace).pressSequentially("<b>morning</b>");
  await message(grace).press("Enter");
  for (const person of [ada, bob, grace]) {
    // Text, and nothing else of it.
    await expect(log(person)).toContainText("<b>morning</b>", atOnce);
    await expect(log(person).locator("b")).toHaveCount(0);
    await expect(person.page.getByText("is typing…")).toHaveCount(0);
  }
  await expect(message(grace)).toHaveValue("");
  await expect(message(grace)).toBeFocused();
});

test("whoever stops typing without a word is not said to type for long", async ({ open }) => {
  const [ada, grace] = await threeInARoom(open);
  await message(grace).pressSequentially("I");
  await expect(ada.page.getByText("Grace Hopper is typing…")).toBeVisible(atOnce);
  await expect(ada.page.getByText("is typing…")).toHaveCount(0, { timeout: 12_000 });
});

test("whoever signs out leaves, and the others see it", async ({ open }) => {
  const [ada, grace, bob] = await threeInARoom(open);
  await message(bob).pressSequentially("I was about to");
  await expect(ada.page.getByText("Bob Kahn is typing…")).toBeVisible(atOnce);
  await bob.signsOut();
  for (const person of [ada, grace]) {
    await expect(log(person)).toContainText("Bob Kahn signed out", atOnce);
    await expect(inRoom(person, "Bob Kahn")).toHaveCount(0);
    await expect(person.page.getByText("is typing…")).toHaveCount(0);
  }
});

test("whoever is signed out from the devices page leaves, and is told why", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace, account] = await signedUp(open, "Grace Hopper", { userAgent: userAgents.windowsFirefox });
  await makesRoom(ada);
  await joinsRoom(grace);
  await says(grace, "From my laptop");
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  await phone.signsIn(account);
  await phone.endsDevice("Firefox on Windows");
  await grace.isSignedOut();
  await expect(log(ada)).toContainText("Grace Hopper was signed out", atOnce);
  await expect(inRoom(ada, "Grace Hopper")).toHaveCount(0);
  await expect(grace.page.getByText("From my laptop")).toHaveCount(0);
});

test("whoever signs out everywhere on another device was signed out here", async ({ open, api }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace, account] = await signedUp(open, "Grace Hopper");
  await makesRoom(ada);
  await joinsRoom(grace);
  await api.signsOutEverywhere(await api.signsIn(account));
  await expect(log(ada)).toContainText("Grace Hopper was signed out", atOnce);
  await grace.isSignedOut(/someone signed out all devices/);
});

/** Nothing of it is in the page, or in anything that the browser keeps. */
async function holdsNothingOf(person: Person, texts: readonly string[]): Promise<void> {
  const held = await person.page.evaluate(() => {
    const stored = [localStorage, sessionStorage].flatMap((storage) => Object.entries(storage));
    return `${document.documentElement.outerHTML} ${JSON.stringify([stored, history.state])}`;
  });
  for (const text of texts) expect(held).not.toContain(text);
}

/** An administrator at the page of somebody. */
async function findsPerson(admin: Person, account: Account): Promise<void> {
  await admin.goesTo("/admin/users");
  await admin.page.getByLabel("Find", { exact: true }).fill(account.email);
  await admin.link(account.name).click();
  await expect(admin.heading(account.name)).toBeVisible();
}

test("whoever is signed out by an administrator leaves, is told why, and starts clean", async ({ open }) => {
  const [ada, grace, bob] = await threeInARoom(open);
  const admin = await open();
  await admin.signsIn(demo);
  const [lin, account] = await signedUp(open, "Lin Yao");
  await joinsRoom(lin);
  await says(ada, "Between us");
  await expect(log(lin)).toContainText("Between us", atOnce);
  await findsPerson(admin, account);
  await admin.button(/^End the session on/).click();
  await message(lin).pressSequentially("Half a sentence");
  await expect(bob.page.getByText("Lin Yao is typing…")).toBeVisible(atOnce);
  await admin.dialog().getByRole("button", { name: "End session", exact: true }).click();
  for (const person of [ada, grace, bob]) {
    await expect(log(person)).toContainText("Lin Yao was signed out", atOnce);
    await expect(inRoom(person, "Lin Yao")).toHaveCount(0);
    await expect(person.page.getByText("is typing…")).toHaveCount(0);
  }
  await lin.isSignedOut("You were signed out by an administrator.");
  await holdsNothingOf(lin, ["Between us", "Half a sentence", "Ada Lovelace", "Grace Hopper", "Bob Kahn"]);

  // Back where they were, and in no room.
  await lin.signsInHere(account);
  await expect(lin.page.getByRole("heading", { name: "You’re not in this room" })).toBeVisible();
  await holdsNothingOf(lin, ["Between us", "Half a sentence", "Ada Lovelace"]);
  await lin.button(/^Join /).click();
  await expect(message(lin)).toHaveValue("");
  await expect(log(ada).getByText("Lin Yao joined")).toHaveCount(2);
});

test("of an account that is deleted nothing stays with those who watch", async ({ open, api }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace, account] = await signedUp(open, "Grace Hopper");
  await makesRoom(ada);
  await joinsRoom(grace);
  await says(grace, "Forget me");
  await expect(log(ada)).toContainText("Forget me", atOnce);
  expect((await api.deletesAccount(await api.signsIn(account))).status).toBe(200);
  const seesNothingOfGrace = async () => {
    await expect(log(ada)).toContainText("Ada Lovelace joined");
    await expect(log(ada)).not.toContainText("Grace Hopper", atOnce);
    await expect(log(ada)).not.toContainText("Forget me");
    await expect(inRoom(ada, "Grace Hopper")).toHaveCount(0);
  };
  await seesNothingOfGrace();
  await ada.page.reload();
  await seesNothingOfGrace();
});

test("a new password takes the other device out of the room", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [laptop, account] = await signedUp(open, "Grace Hopper", { userAgent: userAgents.windowsFirefox });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  await phone.signsIn(account);
  await makesRoom(ada);
  await joinsRoom(phone);
  await says(ada, "Between us");
  await expect(log(phone)).toContainText("Between us", atOnce);
  await laptop.goesTo("/profile");
  await laptop.password("Current password").fill(account.password);
  await laptop.password("New password").fill("nine umbrellas in a bakery");
  await laptop.button("Change password").click();
  await laptop.seesToast(/^Password changed/);
  await expect(log(ada)).toContainText("Grace Hopper was signed out", atOnce);
  await expect(inRoom(ada, "Grace Hopper")).toHaveCount(0);
  await phone.isSignedOut(/someone changed your password/);
  await holdsNothingOf(phone, ["Between us", "Ada Lovelace"]);
});

test.describe("where sessions are short", () => {
  test.use({
    settings: {
      JWT_EXPIRE: "50s",
      REFRESH_EXPIRE: "50s",
      SESSION_MAX_AGE: "50s",
      SESSION_WARNING: "10s",
      PRESENCE_TIMEOUT: "20s",
    },
  });

  test("whose session expires leaves, and the room says that it did", async ({ open }) => {
    const [grace] = await signedUp(open, "Grace Hopper");
    await makesRoom(grace);
    await says(grace, "Between us");
    // Her session is younger than the one that expires.
    const [ada] = await signedUp(open, "Ada Lovelace");
    await joinsRoom(ada);
    await expect(log(ada)).toContainText("Grace Hopper’s session expired", { timeout: 60_000 });
    await expect(inRoom(ada, "Grace Hopper")).toHaveCount(0);
    await grace.isSignedOut("Your session expired.");
    await holdsNothingOf(grace, ["Between us", "Ada Lovelace"]);
  });
});

test("a network that is cut makes one grey, and whoever is back in time was never gone", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [bob] = await signedUp(open, "Bob Kahn");
  const cable = await Cable.lay();
  try {
    const [grace] = await signedUp(open, "Grace Hopper", { proxy: { server: cable.address } });
    grace.complaints.allow(unreachable, /WebSocket/);
    await makesRoom(ada);
    await joinsRoom(bob);
    await joinsRoom(grace);
    await expect(inRoom(ada, "Grace Hopper")).toContainText("Here");
    cable.cut();
    for (const person of [ada, bob]) {
      await expect(inRoom(person, "Grace Hopper")).toContainText("Connection lost", greyed);
    }
    await expect(grace.page.getByText(/the others see you greyed/)).toBeVisible();
    await says(ada, "Are you there?");
    cable.mend();
    await expect(log(grace)).toContainText("Are you there?", { timeout: 40_000 });
    for (const person of [ada, bob]) {
      await expect(inRoom(person, "Grace Hopper")).toContainText("Here", { timeout: 40_000 });
      await expect(log(person).getByText("Grace Hopper joined")).toHaveCount(1);
      await expect(log(person)).not.toContainText("Grace Hopper left");
      await expect(log(person)).not.toContainText("signed out");
    }
  } finally {
    await cable.remove();
  }
});

test("whoever is disconnected by an operator stays signed in, and comes back when they ask for it", async ({
  open,
}) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace, account] = await signedUp(open, "Grace Hopper");
  const admin = await open();
  await admin.signsIn(demo);
  await makesRoom(ada);
  await joinsRoom(grace);
  await findsPerson(admin, account);
  await admin.button(/^Disconnect /).click();
  await expect(admin.dialog()).toContainText("Grace Hopper stays signed in");
  await admin.dialog().getByRole("button", { name: "Disconnect", exact: true }).click();
  await admin.seesToast(/Grace Hopper was disconnected/);
  await expect(grace.page.getByText("An operator disconnected you from your rooms.")).toBeVisible(atOnce);
  await grace.button("Connect again").click();
  await expect(grace.page.getByText("An operator disconnected you from your rooms.")).toHaveCount(0);
  await says(ada, "Back again?");
  await expect(log(grace)).toContainText("Back again?", atOnce);
  await expect(log(ada)).not.toContainText("Grace Hopper left");
  await expect(log(ada)).not.toContainText("signed out");
});

test("with two devices one is gone only with the last", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace, account] = await signedUp(open, "Grace Hopper");
  await makesRoom(ada);
  await joinsRoom(grace);
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  await phone.signsIn(account);
  await phone.link("Rooms").click();
  await phone.link(room).click();
  await expect(message(phone)).toBeVisible();
  await expect(inRoom(phone, "Grace Hopper")).toContainText("Here");
  // The phone is there once the server has heard of it.
  await says(phone, "From my phone");
  await grace.signsOut();
  await says(ada, "Still there?");
  await expect(log(phone)).toContainText("Still there?", atOnce);
  await expect(inRoom(ada, "Grace Hopper")).toHaveCount(1);
  await phone.signsOut();
  await expect(log(ada)).toContainText("Grace Hopper signed out", atOnce);
});

test("a tab that is gone without a word is greyed, and is no sign-out", async ({ open }) => {
  const [ada, grace] = await threeInARoom(open);
  await grace.context.close();
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Connection lost", greyed);
  await expect(log(ada)).not.toContainText("Grace Hopper signed out");
  await expect(log(ada)).not.toContainText("Grace Hopper left");
});

test("a reload comes back without a word", async ({ open }) => {
  const [ada, grace] = await threeInARoom(open);
  await grace.page.reload();
  await expect(message(grace)).toBeVisible();
  await says(grace, "Here again");
  await expect(log(ada)).toContainText("Here again", atOnce);
  await expect(log(ada).getByText("Grace Hopper joined")).toHaveCount(1);
  await expect(log(ada)).not.toContainText("Grace Hopper left");
});

test("a reload of another page stays in the room, and whoever was never in one loads nothing of it", async ({
  open,
}) => {
  const [ada, grace] = await threeInARoom(open);
  const [bystander] = await signedUp(open, "Tim Lee");
  const loaded: string[] = [];
  for (const person of [grace, bystander]) {
    person.page.on("request", (request) => {
      if (request.url().includes("latchkey-rooms")) loaded.push(person === grace ? "grace" : "bystander");
    });
  }
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Here");
  const socket = grace.page.waitForEvent("websocket");
  await grace.goesTo("/devices");
  await grace.seesDevices(1);
  await socket;
  // Nobody is away whose browser has not said so.
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Away");
  await bystander.goesTo("/activity");
  await expect(bystander.heading("Activity")).toBeVisible();
  await expect(log(ada).getByText("Grace Hopper joined")).toHaveCount(1);
  expect(loaded).toContain("grace");
  expect(loaded).not.toContain("bystander");
  await grace.signsOut();
  await expect(log(ada)).toContainText("Grace Hopper signed out", atOnce);
  expect(await grace.page.evaluate(() => localStorage.getItem("latchkey.live-in"))).toBeNull();
});

test("a server that restarts is found again, and nothing is missed", async ({ open, server }) => {
  const [ada, grace, bob] = await threeInARoom(open);
  ada.complaints.allow(unreachable, /WebSocket/);
  await server.restart();
  await expect(async () => {
    await says(ada, "Is anybody there?");
  }).toPass({ timeout: 40_000 });
  await expect(log(grace)).toContainText("Is anybody there?", { timeout: 40_000 });
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Here", { timeout: 40_000 });
  await expect(log(bob)).toContainText("Is anybody there?", { timeout: 40_000 });
  for (const name of ["Grace Hopper", "Bob Kahn"]) {
    await expect(log(ada).getByText(`${name} joined`)).toHaveCount(1);
    await expect(log(ada)).not.toContainText(`${name} left`);
  }
});

test("who is offline is told so, and what they wrote stays", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  ada.complaints.allow(unreachable, /WebSocket/);
  await makesRoom(ada);
  await ada.context.setOffline(true);
  await expect(ada.page.getByText("You can write, and send it when you are connected again.")).toBeVisible();
  await message(ada).fill("Later");
  await message(ada).press("Enter");
  await expect(ada.page.getByRole("alert").filter({ hasText: "You are offline." })).toBeVisible();
  await expect(message(ada)).toHaveValue("Later");
  await ada.context.setOffline(false);
  await expect(ada.page.getByText("You can write, and send it when you are connected again.")).toHaveCount(0);
  await expect(ada.page.getByRole("alert").filter({ hasText: "You are offline." })).toHaveCount(0, { timeout: 15_000 });
  await message(ada).press("Enter");
  await expect(log(ada)).toContainText("Later");
});

/** Where something stands on the screen, from its upper to its lower end. */
async function heightOf(what: Locator): Promise<{ top: number; bottom: number }> {
  return what.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return { top, bottom };
  });
}

for (const width of [390, 320]) {
  test(`a phone of ${width} pixels says twice that it is offline, and nothing lies over what is written`, async ({
    open,
  }) => {
    const [ada] = await signedUp(open, "Ada Lovelace", { viewport: { width, height: 700 } });
    const [grace] = await signedUp(open, "Grace Hopper");
    ada.complaints.allow(unreachable, /WebSocket|status of 500/);
    await makesRoom(ada);
    await joinsRoom(grace);
    await expect(inRoom(ada, "Grace Hopper")).toContainText("Here");
    await ada.context.setOffline(true);
    await expect(ada.page.getByText("You can write, and send it when you are connected again.")).toBeVisible();
    // By the line at the top, and where one writes.
    await expect(ada.page.getByText(/You(’re| are) offline/)).toHaveCount(2);
    await expect(ada.toast(/offline/)).toHaveCount(0);
    // Who is there cannot be known, oneself included.
    await expect(inRoom(ada, "Grace Hopper")).toContainText("Not known");
    await expect(inRoom(ada, "Ada Lovelace")).toContainText("Connection lost");
    await message(ada).fill("Later");
    await message(ada).press("Enter");
    await expect(ada.page.getByRole("alert").filter({ hasText: "You are offline." })).toBeVisible();
    await expect(ada.page.getByText(/You(’re| are) offline/)).toHaveCount(2);
    await ada.context.setOffline(false);
    for (const name of ["Grace Hopper", "Ada Lovelace"]) {
      await expect(inRoom(ada, name)).toContainText("Here", { timeout: 40_000 });
    }
    await ada.page.route("**/leave", async (route) => route.fulfill({ status: 500, body: "" }));
    await ada.button("Leave").click();
    await ada.dialog().getByRole("button", { name: "Leave room" }).click();
    await ada.seesToast(/You could not leave/);
    const toast = await heightOf(ada.page.locator(".toast"));
    const composer = await heightOf(ada.page.getByRole("form", { name: "Write" }));
    expect(toast.bottom).toBeLessThanOrEqual(composer.top);
  });
}

test("the next person at the browser sees nothing of the last", async ({ open }) => {
  const [ada, grace] = await threeInARoom(open);
  await says(ada, "Between us");
  await message(grace).fill("A word not sent");
  const bob = stranger("Bob Kahn");
  await grace.signsOut();
  await grace.signsUp(bob);
  await grace.entersCodeFromMailbox(bob);
  await grace.seesDevices(1);
  await grace.link("Rooms").click();
  await grace.link(room).click();
  await expect(grace.page.getByRole("heading", { name: "You’re not in this room" })).toBeVisible();
  const seen = await grace.page.content();
  for (const text of ["Between us", "A word not sent", "Ada Lovelace"]) expect(seen).not.toContain(text);
  await grace.button(`Join ${room}`).or(grace.button("Join Room")).click();
  await expect(message(grace)).toHaveValue("");
});

test("two tabs share one socket, and a closed one changes nothing", async ({ open }) => {
  const [ada, grace] = await threeInARoom(open);
  let sockets = 0;
  grace.context.on("page", (page) => {
    page.on("websocket", () => {
      sockets += 1;
    });
  });
  const tab = await grace.opensAnotherTab();
  await expect(message(tab)).toBeVisible();
  await says(ada, "To both of you");
  for (const one of [grace, tab]) await expect(log(one)).toContainText("To both of you", atOnce);
  expect(sockets).toBe(0);
  await grace.page.close();
  await says(ada, "To the one that is left");
  await expect(log(tab)).toContainText("To the one that is left", { timeout: 10_000 });
  await expect(log(ada)).not.toContainText("Grace Hopper left");
});

test("a moderator removes a message and a person", async ({ open }) => {
  const moderator = await open();
  await moderator.signsIn(demo);
  const [grace] = await signedUp(open, "Grace Hopper");
  await makesRoom(moderator);
  await joinsRoom(grace);
  await says(grace, "Something rude");
  await moderator.button("Remove this message of Grace Hopper").click();
  await moderator.dialog().getByRole("button", { name: "Remove message" }).click();
  for (const person of [moderator, grace]) {
    await expect(log(person)).toContainText("A moderator removed this message.", atOnce);
    await expect(log(person)).not.toContainText("Something rude");
  }
  // The button is gone, and who works by keyboard goes on from the top.
  await expect(moderator.heading(room)).toBeFocused(atOnce);
  await moderator.button("Remove Grace Hopper").click();
  await moderator.dialog().getByRole("button", { name: "Remove person" }).click();
  await expect(log(moderator)).toContainText("Grace Hopper was removed by a moderator", atOnce);
  await expect(moderator.heading(room)).toBeFocused(atOnce);
  await expect(grace.page.getByRole("heading", { name: "You were removed from this room" })).toBeVisible(atOnce);
  await expect(grace.page.getByText("A moderator removed this message.")).toHaveCount(0);
  // Until when is said in place of *Join*: at once, after a reload, and in the list.
  const until = /You can join again at \d/;
  await expect(grace.page.getByText(until)).toBeVisible();
  await expect(grace.button(/^Join /)).toHaveCount(0);
  await grace.page.reload();
  await expect(grace.page.getByText(until)).toBeVisible();
  await expect(grace.heading(room)).toBeVisible();
  await expect(grace.button(/^Join /)).toHaveCount(0);
  await grace.link("All rooms").click();
  await expect(grace.page.getByText(until)).toBeVisible();
  await expect(grace.button(/^Join /)).toHaveCount(0);
});

test("a room that one is not in has its name, and takes one in again once that is allowed", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace] = await signedUp(open, "Grace Hopper");
  await makesRoom(ada);
  const removedUntil = new Date(Date.now() + 20_000);
  await grace.page.route("**/api/rooms", async (route) => {
    const answer = await route.fetch();
    const { rooms } = (await answer.json()) as { rooms: object[] };
    await route.fulfill({ json: { rooms: rooms.map((one) => ({ ...one, removedUntil })) } });
  });
  await grace.goesTo(new URL(ada.page.url()).pathname);
  await expect(grace.heading(room)).toBeVisible();
  await expect(grace.page).toHaveTitle(new RegExp(room));
  await expect(grace.page.getByText(/You can join again at \d/)).toBeVisible();
  await expect(grace.button(/^Join /)).toHaveCount(0);
  // By itself.
  await expect(grace.button(`Join ${room}`)).toBeVisible({ timeout: 60_000 });
});

test("older messages come before the others, and the place in the text stays", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  await makesRoom(ada);
  const written = (number: number): object => ({
    number,
    kind: "text",
    senderId: "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70",
    senderName: "Grace Hopper",
    text: `Message ${number}`,
    at: new Date(Date.now() - (400 - number) * 60_000).toISOString(),
  });
  const page = (from: number): object[] => Array.from({ length: 100 }, (_, index) => written(from - index));
  await ada.page.route("**/api/rooms/*/messages*", async (route) => {
    const isOlder = route.request().url().includes("cursor=");
    await route.fulfill({ json: isOlder ? { messages: page(200) } : { messages: page(300), nextCursor: "201" } });
  });
  await ada.page.reload();
  await expect(log(ada).getByText("Message 300", { exact: true })).toBeInViewport();
  await expect(log(ada).getByText("Message 200", { exact: true })).toHaveCount(0);
  const first = log(ada).getByText("Message 201", { exact: true });
  await log(ada).evaluate((element) => {
    element.scrollTop = 40;
  });
  await expect(log(ada).getByText("Message 101", { exact: true })).toBeAttached();
  await expect(first).toBeInViewport();
  await expect(log(ada).getByText("Message 150", { exact: true })).not.toBeInViewport();
  await expect(ada.button("Show older messages")).toHaveCount(0);
});

test("the end stays in sight while others say much, and comes back with what one says oneself", async ({
  open,
  api,
}) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace, account] = await signedUp(open, "Grace Hopper");
  await makesRoom(ada);
  await joinsRoom(grace);
  const { accessToken } = await api.signsIn(account);
  const fromTheEnd = (): Promise<number> =>
    log(ada).evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  const path = `/api${new URL(ada.page.url()).pathname}/messages`;
  const burst = (count: number, words: string): Promise<number[]> =>
    grace.page.evaluate(
      ([path, authorization, count, words]) =>
        Promise.all(
          Array.from({ length: count }, async (_, number) => {
            const headers = { "content-type": "application/json", authorization };
            const body = JSON.stringify({ text: `${words} ${number}` });
            return (await fetch(path, { method: "POST", headers, body })).status;
          }),
        ),
      [path, `Bearer ${accessToken}`, count, words] as const,
    );
  expect(await burst(8, "One after the other")).toEqual(Array.from({ length: 8 }, () => 201));
  await expect(log(ada).getByText("One after the other")).toHaveCount(8, atOnce);
  await expect.poll(fromTheEnd).toBeLessThan(5);
  // Who reads further up is left there, until they say something.
  await log(ada).evaluate((element) => {
    element.scrollTop = 0;
  });
  await expect.poll(fromTheEnd).toBeGreaterThan(100);
  await burst(2, "Meanwhile");
  await expect(log(ada).getByText("Meanwhile")).toHaveCount(2, atOnce);
  expect(await fromTheEnd()).toBeGreaterThan(100);
  await says(ada, "I have read it");
  await expect.poll(fromTheEnd).toBeLessThan(5);
});

test("a room can be used by keyboard alone", async ({ open }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  await ada.goesTo("/rooms");
  await ada.field("Name of a new room").focus();
  await ada.page.keyboard.type(room);
  await ada.page.keyboard.press("Enter");
  await expect(ada.heading(room)).toBeFocused();
  // Before the room is loaded there is nothing to leave.
  await expect(message(ada)).toBeVisible();
  await ada.page.keyboard.press("Tab");
  await expect(ada.button("Leave")).toBeFocused();
  await ada.page.keyboard.press("Tab");
  await expect(log(ada)).toBeFocused();
  await ada.page.keyboard.press("Tab");
  await expect(message(ada)).toBeFocused();
  await ada.page.keyboard.type("Hello");
  await ada.page.keyboard.press("Tab");
  await ada.page.keyboard.press("Enter");
  await expect(log(ada)).toContainText("Hello");
  await expect(message(ada)).toBeFocused();
  await ada.button("Leave").focus();
  await ada.page.keyboard.press("Enter");
  await ada.page.keyboard.press("Escape");
  await expect(ada.button("Leave")).toBeFocused();
  await ada.page.keyboard.press("Enter");
  await ada.dialog().getByRole("button", { name: "Leave room" }).press("Enter");
  await expect(ada.page.getByRole("heading", { name: "You left this room" })).toBeVisible();
  await expect(ada.heading(room)).toBeFocused();
});

async function isFit(person: Person, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page: person.page }).analyze();
  const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.target.join(" ")) }));
  expect.soft(found, where).toEqual([]);
  const beyond = await person.page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(beyond, `${where} is wider than the screen`).toBeLessThanOrEqual(0);
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`every state is fit for everybody, on a small phone, in ${colorScheme}`, async ({ open }) => {
    const look = { colorScheme, reducedMotion: "reduce", viewport: { width: 320, height: 640 } } as const;
    const [ada] = await signedUp(open, "Ada Lovelace", look);
    ada.complaints.allow(unreachable, /WebSocket|status of 4|status of 500/);
    await ada.goesTo("/rooms");
    await expect(ada.page.getByText("There are no rooms yet")).toBeVisible();
    await isFit(ada, "/rooms without any");
    await makesRoom(ada, "A-room-whose-name-is-one-long-word-without-place-to-break");
    await isFit(ada, "a room in which nothing was said");
    await says(ada, "https://example.com/an-address-without-any-place-to-break-it-so-that-it-is-wider-than-a-phone");
    await says(ada, "שלום, how are you?");
    await message(ada).fill("x".repeat(1_490));
    await expect(ada.page.getByText("10 characters left")).toBeVisible();
    await isFit(ada, "a room");
    await message(ada).fill("x".repeat(1_501));
    await message(ada).press("Enter");
    await expect(message(ada)).toHaveAttribute("aria-invalid", "true");
    await isFit(ada, "a message that is too long");
    await message(ada).fill("Short");
    await ada.context.setOffline(true);
    await expect(ada.page.getByText("You can write, and send it when you are connected again.")).toBeVisible();
    await isFit(ada, "offline");
    await ada.context.setOffline(false);
    await ada.button("Leave").click();
    await expect(ada.dialog()).toBeVisible();
    await isFit(ada, "the question before leaving");
    await ada.dialog().getByRole("button", { name: "Leave room" }).click();
    await expect(ada.page.getByRole("heading", { name: "You left this room" })).toBeVisible();
    await isFit(ada, "a room that was left");
    await ada.goesTo("/rooms");
    await expect(ada.button(/^Join /)).toBeVisible();
    await isFit(ada, "/rooms");
    await ada.goesTo("/rooms/0198ad30-2c33-7a64-9d75-3e4f5a6b7c82");
    await expect(ada.page.getByText("There is no such room")).toBeVisible();
    await isFit(ada, "no such room");
    await ada.page.route("**/api/rooms", async (route) => route.fulfill({ status: 500, body: "" }));
    await ada.goesTo("/rooms");
    await expect(ada.page.getByText("The rooms could not be loaded")).toBeVisible();
    await isFit(ada, "/rooms that could not be loaded");
    await ada.page.unroute("**/api/rooms");
    // By itself, or by *Try again*.
    await expect(ada.button(/^Join /)).toBeVisible();
  });
}
