// A person with a few devices, as screenshots want it: signed in at different times, from different places.

import type { BrowserContextOptions, Page } from "@playwright/test";
import { demo, type Api } from "./api.ts";
import type { Person } from "./person.ts";
import { userAgents } from "./test.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What a screenshot shows of a device whose session began a moment ago, on this machine. */
const lives: Record<string, { ipAddress: string; sinceMs: number; unusedMs: number }> = {
  "Chrome on macOS": { ipAddress: "203.0.113.7", sinceMs: 9 * DAY_MS, unusedMs: 0 },
  "iPhone 13": { ipAddress: "203.0.113.7", sinceMs: 40 * DAY_MS, unusedMs: 0 },
  "Firefox on Windows": {
    ipAddress: "198.51.100.23",
    sinceMs: 3 * DAY_MS,
    unusedMs: 3 * HOUR_MS + MINUTE_MS,
  },
  "backup script": {
    ipAddress: "2001:db8::42",
    sinceMs: 60 * DAY_MS,
    unusedMs: 9 * HOUR_MS + MINUTE_MS,
  },
};

interface ListedSession {
  deviceInfo: { deviceName: string };
  ipAddress: string;
  createdAt: string;
  lastActive: string;
  activeNow: boolean;
}

/** Signs the demo person in on a laptop, with three more devices in the list. */
export async function laptopWithFourDevices(
  open: (options?: BrowserContextOptions) => Promise<Person>,
  api: Api,
  options: BrowserContextOptions,
): Promise<Person> {
  await api.signsIn(demo, { deviceName: "backup script", userAgent: userAgents.curl });
  await api.signsIn(demo, { deviceName: "Firefox on Windows", userAgent: userAgents.windowsFirefox });
  await api.signsIn(demo, { deviceName: "iPhone 13", userAgent: userAgents.iphoneSafari, platform: "ios" });
  const laptop = await open({ userAgent: userAgents.macChrome, reducedMotion: "reduce", ...options });
  await liveLongLives(laptop.page);
  await laptop.signsIn(demo);
  await laptop.seesDevices(4);
  // The greeting leaves by itself; a screenshot is better without it, and without a pointer over a row.
  await laptop.toast(/^Signed in as/).waitFor({ state: "hidden" });
  await laptop.page.mouse.move(0, 0);
  return laptop;
}

async function liveLongLives(page: Page): Promise<void> {
  await page.route("**/api/auth/sessions", async (route) => {
    const answer = await route.fetch();
    const { sessions } = (await answer.json()) as { sessions: ListedSession[] };
    const now = Date.now();
    for (const session of sessions) {
      const life = lives[session.deviceInfo.deviceName];
      if (life === undefined) continue;
      session.ipAddress = life.ipAddress;
      session.createdAt = new Date(now - life.sinceMs).toISOString();
      session.lastActive = new Date(now - life.unusedMs).toISOString();
      session.activeNow = life.unusedMs === 0;
    }
    await route.fulfill({ response: answer, json: { sessions } });
  });
}
