// Every page in light and dark: nothing that keeps somebody out, and nothing that runs off a phone's edge.

import AxeBuilder from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import { demo, stranger } from "../support/api.ts";
import { invalid, refused } from "../support/complaints.ts";
import { withoutProgram } from "../support/meddlers.ts";
import type { Person } from "../support/person.ts";
import { expect, test, userAgents } from "../support/test.ts";

async function expectNoViolations(person: Person, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page: person.page }).analyze();
  const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.target.join(" ")) }));
  // Soft, so that one run tells of every page.
  expect.soft(found, where).toEqual([]);
}

async function expectNoSideways(person: Person, where: string): Promise<void> {
  const beyond = await person.page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(beyond, `${where} is wider than the screen`).toBeLessThanOrEqual(0);
}

/** Pages for everybody, then those of somebody who is signed in; each is complete when its heading is there. */
async function visitsEveryPage(person: Person, look: (where: string) => Promise<void>): Promise<void> {
  for (const path of [
    "/sign-in",
    "/register",
    "/verify?email=someone%40example.com",
    "/reset-password#token=anything",
    "/forgot-password",
    "/no-such-page",
  ]) {
    await person.goesTo(path);
    await expect(person.page.getByRole("heading", { level: 1 })).toBeVisible();
    await look(path);
  }
  await person.goesTo("/forgot-password");
  await person.asksForLink(stranger());
  await look("/forgot-password, once a link is on its way");
  await person.goesTo("/reset-password");
  await expect(person.heading("This link can’t be used")).toBeVisible();
  await look("/reset-password without a link");
  await person.signsIn(demo);
  await look("/devices");
  for (const path of ["/activity", "/rooms", "/profile"]) {
    await person.goesTo(path);
    await expect(person.personMenu()).toBeVisible();
    await expect(person.page.getByText(/^Loading/)).toHaveCount(0);
    await look(path);
  }
  await person.goesTo("/devices");
  await person.historyOfThisDevice().click();
  await expect(person.page).toHaveURL(/\/devices\/[0-9a-f-]{36}$/);
  await expect(person.page.getByText(/^Loading/)).toHaveCount(0);
  await look("/devices/:id");
  // Not a page of the app, but in its style.
  await person.goesTo("/dev/mailbox");
  await expect(person.heading("Mailbox")).toBeVisible();
  await look("/dev/mailbox");
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test("every page is free of accessibility violations", async ({ open, api }) => {
      // Some twenty pages, each looked at closely.
      const person = await open({ colorScheme, reducedMotion: "reduce", userAgent: userAgents.macChrome });
      person.complaints.allow(/status of 404/);
      await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
      await visitsEveryPage(person, async (where) => expectNoViolations(person, where));
    });

    test("pages whose program does not run are free of accessibility violations", async ({ open }) => {
      const person = await open({ colorScheme, reducedMotion: "reduce" });
      person.complaints.allow(invalid);
      await withoutProgram["WebAssembly is switched off"]?.(person.context);
      for (const path of [
        "/sign-in?because=signed-out",
        "/verify?email=a%40example.com",
        "/reset-password#token=a",
        "/devices",
      ]) {
        await person.goesTo(path);
        await expect(person.page.getByRole("heading", { level: 1 })).toBeVisible();
        await expectNoViolations(person, `${path} without the program`);
      }
      await person.goesTo("/register");
      await person.button("Create account").click();
      await expect(person.field("E-mail")).toHaveAttribute("aria-invalid", "true");
      await expectNoViolations(person, "an empty registration without the program");
    });

    test("errors, menus and dialogs are free of accessibility violations", async ({ open, api }) => {
      const person = await open({ colorScheme, reducedMotion: "reduce", userAgent: userAgents.macChrome });
      person.complaints.allow(refused, invalid);
      await person.goesTo("/sign-in");
      await person.fillsInSignIn(stranger());
      await person.button("Sign in").click();
      await expect(person.page.getByRole("main")).toContainText("E-mail or password is wrong");
      await expectNoViolations(person, "a refused sign-in");

      await person.goesTo("/register");
      await person.button("Create account").click();
      await expect(person.field("E-mail")).toHaveAttribute("aria-invalid", "true");
      await expectNoViolations(person, "an empty registration");

      await person.goesTo("/reset-password#token=made-up");
      await person.choosesNewPassword(stranger().password);
      await expect(person.page.getByRole("main")).toContainText("This link can’t be used");
      await expectNoViolations(person, "a refused link");

      await person.signsIn(demo);
      await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
      await person.seesDevices(2);
      await person.personMenu().click();
      await expectNoViolations(person, "the person's menu");
      await person.page.keyboard.press("Escape");
      await person.button("Sign out other devices").click();
      await expect(person.dialog()).toBeVisible();
      await expectNoViolations(person, "a dialog");

      await person.goesTo("/profile");
      await person.asksToDeleteAccount();
      await person.confirmsDeletion("not the password");
      await expect(person.passwordInDialog()).toHaveAttribute("aria-invalid", "true");
      await expectNoViolations(person, "a dialog with a wrong password");
    });
  });
}

