// node scripts/site.mjs <folder with the packed program> <site folder> [<file for the names>]
//
// Puts together what browsers load: the program, the script that starts it, the style sheet in one piece, and what lies
// in public/. With a file for the names, names carry a hash of what is in them, and packed copies lie beside the files.

import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { brotliCompress, constants, gzip } from "node:zlib";
import { promisify } from "node:util";
import { build } from "esbuild";
import { bundleAsync } from "lightningcss";

const NAME = "latchkey";
/** As lightningcss counts versions: one byte each for major, minor and patch. */
const version = (major, minor = 0) => (major << 16) | (minor << 8);
const TARGETS = {
  chrome: version(111),
  edge: version(111),
  firefox: version(115),
  safari: version(16, 4),
  ios_saf: version(16, 4),
};
/** Imports the styles of the pages of a signed-in user, which come with them. There is no such file. */
const HOUSE_STYLE = "style/house";
/** Imports the styles of administration, which only those load who open it. There is no such file. */
const ADMIN_STYLE = "style/admin";
/** Imports the styles of rooms, which only those load who open them. There is no such file. */
const ROOMS_STYLE = "style/rooms";
/** The styles of pages that everybody loads. */
const FIRST_PAGES = ["entry.css", "mailbox.css"];
/** Smaller files do not get smaller in a way that anybody notices. */
const WORTH_PACKING = 200;
const PACKED = /\.(css|js|json|svg|txt|wasm|webmanifest)$/;

const [packed, site, names] = process.argv.slice(2);
const forRelease = names !== undefined;

numberNames();
const style = await bundled("style/main.css");
const houseStyle = await bundled(HOUSE_STYLE);
const adminStyle = await bundled(ADMIN_STYLE);
const roomsStyle = await bundled(ROOMS_STYLE);
const parts = {
  house: "split_house.wasm",
  admin: "split_admin.wasm",
  rooms: "split_rooms.wasm",
  ...sharedParts(readFileSync(join(packed, "split.js"), "utf8")),
};
// The script beside the page fetches the further files, some of them ahead, and knows their names.
for (const [part, file] of Object.entries(parts)) {
  const call = `window.latchkey.part("${part}")`;
  replaceIn(
    join(packed, "split.js"),
    `fetch(new URL("./${file}", import.meta.url))`,
    call,
  );
}
const script = await build({
  entryPoints: [join(packed, `${NAME}.js`)],
  bundle: true,
  write: false,
  format: "esm",
  minify: forRelease,
  legalComments: "none",
  // wasm-bindgen names the loader of the parts once for each of them, always the same one.
  logOverride: { "duplicate-object-key": "silent" },
});
const files = [
  ["js", "js", Buffer.from(script.outputFiles[0].contents)],
  ["wasm", "wasm", readFileSync(join(packed, `${NAME}_bg.wasm`))],
  ...Object.entries(parts).map(([part, file]) => [
    part,
    "wasm",
    readFileSync(join(packed, file)),
  ]),
  ["css", "css", style],
  ["house-style", "css", houseStyle],
  ["admin-style", "css", adminStyle],
  ["rooms-style", "css", roomsStyle],
];

rmSync(site, { recursive: true, force: true });
cpSync("public", site, { recursive: true });
mkdirSync(join(site, "pkg"));
const noted = [];
for (const [part, kind, content] of files) {
  const hash = createHash("sha256")
    .update(content)
    .digest("base64url")
    .slice(0, 16);
  noted.push(`${part}: ${hash}\n`);
  const name = part === kind ? NAME : `${NAME}-${part}`;
  writeFileSync(
    join(
      site,
      "pkg",
      forRelease ? `${name}.${hash}.${kind}` : `${name}.${kind}`,
    ),
    content,
  );
}
if (forRelease) {
  await pack(site);
  writeFileSync(names, noted.join(""));
}

