// The devices page: where am I signed in, and is that me? Two browsers see the same person.

import { demo } from "../support/api.ts";
import { refused, unreachable } from "../support/complaints.ts";
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

test("a new name is kept and shown on the other device at once", async ({ open }) => {
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
