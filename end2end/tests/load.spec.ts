// What does not work at load, or not for a while: the page says so, offers to try again, and recovers by itself.

import type { Route } from "@playwright/test";

import { demo } from "../support/api.ts";
import { unreachable } from "../support/complaints.ts";
import type { Person } from "../support/person.ts";
import { expect, test, userAgents } from "../support/test.ts";

const tooMany = /status of 429/;

for (const [words, fails] of [
  ["the server cannot be reached", undefined],
  ["the server is overloaded", 503],
] as const) {
  for (const path of ["/devices", "/activity", "/profile"]) {
    test(`at load of ${path}, ${words}: the page says so, and trying again helps`, async ({ person }) => {
      person.complaints.allow(unreachable);
      await person.signsIn(demo);
      // Nothing works before somebody presses: the page tries by itself too, and would take the button away.
      await person.page.addInitScript(() => {
        addEventListener("click", () => (document.documentElement.dataset.pressed = ""), true);
      });
      const isPressed = async () => person.page.evaluate(() => "pressed" in document.documentElement.dataset);
      await person.page.route("**/api/auth/refresh", async (route) => {
        if (await isPressed()) await route.continue();
        else await (fails === undefined ? route.abort() : route.fulfill({ status: fails, body: "busy" }));
      });
      await person.goesTo(path);
      await expect(person.heading("This page could not be loaded")).toBeVisible();
      await expect(person.page.getByRole("main")).toContainText(/can’t be reached|can’t answer/);
      await expect(person.page).toHaveURL(new RegExp(`${path}$`));
      await person.button("Try again").click();
      await expect(person.heading("This page could not be loaded")).toBeHidden();
      await expect(person.page.getByRole("main").getByRole("heading").first()).toBeVisible();
    });
  }
}

/** Has calls of `address` fail by `failure`, until the function that it gives is called. */
async function failsFor(person: Person, address: string, failure: (route: Route) => Promise<void>) {
  let works = false;
  await person.page.route(address, (route) => (works ? route.continue() : failure(route)));
  return () => (works = true);
}

test("what could not be loaded comes by itself once it can", async ({ person }) => {
  person.complaints.allow(unreachable);
  await person.signsIn(demo);
  const works = await failsFor(person, "**/api/auth/refresh", (route) => route.abort());
  await person.page.reload();
  await expect(person.heading("This page could not be loaded")).toBeVisible();
  works();
  await person.seesDevices(1);
});

test("the list alone that cannot be loaded comes by itself once it can", async ({ person }) => {
  person.complaints.allow(unreachable);
  await person.signsIn(demo);
  const busy = (route: Route) => route.fulfill({ status: 503, body: "busy" });
  const works = await failsFor(person, "**/api/auth/sessions", busy);
  await person.page.reload();
  await expect(person.button("Try again")).toBeVisible();
  works();
  await person.seesDevices(1);
});

test("an error of an offline spell goes as soon as the network is back", async ({ person }) => {
  person.complaints.allow(unreachable);
  await person.signsIn(demo);
  const navigation = person.page.getByRole("navigation");
  await person.context.setOffline(true);
  await navigation.getByRole("link", { name: "Profile" }).click();
  await expect(person.button("Try again")).toBeVisible();
  await person.context.setOffline(false);
  await expect(person.button("Try again")).toBeHidden({ timeout: 3_000 });
  await expect(person.field("Your name")).toBeVisible();
});

test("a stream that never opens is mentioned, and the list stays current all the same", async ({ person, api }) => {
  person.complaints.allow(unreachable);
  await person.page.route("**/api/auth/events", (route) => route.fulfill({ status: 503, body: "busy" }));
  await person.signsIn(demo);
  await expect(person.page.getByText("Reconnecting…")).toBeVisible();
  await api.signsIn(demo, { deviceName: "witness", userAgent: userAgents.curl });
  await expect(person.device("witness")).toBeVisible({ timeout: 15_000 });
  await person.page.unroute("**/api/auth/events");
  await expect(person.page.getByText("Reconnecting…")).toBeHidden({ timeout: 35_000 });
});

test("the list is fetched once at each load", async ({ person, api }) => {
  await person.signsIn(demo);
  let fetched = 0;
  person.page.on("request", (request) => {
    if (request.url().endsWith("/api/auth/sessions")) fetched += 1;
  });
  const open = person.page.waitForResponse("**/api/auth/events");
  await person.page.reload();
  await open;
  await person.seesDevices(1);
  // A change that comes over the stream comes after whatever the stream's opening set off.
  await api.signsIn(demo, { deviceName: "witness", userAgent: userAgents.curl });
  await expect(person.device("witness")).toBeVisible();
  expect(fetched).toBe(1);
});

test("a person who tries too often sees how long to wait", async ({ person }) => {
  person.complaints.allow(tooMany);
  await person.page.route("**/api/auth/login", (route) =>
    route.fulfill({ status: 429, headers: { "retry-after": "40" }, body: "" }),
  );
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.signsInHere(demo);
  await expect(person.page.getByText("Too many attempts. Try again in 40 seconds.")).toBeVisible();
});

test("a browser whose clock is an hour ahead never says that it was signed in an hour ago", async ({ person }) => {
  await person.context.addInitScript(() => {
    const shift = 3_600_000;
    const RealDate = Date;
    const now = () => RealDate.now() + shift;
    globalThis.Date = new Proxy(RealDate, {
      construct: (target, values: unknown[]) =>
        Reflect.construct(target, values.length === 0 ? [now()] : values) as object,
      get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
    });
    const shown: string[] = [];
    Object.assign(window, { shown });
    const listen = () => {
      new MutationObserver(() => {
        shown.push(...(/\d+ hours? ago/.exec((document.body as HTMLElement | null)?.innerText ?? "") ?? []));
      }).observe(document, { subtree: true, childList: true, characterData: true });
    };
    listen();
  });
  await person.signsIn(demo);
  await person.page.reload();
  await person.seesDevices(1);
  await expect(person.thisDevice()).toContainText(/just now/);
  expect(await person.page.evaluate(() => (window as unknown as { shown: string[] }).shown)).toEqual([]);
});
