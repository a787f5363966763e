// Bad weather: the server restarts, the connection goes, the clock is wrong.

import { demo } from "../support/api.ts";
import { refused, unreachable } from "../support/complaints.ts";
import { expect, test, userAgents } from "../support/test.ts";

test("a person stays signed in while the server restarts, and the list is live again", async ({
  person,
  server,
  api,
}) => {
  person.complaints.allow(unreachable);
  await person.signsIn(demo);
  await server.restart();
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await expect(person.device("backup script")).toBeVisible({ timeout: 20_000 });
  await person.page.reload();
  await person.seesDevices(2);
});

test("a session that is ended while the server is away is over when it is back", async ({ open, server, api }) => {
  const laptop = await open();
  laptop.complaints.allow(unreachable, refused);
  await laptop.signsIn(demo);
  const script = await api.signsIn(demo);
  await laptop.context.setOffline(true);
  await api.signsOutEverywhere(script);
  await server.restart();
  await laptop.context.setOffline(false);
  await laptop.isSignedOut(/signed out all devices/, 20_000);
});

test("being offline is shown, and ends by itself", async ({ person }) => {
  person.complaints.allow(unreachable);
  await person.signsIn(demo);
  await person.context.setOffline(true);
  await person.seesToast(/You’re offline/);
  await expect(person.thisDevice()).toBeVisible();
  await person.context.setOffline(false);
  await person.seesToast("You’re back online.");
  await person.seesDevices(1);
});

for (const [words, days] of [
  ["a day ahead", 1],
  ["a day behind", -1],
] as const) {
  test(`a browser whose clock is ${words} is neither signed out nor kept busy`, async ({ person }) => {
    let refreshes = 0;
    person.page.on("request", (request) => {
      if (request.url().endsWith("/api/auth/refresh")) refreshes += 1;
    });
    await person.context.addInitScript((shift) => {
      const RealDate = Date;
      const now = () => RealDate.now() + shift;
      globalThis.Date = new Proxy(RealDate, {
        construct: (target, values: unknown[]) =>
          Reflect.construct(target, values.length === 0 ? [now()] : values) as object,
        get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
      });
    }, days * 86_400_000);

    await person.signsIn(demo);
    await person.page.reload();
    await person.seesDevices(1);
    await expect(person.thisDevice()).toContainText("Active now");
    await person.page.getByRole("navigation").getByRole("link", { name: "Activity" }).click();
    await expect(person.heading("Activity")).toBeVisible();
    // One for the reload; nothing that a clock could set off.
    expect(refreshes).toBeLessThanOrEqual(2);
  });
}
