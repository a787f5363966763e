// The devices page: where am I signed in, and is that me? Two browsers see the same person.

import { setTimeout as pause } from "node:timers/promises";
import { demo } from "../support/api.ts";
import { refused, unreachable } from "../support/complaints.ts";
import type { Person } from "../support/person.ts";
import { expect, test, userAgents } from "../support/test.ts";

test("ending one device from the other signs that browser out within a second", async ({ open }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  phone.complaints.allow(refused);
  await laptop.signsIn(demo);
  await phone.signsIn(demo);
  await laptop.seesDevices(2);

  await laptop.endsDevice("Safari on iPhone");
  await phone.isSignedOut("You were signed out because someone signed out this device", 1_000);
  await laptop.seesDevices(1);
});

test("the list follows sign-ins and sign-outs of other devices by itself", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  await laptop.seesDevices(1);

  const script = await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await expect(laptop.device("backup script")).toBeVisible();
  await laptop.seesDevices(2);

  await api.signsOut(script);
  await expect(laptop.device("backup script")).toBeHidden();
  await laptop.seesDevices(1);
});

test("a new name is saved and shown on the other device at once", async ({ open }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  await laptop.signsIn(demo);
  await phone.signsIn(demo);

  await laptop.renames("Safari on iPhone", "Grandmother’s phone");
  await expect(laptop.device("Grandmother’s phone")).toBeVisible();
  await expect(phone.device("Grandmother’s phone")).toBeVisible();
  await laptop.page.reload();
  await expect(laptop.device("Grandmother’s phone")).toBeVisible();
});

test("Escape gives up a new name", async ({ open }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  const row = laptop.thisDevice();
  await row.getByRole("button", { name: /^Rename/ }).click();
  await laptop.field("Device name").fill("Something else");
  await laptop.field("Device name").press("Escape");
  await expect(laptop.field("Device name")).toBeHidden();
  await expect(laptop.page.getByText("Something else")).toBeHidden();
  await expect(row.getByRole("button", { name: /^Rename/ })).toBeFocused();
});

test("signing out the others leaves this device alone", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  const phone = await open({ userAgent: userAgents.iphoneSafari });
  phone.complaints.allow(refused);
  await laptop.signsIn(demo);
  await phone.signsIn(demo);
  const script = await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await laptop.seesDevices(3);

  await laptop.endsOtherDevices();
  await phone.isSignedOut(/You were signed out because someone signed out/);
  await laptop.seesDevices(1);
  expect((await api.asksWhoAmI(script.accessToken)).status).toBe(401);
});

test("a dialog asks before many devices are signed out, and Escape leaves everything as it was", async ({
  open,
  api,
}) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  const button = laptop.button("Sign out other devices");
  await button.click();
  await expect(laptop.dialog()).toContainText("backup script");
  await expect(laptop.dialog()).toContainText("stays signed in");
  await laptop.page.keyboard.press("Escape");
  await expect(laptop.dialog()).toBeHidden();
  await expect(button).toBeFocused();
  await laptop.seesDevices(2);
});

test("a row that the server did not take comes back with the reason", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  laptop.complaints.allow(unreachable);
  await laptop.signsIn(demo);
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await laptop.seesDevices(2);
  await laptop.page.route("**/api/auth/sessions/*", async (route) => route.abort());
  await laptop.endsDevice("backup script");
  await laptop.seesToast(/backup script could not be signed out/);
  await expect(laptop.device("backup script")).toBeVisible();
  await laptop.seesDevices(2);
});

test("the question about a new sign-in is answered in place", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  await api.signsIn(demo, { deviceName: "Firefox on Windows", userAgent: userAgents.windowsFirefox });
  const question = laptop.page.getByText(/Was this you\?/);
  await expect(question).toContainText("Firefox 144 on Windows");
  await expect(laptop.toast(/^New sign-in/)).toHaveCount(0);
  await laptop.button("Yes").click();
  await expect(question).toBeHidden();
  await laptop.seesDevices(2);
});

