// A person at a browser: what they do and what they see, in words of the pages. Controls are found as a person or a
// screen reader finds them, by role and name.

import { expect, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { Api, type Account } from "./api.ts";
import type { Complaints } from "./complaints.ts";

export class Person {
  constructor(
    readonly page: Page,
    readonly context: BrowserContext,
    readonly complaints: Complaints,
    readonly address: string,
  ) {}

  /** Another tab of the same browser, at the same page. */
  async opensAnotherTab(): Promise<Person> {
    const tab = new Person(await this.context.newPage(), this.context, this.complaints, this.address);
    await tab.page.goto(this.page.url());
    return tab;
  }

  async goesTo(path: string): Promise<void> {
    await this.page.goto(this.address + path);
  }

  /**
   * Opens a page whose script is still on its way: it can be seen and clicked, and nobody listens. Gives what lets it
   * come.
   */
  async opensBeforeItListens(path: string): Promise<() => void> {
    let letCome = (): void => undefined;
    const script = new Promise<void>((resolve) => {
      letCome = resolve;
    });
    await this.page.route("**/*.wasm", async (route) => {
      await script;
      await route.continue();
    });
    await this.page.goto(this.address + path, { waitUntil: "commit" });
    return letCome;
  }

  /**
   * The program has taken the page over from the server. On an entry page it waits for a touch, and then for hands to
   * rest.
   */
  async isRunByProgram(): Promise<void> {
    await this.page.mouse.move(0, 0);
    await this.page.mouse.move(1, 0);
    await expect(this.page.locator("#app")).toBeVisible();
    await expect(this.page.locator("#served")).toHaveCount(0);
  }

  // Signing up and in

  async signsUp(account: Account): Promise<void> {
    await this.goesTo("/register");
    await this.fillsInRegistration(account);
    await this.button("Create account").click();
    await expect(this.heading("Check your e-mail")).toBeVisible();
  }

  async fillsInRegistration(account: Account): Promise<void> {
    await this.field("Your name").fill(account.name);
    await this.field("E-mail").fill(account.email);
    await this.password().fill(account.password);
  }

  async codeFromMailbox(account: Account): Promise<string> {
    return new Api(this.address).codeFromMailbox(account.email);
  }

  async entersCodeFromMailbox(account: Account): Promise<void> {
    const code = await new Api(this.address).codeFromMailbox(account.email);
    // As it stands in the mail; the form submits itself when it is full.
    await this.field("Code").fill(`${code.slice(0, 3)} ${code.slice(3)}`);
  }

  async fillsInSignIn(account: Account): Promise<void> {
    await this.field("E-mail").fill(account.email);
    await this.password().fill(account.password);
  }

  async signsIn(account: Account): Promise<void> {
    await this.goesTo("/sign-in");
    await this.signsInHere(account);
    await this.seesDevices();
  }

  /** Signs in on the sign-in page one was led to. */
  async signsInHere(account: Account): Promise<void> {
    await this.fillsInSignIn(account);
    await this.button("Sign in").click();
  }

  // Getting back in, and deleting the account

  /** Asks on the sign-in page for a way back in, with the e-mail typed there. */
  async forgetsPassword(account: Account): Promise<void> {
    await this.goesTo("/sign-in");
    await expect(this.button("Sign in")).toBeEnabled();
    await this.field("E-mail").fill(account.email);
    await this.link("Forgot your password?").click();
    await expect(this.heading("Forgot your password?")).toBeVisible();
    await expect(this.field("E-mail")).toBeFocused();
    await expect(this.field("E-mail")).toHaveValue(account.email);
    await this.asksForLink(account);
  }

  /**
   * Asks for a link that sets a new password, on the page for that. The answer never says whether there is an account.
   */
  async asksForLink(account: Account): Promise<void> {
    await this.field("E-mail").fill(account.email);
    await this.button("Send a link").click();
    await expect(this.page.getByRole("main")).toContainText(
      `If there is an account for ${account.email}, a link is on its way. It works for 30 minutes.`,
    );
  }

  /** Where the newest link in the mailbox leads. The mail may come a moment after the answer. */
  async findsLinkInMailbox(account: Account): Promise<string> {
    const api = new Api(this.address);
    await expect.poll(async () => api.resetLinkFromMailbox(account.email)).toBeDefined();
    return (await api.resetLinkFromMailbox(account.email)) ?? "";
  }

  async followsLinkFromMailbox(account: Account): Promise<void> {
    await this.goesTo(await this.findsLinkInMailbox(account));
  }

  async choosesNewPassword(password: string): Promise<void> {
    await this.password("New password").fill(password);
    await this.button("Set new password").click();
  }

  /** Asks on the profile page to delete the account, which is answered by a question. */
  async asksToDeleteAccount(): Promise<void> {
    await this.button("Delete account").click();
    await expect(this.dialog()).toContainText(
      "This deletes your account and signs you out on all devices. It can’t be undone.",
    );
  }

  /** The field of the question whether to delete the account. */
  passwordInDialog(): Locator {
    return this.dialog().getByLabel("Password", { exact: true });
  }

  async confirmsDeletion(password: string): Promise<void> {
    await this.passwordInDialog().fill(password);
    await this.confirms("Delete account");
  }

  // The devices page

  async seesDevices(count?: number): Promise<void> {
    const title = count === undefined ? /^Signed in on \d+ devices?/ : new RegExp(`^Signed in on ${count} devices?`);
    await expect(this.heading(title)).toBeVisible();
  }

  /** The row of a device. */
  device(name: string): Locator {
    return this.rows().filter({ has: this.page.getByRole("heading", { name, exact: true }) });
  }

  thisDevice(): Locator {
    return this.rows().filter({ hasText: "This device" });
  }

  /** The link to the page of this device. */
  historyOfThisDevice(): Locator {
    return this.thisDevice().getByRole("link", { name: /^History of/ });
  }

  private rows(): Locator {
    return this.page.getByRole("list", { name: "Devices", exact: true }).locator("> li");
  }

  async endsDevice(name: string): Promise<void> {
    await this.device(name)
      .getByRole("button", { name: /^Sign out/ })
      .click();
  }

  /** The button that signs a device out. */
  signOutOf(name: string): Locator {
    return this.device(name).getByRole("button", { name: /^Sign out/ });
  }

  async endsOtherDevices(): Promise<void> {
    await this.button(/^Sign out other devices/).click();
    await this.confirms(/^Sign out \d+ devices?$/);
  }

  async signsOutEverywhere(): Promise<void> {
    await this.button("More ways to sign out").click();
    await this.page.getByRole("button", { name: /^Sign out everywhere/ }).click();
    await this.confirms(/^Sign out \d+ devices?$/);
  }

  async renames(from: string, to: string): Promise<void> {
    await this.device(from)
      .getByRole("button", { name: /^Rename/ })
      .click();
    const name = this.page.getByRole("textbox", { name: "Device name" });
    await name.fill(to);
    await name.press("Enter");
  }

  /** What the browser keeps of a session. That it is known here outlives it, and is nobody's way in. */
  async sessionCookies() {
    return (await this.context.cookies()).filter(
      ({ name }) => /^(__Host-)?latchkey/.test(name) && !name.endsWith("latchkey-browser"),
    );
  }

  // Signing out

  /** Signs out, and lets the server answer: the browser itself does not wait for that. */
  async signsOut(): Promise<void> {
    const answered = this.page.waitForResponse("**/api/auth/logout");
    await this.personMenu().click();
    await this.page.getByRole("banner").getByRole("button", { name: "Sign out", exact: true }).click();
    await answered;
    await this.isSignedOut();
  }

  /** At the sign-in page, with the reason on screen where one is given. */
  async isSignedOut(because?: string | RegExp, within = 10_000): Promise<void> {
    await expect(this.page).toHaveURL(/\/sign-in/, { timeout: within });
    await expect(this.heading("Sign in")).toBeVisible();
    if (because !== undefined) await expect(this.page.getByRole("main")).toContainText(because);
  }

  // What is on every page

  field(name: string | RegExp): Locator {
    return this.page.getByRole("textbox", { name, exact: typeof name === "string" });
  }

  /** A password has no role of its own, so its label finds it. */
  password(label: string | RegExp = "Password"): Locator {
    return this.page.getByLabel(label, { exact: typeof label === "string" });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  link(name: string | RegExp): Locator {
    return this.page.getByRole("link", { name, exact: typeof name === "string" });
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { level: 1, name });
  }

  dialog(): Locator {
    return this.page.getByRole("dialog");
  }

  personMenu(): Locator {
    return this.page.getByRole("banner").getByRole("button", { name: /^Account menu/ });
  }

  /** A toast: a short message in the corner. */
  toast(text: string | RegExp): Locator {
    return this.page.getByRole("region", { name: "Notifications" }).getByText(text);
  }

  async seesToast(text: string | RegExp): Promise<void> {
    await expect(this.toast(text)).toBeVisible();
  }

  private async confirms(name: string | RegExp): Promise<void> {
    await this.dialog()
      .getByRole("button", { name, exact: typeof name === "string" })
      .click();
  }
}
