// Becoming known: an account, a code from the mailbox, and the first session.

import { stranger } from "../support/api.ts";
import { invalid } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

test("a new person signs up with the code from the mailbox and is signed in", async ({ person }) => {
  const grace = stranger("Grace Hopper");
  await person.signsUp(grace);
  await person.entersCodeFromMailbox(grace);
  await person.seesDevices(1);
  await expect(person.personMenu()).toBeVisible();
});

test("what is chosen before the page listens is what is sent", async ({ person }) => {
  const grace = stranger();
  const listens = await person.opensBeforeItListens("/register");
  await person.page.getByRole("radio", { name: /^Business/ }).check();
  listens();
  await person.isRunByProgram();
  const sending = person.page.waitForRequest("**/api/auth/register");
  await person.fillsInRegistration(grace);
  await person.button("Create account").click();
  expect((await sending).postDataJSON()).toMatchObject({ accountType: "BUSINESS" });
});

test("a wrong code says so and keeps the person on the page", async ({ person, api }) => {
  person.complaints.allow(invalid);
  const grace = stranger();
  await person.signsUp(grace);
  const right = await api.codeFromMailbox(grace.email);
  const wrong = right.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
  await person.field("Code").fill(wrong);
  await expect(person.field("Code")).toHaveAccessibleDescription(/code/i);
  await expect(person.field("Code")).toHaveAttribute("aria-invalid", "true");
  await person.entersCodeFromMailbox(grace);
  await person.seesDevices(1);
});

test("a guessable password is refused with the reason, and nothing typed is lost", async ({ person }) => {
  person.complaints.allow(invalid);
  const grace = stranger("Grace Hopper");
  await person.goesTo("/register");
  await person.isRunByProgram();
  await person.fillsInRegistration({ ...grace, password: "password1" });
  await person.button("Create account").click();
  await expect(person.password()).toHaveAttribute("aria-invalid", "true");
  await expect(person.password()).toBeFocused();
  await expect(person.field("Your name")).toHaveValue(grace.name);
  await expect(person.field("E-mail")).toHaveValue(grace.email);
  await expect(person.password()).toHaveValue("password1");
});

test.describe("where no code is asked for", () => {
  test.use({ settings: { REQUIRE_EMAIL_VERIFICATION: "false" } });

  test("a new person is signed in straight after signing up", async ({ person }) => {
    await person.goesTo("/register");
    await person.fillsInRegistration(stranger());
    await person.button("Create account").click();
    await person.seesDevices(1);
  });
});
