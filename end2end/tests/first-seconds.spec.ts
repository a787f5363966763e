// The first seconds of a page: before the program is there, while it takes over, and where it never runs.

import { demo, stranger } from "../support/api.ts";
import { refused, unreachable, invalid } from "../support/complaints.ts";
import { removesComments, translates, withExtension, withoutProgram } from "../support/meddlers.ts";
import type { Person } from "../support/person.ts";
import { expect, test, userAgents } from "../support/test.ts";

const entryPages = [
  "/sign-in",
  "/register",
  "/verify?email=a%40example.com",
  "/forgot-password",
  "/reset-password#token=a",
];

/** Nothing of the page is where it was not before. */
async function shifts(person: Person): Promise<number> {
  return person.page.evaluate(
    async () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const all = list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[];
          const entries = all.filter((entry) => !entry.hadRecentInput);
          resolve(entries.reduce((sum, entry) => sum + entry.value, 0));
        }).observe({ type: "layout-shift", buffered: true });
        // Without a single shift, nothing is reported.
        requestAnimationFrame(() =>
          requestAnimationFrame(() => {
            resolve(0);
          }),
        );
      }),
  );
}

for (const path of entryPages) {
  test(`the program takes over ${path} with what was typed, where it was typed, and nothing moves`, async ({
    person,
  }) => {
    const lets = await person.opensBeforeItListens(path);
    const input = person.page
      .getByRole("main")
      .locator("input:not([type=hidden]):not([type=checkbox]):not([type=radio])")
      .first();
    await input.focus();
    await person.page.keyboard.type("ab cd");
    await person.page.keyboard.press("ArrowLeft");
    await person.page.keyboard.press("ArrowLeft");
    lets();
    await person.isRunByProgram();
    await expect(input).toBeFocused();
    await person.page.keyboard.type("X");
    // An input for e-mail tells nobody where the caret is.
    const tells = (await input.getAttribute("type")) !== "email";
    await expect(input).toHaveValue(tells ? "ab Xcd" : "ab cdX");
    expect(await shifts(person)).toBe(0);
  });

  test(`an extension that has touched ${path} harms nothing, and keeps its own`, async ({ person }) => {
    await withExtension(person.context);
    const lets = await person.opensBeforeItListens(path);
    await expect(person.page.locator("[data-extension]").first()).toBeAttached();
    const input = person.page
      .getByRole("main")
      .locator("input:not([type=hidden]):not([type=checkbox]):not([type=radio])")
      .first();
    await input.fill("typed before");
    lets();
    await person.isRunByProgram();
    await expect(input).toHaveValue("typed before");
    await expect(person.page.locator("body > div[data-extension]")).toHaveCount(1);
    await expect(person.heading(/./)).toHaveCount(1);
  });

  test(`a translator that has been at ${path} harms nothing`, async ({ person }) => {
    const lets = await person.opensBeforeItListens(path);
    await translates(person.page);
    await expect(person.heading(/^«/)).toBeVisible();
    lets();
    await person.isRunByProgram();
    await expect(person.heading(/^«/)).toBeVisible();
  });
}

test("the program starts when hands rest, and not while somebody types", async ({ person }) => {
  await person.goesTo("/sign-in");
  // Typing takes longer than the program does to be fetched.
  await person.field("E-mail").pressSequentially("ada@example.com", { delay: 250 });
  await expect(person.page.locator("#app")).toHaveCount(0);
  await expect(person.page.locator("#app")).toBeVisible();
  await expect(person.field("E-mail")).toHaveValue("ada@example.com");
  await expect(person.field("E-mail")).toBeFocused();
});

test("a page that nobody touches is left alone for its first seconds, and then run by the program", async ({
  person,
}) => {
  await person.goesTo("/register");
  await expect(person.page.locator("#app")).toBeVisible({ timeout: 20_000 });
  expect(await person.page.evaluate(() => performance.now())).toBeGreaterThan(8000);
});

for (const [path, field] of [
  ["/verify?email=a%40example.com", "Code"],
  ["/forgot-password", "E-mail"],
  ["/reset-password#token=a", "New password"],
] as const) {
  test(`the one field of ${path} has the focus before the program is there`, async ({ person }) => {
    await person.goesTo(path);
    await expect(person.page.getByLabel(field, { exact: true })).toBeFocused({ timeout: 6_000 });
    await expect(person.page.locator("#app")).toHaveCount(0);
  });
}

