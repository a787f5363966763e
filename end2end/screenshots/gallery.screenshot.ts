// Every page and the states that matter, wide and on a phone, in light and dark: for a reviewer's eyes.

import { demo, stranger } from "../support/api.ts";
import type { Person } from "../support/person.ts";
import { laptopWithFourDevices } from "../support/scene.ts";
import { test, userAgents } from "../support/test.ts";

const sizes = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

/** As `GET /api/admin/end-runs` answers, as far as it matters here. */
interface EndRunList {
  runs: object[];
}

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    const take = async (person: Person, name: string) => {
      await person.page.screenshot({ path: `gallery/${name}-${size}-${colorScheme}.png`, fullPage: true });
    };

    test(`pages for everybody, ${size}, ${colorScheme}`, async ({ open }) => {
      const person = await open({ colorScheme, viewport, reducedMotion: "reduce" });
      person.complaints.allow(/status of 4\d\d/);
      for (const path of [
        "sign-in",
        "register",
        "verify?email=someone%40example.com",
        "reset-password#token=anything",
        "forgot-password",
        "no-such-page",
      ]) {
        await person.goesTo(`/${path}`);
        await take(person, path.replace(/[?#].*/, ""));
      }
      await person.goesTo("/forgot-password");
      await person.asksForLink({ ...stranger(), email: "ada@example.com" });
      await take(person, "forgot-password-sent");
      await person.goesTo("/reset-password");
      await person.heading("This link can’t be used").waitFor();
      await take(person, "reset-password-no-link");
      await person.goesTo("/sign-in");
      await person.fillsInSignIn(stranger());
      await person.button("Sign in").click();
      await person.page.getByRole("main").getByText("E-mail or password is wrong").waitFor();
      await take(person, "sign-in-refused");
      await person.goesTo("/register");
      await person.button("Create account").click();
      await take(person, "register-errors");
    });

    test(`pages of a person, ${size}, ${colorScheme}`, async ({ open, api }) => {
      const person = await laptopWithFourDevices(open, api, { colorScheme, viewport });
      await take(person, "devices");
      await person.button("Sign out other devices").click();
      await take(person, "devices-dialog");
      await person.page.keyboard.press("Escape");
      await person.personMenu().click();
      await take(person, "menu");
      await person.page.keyboard.press("Escape");
      await person.historyOfThisDevice().click();
      await person.page.waitForURL(/\/devices\/[0-9a-f-]{36}$/);
      await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
      await take(person, "device");
      for (const path of ["activity", "profile"]) {
        await person.goesTo(`/${path}`);
        await person.isRunByProgram();
        await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
        await take(person, path);
      }
      for (const path of [
        "admin",
        "admin/users",
        "admin/sessions",
        "admin/end-by-rule",
        "admin/audit",
        "admin/roles",
      ]) {
        await person.goesTo(`/${path}`);
        await person.page.getByRole("navigation", { name: "Administration" }).waitFor();
        await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
        await take(person, path.replace("/", "-"));
      }
      await person.goesTo("/admin/users");
      await person.link(demo.name).click();
      await person.heading(demo.name).waitFor();
      await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
      await take(person, "admin-user");
      await person.goesTo("/rooms");
      await person.page.getByText("There are no rooms yet").waitFor();
      await take(person, "rooms-empty");
      await person.field("Name of a new room").fill("The attic");
      await person.button("Make a room").click();
      await person.page.getByText("Nothing has been said yet").waitFor();
      await take(person, "room-empty");
      for (const text of ["Good morning", "Is anybody in the attic?"]) {
        await person.field("Message").fill(text);
        await person.field("Message").press("Enter");
        await person.page.getByRole("log").getByText(text).waitFor();
      }
      await take(person, "room");
      await person.goesTo("/rooms");
      await person.link("The attic").waitFor();
      await take(person, "rooms");
      await person.goesTo("/profile");
      await person.asksToDeleteAccount();
      await take(person, "profile-delete");
      await person.goesTo("/devices");
      await person.seesDevices(4);
      await person.signsOutEverywhere();
      await person.isSignedOut("You signed out on all devices");
      await take(person, "sign-in-receipt");
    });
  }
}

test.describe("administering and acting for others", () => {
  test.use({ settings: { IMPERSONATION: "on" } });

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"] as const) {
      test(`states of administration, ${size}, ${colorScheme}`, async ({ open, api }) => {
        const person = await open({ colorScheme, viewport, reducedMotion: "reduce" });
        person.complaints.allow(/status of 4\d\d/);
        const take = async (name: string) => {
          await person.page.screenshot({ path: `gallery/${name}-${size}-${colorScheme}.png`, fullPage: true });
        };
        const goesTo = async (path: string) => {
          await person.goesTo(path);
          await person.isRunByProgram();
          await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
        };
        const grace = await open();
        const account = { ...stranger("Grace Hopper"), email: `grace-${size}-${colorScheme}@example.com` };
        await grace.signsUp(account);
        await grace.entersCodeFromMailbox(account);
        await grace.seesDevices(1);
        grace.complaints.allow(/status of 4\d\d/);
        await person.signsIn(demo);

        await goesTo("/admin/roles");
        await person.button("Make a role").click();
        await person.field("Name").fill("admin");
        await person.page.getByLabel(/users:read$/).check();
        await person.button("Make role").click();
        await person.page.getByText("There is a role of this name.").waitFor();
        await take("admin-role-error");

        await goesTo("/admin/end-by-rule");
        await person.field("Address or network").fill("300.1.1.1");
        await person.button("Show what would end").click();
        await person.page.locator("[aria-invalid=true]").waitFor();
        await take("admin-rule-error");
        await person.field("Address or network").clear();
        await person.field("Person").fill(account.email);
        await person.button("Show what would end").click();
        await person.button("End 1 session").click();
        await person.dialog().waitFor();
        await take("admin-rule-question");
        await person.dialog().getByRole("button", { name: "End 1 session" }).click();
        await person.page.getByRole("main").locator(".admin-preview", { hasText: "Done" }).waitFor();
        await take("admin-rule-done");
        // Others that are under way, and one that was stopped.
        await person.page.route("**/api/admin/end-runs?*", async (route) => {
          const answer = await route.fetch();
          const list = (await answer.json()) as EndRunList;
          const of = (rule: object, rest: object) => ({ ...list.runs[0], user: undefined, rule, ...rest });
          const ending = { id: "ending", status: "ending", finishedAt: undefined, total: 100_000, ended: 41_000 };
          const stopped = { id: "stopped", status: "stopped", total: 2_500, ended: 1_000, reason: "Stolen phones" };
          list.runs.unshift(
            of({ network: "203.0.113.0/24" }, ending),
            of({ client: "Chrome", place: "Berlin" }, stopped),
          );
          await route.fulfill({ response: answer, json: list });
        });
        await person.button("Done").click();
        await person.page.getByText("41,000 of 100,000 sessions ended.").waitFor();
        await take("admin-rule-runs");
        await person.page.unroute("**/api/admin/end-runs?*");

        await api.signsIn(account, { deviceName: "Grace’s laptop", userAgent: userAgents.macChrome });
        await goesTo(`/admin/users?q=${account.email}`);
        await person.link(account.name).click();
        await person.link("Act as this person").click();
        await person.button(`Act as ${account.name}`).waitFor();
        await take("admin-act-as");
        await person.button(`Act as ${account.name}`).click();
        await person.page.locator("[aria-invalid=true]").waitFor();
        await take("admin-act-as-error");
        await person.field("Reason").fill("Ticket 4711");
        await person.button(`Act as ${account.name}`).click();
        await person.seesDevices(2);
        await take("acting-devices");
        for (const name of ["Activity", "Profile"]) {
          await person.link(new RegExp(`^${name}`)).click();
          await person.page.waitForURL(`**/${name.toLowerCase()}`);
          await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
          await take(`acting-${name.toLowerCase()}`);
        }
        await person.button("Stop acting").click();
        await person.heading(account.name).waitFor();
        await person.page.getByText(/^Loading/).waitFor({ state: "detached" });
        await take("admin-person");

        await person.page.route("**/api/admin/**", async (route) => {
          const detail = "Whoever administers signs in at least every 12 hours. This session is older.";
          const problem = { title: "Sign in again to go on", status: 403, code: "admin-session-too-old", detail };
          await route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) });
        });
        await goesTo("/admin/users");
        await take("admin-too-old");
      });
    }
  }
});

test.describe("a session about to end", () => {
  test.use({ settings: { REFRESH_EXPIRE: "10m", SESSION_WARNING: "9m" } });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`warning, ${colorScheme}`, async ({ open }) => {
      const person = await open({ colorScheme, viewport: sizes.wide, reducedMotion: "reduce" });
      await person.signsIn(demo);
      await person.page.getByRole("group", { name: "Session ending" }).waitFor({ timeout: 70_000 });
      await person.page.screenshot({ path: `gallery/expiring-wide-${colorScheme}.png` });
    });
  }
});
