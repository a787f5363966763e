// `test` with two servers that share a database: `server`, at which `open` opens browsers, and `other`.

import type { BrowserContextOptions } from "@playwright/test";
import { Cable } from "./cable.ts";
import type { Person } from "./person.ts";
import { Postgres } from "./postgres.ts";
import type { Server } from "./server.ts";
import { test as base } from "./test.ts";

interface Fixtures {
  postgres: Postgres;
  /** The second server. */
  other: Server;
  /** As `open`, at the second server. */
  openAtOther: (options?: BrowserContextOptions) => Promise<Person>;
}

export const test = base.extend<Fixtures>({
  postgres: async ({}, use) => {
    const postgres = await Postgres.start();
    await use(postgres);
    await postgres.dispose();
  },

  settings: async ({ postgres }, use) => {
    await use({ DATABASE_URL: postgres.url });
  },

  other: async ({ server }, use, info) => {
    const other = await server.another();
    await use(other);
    await other.dispose();
    if (info.status !== info.expectedStatus) await info.attach("other.log", { body: other.log() });
  },

  // Both have one address for browsers, as behind a load balancer.
  openAtOther: async ({ open, other }, use) => {
    const cable = await Cable.lay(new URL(other.address));
    const people: Person[] = [];
    await use(async (options) => {
      const person = await open({ ...options, proxy: { server: cable.address } });
      people.push(person);
      return person;
    });
    // Before their way to the server goes.
    for (const person of people) await person.page.close();
    await cable.remove();
  },
});
