// Signing out: here, everywhere, and what is left afterwards.

import type { Page } from "@playwright/test";
import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test, userAgents } from "../support/test.ts";

async function everythingScriptsCanRead(page: Page): Promise<string> {
  return page.evaluate(() => {
    const storages = [localStorage, sessionStorage].flatMap((storage) => Object.entries(storage));
    return JSON.stringify([storages, document.cookie, location.href, document.documentElement.outerHTML]);
  });
}

test("signing out leaves the browser signed out, also after a reload and going back", async ({ person }) => {
  await person.signsIn(demo);
  await person.page.getByRole("navigation").getByRole("link", { name: "Activity" }).click();
  await expect(person.heading("Activity")).toBeVisible();
  await person.signsOut();
  await person.page.reload();
  await person.isSignedOut();
  await person.page.goBack();
  await person.isSignedOut();
  await expect(person.thisDevice()).toBeHidden();
});

test("signing out everywhere gives a receipt that fills in", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  phone.complaints.allow(refused);
  laptop.complaints.allow(refused);
  await laptop.signsIn(demo);
  await phone.signsIn(demo);
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await laptop.seesDevices(3);

  await laptop.signsOutEverywhere();
  await laptop.isSignedOut("You signed out on all devices");
  await phone.isSignedOut(/someone signed out all devices/);
  const receipt = (device: string) => laptop.page.getByRole("listitem").filter({ hasText: device });
  await expect(receipt("Safari on iPhone")).toContainText(/confirmed/i);
  await expect(receipt("backup script")).toContainText(/offline/i);
  // Loaded again, it is there in a moment, without a touch.
  await laptop.page.reload();
  await expect(receipt("Safari on iPhone")).toContainText(/confirmed/i, { timeout: 7_000 });
});

test("a device that was signed out from another one shows nothing new of the account", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  phone.complaints.allow(refused);
  await laptop.signsIn(demo);
  await phone.signsIn(demo);
  await phone.page.getByRole("navigation").getByRole("link", { name: "Activity" }).click();
  await expect(phone.heading("Activity")).toBeVisible();
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  // Pointed at, it would stay.
  await phone.toast("New sign-in: backup script.").hover();

  await laptop.endsDevice("Safari on iPhone");
  await phone.isSignedOut(/someone signed out this device/);
  await expect(phone.toast(/New sign-in/)).toHaveCount(0);
});

test("on a phone it is said once why one was signed out", async ({ open, api }) => {
  const phone = await open({ userAgent: userAgents.iphoneSafari, viewport: { width: 390, height: 740 } });
  phone.complaints.allow(refused);
  await phone.signsIn(demo);
  await api.signsOutEverywhere(await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl }));
  await phone.isSignedOut(/You were signed out because someone signed out all devices/);
  await expect(phone.page.getByText(/You were signed out/).filter({ visible: true })).toHaveCount(1);
});

test("a token from before the sign-out is refused", async ({ person, api }) => {
  const requests: string[] = [];
  person.page.on("request", (request) => {
    const header = request.headers().authorization;
    if (header !== undefined) requests.push(header.replace("Bearer ", ""));
  });
  await person.signsIn(demo);
  await expect.poll(() => requests.length).toBeGreaterThan(0);
  const token = requests.at(-1) ?? "";
  expect((await api.asksWhoAmI(token)).status).toBe(200);

  await person.signsOut();
  const answer = await api.asksWhoAmI(token);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("www-authenticate")).toContain("Bearer");
  expect(await answer.json()).toMatchObject({ status: 401, code: "session-ended" });
});

test("neither web storage, cookies of scripts, address nor page ever hold a token", async ({ person }) => {
  await person.signsIn(demo);
  for (const path of ["/devices", "/activity", "/profile"]) {
    await person.goesTo(path);
    await expect(person.personMenu()).toBeVisible();
    const stored = await everythingScriptsCanRead(person.page);
    // Access tokens are JWTs, which begin with an encoded `{"`; refresh tokens begin with `lkr_`.
    expect(stored).not.toMatch(/eyJ[\w-]{10,}|lkr_[\w-]{10,}/);
  }
  const cookies = await person.context.cookies();
  expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
    { httpOnly: true, sameSite: "Strict" },
    { httpOnly: true, sameSite: "Strict" },
  ]);
  expect(await person.sessionCookies()).toHaveLength(1);
});

test("nothing of the person is left in the browser after signing out", async ({ person }) => {
  await person.signsIn(demo);
  await person.signsOut();
  // The page itself names the demo person, as every sign-in page of a development server does.
  const stored = await person.page.evaluate(() =>
    JSON.stringify([localStorage, sessionStorage].flatMap(Object.entries)),
  );
  expect(stored).not.toContain(demo.email);
  expect(stored).not.toContain(demo.name);
  expect(await person.sessionCookies()).toEqual([]);
});
