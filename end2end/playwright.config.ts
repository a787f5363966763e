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
  timeout: 60_000,
  globalTimeout: 30 * 60_000,
  expect: { timeout: 10_000 },
  reporter: inPipeline ? [["line"], ["html", { open: "never" }]] : "list",
  use: {
    launchOptions: launchOptions(),
    locale: "en-GB",
    timezoneId: "Europe/London",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
  },
});
