// A tab that stands still in the middle of something: whoever is looked at takes over.

import type { Page } from "@playwright/test";
import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test, userAgents } from "../support/test.ts";

/**
 * The tab executes nothing any more and gets no event beforehand, as if its process were stopped. Gives what lets it go
 * on.
 */
async function standsStill(page: Page): Promise<() => Promise<void>> {
  const debug = await page.context().newCDPSession(page);
  await debug.send("Debugger.enable");
  const stopped = new Promise((resolve) => debug.once("Debugger.paused", resolve));
  await debug.send("Debugger.pause");
  void page.evaluate(() => 1).catch(() => undefined);
  await stopped;
  return async () => {
    await debug.send("Debugger.disable");
    await debug.detach();
  };
}

test("a tab that stands still with the stream loses it within five seconds", async ({ person, api }) => {
  await person.signsIn(demo);
  const other = await person.opensAnotherTab();
  await other.seesDevices(1);
  const goesOn = await standsStill(person.page);
  await api.signsIn(demo, { deviceName: "first", userAgent: userAgents.curl });
  await expect(other.device("first")).toBeVisible({ timeout: 10_000 });

  await goesOn();
  await expect(person.device("first")).toBeVisible();
  await api.signsIn(demo, { deviceName: "second", userAgent: userAgents.curl });
  for (const tab of [person, other]) await expect(tab.device("second")).toBeVisible({ timeout: 8_000 });
});

test("a tab that stands still in the middle of a refresh keeps no new tab waiting", async ({ person }) => {
  person.complaints.allow(refused);
  await person.signsIn(demo);
  const asked = person.page.waitForRequest("**/api/auth/refresh");
  await person.page.route("**/api/auth/refresh", async () => {
    // Never answered: the tab holds its turn.
  });
  const reloading = person.page.reload();
  await asked;
  await reloading;
  const goesOn = await standsStill(person.page);
  const other = await person.opensAnotherTab();
  await expect(other.heading(/^Signed in on/)).toBeVisible({ timeout: 10_000 });
  await goesOn();
});

test("a tab that the browser freezes hands the stream on", async ({ person, api }) => {
  await person.signsIn(demo);
  const other = await person.opensAnotherTab();
  await other.seesDevices(1);
  const lifecycle = await person.context.newCDPSession(person.page);
  await lifecycle.send("Page.setWebLifecycleState", { state: "frozen" });
  await api.signsIn(demo, { deviceName: "witness", userAgent: userAgents.curl });
  await expect(other.device("witness")).toBeVisible({ timeout: 10_000 });
  await lifecycle.send("Page.setWebLifecycleState", { state: "active" });
  await expect(person.device("witness")).toBeVisible();
});
