// How Chromium is started: the one that is installed, quiet, and without a sandbox only where there can be none.

import type { LaunchOptions } from "@playwright/test";

export function launchOptions(): LaunchOptions {
  const quiet = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  // Chromium refuses its sandbox to root, which is who runs in most containers.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return { executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium", args: [...quiet, ...sandbox] };
}
