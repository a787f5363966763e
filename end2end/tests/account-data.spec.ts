// The account's data: exporting it, and deleting the account.

import { readFile } from "node:fs/promises";
import { demo, stranger } from "../support/api.ts";
import { invalid, refused } from "../support/complaints.ts";
import { expect, test, userAgents } from "../support/test.ts";

interface Export {
  readonly profile: { readonly email: string; readonly name: string };
  readonly sessions: readonly unknown[];
}

test("everything that is held on a person is downloaded as one file", async ({ person }) => {
  await person.signsIn(demo);
  await person.goesTo("/profile");
  const downloading = person.page.waitForEvent("download");
  await person.button("Download everything").click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("latchkey-export.json");

  const text = await readFile(await download.path(), "utf8");
  const { profile, sessions } = JSON.parse(text) as Export;
  expect(profile).toMatchObject({ email: demo.email, name: demo.name });
  expect(sessions).toHaveLength(1);
  // Neither an access token, a refresh token nor the hash of a password.
  expect(text).not.toMatch(/eyJ[\w-]{10,}|lkr_[\w-]{10,}|\$argon2/);
  await person.seesToast("Your data is in your downloads.");
});

test("a download that fails says so", async ({ person }) => {
  person.complaints.allow(/net::ERR_/);
  await person.signsIn(demo);
  await person.goesTo("/profile");
  await person.page.route("**/api/user/export", async (route) => route.abort());
  await person.button("Download everything").click();
  await person.seesToast(/Your data could not be downloaded/);
});

test("a wrong password keeps the account, the question and what was typed", async ({ person }) => {
  person.complaints.allow(invalid);
  await person.signsIn(demo);
  await person.goesTo("/profile");
  await person.asksToDeleteAccount();
  await expect(person.passwordInDialog()).toBeFocused();
  await person.confirmsDeletion("not the password");
  await expect(person.passwordInDialog()).toHaveAttribute("aria-invalid", "true");
  await expect(person.passwordInDialog()).toBeFocused();
  await expect(person.passwordInDialog()).toHaveValue("not the password");

  await person.page.keyboard.press("Escape");
  await expect(person.dialog()).toBeHidden();
  await expect(person.button("Delete account")).toBeFocused();
  await person.asksToDeleteAccount();
  await expect(person.passwordInDialog()).toHaveValue("");
  await person.goesTo("/devices");
  await person.seesDevices(1);
});

test("deleting the account signs out all its devices, and nobody signs in to it again", async ({ open }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  laptop.complaints.allow(refused);
  // Not the demo person, who is the only owner and stays.
  const grace = stranger();
  await laptop.signsUp(grace);
  await laptop.entersCodeFromMailbox(grace);
  await laptop.seesDevices(1);
  await phone.signsIn(grace);
  const otherTab = await laptop.opensAnotherTab();
  await otherTab.seesDevices(2);

  await laptop.goesTo("/profile");
  await laptop.asksToDeleteAccount();
  await laptop.confirmsDeletion(grace.password);
  await laptop.isSignedOut("Your account was deleted.");
  await otherTab.isSignedOut(/[Yy]our account was deleted\./);
  await phone.isSignedOut("You were signed out because your account was deleted.");

  await laptop.signsInHere(grace);
  await expect(laptop.page.getByRole("main")).toContainText("E-mail or password is wrong");
});
