// What somebody who runs an installation sees and does. The demo person of development is its owner.

import AxeBuilder from "@axe-core/playwright";
import type { Locator, Route } from "@playwright/test";
import { demo, stranger, type Account } from "../support/api.ts";
import { invalid, refused, unreachable } from "../support/complaints.ts";
import type { Person } from "../support/person.ts";
import { expect, test, userAgents } from "../support/test.ts";

const pages = {
  "/admin": "Overview",
  "/admin/users": "People",
  "/admin/sessions": "Sessions",
  "/admin/end-by-rule": "End by rule",
  "/admin/audit": "Audit log",
  "/admin/roles": "Roles",
};

/** Somebody with an account, signed in in a browser of their own. */
async function signedUp(person: Person, name?: string): Promise<Account> {
  const account = stranger(name);
  await person.signsUp(account);
  await person.entersCodeFromMailbox(account);
  await person.seesDevices(1);
  return account;
}

async function isLoaded(person: Person): Promise<void> {
  await expect(person.page.getByText(/^Loading/)).toHaveCount(0);
}

async function opens(person: Person, path: keyof typeof pages): Promise<void> {
  await person.goesTo(path);
  await expect(person.heading(pages[path])).toBeVisible();
  await isLoaded(person);
}

/** The page of somebody, found by their address. */
async function findsPerson(admin: Person, account: Account): Promise<void> {
  await opens(admin, "/admin/users");
  const found = admin.page.waitForResponse((response) => response.url().includes(encodeURIComponent(account.email)));
  await admin.page.getByLabel("Find", { exact: true }).fill(account.email);
  await found;
  await isLoaded(admin);
  await admin.link(account.name).click();
  await expect(admin.heading(account.name)).toBeVisible();
  await isLoaded(admin);
  // Nobody may here: `IMPERSONATION` is off.
  await expect(admin.link("Act as this person")).toHaveCount(0);
  await isLoaded(admin);
}

/** Gets to a control as somebody without a mouse does, and sees that they are there. */
async function tabsTo(person: Person, control: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  const isThere = async (): Promise<boolean> => control.evaluate((element) => element === document.activeElement);
  for (let presses = 0; presses < 60 && !(await isThere()); presses += 1) await person.page.keyboard.press(key);
  await expect(control).toBeFocused();
  const isSeen = await control.evaluate((element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    const { top, bottom } = element.getBoundingClientRect();
    const isMarked = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    return element.matches(":focus-visible") && isMarked && bottom > 0 && top < innerHeight;
  });
  expect(isSeen, "the focus shows").toBe(true);
}

/** Goes on to another page of administration, whose links stand before the page. */
async function goesOnTo(admin: Person, name: string): Promise<void> {
  const links = admin.page.getByRole("navigation", { name: "Administration" });
  await tabsTo(admin, links.getByRole("link", { name, exact: true }), "Shift+Tab");
  await admin.page.keyboard.press("Enter");
  await expect(admin.heading(name)).toBeFocused();
  await isLoaded(admin);
}

/** Presses the button of the question, and says who asks if that is wanted. */
async function confirms(admin: Person, name: string | RegExp): Promise<void> {
  await admin
    .dialog()
    .getByRole("button", { name, exact: typeof name === "string" })
    .click();
}

test("the link is there for whoever has a permission, and nobody else loads these pages", async ({ open }) => {
  const [admin, other] = [await open(), await open()];
  const loaded: string[] = [];
  for (const person of [admin, other]) {
    person.page.on("request", (request) => {
      if (request.url().includes("latchkey-admin")) loaded.push(person === admin ? "admin" : "other");
    });
  }
  await admin.signsIn(demo);
  await expect(admin.link("Administration")).toBeVisible();
  expect(loaded).toEqual([]);
  await admin.link("Administration").click();
  await expect(admin.heading("Overview")).toBeVisible();
  // The program of the pages, and their style.
  expect(loaded).toEqual(["admin", "admin"]);

  await signedUp(other);
  await expect(other.link("Administration")).toHaveCount(0);
  await other.goesTo("/admin/users");
  await expect(other.heading("Administration")).toBeVisible();
  await expect(other.page.getByRole("main")).toContainText("You can’t see these pages");
  expect(loaded).not.toContain("other");
});

