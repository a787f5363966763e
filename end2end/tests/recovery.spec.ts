// Getting back in without the password: a link by mail, a new password, and every session over.

import { demo, stranger } from "../support/api.ts";
import { invalid, refused } from "../support/complaints.ts";
import { expect, test, userAgents } from "../support/test.ts";

const newPassword = "nine umbrellas in a bakery";
const changed = "Your new password is set, and you’re signed out everywhere. Sign in with it.";
const noLink = "This link can’t be used";

test("a forgotten password is replaced by the link in the mail, and every device is signed out", async ({ open }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  laptop.complaints.allow(refused);
  await phone.signsIn(demo);

  await laptop.forgetsPassword(demo);
  await laptop.followsLinkFromMailbox(demo);
  await laptop.choosesNewPassword(newPassword);
  await laptop.isSignedOut(changed);
  await expect(laptop.field("E-mail")).toHaveValue(demo.email);
  await phone.isSignedOut("You were signed out because your password was reset by e-mail.");
  await expect(phone.field("E-mail")).toHaveValue("");

  await laptop.signsInHere(demo);
  await expect(laptop.page.getByRole("main")).toContainText("E-mail or password is wrong");
  await laptop.signsInHere({ ...demo, password: newPassword });
  await laptop.seesDevices(1);
});

test("a link works once, and a used one leads to a new one", async ({ open }) => {
  const laptop = await open();
  const phone = await open();
  laptop.complaints.allow(invalid);
  await laptop.forgetsPassword(demo);
  const link = await laptop.findsLinkInMailbox(demo);
  await laptop.goesTo(link);
  await laptop.choosesNewPassword(newPassword);
  await laptop.isSignedOut(changed);

  await phone.goesTo(link);
  await phone.isRunByProgram();
  await phone.choosesNewPassword("another umbrella in the rain");
  await expect(phone.heading(noLink)).toBeFocused();
  await phone.link("Send a new link").click();
  await expect(phone.heading("Forgot your password?")).toBeVisible();
});

test("the page without a link says so, until one is opened in the same tab", async ({ person }) => {
  await person.goesTo("/reset-password");
  await expect(person.heading(noLink)).toBeVisible();
  // Only what follows the `#` is new: nothing is loaded.
  await person.goesTo("/reset-password#token=from-another-mail");
  await expect(person.heading("Choose a new password")).toBeVisible();
  await expect(person.page).toHaveURL(/\/reset-password$/);
});

test("the token of a link is nowhere but in memory", async ({ person }) => {
  await person.forgetsPassword(demo);
  const link = await person.findsLinkInMailbox(demo);
  const token = link.replace(/.*#token=/, "");
  expect(token.length).toBeGreaterThan(20);
  const everythingStored = async () =>
    person.page.evaluate(() => {
      const storages = [localStorage, sessionStorage].flatMap((storage) => Object.entries(storage));
      return JSON.stringify([storages, document.cookie, history.state, document.documentElement.outerHTML]);
    });
  const lets = await person.opensBeforeItListens(link);
  await expect(person.button("Set new password")).toBeEnabled();
  await expect(person.page).toHaveURL(/\/reset-password$/);
  expect(await everythingStored(), "before the program").not.toContain(token);
  lets();
  await person.isRunByProgram();
  await expect(person.button("Set new password")).toBeEnabled();
  expect(await everythingStored()).not.toContain(token);
});

test("a browser that is signed in where the link is opened is signed out, and says so once", async ({ person }) => {
  person.complaints.allow(refused);
  await person.signsIn(demo);
  const other = await person.opensAnotherTab();
  await other.seesDevices(1);

  await person.goesTo("/forgot-password");
  await person.asksForLink(demo);
  await person.followsLinkFromMailbox(demo);
  await person.choosesNewPassword(newPassword);
  await person.isSignedOut(changed);
  await expect(person.toast("reset by e-mail")).toHaveCount(0);
  await other.isSignedOut(/password (is set|was reset by e-mail)/);

  await person.signsInHere({ ...demo, password: newPassword });
  await person.seesDevices(1);
});

test("a guessable password is refused with the reason, and the link still works", async ({ person }) => {
  person.complaints.allow(invalid);
  await person.forgetsPassword(demo);
  await person.followsLinkFromMailbox(demo);
  await person.isRunByProgram();
  await person.choosesNewPassword("password1");
  await expect(person.password("New password")).toHaveAttribute("aria-invalid", "true");
  await expect(person.password("New password")).toBeFocused();
  await expect(person.password("New password")).toHaveValue("password1");
  await person.choosesNewPassword(newPassword);
  await person.isSignedOut(changed);
});

test("an address without an account gets the same answer", async ({ person, api }) => {
  const nobody = stranger();
  await person.goesTo("/forgot-password");
  await person.asksForLink(nobody);
  expect(await api.resetLinkFromMailbox(nobody.email)).toBeUndefined();
});

test("another link can be asked for after a minute, and another address at once", async ({ person }) => {
  await person.page.clock.install();
  await person.goesTo("/forgot-password");
  await person.asksForLink(demo);
  await expect(person.button("Send again")).toBeDisabled();
  await expect(person.page.getByRole("main")).toContainText(/Send again in \d+ s/);
  await person.page.clock.fastForward(60_000);
  await expect(person.button("Send again")).toBeEnabled();

  await person.button("use another address").click();
  await expect(person.field("E-mail")).toHaveValue(demo.email);
  await person.asksForLink(stranger());
});