test("who says that it was not them is led to a new password, with the receipt in sight", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  await api.signsIn(demo, { deviceName: "Firefox on Windows", userAgent: userAgents.windowsFirefox });
  await laptop.button("No, secure my account").click();
  await laptop.dialog().getByRole("button", { name: "Sign out 1 device" }).click();

  await expect(laptop.page).toHaveURL(/\/profile#password$/);
  const receipt = laptop.page.getByRole("region", { name: "Sign-out receipt" });
  await expect(laptop.password("Current password")).toBeFocused();
  await expect(laptop.page.getByText("Now choose a new password")).toBeInViewport();
  await expect(receipt).toBeInViewport();
  await expect(receipt).toContainText("Firefox on Windows");

  await laptop.password("Current password").fill(demo.password);
  await laptop.password("New password").fill("nine umbrellas in a bakery");
  await laptop.button("Change password").click();
  await laptop.seesToast("Password changed.");
  await expect(receipt).toBeHidden();
  await expect(laptop.page.getByText("Now choose a new password")).toBeHidden();
});

test("the page of a device says what it is, how it stands and what it went through", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  const { sessionId } = await api.signsIn(demo, { deviceName: "Ada’s tablet", userAgent: userAgents.ipadSafari });
  await laptop.device("Ada’s tablet").getByRole("link", { name: "History of Ada’s tablet" }).click();
  await expect(laptop.page).toHaveURL(new RegExp(`/devices/${sessionId}$`));
  await expect(laptop.heading("Ada’s tablet")).toBeFocused();
  const main = laptop.page.getByRole("main");
  await expect(main).toContainText("Safari 18 on iPadOS");
  await expect(main).toContainText(/Signed in .* with a password/);
  await expect(
    laptop.page
      .getByRole("listitem")
      .filter({ hasText: /^Signed in/ })
      .last(),
  ).toBeVisible();

  await api.endsSession(await api.signsIn(demo), sessionId);
  await expect(main).toContainText(/Signed out just now/);
  await expect(main).toContainText("From another device");
  await laptop.link("Back to devices").click();
  await expect(laptop.heading(/^Signed in on/)).toBeVisible();
});

test("markup in a device's name is shown as text", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  const name = '<img src=x onerror="alert(1)"><b>bold</b>';
  await api.signsIn(demo, { deviceName: name, userAgent: userAgents.curl });
  await expect(laptop.device(name)).toBeVisible();
});

test("the question about a new sign-in is there after a reload, and on a device that signs in later", async ({
  open,
  api,
}) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  await api.signsIn(demo, { deviceName: "Firefox on Windows", userAgent: userAgents.windowsFirefox });
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  const question = laptop.page.getByText(/Was this you\?/);
  await laptop.page.reload();
  await expect(question).toContainText("curl 8.5");
  await expect(laptop.page.getByRole("main")).toContainText("1 of 2");
  await expect(laptop.device("backup script")).toContainText("Unconfirmed");

  const later = await open({ userAgent: userAgents.macChrome });
  await later.signsIn(demo);
  await expect(later.page.getByText(/Was this you\?/)).toContainText("curl 8.5");
  await later.button("Sign out only this one").click();
  await expect(later.page.getByText(/Was this you\?/)).toContainText("Firefox 144 on Windows");
  await expect(question, "answered there, it is not asked here").toContainText("Firefox 144 on Windows");
  await later.button("Yes").click();
  await expect(question).toBeHidden();
  await expect(laptop.device("Firefox on Windows")).not.toContainText("Unconfirmed");
  await laptop.seesDevices(3);
});

for (const pause of [60, 180, 450]) {
  test(`a double click, ${pause} ms apart, signs out one device`, async ({ open, api }) => {
    const laptop = await open({ userAgent: userAgents.macChrome });
    await laptop.signsIn(demo);
    for (const name of ["first", "second", "third"]) {
      await api.signsIn(demo, { deviceName: name, userAgent: userAgents.curl });
    }
    await laptop.seesDevices(4);
    const box = await laptop.signOutOf("third").boundingBox();
    const at = [(box?.x ?? 0) + 10, (box?.y ?? 0) + 10] as const;
    await laptop.page.mouse.move(...at);
    // Each of the two is held for so long, so that the second is heard so much after the first.
    await laptop.page.mouse.click(...at, { clickCount: 2, delay: pause });
    await laptop.seesDevices(3);
    await expect(laptop.device("third")).toContainText("Signed out just now");
    await expect(laptop.signOutOf("second")).toBeVisible();
    await laptop.page.mouse.move(5, 5);
    await expect(laptop.device("third")).toBeHidden();
    await laptop.seesDevices(3);
  });
}

