// How the journeys run: at most two at a time, each against a server of its own, in Debian's Chromium.

import { defineConfig } from "@playwright/test";
import { launchOptions } from "./support/chromium.ts";

const inPipeline = Boolean(process.env.CI);

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  workers: 2,
  fullyParallel: true,
  forbidOnly: inPipeline,
  // One that passes only the second time counts, and is named as flaky.
  retries: 1,
  // Only what hangs is stopped by them: a pipeline may be several times slower than the machine that a test was written
  // on.
  timeout: 180_000,
  globalTimeout: 45 * 60_000,
  expect: { timeout: 15_000 },
  reporter: inPipeline ? [["line"], ["html", { open: "never" }]] : "list",
  use: {
    launchOptions: launchOptions(),
    locale: "en-GB",
    timezoneId: "Europe/London",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
  },
});