/** A style sheet in one piece. */
async function bundled(filename) {
  const { code } = await bundleAsync({
    filename,
    minify: forRelease,
    targets: TARGETS,
    resolver: { read: readStyle },
  });
  return Buffer.from(code);
}

/** The text of a style sheet. That of a folder imports those in it that everybody loads. */
function readStyle(path) {
  if ([HOUSE_STYLE, ADMIN_STYLE, ROOMS_STYLE].includes(path)) {
    // In the order of all layers, whichever sheet a browser reads first.
    const [order] = readFileSync("style/main.css", "utf8").match(
      /^@layer [^;]*;/m,
    );
    return [
      order,
      ...stylesIn("style/pages", path).map(
        (file) => `@import "${file}" layer(pages);`,
      ),
    ].join("\n");
  }
  if (!statSync(path).isDirectory()) return readFileSync(path, "utf8");
  return stylesIn(path, path)
    .map((file) => `@import "${file}";`)
    .join("\n");
}

/** The style sheets in a folder that belong to one of the sheets that browsers load. */
function stylesIn(folder, sheet) {
  const home = (file) => {
    if (file.startsWith("admin")) return ADMIN_STYLE;
    if (file.startsWith("rooms")) return ROOMS_STYLE;
    return FIRST_PAGES.includes(file) ? folder : HOUSE_STYLE;
  };
  const files = readdirSync(folder).filter(
    (file) => file.endsWith(".css") && home(file) === sheet,
  );
  return files.sort().map((file) => `${basename(folder)}/${file}`);
}

/**
 * The names by which the program and its scripts call each other end with a hash of 16 digits, which nothing packs. A
 * number of as many digits is in its place, in all of the files.
 */
function numberNames() {
  const name = /__wb\w+?_[0-9a-f]{16}/g;
  const found = new Set(
    readFileSync(join(packed, "latchkey.js"), "utf8").match(name),
  );
  const numbers = new Map(
    [...found]
      .sort()
      .map((name, at) => [
        name,
        name.slice(0, -16) + String(at).padStart(16, "0"),
      ]),
  );
  for (const file of readdirSync(packed).filter((file) =>
    /\.(js|wasm)$/.test(file),
  )) {
    // Byte by byte, whatever else is in it.
    const text = readFileSync(join(packed, file), "latin1");
    writeFileSync(
      join(packed, file),
      text.replace(name, (name) => numbers.get(name) ?? name),
      "latin1",
    );
  }
}

/** What several of the further files use: a file for each set of them, named after their first letters in order. */
function sharedParts(script) {
  const chunks = script.matchAll(
    /\/\* ([\w, ]+) \*\/\s*const __chunk_\d+ = [^;]*?"\.\/(chunk_\d+\.wasm)"/g,
  );
  const named = [...chunks].map(([, users, file]) => {
    const letters = users
      .split(", ")
      .map((user) => user[0])
      .sort();
    return [`shared-${letters.join("")}`, file];
  });
  const built = readdirSync(packed).filter((file) =>
    /^chunk_\d+\.wasm$/.test(file),
  );
  if (named.length !== built.length)
    throw new Error(
      `${built.length} shared files, of which ${named.length} are named`,
    );
  return Object.fromEntries(named);
}

function replaceIn(file, before, after) {
  const text = readFileSync(file, "utf8");
  if (!text.includes(before))
    throw new Error(`${file} no longer has: ${before}`);
  writeFileSync(file, text.replace(before, after));
}

/** Lays packed copies beside all files in a folder. */
async function pack(folder) {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((file) => file.isFile() && PACKED.test(file.name))
    .map((file) => join(file.parentPath, file.name));
  await Promise.all(
    paths.map(async (path) => {
      const content = readFileSync(path);
      if (content.length < WORTH_PACKING) return;
      const params = {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      };
      writeFileSync(
        `${path}.br`,
        await promisify(brotliCompress)(content, { params }),
      );
      writeFileSync(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
    }),
  );
}
