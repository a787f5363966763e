// Several tabs of one browser are one device.

import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

test("signing out in one tab signs out the other", async ({ person }) => {
  person.complaints.allow(refused);
  await person.signsIn(demo);
  const other = await person.opensAnotherTab();
  await other.seesDevices(1);
  await person.signsOut();
  await other.isSignedOut();
});

test("signing in in one tab signs in the other", async ({ person }) => {
  await person.goesTo("/sign-in");
  const other = await person.opensAnotherTab();
  await person.signsInHere(demo);
  await person.seesDevices(1);
  await other.seesDevices(1);
});

test.describe("with tokens of a few seconds", () => {
  test.use({ settings: { JWT_EXPIRE: "5s" } });

  test("tabs that refresh at the same time both stay signed in", async ({ person, api }) => {
    person.complaints.allow(refused);
    await person.signsIn(demo);
    const tabs = [person, await person.opensAnotherTab(), await person.opensAnotherTab()];

    // Three refreshes' worth of loading again, all at once.
    for (let round = 0; round < 3; round++) {
      await Promise.all(tabs.map(async (tab) => tab.page.reload()));
      for (const tab of tabs) await tab.seesDevices(1);
    }

    const script = await api.signsIn(demo, { deviceName: "witness", userAgent: "curl/8.5.0" });
    for (const tab of tabs) await expect(tab.device("witness")).toBeVisible();
    expect((await api.signsOut(script)).status).toBe(200);
  });
});