test("ending a device by keyboard leads to the next one, which a held key does not end", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  for (const name of ["first", "second", "third"]) {
    await api.signsIn(demo, { deviceName: name, userAgent: userAgents.curl });
  }
  await laptop.seesDevices(4);
  await laptop.signOutOf("third").focus();
  for (let repeats = 0; repeats < 5; repeats += 1) await laptop.page.keyboard.down("Enter");
  await laptop.page.keyboard.up("Enter");
  await expect(laptop.signOutOf("second")).toBeFocused();
  await expect(laptop.device("third")).toContainText("Signed out just now");
  await laptop.seesDevices(3);
});

for (const rest of [80, 900]) {
  test(`a press meets nothing that came under a resting pointer by itself, ${rest} ms after it came`, async ({
    open,
    api,
  }) => {
    const laptop = await open({ userAgent: userAgents.macChrome });
    await laptop.signsIn(demo);
    for (const name of ["first", "second", "third"]) {
      await api.signsIn(demo, { deviceName: name, userAgent: userAgents.curl });
    }
    await laptop.seesDevices(4);
    // What is asked about those is answered, and out of the way.
    await laptop.page.reload();
    for (let left = 3; left > 0; left -= 1) {
      await laptop.button("Yes").click();
      await expect(laptop.page.getByText("Unconfirmed")).toHaveCount(left - 1);
      // Another question stands where that was, and nobody has meant that yet.
      await pause(600);
    }
    await expect(laptop.page.getByText(/Was this you\?/)).toBeHidden();
    await expect(laptop.page.getByRole("list", { name: "Devices", exact: true }).locator("> li").nth(2)).toContainText(
      "second",
    );
    const box = await laptop.signOutOf("second").boundingBox();
    const at = [Math.round((box?.x ?? 0) + 20), Math.round((box?.y ?? 0) + 10)] as const;
    await laptop.page.mouse.move(at[0] - 9, at[1]);
    await laptop.page.mouse.move(...at);

    await api.signsIn(demo, { deviceName: "another device", userAgent: userAgents.windowsFirefox });
    await expect(laptop.device("another device")).toBeVisible();
    await expect(laptop.page.getByText(/Was this you\?/)).toBeVisible();
    await pause(rest);
    await laptop.page.mouse.click(...at);
    await pause(300);
    for (const name of ["first", "third", "another device"]) await expect(laptop.signOutOf(name)).toBeVisible();
    await expect(laptop.dialog()).toBeHidden();
    await expect(laptop.page.getByText(/Was this you\?/)).toBeVisible();

    // Whoever moves the pointer sees what is there now.
    await laptop.signOutOf("second").click();
    await expect(laptop.device("second")).toContainText("Signed out just now");
    await laptop.seesDevices(4);
  });
}

test("a double click on what asks a question leaves the question open", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  for (let number = 1; number <= 3; number += 1) {
    await api.signsIn(demo, { deviceName: "Script", userAgent: userAgents.curl });
  }
  await laptop.page.reload();
  await laptop.seesDevices(4);
  await laptop.button("Sign out other devices").dblclick({ delay: 30 });
  await pause(600);
  await expect(laptop.dialog()).toBeVisible();
  await laptop.page.mouse.click(5, 5);
  await expect(laptop.dialog()).toBeHidden();
});

test("on paper there is nothing to press", async ({ person, api }) => {
  await person.signsIn(demo);
  for (let number = 1; number <= 8; number += 1) {
    await api.signsIn(demo, { deviceName: `machine ${number}`, userAgent: userAgents.curl });
  }
  await person.page.reload();
  await person.seesDevices(9);
  await person.page.emulateMedia({ media: "print" });
  await expect(person.page.getByRole("button")).toHaveCount(0);
  await expect(person.page.getByRole("searchbox")).toHaveCount(0);
  await expect(person.page.getByRole("region", { name: "Notifications" })).toBeHidden();
  await expect(person.page.getByRole("banner")).toBeHidden();
  await expect(person.device("machine 1")).toBeVisible();
});

