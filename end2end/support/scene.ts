// A person with a few devices, as pictures want it.

import type { BrowserContextOptions } from "@playwright/test";
import { demo, type Api } from "./api.ts";
import type { Person } from "./person.ts";
import { userAgents } from "./test.ts";

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
  await laptop.signsIn(demo);
  await laptop.seesDevices(4);
  // The greeting leaves by itself; a picture is better without it.
  await laptop.toast(/^Signed in as/).waitFor({ state: "hidden" });
  return laptop;
}