for (const width of [320, 390]) {
  test(`no page is wider than a screen of ${width} pixels`, async ({ open, api }) => {
    const person = await open({ viewport: { width, height: 800 }, userAgent: userAgents.iphoneSafari });
    person.complaints.allow(/status of 404/);
    await api.signsIn(demo, {
      deviceName: "Somebody gave this laptop an uncommonly long name on a rainy day",
      userAgent: userAgents.macChrome,
    });
    await visitsEveryPage(person, async (where) => expectNoSideways(person, where));
  });
}

test("all pages of a person begin at one left edge, that of the bar above them", async ({ open }) => {
  const person = await open({ viewport: { width: 1280, height: 900 }, userAgent: userAgents.macChrome });
  await person.signsIn(demo);
  const left = async (element: Locator): Promise<number | undefined> => (await element.boundingBox())?.x;
  const brand = await left(person.page.getByRole("banner").getByRole("link", { name: "Latchkey" }));
  expect(brand).toBeGreaterThan(0);
  const history = await person.historyOfThisDevice().getAttribute("href");
  for (const path of ["/devices", "/activity", "/profile", history ?? "", "/dev/mailbox"]) {
    await person.goesTo(path);
    await expect(person.page.getByRole("heading", { level: 1 })).toBeVisible();
    const first = person.page.locator(".page > *").first();
    expect.soft(await left(first), path).toBe(brand);
  }
});

test("what stands under the form of an entry page begins where the form does", async ({ person }) => {
  for (const path of ["/sign-in", "/register", "/forgot-password", "/verify?email=someone%40example.com"]) {
    await person.goesTo(path);
    await person.isRunByProgram();
    const heading = await person.page.getByRole("heading", { level: 1 }).boundingBox();
    const foot = person.page.locator(".entry-foot").first();
    const text = await foot.evaluate((element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      return Math.min(...[...range.getClientRects()].map((box) => box.left));
    });
    expect.soft(text, path).toBeCloseTo(heading?.x ?? 0, 0);
  }
});

test("the theme that was chosen is remembered", async ({ open }) => {
  const person = await open({ colorScheme: "light" });
  await person.signsIn(demo);
  await person.personMenu().click();
  await person.page.getByRole("group", { name: "Theme" }).getByRole("button", { name: "Dark" }).click();
  await expect(person.page.locator("html")).toHaveAttribute("data-theme", "dark");
  await person.page.reload();
  await expect(person.page.locator("html")).toHaveAttribute("data-theme", "dark");
});

for (const width of [320, 390, 430]) {
  test(`on a screen of ${width} pixels every device has its name on a line of its own and three lines of facts`, async ({
    open,
    api,
  }) => {
    const person = await open({ viewport: { width, height: 800 }, userAgent: userAgents.iphoneSafari });
    await api.signsIn(demo, { deviceName: "Ada’s good old laptop at work", userAgent: userAgents.macChrome });
    await person.page.route("**/api/auth/sessions", async (route) => {
      const answer = await route.fetch();
      const list = (await answer.json()) as { sessions: { ipAddress: string; place?: string }[] };
      for (const session of list.sessions) {
        session.ipAddress = "2001:db8:85a3:1234:5678:8a2e:370:7334";
        session.place = "Llanfairpwllgwyngyll, United Kingdom";
      }
      await route.fulfill({ response: answer, json: list });
    });
    await person.signsIn(demo);
    await person.seesDevices(2);
    for (const row of await person.page.locator(".device").all()) {
      const lines = await row.locator(".device-line").evaluateAll((lines) => lines.map((line) => line.clientHeight));
      expect(lines).toHaveLength(3);
      expect(new Set(lines).size, "each is one line").toBe(1);
      const name = await row.locator(".device-name").boundingBox();
      const action = await row.locator(".device-actions").boundingBox();
      expect(name && action && name.y + name.height <= action.y).toBe(true);
    }
  });
}

