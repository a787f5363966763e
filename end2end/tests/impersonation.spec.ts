// Acting as another person, for support: the banner that says so, and every way in which it ends.

import AxeBuilder from "@axe-core/playwright";
import type { BrowserContextOptions, Locator } from "@playwright/test";
import { demo, stranger, type Account, type Api } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import type { Person } from "../support/person.ts";
import { expect, test } from "../support/test.ts";

test.use({ settings: { IMPERSONATION: "on" } });

const reason = "Ticket 4711";

interface Scene {
  /** Whose account it is, on their own device. */
  readonly grace: Person;
  /** The operator: the demo person, who is an owner. */
  readonly operator: Person;
  readonly account: Account;
}

type Open = (options?: BrowserContextOptions) => Promise<Person>;

async function joins(person: Person, account: Account): Promise<void> {
  await person.signsUp(account);
  await person.entersCodeFromMailbox(account);
  await person.seesDevices(1);
}

/** The operator acts as Grace, who has two devices of her own. */
async function acts(open: Open, api: Api, options: BrowserContextOptions = {}, by: Account = demo): Promise<Scene> {
  const account = stranger();
  const grace = await open();
  await joins(grace, account);
  const operator = await open(options);
  await operator.signsIn(by);
  await operator.goesTo(`/admin/act-as/${await api.idOf(account)}`);
  await operator.field("Reason").fill(reason);
  await operator.button(`Act as ${account.name}`).click();
  await expect(banner(operator)).toContainText(`You are acting as ${account.name} for support: “${reason}”.`);
  await operator.seesDevices(3);
  return { grace, operator, account };
}

function banner(operator: Person): Locator {
  return operator.page.getByRole("status").filter({ hasText: "You are acting as" });
}

/** The operator is themselves, at the page of the person. */
async function isBackAt(operator: Person, account: Account): Promise<void> {
  await expect(operator.page).toHaveURL(/\/admin\/users\/[\w-]+$/);
  await expect(operator.heading(new RegExp(`^${account.name}$`))).toBeVisible();
}

function noLonger(account: Account): string {
  return `You are not acting as ${account.name} any more: that session was ended.`;
}

test("the page where it begins names the person, and leads back to theirs", async ({ open, api }) => {
  const account = stranger();
  await joins(await open(), account);
  const operator = await open();
  await operator.signsIn(demo);
  await operator.goesTo(`/admin/users/${await api.idOf(account)}`);
  await operator.link("Act as this person").click();
  await expect(operator.heading(`Act as ${account.name}`)).toBeVisible();
  await expect(operator.button(`Act as ${account.name}`)).toBeVisible();
  await operator.link("Cancel").click();
  await isBackAt(operator, account);
  await expect(operator.link("Act as this person")).toBeVisible();
  operator.complaints.allow(/status of 404/);
  await operator.goesTo("/admin/act-as/0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70");
  await expect(operator.page.getByText("There is no such person")).toBeVisible();
});

test("the banner stands on every page, and the operator is themselves again afterwards", async ({ open, api }) => {
  const { operator, account } = await acts(open, api);
  await expect(banner(operator)).toContainText("30 minutes left");
  for (const name of ["Activity", "Profile", "Devices"]) {
    // A question to Grace may be counted after the name.
    await operator.link(new RegExp(`^${name}`)).click();
    await expect(banner(operator)).toBeVisible();
    // What only Grace can do is not put to the operator.
    await expect(operator.link("Change your password")).toHaveCount(0);
    await expect(operator.page.getByText("If you don’t recognise one")).toHaveCount(0);
  }
  await expect(operator.page.getByText("Only they can sign their devices out.")).toBeVisible();
  await operator.button("Stop acting").click();
  await expect(banner(operator)).toBeHidden();
  await operator.seesToast(`You stopped acting as ${account.name}.`);
  await isBackAt(operator, account);
  await operator.goesTo("/devices");
  await operator.seesDevices(1);
});

test("signing that device out stops it, and nothing else", async ({ open, api }) => {
  const { operator, account } = await acts(open, api);
  await operator.endsDevice(`Support: ${demo.name}`);
  await operator.seesToast(`You stopped acting as ${account.name}.`);
  await isBackAt(operator, account);
});