test("the overview says how many are signed in, and draws what a table says too", async ({ person, api }) => {
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await person.signsIn(demo);
  await opens(person, "/admin");
  await expect(person.page.getByText(/^\d+ sessions? on 1 server\.$/)).toBeVisible();
  const chart = person.page.getByRole("img", { name: /sign-ins? in the last 24 hours/ });
  await expect(chart).toBeVisible();
  const figure = person.page.getByRole("figure").first();
  await figure.getByText("The numbers as a table").click();
  await expect(figure.getByRole("row")).toHaveCount(25);
  await expect(person.page.getByRole("list", { name: "Servers" })).toContainText("Settings agree");
});

test("somebody is found, and one of their sessions ended: their browser shows it", async ({ open }) => {
  const [admin, other] = [await open(), await open({ userAgent: userAgents.windowsFirefox })];
  other.complaints.allow(refused);
  const grace = await signedUp(other);
  await admin.signsIn(demo);
  await findsPerson(admin, grace);
  await admin.button(/^End the session on/).click();
  await expect(admin.dialog()).toContainText(`This ends 1 session of ${grace.name}.`);
  await admin.field("Reason, for the audit log (optional)").fill("Asked for by phone");
  await confirms(admin, "End session");
  await admin.seesToast("1 session ended.");
  await other.isSignedOut();
  await opens(admin, "/admin/audit");
  await expect(admin.page.getByText(/Asked for by phone/)).toBeVisible();
});

test("a question counts anew what it ends, and the page of a person follows by itself", async ({ open, api }) => {
  const [admin, other] = [await open(), await open()];
  const grace = await signedUp(other);
  await admin.signsIn(demo);
  await findsPerson(admin, grace);
  await expect(admin.page.getByText("Signed in on 1 device.")).toBeVisible();
  await api.signsIn(grace, { deviceName: "another", userAgent: userAgents.curl });
  await admin.button("Delete account").click();
  await expect(admin.dialog()).toContainText("This ends 2 sessions");
  await admin.page.keyboard.press("Escape");
  await expect(admin.button("Delete account")).toBeFocused();
  await expect(admin.page.getByText("Signed in on 2 devices.")).toBeVisible();
  await api.signsIn(grace, { deviceName: "a third", userAgent: userAgents.curl });
  await expect(admin.page.getByText("Signed in on 3 devices.")).toBeVisible({ timeout: 15_000 });
  await expect(admin.button("Delete account")).toBeFocused();
});

test("somebody is disabled and enabled again", async ({ open }) => {
  const [admin, other] = [await open(), await open()];
  other.complaints.allow(refused, /status of 403/);
  const grace = await signedUp(other);
  await admin.signsIn(demo);
  await findsPerson(admin, grace);
  await admin.button("Disable account").click();
  await expect(admin.dialog()).toContainText("This ends 1 session");
  await confirms(admin, "Disable account");
  await other.isSignedOut();
  await expect(admin.page.getByRole("main").getByText("Disabled").first()).toBeVisible();
  await admin.button("Enable account").click();
  await confirms(admin, "Enable account");
  await admin.seesToast(`${grace.name} can sign in again.`);
  await other.signsIn(grace);
});

test.describe("a sign-in that was a while ago", () => {
  test.use({ settings: { SUDO_WINDOW: "0s" } });

  test("the password is asked for in place, and a wrong one changes nothing", async ({ open }) => {
    const [admin, other] = [await open(), await open()];
    admin.complaints.allow(refused, invalid);
    other.complaints.allow(refused);
    const grace = await signedUp(other);
    await admin.signsIn(demo);
    await findsPerson(admin, grace);
    await admin.button("End all sessions").click();
    await confirms(admin, "End 1 session");
    await expect(admin.dialog()).toContainText("Confirm it’s you");
    await admin.passwordInDialog().fill("not the password");
    await confirms(admin, "Confirm");
    await expect(admin.passwordInDialog()).toHaveAttribute("aria-invalid", "true");
    await admin.passwordInDialog().fill(demo.password);
    await confirms(admin, "Confirm");
    await other.isSignedOut();
    await expect(admin.dialog()).toBeHidden();
  });
});

