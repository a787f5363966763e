// node scripts/watch.mjs
//
// Builds and starts the server, again after each change of a source, and tells open pages to load again: over the
// socket that leptos's script for reloading listens to.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { watch } from "node:fs";
import { createServer } from "node:http";

const SOURCES = ["app", "frontend", "migrations", "public", "server/src", "style"];
const RELOAD_PORT = 3001;
/** Editors write several files at once. */
const QUIET_MS = 150;
/** What a WebSocket's handshake is answered with (RFC 6455, 4.2.2). */
const HANDSHAKE = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const pages = new Set();
let server;
let changed = true;
let wake = () => undefined;

createServer()
  .on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + HANDSHAKE).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    pages.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => pages.delete(socket)).resume();
  })
  .listen(RELOAD_PORT, "127.0.0.1");

for (const folder of SOURCES) {
  watch(folder, { recursive: true }, () => {
    changed = true;
    setTimeout(() => wake(), QUIET_MS);
  });
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, async () => {
    await stop();
    process.exit(0);
  });
}

for (;;) {
  while (changed) {
    changed = false;
    if (await build()) {
      await stop();
      server = spawn("target/debug/latchkey", ["serve"], { stdio: "inherit" });
      await ready();
      reload();
    }
  }
  await new Promise((resolve) => {
    wake = resolve;
  });
}

async function build() {
  const [code] = await once(spawn("scripts/build", ["dev"], { stdio: "inherit" }), "exit");
  return code === 0;
}

async function stop() {
  if (server === undefined || server.exitCode !== null) return;
  const gone = once(server, "exit");
  server.kill("SIGTERM");
  await gone;
}

async function ready() {
  const address = process.env.LEPTOS_SITE_ADDR ?? "127.0.0.1:3000";
  for (let tries = 0; tries < 100 && server.exitCode === null; tries += 1) {
    const answer = await fetch(`http://${address}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function reload() {
  const message = Buffer.from(JSON.stringify({ all: "reload" }));
  for (const page of pages) page.write(Buffer.concat([Buffer.from([0x81, message.length]), message]));
}
