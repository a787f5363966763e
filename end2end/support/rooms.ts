// People in a room: what they do there, and where it shows.

import type { BrowserContextOptions, Locator } from "@playwright/test";
import { stranger, type Account } from "./api.ts";
import { refused } from "./complaints.ts";
import type { Person } from "./person.ts";
import { expect } from "./test.ts";

/** Who is not in a room is refused, and the browser writes a line for it. */
const notIn = /status of 403/;
export const room = "The attic";
/** Who has lost the connection is greyed after ten seconds. */
export const greyed = { timeout: 25_000 };
/** Everything else is seen in a moment. */
export const atOnce = { timeout: 8_000 };

export type Open = (options?: BrowserContextOptions) => Promise<Person>;

/** Somebody with an account, signed in in a browser of their own. */
export async function signedUp(
  open: Open,
  name: string,
  options: BrowserContextOptions = {},
): Promise<[Person, Account]> {
  const person = await open(options);
  // Whoever is signed out may have asked for something at that moment.
  person.complaints.allow(notIn, refused);
  const account = stranger(name);
  await person.signsUp(account);
  await person.entersCodeFromMailbox(account);
  await person.seesDevices(1);
  return [person, account];
}

export async function makesRoom(person: Person, name = room): Promise<void> {
  await person.goesTo("/rooms");
  await person.field("Name of a new room").fill(name);
  await person.button("Make a room").click();
  await expect(person.heading(name)).toBeVisible();
  await expect(message(person)).toBeVisible();
}

export async function joinsRoom(person: Person, name = room): Promise<void> {
  await person.goesTo("/rooms");
  await person.button(`Join ${name}`).click();
  await expect(person.heading(name)).toBeVisible();
  await expect(message(person)).toBeVisible();
}

export function log(person: Person): Locator {
  return person.page.getByRole("log");
}

/** Where one writes. */
export function message(person: Person): Locator {
  return person.field("Message");
}

/** The row of somebody in the room. */
export function inRoom(person: Person, name: string): Locator {
  return person.page.getByRole("region", { name: "In this room" }).getByRole("listitem").filter({ hasText: name });
}

export async function says(person: Person, text: string): Promise<void> {
  await message(person).fill(text);
  await message(person).press("Enter");
  await expect(log(person)).toContainText(text);
}

/** Ada has made a room, and Grace and Bob have joined it. */
export async function threeInARoom(open: Open): Promise<[Person, Person, Person]> {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace] = await signedUp(open, "Grace Hopper");
  const [bob] = await signedUp(open, "Bob Kahn");
  await makesRoom(ada);
  await joinsRoom(grace);
  await joinsRoom(bob);
  return [ada, grace, bob];
}
