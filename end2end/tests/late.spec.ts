// Answers that come late: whatever an old session or an earlier refresh is still given takes nothing from what lives.

import type { Page } from "@playwright/test";
import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

/** Holds back the answer to the next refresh of a tab, which the server has given already. Gives what lets it come. */
async function holdsBackRefresh(page: Page): Promise<{ answered: Promise<void>; letCome: () => void }> {
  let letCome = (): void => undefined;
  let tellAnswered = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letCome = resolve;
  });
  const answered = new Promise<void>((resolve) => {
    tellAnswered = resolve;
  });
  await page.route(
    "**/api/auth/refresh",
    async (route) => {
      // Fetched apart from the browser, which learns of its cookie only with the answer.
      const { cookie, ...headers } = await route.request().allHeaders();
      const answer = await fetch(route.request().url(), {
        method: "POST",
        headers: { ...headers, ...(cookie !== undefined && { cookie }) },
        body: route.request().postData() ?? "{}",
      });
      const text = await answer.text();
      tellAnswered();
      await held;
      await route.fulfill({
        status: answer.status,
        headers: {
          "content-type": answer.headers.get("content-type") ?? "application/json",
          "set-cookie": answer.headers.getSetCookie().join("\n"),
        },
        body: text,
      });
    },
    { times: 1 },
  );
  return { answered, letCome };
}

test("a late answer to an old session's refresh does not sign out the next session", async ({ person, api }) => {
  person.complaints.allow(refused);
  await person.signsIn(demo);
  const other = await person.opensAnotherTab();
  await other.seesDevices(1);

  const { answered, letCome } = await holdsBackRefresh(other.page);
  const reloading = other.page.reload();
  await answered;
  await person.signsOut();
  await person.signsInHere(demo);
  await person.seesDevices(1);
  letCome();
  await reloading;
  await other.seesDevices(1);

  for (const tab of [person, other]) {
    await tab.page.reload();
    await tab.seesDevices(1);
  }
  expect(await person.sessionCookies()).toHaveLength(1);
  const witness = await api.signsIn(demo, { deviceName: "witness", userAgent: "curl/8.5.0" });
  await expect(person.device("witness")).toBeVisible();
  expect((await api.signsOut(witness)).status).toBe(200);
});