test("devices that look the same form a group, are found by words, and are signed out together", async ({
  open,
  api,
}) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  for (let number = 1; number <= 4; number += 1) {
    await api.signsIn(demo, { deviceName: "Chrome on macOS", userAgent: userAgents.macChrome });
  }
  for (const name of ["first", "second", "third", "fourth"]) {
    await api.signsIn(demo, { deviceName: name, userAgent: userAgents.curl });
  }
  await laptop.page.reload();
  await laptop.seesDevices(9);
  await expect(laptop.page.getByRole("heading", { name: "4 sign-ins from Chrome on macOS" })).toBeVisible();
  await laptop.button("Show all 4 sign-ins from Chrome on macOS").click();
  const all = laptop.page.getByRole("list", { name: "All sign-ins from Chrome on macOS" });
  await expect(all.locator("> li")).toHaveCount(4);
  await all
    .getByRole("button", { name: /^Sign out/ })
    .first()
    .click();
  await laptop.seesDevices(8);
  await laptop.page.mouse.move(5, 5);

  await laptop.page.getByRole("searchbox", { name: "Filter devices" }).fill("CURL");
  await expect(laptop.page.getByRole("heading", { name: /sign-ins from/ })).toBeHidden();
  await laptop.button("Select several").click();
  await laptop.page.getByRole("checkbox", { name: "Select first" }).check();
  await laptop.page.getByRole("checkbox", { name: "Select third" }).check();
  await laptop.button("Sign out 2 devices").click();
  await expect(laptop.dialog()).toContainText("first");
  await expect(laptop.dialog()).not.toContainText("second");
  await laptop.dialog().getByRole("button", { name: "Sign out 2 devices" }).click();
  await laptop.seesDevices(6);
  const receipt = laptop.page.getByRole("region", { name: "Sign-out receipt" });
  await expect(receipt).toContainText("2 offline: will be refused when they come back.");
  await laptop.page.reload();
  await expect(receipt).toContainText("2 offline: will be refused when they come back.");
});

test("devices that look the same form a group while they are asked about, and are marked", async ({ open, api }) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  for (let number = 1; number <= 4; number += 1) {
    await api.signsIn(demo, { deviceName: "Script", userAgent: userAgents.curl });
  }
  await laptop.page.reload();
  await laptop.seesDevices(5);
  const group = laptop.page.locator("li", {
    has: laptop.page.getByRole("heading", { name: "4 sign-ins from Script" }),
  });
  await expect(group.getByText("Unconfirmed").first()).toBeVisible();
  await expect(laptop.page.getByText("1 of 4")).toBeVisible();
  // One that is confirmed leaves the others, which are still enough to stand as one.
  await laptop.button("Yes").click();
  await expect(laptop.page.getByRole("heading", { name: "3 sign-ins from Script" })).toBeVisible();
  await expect(laptop.page.getByText("1 of 3")).toBeVisible();
  await laptop.seesDevices(5);
});

test("the page of a device signs it out and renames it, and the way back leads to the same place", async ({
  open,
  api,
}) => {
  const laptop = await open({ userAgent: userAgents.macChrome, viewport: { width: 1000, height: 500 } });
  await laptop.signsIn(demo);
  for (let number = 1; number <= 9; number += 1) {
    await api.signsIn(demo, { deviceName: `machine ${number}`, userAgent: userAgents.curl });
  }
  await laptop.seesDevices(10);
  await laptop.page.getByRole("searchbox", { name: "Filter devices" }).fill("machine");
  await laptop.device("machine 1").scrollIntoViewIfNeeded();
  const scrolled = async () => laptop.page.evaluate(() => window.scrollY);
  const before = await scrolled();
  expect(before).toBeGreaterThan(100);
  await laptop.link("History of machine 1").click();
  await expect(laptop.heading("machine 1")).toBeVisible();
  await laptop.button("Rename").click();
  await laptop.field("Device name").fill("old machine");
  await laptop.field("Device name").press("Enter");
  await expect(laptop.heading("old machine")).toBeVisible();
  await laptop.link("Back to devices").click();
  await expect(laptop.page.getByRole("searchbox", { name: "Filter devices" })).toHaveValue("machine");
  await expect(laptop.device("old machine")).toBeVisible();
  await expect.poll(scrolled).toBe(before);
  await laptop.page.getByRole("searchbox", { name: "Filter devices" }).fill("");

  await laptop.link("History of old machine").click();
  await laptop.page.getByRole("main").getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(laptop.page.getByRole("main")).toContainText(/Signed out just now/);
  await laptop.page.goBack();
  await laptop.seesDevices(9);
  await expect.poll(scrolled).toBeGreaterThan(100);
});

