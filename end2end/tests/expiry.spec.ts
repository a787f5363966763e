// A session's end that comes by itself: warned of, prolonged, or met with the way back.

import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

test.describe("a session that use prolongs", () => {
  test.use({ settings: { JWT_EXPIRE: "60s", REFRESH_EXPIRE: "60s", SESSION_WARNING: "58s" } });

  test("the person is warned, and stays signed in at a click", async ({ person }) => {
    await person.signsIn(demo);
    await person.seesToast(/Your session ends in 0:[0-5]\d/);
    await person.button("Stay signed in").click();
    await person.seesToast(/You’re signed in until \d+:\d\d/);
  });

  test("Escape puts the warning away that has the focus", async ({ person }) => {
    await person.signsIn(demo);
    await person.button("Stay signed in").focus();
    await person.page.keyboard.press("Escape");
    await expect(person.button("Stay signed in")).toBeHidden();
    await person.seesDevices(1);
  });
});

test.describe("a session that has reached its end", () => {
  test.use({
    settings: { JWT_EXPIRE: "12s", REFRESH_EXPIRE: "12s", SESSION_MAX_AGE: "12s", SESSION_WARNING: "10s" },
  });

  test("signs out by itself, says why, and leads back to the same page", async ({ person }) => {
    person.complaints.allow(refused);
    await person.signsIn(demo);
    await person.goesTo("/activity");
    await person.seesToast(/Your session ends in 0:\d\d/);
    await expect(person.button("Sign in again")).toBeVisible();
    await expect(person.button("Stay signed in")).toBeHidden();
    await person.isSignedOut("Your session expired. Sign in to go on where you were.", 20_000);
    await person.seesToast("Your session expired.");

    await person.signsInHere(demo);
    await expect(person.heading("Activity")).toBeVisible();
  });

  test("gives back what was being typed", async ({ person }) => {
    person.complaints.allow(refused);
    await person.signsIn(demo);
    await person.page.getByRole("navigation").getByRole("link", { name: "Profile" }).click();
    await person.field("Your name").fill("Half a na");
    await person.isSignedOut("Your session expired", 20_000);
    await person.signsInHere(demo);
    await expect(person.field("Your name")).toHaveValue("Half a na");
  });
});