test("a sentence of the mail gives its code, with the program or without", async ({ person, open }) => {
  const grace = stranger();
  await person.signsUp(grace);
  const code = await person.codeFromMailbox(grace);
  const plain = await open({ javaScriptEnabled: false });
  plain.complaints.allow(invalid);
  await plain.goesTo(`/verify?email=${encodeURIComponent(grace.email)}`);
  await plain.field("Code").fill(`Your code is ${code.slice(0, 3)} ${code.slice(3)}. It works for ten minutes.`);
  await plain.button("Confirm").click();
  // Right, but not of the browser that registered.
  await expect(plain.page.getByRole("main")).not.toContainText("Enter all six digits");
  await person
    .field("Code")
    .fill(`Hello, your code is ${code.slice(0, 3)} ${code.slice(3)}. It works for ten minutes.`);
  await person.seesDevices(1);
});

test("the program does not wait where nobody is looking", async ({ person }) => {
  await person.goesTo("/sign-in");
  await person.page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  });
  await expect(person.page.locator("#app")).toBeVisible({ timeout: 7_000 });
});

test("a tab that rests at the sign-in page hears at once that another one has signed in", async ({ person }) => {
  await person.goesTo("/sign-in");
  const tab = await person.opensAnotherTab();
  await tab.isRunByProgram();
  await tab.signsInHere(demo);
  await tab.seesDevices(1);
  await expect(person.heading(/^Signed in on/)).toBeVisible({ timeout: 7_000 });
});

test("somebody signs in before the program is there, and it finds them signed in", async ({ person }) => {
  const lets = await person.opensBeforeItListens("/sign-in?next=/activity");
  await person.signsInHere(demo);
  await expect(person.page).toHaveURL(/\/activity$/);
  lets();
  await expect(person.heading("Activity")).toBeVisible();
  await expect(person.personMenu()).toBeVisible();
});

test("a form that is sent twice before the program is there is sent once", async ({ person }) => {
  let sent = 0;
  await person.opensBeforeItListens("/sign-in");
  await person.page.route("**/sign-in", async (route) => {
    if (route.request().method() === "POST") sent += 1;
    await route.continue();
  });
  await person.fillsInSignIn(demo);
  await person.button("Sign in").dblclick();
  await expect(person.page).toHaveURL(/\/devices$/);
  expect(sent).toBe(1);
});

test("a click that begins before the program is there is not lost to it", async ({ person }) => {
  const lets = await person.opensBeforeItListens("/sign-in");
  await person.fillsInSignIn(demo);
  await person.page.getByRole("checkbox", { name: /^Keep me signed in/ }).hover();
  await person.page.mouse.down();
  lets();
  await expect(person.page.locator("#app main")).toBeAttached();
  await person.page.mouse.up();
  await person.isRunByProgram();
  await expect(person.page.getByRole("checkbox", { name: /^Keep me signed in/ })).not.toBeChecked();
});

test("what is wrong is shown before the program is there, and still afterwards", async ({ person }) => {
  person.complaints.allow(refused);
  const lets = await person.opensBeforeItListens("/sign-in?next=/activity");
  await person.signsInHere({ ...demo, password: "not the password" });
  await expect(person.page.locator("#main")).toContainText("E-mail or password is wrong.");
  await expect(person.field("E-mail")).toHaveValue(demo.email);
  await expect(person.password()).toHaveValue("");
  await expect(person.password()).toBeFocused();
  lets();
  await person.isRunByProgram();
  await expect(person.page.getByRole("main")).toContainText("E-mail or password is wrong.");
  await expect(person.field("E-mail")).toHaveValue(demo.email);
  await person.password().fill(demo.password);
  await person.button("Sign in").click();
  await expect(person.heading("Activity")).toBeVisible();
});

test("the eye of the password works before the program", async ({ person }) => {
  await person.opensBeforeItListens("/sign-in");
  await person.password().fill("tuesday otter");
  await person.button("Show password").click();
  await expect(person.password()).toHaveAttribute("type", "text");
  await person.button("Hide password").click();
  await expect(person.password()).toHaveAttribute("type", "password");
});

test("counts follow what happens after a translator has been at the page", async ({ person, api }) => {
  await person.signsIn(demo);
  await person.seesDevices(1);
  await translates(person.page);
  await expect(person.heading(/«.*1 device/)).toBeVisible();
  await api.signsIn(demo);
  await expect(person.heading(/2 devices/)).toBeVisible();
  await expect(person.heading(/1 device\b/)).toHaveCount(0);
});

