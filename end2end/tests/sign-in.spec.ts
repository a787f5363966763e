// Signing in and staying signed in.

import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

test("a person who signs in is still signed in after a reload", async ({ person }) => {
  await person.signsIn(demo);
  await person.page.reload();
  await person.seesDevices(1);
  await expect(person.thisDevice()).toBeVisible();
});

test("the sign-in page of a development server names the demo person", async ({ person }) => {
  await person.goesTo("/sign-in");
  await expect(person.page.getByRole("main")).toContainText(demo.email);
});

test("a wrong password says so in words, and what was typed stays", async ({ person }) => {
  person.complaints.allow(refused);
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.fillsInSignIn({ ...demo, password: "not the password" });
  await person.button("Sign in").click();
  await expect(person.page.getByRole("main")).toContainText("E-mail or password is wrong");
  await expect(person.field("E-mail")).toHaveValue(demo.email);
  await expect(person.password()).toHaveValue("not the password");
});

test("signing in works with the keyboard alone", async ({ person }) => {
  await person.goesTo("/sign-in");
  await expect(person.button("Sign in")).toBeEnabled();
  await person.field("E-mail").focus();
  await person.page.keyboard.type(demo.email);
  await person.page.keyboard.press("Tab");
  await expect(person.password()).toBeFocused();
  await person.page.keyboard.type(demo.password);
  await person.page.keyboard.press("Enter");
  await person.seesDevices(1);
});

test("what is unticked before the page listens is not sent as ticked", async ({ person }) => {
  const listens = await person.opensBeforeItListens("/sign-in");
  await person.page.getByRole("checkbox", { name: /^Keep me signed in/ }).uncheck();
  listens();
  await person.isRunByProgram();
  const sending = person.page.waitForRequest("**/api/auth/login");
  await person.signsInHere(demo);
  expect((await sending).postDataJSON()).toMatchObject({ rememberMe: false });
  await person.seesDevices(1);
});

test("the first Tab leads to a link that skips the header", async ({ person }) => {
  await person.signsIn(demo);
  await person.page.reload();
  await person.seesDevices();
  await person.page.keyboard.press("Tab");
  await expect(person.link(/^Skip to/)).toBeFocused();
  await person.page.keyboard.press("Enter");
  await expect(person.page.getByRole("main")).toBeFocused();
});

test("a person who opens a page without being signed in comes back to it after signing in", async ({ person }) => {
  await person.goesTo("/activity");
  await person.isSignedOut();
  await person.signsInHere(demo);
  await expect(person.heading("Activity")).toBeVisible();
  await expect(person.page).toHaveURL(/\/activity$/);
});

test("a crafted return address never leads off the site", async ({ person }) => {
  await person.goesTo("/sign-in?next=//example.com/");
  await person.signsInHere(demo);
  await person.seesDevices(1);
  expect(new URL(person.page.url()).origin).toBe(person.address);
});

test("the focus follows to the heading when the page changes", async ({ person }) => {
  await person.signsIn(demo);
  for (const [link, heading] of [
    ["Activity", "Activity"],
    ["Profile", demo.name],
    ["Devices", /^Signed in on/],
  ] as const) {
    await person.page.getByRole("navigation").getByRole("link", { name: link, exact: true }).click();
    await expect(person.heading(heading)).toBeFocused();
    await expect(person.page).toHaveTitle(new RegExp(link));
  }
});
