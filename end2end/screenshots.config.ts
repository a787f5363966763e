// Screenshots instead of tests: README's into docs/images/, one of every page for reviewers into gallery/, which git
// ignores.

import { defineConfig } from "@playwright/test";
import { launchOptions } from "./support/chromium.ts";

export default defineConfig({
  testDir: "screenshots",
  testMatch: "*.screenshot.ts",
  workers: 1,
  timeout: 120_000,
  reporter: "list",
  use: { launchOptions: launchOptions(), locale: "en-GB", timezoneId: "Europe/London" },
});