test("an extension that takes every comment out of the page harms nothing", async ({ person, api }) => {
  await removesComments(person.context);
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.signsInHere(demo);
  await person.seesDevices(1);
  const script = await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await expect(person.device("backup script")).toBeVisible();
  await expect(person.page.getByText(/Was this you\?/)).toBeVisible();
  await api.signsOut(script);
  await person.seesDevices(1);
  await expect(person.device("backup script")).toBeHidden();
  await person.link("Activity").click();
  await expect(person.heading("Activity")).toBeVisible();
  await expect(person.page.getByRole("main").getByRole("listitem").first()).toBeVisible();
  await person.page.reload();
  await expect(person.page.getByRole("main").getByRole("listitem").first()).toBeVisible();
  await person.link(/^Devices/).click();
  await person.seesDevices(1);
});

/** Through all forms, with nothing but what the server sends. */
async function livesWithoutProgram(person: Person): Promise<void> {
  const grace = stranger();
  await person.goesTo("/sign-in?next=/activity");
  await person.link("Create an account").click();
  await person.fillsInRegistration(grace);
  await person.button("Create account").click();
  await expect(person.heading("Check your e-mail")).toBeVisible();
  await person.field("Code").fill(await person.codeFromMailbox(grace));
  // Where scripts run, a full code sends itself.
  if (person.page.url().includes("/verify")) await person.page.keyboard.press("Enter").catch(() => undefined);
  await expect(person.page).toHaveURL(/\/activity$/);
  await expect(person.heading("This page couldn’t start")).toBeVisible();
  await person.button("Sign out this device").click();
  await person.isSignedOut("You signed out.");
  expect(await person.sessionCookies()).toEqual([]);

  await person.link("Forgot your password?").click();
  await person.asksForLink(grace);
  const link = await person.findsLinkInMailbox(grace);
  await person.goesTo(link);
  const pasted = person.page.getByLabel("Link from the mail");
  if (await pasted.isVisible()) await pasted.fill(person.address + link);
  await person.choosesNewPassword("a lantern for the otter");
  await person.isSignedOut(/Your new password is set/);
  await expect(person.field("E-mail")).toHaveValue(grace.email);
  await person.signsInHere({ ...grace, password: "not this one" });
  await expect(person.page.getByRole("main")).toContainText("E-mail or password is wrong.");
  await person.signsInHere({ ...grace, password: "a lantern for the otter" });
  await expect(person.page).toHaveURL(/\/devices$/);
}

for (const [why, arrange] of Object.entries(withoutProgram)) {
  test(`everything before the devices works where ${why}`, async ({ person }) => {
    person.complaints.allow(refused, invalid, unreachable, /status of 404/, /broken on purpose/, /wasm/i);
    await arrange(person.context);
    await livesWithoutProgram(person);
    await expect(person.heading("This page couldn’t start")).toBeVisible();
  });
}

test("everything before the devices works without scripts", async ({ open }) => {
  const person = await open({ javaScriptEnabled: false });
  person.complaints.allow(refused, invalid);
  await livesWithoutProgram(person);
  await expect(person.heading("This page couldn’t start")).toBeVisible();
});

test("the token of a mailed link is in no address, in no request but the one it is for, and in no history", async ({
  person,
}) => {
  const urls: string[] = [];
  person.page.on("request", (request) => urls.push(request.url(), request.headers().referer ?? ""));
  const lets = await person.opensBeforeItListens("/reset-password#token=made-up-token");
  await expect(person.page).toHaveURL(/\/reset-password$/);
  lets();
  await person.isRunByProgram();
  await expect(person.heading("Choose a new password")).toBeVisible();
  expect(urls.filter((url) => url.includes("made-up-token") && !url.includes("#"))).toEqual([]);
});

test("an address with a slash at its end is the page", async ({ person }) => {
  await person.goesTo("/sign-in/?next=/activity");
  await expect(person.page).toHaveURL(/\/sign-in\?next=\/activity$/);
  await expect(person.heading("Sign in")).toBeVisible();
});

test("where one was going survives registering and the code", async ({ person }) => {
  const grace = stranger();
  await person.goesTo("/activity");
  await person.isSignedOut();
  await person.link("Create an account").click();
  await person.fillsInRegistration(grace);
  await person.button("Create account").click();
  await expect(person.heading("Check your e-mail")).toBeVisible();
  await person.entersCodeFromMailbox(grace);
  await expect(person.heading("Activity")).toBeVisible();
});