test.describe("without a mouse, where the password is asked for again", () => {
  test.use({ settings: { SUDO_WINDOW: "0s" } });

  test("somebody is found and a session ended, a rule looked at, the log filtered", async ({ open, api }) => {
    const [admin, other] = [await open(), await open({ userAgent: userAgents.windowsFirefox })];
    admin.complaints.allow(refused);
    other.complaints.allow(refused);
    const grace = await signedUp(other);
    await admin.signsIn(demo);
    await admin.page.reload();
    await admin.seesDevices();
    const { keyboard } = admin.page;

    await tabsTo(admin, admin.link("Administration"));
    await keyboard.press("Enter");
    await expect(admin.heading("Overview")).toBeFocused();
    await goesOnTo(admin, "People");
    await tabsTo(admin, admin.page.getByLabel("Find", { exact: true }));
    await keyboard.type(grace.email);
    await expect(admin.page.getByRole("list", { name: "People" }).getByRole("listitem")).toHaveCount(1);
    await tabsTo(admin, admin.link(grace.name));
    await keyboard.press("Enter");
    await expect(admin.heading(grace.name)).toBeVisible();
    await isLoaded(admin);

    const end = admin.button(/^End the session on/);
    await tabsTo(admin, end);
    await keyboard.press("Enter");
    const reason = admin.field("Reason, for the audit log (optional)");
    await expect(reason).toBeFocused();
    await keyboard.press("Escape");
    await expect(end).toBeFocused();
    await keyboard.press("Enter");
    await expect(reason).toBeFocused();
    await keyboard.type("Asked for by phone");
    await tabsTo(admin, admin.dialog().getByRole("button", { name: "End session", exact: true }));
    await keyboard.press("Enter");
    await expect(admin.passwordInDialog()).toBeFocused();
    await keyboard.type(demo.password);
    await keyboard.press("Enter");
    await other.isSignedOut();
    await expect(admin.dialog()).toBeHidden();
    // What asked is gone with the session.
    await expect(end).toHaveCount(0);
    await expect(admin.heading(grace.name)).toBeFocused();

    await api.signsIn(grace, { deviceName: "another", userAgent: userAgents.windowsFirefox });
    await goesOnTo(admin, "End by rule");
    await tabsTo(admin, admin.field("Client"));
    await keyboard.type("Firefox");
    await keyboard.press("Enter");
    await expect(admin.page.locator(".admin-preview")).toHaveText("This ends 1 session of 1 person.");
    const ends = admin.button("End 1 session");
    await tabsTo(admin, ends);
    await keyboard.press("Enter");
    await expect(admin.dialog()).toBeVisible();
    await tabsTo(admin, admin.dialog().getByRole("button", { name: "Cancel" }));
    await keyboard.press("Enter");
    await expect(admin.dialog()).toBeHidden();
    await expect(ends).toBeFocused();
    await expect(admin.page.getByText("Ending sessions")).toHaveCount(0);

    await goesOnTo(admin, "Audit log");
    const what = admin.page.getByLabel("What happened");
    await tabsTo(admin, what);
    await keyboard.type("Role deleted");
    await expect(admin.page.getByRole("main")).toContainText("Nothing fits");
    await expect(what).toBeFocused();
  });
});

