// node scripts/inputs.mjs
//
// Prints one line that changes when anything changes that a build is made of: which files there are, how large, and
// when they were last written. Reading them would take longer than finding out that there is nothing to do may take.

import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = [".cargo", "app", "frontend", "migrations", "public", "scripts", "server", "style"];
const FILES = ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml"];
const NOT_THESE = new Set(["node_modules", "target", "tests"]);

const hash = createHash("sha256");
for (const file of [...FOLDERS.flatMap((folder) => [...filesIn(folder)]), ...FILES]) {
  const { size, mtimeMs } = statSync(file);
  hash.update(`${file} ${size} ${mtimeMs}\n`);
}
// Other settings of the compiler make other programs.
for (const name of Object.keys(process.env).sort()) {
  if (/^(CARGO_|RUST)/.test(name)) hash.update(`${name}=${process.env[name]}\n`);
}
console.log(hash.digest("hex"));

function* filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (NOT_THESE.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}
