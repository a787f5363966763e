// What README shows works as printed.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "../support/test.ts";

test("the examples of the API do what they say", async ({ server }) => {
  const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  const example = /## API in short.*?```sh\n(.*?)```/s.exec(readme)?.[1] ?? "";
  expect(example).toContain("/api/auth/login");

  const folder = await mkdtemp(join(tmpdir(), "latchkey-readme-"));
  const script = example.replaceAll("http://127.0.0.1:3000", server.address);
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: folder });
  await rm(folder, { recursive: true });

  expect(stdout).toContain('"email":"demo@latchkey.dev"');
  expect(stdout).toContain('"sessions":[');
  expect(stdout).toContain("event: hello");
  expect(stdout).toContain('"success":true');
  expect(stdout).toMatch(/"code":"session-ended"[^}]*\}$/);
});
