// What a browser remembers is not the truth: the cookie is. Storage, locks and the channel between tabs may be missing.

import { demo } from "../support/api.ts";
import { refused } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

test("cleared storage signs nobody out and begins no second session", async ({ person, api }) => {
  await person.signsIn(demo);
  await person.page.evaluate(() => {
    localStorage.clear();
    sessionStorage.clear();
  });
  await person.page.reload();
  await person.seesDevices(1);
  await person.page.evaluate(() => {
    localStorage.clear();
  });
  await person.goesTo("/sign-in");
  await person.seesDevices(1);
  await api.signsIn(demo, { deviceName: "witness", userAgent: "curl/8.5.0" });
  await expect(person.device("witness")).toBeVisible();
});

test("an anonymous browser asks once, and is refused nothing", async ({ person }) => {
  const asked: number[] = [];
  person.page.on("response", (response) => {
    if (response.url().endsWith("/api/auth/refresh")) asked.push(response.status());
  });
  await person.goesTo("/devices");
  await person.isSignedOut();
  expect(asked).toEqual([204]);
});

/** What a browser, or an extension in it, may take away. */
const missing: Record<string, () => void> = {
  "no storage": () => {
    Reflect.deleteProperty(Window.prototype, "localStorage");
    Reflect.deleteProperty(window, "localStorage");
  },
  "storage that is refused": () => {
    Object.defineProperty(window, "localStorage", {
      get: () => {
        throw new DOMException("denied", "SecurityError");
      },
    });
  },
  "storage that is full": () => {
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  },
  "no locks": () => {
    Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
  },
  "locks that are refused": () => {
    if (!("LockManager" in globalThis)) return;
    LockManager.prototype.request = () => Promise.reject(new DOMException("denied", "SecurityError"));
  },
  "locks that throw": () => {
    if (!("LockManager" in globalThis)) return;
    LockManager.prototype.request = () => {
      throw new DOMException("denied", "SecurityError");
    };
  },
  "locks that are never given": () => {
    if (!("LockManager" in globalThis)) return;
    LockManager.prototype.request = () => new Promise(() => undefined);
  },
  "no channel": () => {
    Reflect.deleteProperty(window, "BroadcastChannel");
  },
  "a channel that is refused": () => {
    Object.defineProperty(window, "BroadcastChannel", {
      value: function refused() {
        throw new DOMException("denied", "SecurityError");
      },
    });
  },
  "a channel that carries nothing": () => {
    BroadcastChannel.prototype.postMessage = () => undefined;
  },
  "none of the three": () => {
    Reflect.deleteProperty(Window.prototype, "localStorage");
    Reflect.deleteProperty(window, "localStorage");
    Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
    Reflect.deleteProperty(window, "BroadcastChannel");
  },
};

for (const [what, takeAway] of Object.entries(missing)) {
  test(`with ${what} one signs in, loads again and signs out, in two tabs`, async ({ person }) => {
    person.complaints.allow(refused);
    await person.context.addInitScript(takeAway);
    await person.signsIn(demo);
    await person.page.reload();
    await person.seesDevices(1);
    const other = await person.opensAnotherTab();
    await other.seesDevices(1);
    await person.signsOut();
    await other.isSignedOut();
    await person.page.reload();
    await person.isSignedOut();
  });
}
