// Rooms where people are at different servers: they see each other come, write and go, as if there were one.

import { refused, unreachable } from "../support/complaints.ts";
import { atOnce, greyed, inRoom, joinsRoom, log, makesRoom, message, says, signedUp } from "../support/rooms.ts";
import { expect } from "../support/test.ts";
import { test } from "../support/two-servers.ts";

test("people at two servers see each other come, write and sign out", async ({ open, openAtOther }) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace] = await signedUp(openAtOther, "Grace Hopper");
  const [bob] = await signedUp(openAtOther, "Bob Kahn");
  await makesRoom(ada);
  await joinsRoom(grace);
  await joinsRoom(bob);
  for (const name of ["Ada Lovelace", "Grace Hopper", "Bob Kahn"]) {
    await expect(inRoom(ada, name)).toContainText("Here");
    await expect(inRoom(bob, name)).toContainText("Here");
  }
  await message(grace).pressSequentially("From over here", { delay: 30 });
  await expect(ada.page.getByText("Grace Hopper is typing…")).toBeVisible(atOnce);
  await message(grace).press("Enter");
  await expect(log(ada)).toContainText("From over here", atOnce);
  await message(bob).pressSequentially("I was about to");
  await expect(ada.page.getByText("Bob Kahn is typing…")).toBeVisible(atOnce);
  await bob.signsOut();
  for (const person of [ada, grace]) {
    await expect(log(person)).toContainText("Bob Kahn signed out", atOnce);
    await expect(inRoom(person, "Bob Kahn")).toHaveCount(0);
    await expect(person.page.getByText("is typing…")).toHaveCount(0);
  }
});

test("a server that restarts makes its people grey at the other one, and they come back without a word", async ({
  open,
  openAtOther,
  other,
}) => {
  const [ada] = await signedUp(open, "Ada Lovelace");
  const [grace] = await signedUp(openAtOther, "Grace Hopper");
  grace.complaints.allow(unreachable, refused, /WebSocket/);
  await makesRoom(ada);
  await joinsRoom(grace);
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Here");
  await other.stop();
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Connection lost", greyed);
  await says(ada, "Are you there?");
  await other.start();
  await expect(log(grace)).toContainText("Are you there?", { timeout: 40_000 });
  await expect(inRoom(ada, "Grace Hopper")).toContainText("Here", { timeout: 40_000 });
  await expect(log(ada).getByText("Grace Hopper joined")).toHaveCount(1);
  await expect(log(ada)).not.toContainText("Grace Hopper left");
});