/** Lists come in pages of so many, as those of over 200 devices do. */
async function pagesOf(count: number, person: Person): Promise<void> {
  await person.page.route(/\/api\/auth\/sessions(\?.*)?$/, async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("limit", String(count));
    await route.continue({ url: url.href });
  });
}

for (const [what, length, slowness] of [
  ["a list", 200, 1],
  ["a list in pages, on a slow machine", 6, 12],
] as const) {
  test(`the way back leads to the same place in ${what}, filtered, also after a reload`, async ({ open, api }) => {
    const laptop = await open({ userAgent: userAgents.macChrome, viewport: { width: 1000, height: 500 } });
    await pagesOf(length, laptop);
    await laptop.signsIn(demo);
    for (let number = 1; number <= 15; number += 1) {
      await api.signsIn(demo, { deviceName: `machine ${number}`, userAgent: userAgents.curl });
    }
    await laptop.page.reload();
    await laptop.seesDevices(16);
    const filter = laptop.page.getByRole("searchbox", { name: "Filter devices" });
    const scrolled = async () => laptop.page.evaluate(() => window.scrollY);
    await filter.fill("machine");
    // More of a long list comes as soon as its end is near.
    await expect(async () => {
      await laptop.page.mouse.wheel(0, 4_000);
      await expect(laptop.device("machine 1")).toBeInViewport({ timeout: 500 });
    }).toPass();
    await laptop.device("machine 3").scrollIntoViewIfNeeded();
    const before = await scrolled();
    expect(before).toBeGreaterThan(600);
    const machine = await laptop.context.newCDPSession(laptop.page);
    const slows = async (rate: number) => machine.send("Emulation.setCPUThrottlingRate", { rate });

    for (const back of [
      async () => {
        await slows(slowness);
        await laptop.link("Back to devices").click();
        await expect(laptop.device("machine 3")).toBeVisible();
        await slows(1);
      },
      async () => {
        await laptop.page.reload();
        await expect(laptop.heading("machine 3")).toBeVisible();
        await laptop.link("Back to devices").click();
      },
      async () => {
        await laptop.page.reload();
        await expect(laptop.heading("machine 3")).toBeVisible();
        await laptop.page.goBack();
      },
    ]) {
      await laptop.link("History of machine 3").click();
      await expect(laptop.heading("machine 3")).toBeVisible();
      // Also of what stands far down in the list.
      await expect(laptop.button("Rename")).toBeVisible();
      await expect(laptop.page.getByRole("main").getByRole("button", { name: "Sign out", exact: true })).toBeVisible();
      await back();
      await expect(filter).toHaveValue("machine");
      await expect.poll(scrolled).toBe(before);
      // What comes later does not move it.
      await pause(800);
      expect(await scrolled()).toBe(before);
    }
  });
}

test("activity follows by itself and leads to the device, and a new sign-in stays on the screen until it is answered", async ({
  open,
  api,
}) => {
  const laptop = await open({ userAgent: userAgents.macChrome });
  await laptop.signsIn(demo);
  await laptop.link("Activity").click();
  await expect(laptop.heading("Activity")).toBeVisible();
  const { sessionId } = await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  const row = laptop.page.getByRole("main").getByRole("listitem").filter({ hasText: "backup script" }).first();
  await expect(row.getByRole("link", { name: "backup script" })).toHaveAttribute("href", `/devices/${sessionId}`);
  const toast = laptop.page.getByRole("region", { name: "Notifications" });
  await expect(toast.getByRole("alert")).toHaveCount(1);
  await expect(toast.getByRole("link", { name: "View device" })).toHaveAttribute("href", `/devices/${sessionId}`);
  await toast.getByRole("button", { name: "Yes" }).click();
  await expect(laptop.toast(/New sign-in/)).toHaveCount(0);
});