test("a rule says what it would end before it does, and fills in while it does", async ({ open, api }) => {
  const [admin, other] = [await open(), await open({ userAgent: userAgents.windowsFirefox })];
  other.complaints.allow(refused);
  const grace = await signedUp(other);
  await api.signsIn(grace, { deviceName: "another", userAgent: userAgents.windowsFirefox });
  await admin.signsIn(demo);
  await opens(admin, "/admin/end-by-rule");
  await admin.button("Show what would end").click();
  await expect(admin.page.getByRole("alert")).toContainText("Say which sessions");
  admin.complaints.allow(invalid);
  for (const [name, wrong] of [
    ["Address or network", "300.1.1.1"],
    ["Person", "nobody@example.com"],
    ["Person", "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70"],
  ] as const) {
    const field = admin.field(name);
    await field.fill(wrong);
    await admin.button("Show what would end").click();
    await expect(field).toBeFocused();
    await expect(field).toHaveAttribute("aria-invalid", "true");
    await expect(field).toHaveAccessibleDescription(/\S/);
    await expect(admin.page.getByRole("alert")).toHaveCount(0);
    await field.clear();
  }
  await admin.field("Client").fill("Firefox");
  await admin.field("Person").fill(grace.email);
  await admin.button("Show what would end").click();
  const main = admin.page.getByRole("main");
  await expect(main.locator(".admin-preview")).toHaveText("This ends 2 sessions of 1 person.");
  await admin.button("End 2 sessions").click();
  await expect(admin.dialog()).toContainText(`of ${grace.email}, of a client with “Firefox”`);
  await confirms(admin, "End 2 sessions");
  await expect(main.locator(".admin-preview")).toHaveText("Done: 2 sessions ended.");
  await expect(admin.page.getByRole("heading", { name: "Sessions ended" })).toBeVisible();
  await other.isSignedOut();
  await admin.page.reload();
  await expect(main.locator(".admin-preview")).toHaveText("Done: 2 sessions ended.");
  // Another administrator, or another tab, sees it as well.
  const elsewhere = await open();
  await elsewhere.signsIn(demo);
  await opens(elsewhere, "/admin/end-by-rule");
  const listed = "Ended by rule so far";
  await expect(elsewhere.page.getByRole("list", { name: listed })).toContainText(grace.email);
  await expect(main.getByRole("list", { name: listed })).toHaveCount(0);
  await expect(main).toContainText(`Sessions of ${grace.email}, of a client with “Firefox”.`);
  await admin.button("Done").click();
  await expect(main.locator(".admin-preview")).toHaveCount(0);
  await expect(admin.heading("End by rule")).toBeFocused();
  const rows = main.getByRole("list", { name: listed }).getByRole("listitem");
  const row = rows.filter({ hasText: grace.email });
  await expect(row).toContainText(`Sessions of ${grace.email}, of a client with “Firefox”`);
  await expect(row).toContainText("Done: 2 sessions ended.");
  await expect(row.getByRole("link", { name: demo.email })).toBeVisible();
  // And the next one, which nothing is loaded anew for.
  await api.signsIn(grace, { deviceName: "another", userAgent: userAgents.windowsFirefox });
  await admin.field("Person").fill(grace.email);
  await admin.button("Show what would end").click();
  await admin.button("End 1 session").click();
  await confirms(admin, "End 1 session");
  await expect(main.locator(".admin-preview")).toHaveText("Done: 1 session ended.");
  await expect(rows.filter({ hasText: grace.email })).toHaveCount(1);
  // Where the list is open it is there by itself.
  const theirs = elsewhere.page.getByRole("list", { name: listed }).getByRole("listitem");
  await expect(theirs.filter({ hasText: grace.email })).toHaveCount(2);
  await expect(theirs.first()).toContainText("Done: 1 session ended.");
  await admin.button("Done").click();
  await expect(rows.filter({ hasText: grace.email })).toHaveCount(2);
  const { violations } = await new AxeBuilder({ page: admin.page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
});

test("whoever may end sessions and see none begins there, and is not told what others ended", async ({ open, api }) => {
  const watch = await open();
  const grace = await signedUp(watch);
  const owner = await api.signsIn(demo);
  await api.endsByRule(owner, await api.idOf(grace), "stolen");
  watch.complaints.allow(refused);
  await watch.isSignedOut();
  await api.makesRole(owner, "night-watch", ["sessions:end"]);
  await api.setsRoles(owner, await api.idOf(grace), ["night-watch"]);
  await watch.signsIn(grace);
  await watch.link("Administration").click();
  await expect(watch.heading("End by rule")).toBeVisible();
  await expect(watch.page).toHaveURL(/\/admin\/end-by-rule$/);
  const links = watch.page.getByRole("navigation", { name: "Administration" }).getByRole("link");
  await expect(links).toHaveText(["End by rule"]);
  const runs = watch.page.getByRole("list", { name: "Ended by rule so far" }).getByRole("listitem");
  await expect(runs).toHaveCount(1);
  await expect(runs).toContainText("Sessions by a rule that is not shown to you");
  await expect(runs).not.toContainText("stolen");
  await expect(runs).not.toContainText(demo.email);
  const person = watch.field("Person");
  await expect(person).toHaveAttribute("placeholder", "Id");
  await person.fill(grace.email);
  await watch.button("Show what would end").click();
  await expect(person).toBeFocused();
  await expect(person).toHaveAccessibleDescription("Use an id: your roles let you find nobody by e-mail.");
});

test("the audit log is followed live, looked through and taken along", async ({ person, api }) => {
  await person.signsIn(demo);
  await opens(person, "/admin/audit");
  const entries = person.page.getByRole("list", { name: "Entries" }).getByRole("listitem");
  const before = await entries.count();
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await expect.poll(async () => entries.count()).toBeGreaterThan(before);
  const downloading = person.page.waitForEvent("download");
  await person.button("Export CSV").click();
  expect((await downloading).suggestedFilename()).toBe("latchkey-audit.csv");
  person.complaints.allow(/net::ERR_/);
  await person.page.route("**/api/admin/audit/export*", async (route) => route.abort());
  await person.button("Export NDJSON").click();
  await person.seesToast(/The audit log could not be exported/);
  await person.page.getByLabel("What happened").selectOption({ label: "Role deleted" });
  await expect(person.page.getByRole("main")).toContainText("Nothing fits");
});

test("a role is made, given, and deleted", async ({ open }) => {
  const [admin, other] = [await open(), await open()];
  // A call that is under way at the change may be refused.
  other.complaints.allow(refused, /status of 403/);
  const grace = await signedUp(other);
  await admin.signsIn(demo);
  await opens(admin, "/admin/roles");
  await admin.button("Make a role").click();
  const name = admin.field("Name");
  await expect(name).toBeFocused();
  await name.fill("admin");
  await admin.button("Make role").click();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(name).toHaveAccessibleDescription("There is a role of this name.");
  await expect(name).toBeFocused();
  await expect(admin.dialog()).toBeHidden();
  await name.fill("support");
  await admin.page.getByLabel(/users:read$/).check();
  await admin.button("Make role").click();
  await confirms(admin, "Make role");
  await admin.seesToast("The role support was made.");
  await expect(admin.page.getByRole("heading", { name: "support" })).toBeVisible();

  await findsPerson(admin, grace);
  await admin.page.getByLabel("support", { exact: true }).check();
  await admin.button("Change roles").click();
  await expect(admin.dialog()).toContainText("support");
  await confirms(admin, "Change roles");
  // Nobody is signed out, and the page of whoever was given it changes by itself.
  await expect(other.link("Administration")).toBeVisible();

  await other.goesTo("/admin/users");
  await expect(other.heading("People")).toBeVisible();
  await opens(admin, "/admin/roles");
  await admin.button("Delete support").click();
  await expect(admin.dialog()).toContainText("This takes the role from 1 person");
  await confirms(admin, "Delete role");
  // In the middle of it, and by itself.
  await expect(other.page.getByRole("main")).toContainText("None of your roles allows it", { timeout: 8_000 });
});

test("pages that cannot be loaded say so, and trying again helps", async ({ person }) => {
  person.complaints.allow(unreachable);
  await person.signsIn(demo);
  let fails = true;
  await person.page.route("**/api/admin/users*", async (route) => {
    await (fails ? route.abort() : route.continue());
  });
  await person.goesTo("/admin/users");
  await expect(person.page.getByRole("main")).toContainText("The people could not be loaded");
  fails = false;
  await person.button("Try again").click();
  await expect(person.page.getByRole("list", { name: "People" })).toContainText(demo.email);
});

test("what was looked for is there again on the way back and after a reload", async ({ person }) => {
  await person.signsIn(demo);
  await opens(person, "/admin/users");
  const find = person.page.getByLabel("Find", { exact: true });
  const people = person.page.getByRole("list", { name: "People" });
  await find.fill(demo.name.toUpperCase());
  await expect(person.page).toHaveURL(/\/admin\/users\?q=/);
  await people.getByRole("link", { name: demo.name }).click();
  await expect(person.heading(demo.name)).toBeVisible();
  await person.page.goBack();
  await expect(find).toHaveValue(demo.name.toUpperCase());
  await expect(people).toContainText(demo.email);
  await person.page.reload();
  await expect(find).toHaveValue(demo.name.toUpperCase());

  await opens(person, "/admin/audit");
  await person.field("Who did it").fill(demo.email);
  const from = person.page.getByLabel("From", { exact: true });
  await from.fill("2026-01-02");
  await expect(person.page).toHaveURL(/\?actor=.*&from=2026-01-02/);
  await person.page.reload();
  await expect(person.field("Who did it")).toHaveValue(demo.email);
  await expect(from).toHaveValue("2026-01-02");
});

test("the place in a long list is there again on the way back", async ({ person }) => {
  person.complaints.allow(/status of 404/);
  await person.signsIn(demo);
  const count = 120;
  const users = Array.from({ length: count }, (_, place) => {
    const number = String(place).padStart(3, "0");
    return {
      userId: `0198ad2e-7c0f-7b11-8a64-2f9d4c3b1${number}`,
      email: `person${number}@example.com`,
      name: `Person ${number}`,
      roles: ["user"],
      createdAt: "2026-11-01T12:00:00.000Z",
      emailVerified: true,
    };
  });
  await person.page.route(/\/api\/admin\/users(\?|$)/, async (route) => {
    const { searchParams } = new URL(route.request().url());
    const from = Number(searchParams.get("cursor") ?? 0);
    const to = from + Number(searchParams.get("limit") ?? 50);
    const next = to < count ? { nextCursor: String(to) } : {};
    await route.fulfill({ json: { users: users.slice(from, to), ...next } });
  });
  await person.goesTo("/admin/users?q=person");
  await isLoaded(person);
  const rows = person.page.getByRole("list", { name: "People" }).getByRole("listitem");
  const more = person.button("Show more");
  await more.click();
  await expect(rows).toHaveCount(100);
  await expect(more).toBeFocused();
  await person.link("Person 080").click();
  await expect(person.page.getByRole("main")).toContainText("There is no such person");
  await person.page.goBack();
  await expect(rows).toHaveCount(100);
  await expect(person.link("Person 080")).toBeInViewport();
  await more.click();
  await expect(rows).toHaveCount(count);
  await expect(rows.nth(100)).toBeFocused();

  await person.link("Person 110").click();
  await expect(person.link("Back to people")).toHaveAttribute("href", "/admin/users?q=person");
  await person.link("Back to people").click();
  await expect(person.page.getByLabel("Find", { exact: true })).toHaveValue("person");
});

test("sessions that few have are looked for page after page, and what is not found yet is said", async ({ person }) => {
  await person.signsIn(demo);
  // A page has been looked through and may have nothing that fits.
  await person.page.route(/\/api\/admin\/sessions\?/, async (route) => {
    const url = new URL(route.request().url());
    const page = Number(url.searchParams.get("cursor") ?? 0);
    if (page < 7) {
      await route.fulfill({ json: { sessions: [], nextCursor: String(page + 1) } });
    } else {
      await route.continue({ url: `${url.origin}${url.pathname}` });
    }
  });
  await person.goesTo("/admin/sessions?client=Firefox");
  await isLoaded(person);
  const main = person.page.getByRole("main");
  await expect(main).toContainText("Nothing fits so far");
  const sessions = person.page.getByRole("list", { name: "Sessions" });
  await expect(sessions).toBeHidden();
  await person.button("Show more").click();
  await expect(sessions.getByRole("listitem")).toHaveCount(1);
  await expect(main).not.toContainText("Nothing fits so far");
  await expect(person.button("Show more")).toHaveCount(0);
});

test("who signed in too long ago is told so, and comes back through another sign-in", async ({ person }) => {
  person.complaints.allow(/status of 403/);
  await person.signsIn(demo);
  const detail = "Whoever administers signs in at least every 12 hours. This session is older.";
  let isTooOld = true;
  const refuses = async (route: Route): Promise<void> => {
    const problem = { title: "Sign in again to go on", status: 403, code: "admin-session-too-old", detail };
    const refusal = { status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) };
    await (isTooOld ? route.fulfill(refusal) : route.continue());
  };
  await person.page.route("**/api/admin/**", refuses);
  const main = person.page.getByRole("main");
  for (const path of ["/admin", "/admin/users", "/admin/sessions", "/admin/end-by-rule", "/admin/audit"]) {
    await person.goesTo(path);
    await expect(main).toContainText(detail);
    await expect(person.button("Try again")).toHaveCount(0);
  }
  await person.goesTo("/admin/users?role=owner");
  await expect(person.button("Sign in again")).toBeVisible();
  const { violations } = await new AxeBuilder({ page: person.page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await person.button("Sign in again").click();
  isTooOld = false;
  await person.signsInHere(demo);
  await expect(person.page).toHaveURL(/\/admin\/users\?role=owner$/);
  await expect(person.page.getByRole("list", { name: "People" })).toContainText(demo.email);
  // Another tab is told of the new session, and does not stay closed.
  isTooOld = true;
  await person.goesTo("/admin/users");
  await expect(main).toContainText(detail);
  const other = await person.opensAnotherTab();
  await other.page.route("**/api/admin/**", refuses);
  await other.page.reload();
  await other.button("Sign in again").click();
  isTooOld = false;
  await other.signsInHere(demo);
  await expect(other.page.getByRole("list", { name: "People" })).toContainText(demo.email);
  await expect(person.page.getByRole("list", { name: "People" })).toContainText(demo.email);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the pages are free of accessibility violations in ${colorScheme}`, async ({ open, api }) => {
    const person = await open({ colorScheme, reducedMotion: "reduce", userAgent: userAgents.macChrome });
    await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
    await person.signsIn(demo);
    const look = async (where: string): Promise<void> => {
      const { violations } = await new AxeBuilder({ page: person.page }).analyze();
      const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.target.join(" ")) }));
      expect.soft(found, where).toEqual([]);
    };
    for (const path of Object.keys(pages) as (keyof typeof pages)[]) {
      await opens(person, path);
      await look(path);
    }
    await person.button("Make a role").click();
    await look("the form of a role");
    await findsPerson(person, demo);
    await look("a person");
    await person.button("Disable account").click();
    await expect(person.dialog()).toBeVisible();
    await look("a question");
  });
}

for (const width of [320, 360, 390]) {
  test(`every link of the header and of administration is in sight on a screen of ${width} pixels`, async ({
    open,
    api,
  }) => {
    const person = await open({ viewport: { width, height: 800 }, userAgent: userAgents.iphoneSafari });
    // The count of questions stands behind the name of a page.
    await api.signsIn(demo, { deviceName: "Firefox on Windows", userAgent: userAgents.windowsFirefox });
    await person.signsIn(demo);
    await opens(person, "/admin");
    for (const [name, count] of [
      ["Main", 5],
      ["Administration", 6],
    ] as const) {
      const links = person.page.getByRole("navigation", { name }).getByRole("link");
      await expect(links).toHaveCount(count);
      const outside = await links.evaluateAll((links) =>
        links.flatMap((link) => {
          const { left, right, top, bottom } = link.getBoundingClientRect();
          // Nothing lies over it or cuts it off either.
          const ends = [left + 2, right - 2].map((x) => document.elementFromPoint(x, (top + bottom) / 2));
          const isSeen = left >= 0 && right <= innerWidth && ends.every((end) => link.contains(end));
          return isSeen ? [] : [link.textContent];
        }),
      );
      expect(outside, name).toEqual([]);
    }
    const beyond = await person.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(beyond).toBeLessThanOrEqual(0);
  });

  test(`no page of administration is wider than a screen of ${width} pixels`, async ({ open, api }) => {
    const person = await open({ viewport: { width, height: 800 }, userAgent: userAgents.iphoneSafari });
    await api.signsIn(demo, { deviceName: "An uncommonly long name of a device", userAgent: userAgents.macChrome });
    await person.signsIn(demo);
    const look = async (where: string): Promise<void> => {
      const beyond = await person.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect.soft(beyond, `${where} is wider than the screen`).toBeLessThanOrEqual(0);
    };
    for (const path of Object.keys(pages) as (keyof typeof pages)[]) {
      await opens(person, path);
      await look(path);
    }
    await findsPerson(person, demo);
    await look("a person");
  });
}