test("the person sees who acts and why, and ends it", async ({ open, api }) => {
  const { grace, operator, account } = await acts(open, api);
  operator.complaints.allow(refused);
  const name = `Support: ${demo.name}`;
  await expect(grace.device(name)).toContainText(reason);
  await grace.endsDevice(name);
  // Nobody presses anything here.
  await expect(banner(operator)).toBeHidden({ timeout: 12_000 });
  await operator.seesToast(noLonger(account));
  await isBackAt(operator, account);
  await grace.link("Activity").click();
  await expect(grace.page.getByText(`${demo.name} began to act for you, for support`)).toBeVisible();
});

test("an operator who may not any more is told so, and goes on at their own devices", async ({ open, api }) => {
  const alan = stranger("Alan Turing");
  await joins(await open(), alan);
  const id = await api.idOf(alan);
  const owner = await api.signsIn(demo);
  await api.setsRoles(owner, id, ["admin"]);
  const { operator, account } = await acts(open, api, {}, alan);
  operator.complaints.allow(refused);
  await operator.link(/^Activity/).click();
  await expect(operator.heading("Activity")).toBeVisible();
  await api.setsRoles(owner, id, ["user"]);
  await expect(banner(operator)).toBeHidden({ timeout: 12_000 });
  await operator.seesToast(noLonger(account));
  await expect(operator.page).toHaveURL(/\/devices$/);
  await expect(operator.link("Administration")).toBeHidden();
});

test("a reload goes back to the operator, and the person sees nobody act any more", async ({ open, api }) => {
  const { grace, operator } = await acts(open, api);
  const support = grace.device(`Support: ${demo.name}`);
  await expect(support).toBeVisible();
  await operator.page.reload();
  await operator.seesDevices(1);
  await expect(banner(operator)).toBeHidden();
  await expect(support).toBeHidden();
});

test("leaving for another place ends it as well", async ({ open, api }) => {
  const { grace, operator } = await acts(open, api);
  const support = grace.device(`Support: ${demo.name}`);
  await expect(support).toBeVisible();
  await operator.page.goto("about:blank");
  await expect(support).toBeHidden();
});

test("what the person has to do in person is not offered", async ({ open, api }) => {
  const { operator, account } = await acts(open, api);
  const main = operator.page.getByRole("main");
  const offers = async (expected: Record<string, number>): Promise<void> => {
    for (const [name, count] of Object.entries(expected)) {
      await expect(main.getByRole("button", { name: new RegExp(`^${name}`) }), name).toHaveCount(count);
    }
  };
  // Grace was asked about her second device. The only session that ends here is the one in which the operator acts.
  await expect(main.getByText("Only they can answer this.")).toBeVisible();
  await offers({ Yes: 0, "No, secure": 0, Rename: 0, "Sign out": 1, "More ways": 0, Select: 0 });
  await main
    .getByRole("link", { name: /^History of/ })
    .last()
    .click();
  await expect(main.getByRole("link", { name: "Download history" })).toBeVisible();
  await offers({ Rename: 0, "Sign out": 0 });
  await operator.link("Profile").click();
  await expect(main.getByText(/^Only they can change the password/)).toBeVisible();
  await offers({ "Save changes": 1, "Change password": 0, "Download everything": 0, "Delete account": 0 });
  await operator.button("Stop acting").click();
  await isBackAt(operator, account);
  await operator.link("Profile").click();
  await offers({ "Change password": 1, "Download everything": 1, "Delete account": 1 });
});

test("administration says that somebody acts, and is there again afterwards", async ({ open, api }) => {
  const { operator, account } = await acts(open, api);
  await operator.page.goBack();
  await expect(operator.page.getByRole("main")).toContainText("Stop acting to go on as yourself.");
  await operator.button("Stop acting").click();
  await isBackAt(operator, account);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the banner is fit for everybody, on a phone, in ${colorScheme}`, async ({ open, api }) => {
    const { operator } = await acts(open, api, {
      colorScheme,
      reducedMotion: "reduce",
      viewport: { width: 360, height: 640 },
    });
    const { violations } = await new AxeBuilder({ page: operator.page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    const beyond = await operator.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(beyond).toBeLessThanOrEqual(0);
    // It stays in sight, so it must not take the page's place.
    expect((await banner(operator).boundingBox())?.height).toBeLessThan(160);
  });
}
