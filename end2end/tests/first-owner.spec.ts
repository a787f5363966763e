// The first owner: a server that starts without one logs a link, and whoever opens it makes one.

import AxeBuilder from "@axe-core/playwright";
import { stranger, type Account } from "../support/api.ts";
import { invalid } from "../support/complaints.ts";
import type { Person } from "../support/person.ts";
import { expect, test } from "../support/test.ts";

// As in production, where there is no demo person. Nobody can open the public address here: the owner is made on the
// machine itself.
test.use({
  settings: {
    LATCHKEY_ENV: "production",
    LATCHKEY_SECRET: "q7Zt2LwX9vKd4RsNf8YbHc3JmPg6EuAo1TiWxVzQrLk",
    PUBLIC_URL: "https://id.example.com",
    SMTP_URL: "smtp://127.0.0.1:9",
    LOG_FORMAT: "json",
  },
});

/** The path of the link in a log, with its token. */
function linkIn(log: string): string {
  const link = /"local_link":"http:\/\/127\.0\.0\.1:\d+(\/set-up#token=[\w-]+)"/.exec(log)?.[1];
  expect(link, log).toBeDefined();
  return link ?? "";
}

async function createsOwner(person: Person, account: Account): Promise<void> {
  await person.fillsInRegistration(account);
  await person.button("Create the owner").click();
}

async function expectNoViolations(person: Person): Promise<void> {
  const { violations } = await new AxeBuilder({ page: person.page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
}

test("whoever opens the link in the log makes the first owner, once", async ({ person, server, api }) => {
  person.complaints.allow(invalid, /status of 410/);
  const ada = stranger("Ada Lovelace");
  await person.goesTo(linkIn(server.log()));
  await expect(person.heading("Create the first owner")).toBeVisible();
  // The token is out of the address, and nothing asks for the link.
  await expect(person.page).toHaveURL(/\/set-up$/);
  await expect(person.field("Link from the log")).toBeHidden();
  await expectNoViolations(person);

  await createsOwner(person, { ...ada, password: "password1" });
  await expect(person.password()).toHaveAttribute("aria-invalid", "true");
  await expect(person.password()).toBeFocused();
  await expect(person.field("Your name")).toHaveValue(ada.name);
  await expectNoViolations(person);

  await createsOwner(person, ada);
  await expect(person.heading("The owner is created")).toBeVisible();
  await expect(person.page.getByRole("main").getByRole("link", { name: "Sign in" })).toHaveAttribute(
    "href",
    "https://id.example.com/sign-in",
  );
  await expectNoViolations(person);
  await api.signsIn(ada);

  await person.goesTo("/set-up");
  await expect(person.heading("There is an owner already")).toBeVisible();
  await expectNoViolations(person);
});

test("without scripts the link is pasted", async ({ open, server }) => {
  const person = await open({ javaScriptEnabled: false });
  const link = linkIn(server.log());
  await person.goesTo(link);
  await person.field("Link from the log").fill(`${server.address}${link}`);
  await createsOwner(person, stranger("Ada Lovelace"));
  await expect(person.heading("The owner is created")).toBeVisible();
});

test("a link that is not good says so, and one of an earlier start is", async ({ person, server }) => {
  person.complaints.allow(invalid);
  await person.goesTo("/set-up#token=made-up");
  await createsOwner(person, stranger());
  await expect(person.heading("This link can’t be used")).toBeVisible();
  await expectNoViolations(person);

  const link = linkIn(server.log());
  await server.restart();
  await person.goesTo(link);
  await createsOwner(person, stranger());
  await expect(person.heading("The owner is created")).toBeVisible();
});