test("on a narrow screen no message lies over an answer to the question", async ({ open, api }) => {
  const person = await open({ viewport: { width: 320, height: 568 }, userAgent: userAgents.iphoneSafari });
  await api.signsIn(demo);
  await api.signsIn(demo, { deviceName: "Firefox on Windows", userAgent: userAgents.windowsFirefox });
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.signsInHere(demo);
  await expect(person.page.getByText(/Was this you\?/)).toBeVisible();
  await expect(person.toast(/^Signed in as/)).toBeVisible();
  for (const height of [480, 568, 640, 720]) {
    await person.page.setViewportSize({ width: 320, height });
    const covered = await person.page.locator(".banner button").evaluateAll((buttons) =>
      buttons.flatMap((button) => {
        const { left, right, top, bottom } = button.getBoundingClientRect();
        const corners = [top + 3, bottom - 3].flatMap((y) => [left + 8, right - 8].map((x) => [x, y] as const));
        const seen = corners.filter(([, y]) => y < innerHeight).map(([x, y]) => document.elementFromPoint(x, y));
        return seen.every((element) => button.contains(element)) ? [] : [button.textContent];
      }),
    );
    expect.soft(covered, `${height} pixels high`).toEqual([]);
  }
});

for (const width of [1000, 390]) {
  test(`colours of the person’s own move nothing on a screen of ${width} pixels`, async ({ open, api }) => {
    const person = await open({ viewport: { width, height: 900 }, userAgent: userAgents.macChrome });
    await person.signsIn(demo);
    await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
    await expect(person.device("backup script")).toContainText("Unconfirmed");
    const places = async () =>
      person.page.locator(".device-icon, .device-name, .badge, .nav a, .nav-count").evaluateAll((elements) =>
        elements.map((element) => {
          const { x, y, width } = element.getBoundingClientRect();
          return [element.getAttribute("class"), x, y, width];
        }),
      );
    await person.page.mouse.move(0, 0);
    const before = await places();
    await person.page.emulateMedia({ forcedColors: "active" });
    expect(await places()).toEqual(before);
  });
}

for (const path of ["/devices", "/activity"]) {
  test(`what separates facts and rows of ${path} is there whatever others put between them`, async ({ open, api }) => {
    const person = await open({ viewport: { width: 1000, height: 900 }, userAgent: userAgents.macChrome });
    await person.signsIn(demo);
    for (const name of ["first", "second"]) await api.signsIn(demo, { deviceName: name, userAgent: userAgents.curl });
    await person.goesTo(path);
    const rows = person.page.getByRole("main").locator(".device, .timeline-row");
    await expect(rows.nth(2)).toBeVisible();
    await expect(person.page.getByText(/^Loading/)).toHaveCount(0);
    const look = async () =>
      person.page
        .getByRole("main")
        .locator(".device, .timeline-row, .device-line, .device-line > li, .facts > li")
        .evaluateAll((elements) =>
          elements.map((element) => {
            const before = getComputedStyle(element, "::before").content;
            return [element.getAttribute("class"), before, getComputedStyle(element).borderTopWidth];
          }),
        );
    const before = await look();
    // A line begins with no dot.
    const dots = await person.page
      .locator(".device-line:first-of-type > li:not(.fact-here)")
      .evaluateAll((facts) => facts.map((fact) => getComputedStyle(fact, "::before").content));
    expect(dots.filter((content) => content.includes("·"))).toEqual([]);
    const put = async (place: "before" | "after") =>
      person.page
        .getByRole("main")
        .locator("li, section")
        .evaluateAll((elements, place) => {
          for (const element of elements) {
            const other = document.createElement("span");
            other.hidden = true;
            element[place](other);
          }
        }, place);
    await put("before");
    expect(await look()).toEqual(before);
    await put("after");
    expect(await look()).toEqual(before);
  });
}
