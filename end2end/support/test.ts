// `test` with what journeys need: a server of its own, and people at browsers who complain about nothing.

import { test as base, type BrowserContextOptions } from "@playwright/test";
import { Api } from "./api.ts";
import { Complaints } from "./complaints.ts";
import { Person } from "./person.ts";
import { Server, type Settings } from "./server.ts";

interface Fixtures {
  /** Settings of this test's server: `test.use({ settings: { … } })`. */
  settings: Settings;
  server: Server;
  /** The API as another program speaks it. */
  api: Api;
  complaints: Complaints;
  /** Opens a browser of its own: its own cookies, its own person in front of it. */
  open: (options?: BrowserContextOptions) => Promise<Person>;
  /** The first browser. */
  person: Person;
}

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],

  server: async ({ settings }, use, info) => {
    const server = await Server.start(settings);
    await use(server);
    await server.dispose();
    if (info.status !== info.expectedStatus) await info.attach("server.log", { body: server.log() });
  },

  api: async ({ server }, use) => {
    await use(new Api(server.address));
  },

  complaints: async ({}, use) => {
    const complaints = new Complaints();
    await use(complaints);
    complaints.mustBeNone();
  },

  open: async ({ browser, server, complaints }, use) => {
    const contexts: Person["context"][] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      await complaints.listenTo(context);
      return new Person(await context.newPage(), context, complaints, server.address);
    });
    for (const context of contexts) await context.close();
  },

  person: async ({ open }, use) => {
    await use(await open());
  },
});

export { expect } from "@playwright/test";

/** User agents of a few devices, so that lists show what a person would have. */
export const userAgents = {
  macChrome:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  windowsFirefox: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
  iphoneSafari:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  ipadSafari:
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  curl: "curl/8.5.0",
} as const;
