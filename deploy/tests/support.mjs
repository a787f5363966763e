// What the tests of this folder stand on: servers that only pretend, and a Caddy with the real settings, all on
// loopback.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder above this one. */
export const deploy = fileURLToPath(new URL("..", import.meta.url));

const LOOPBACK = "127.0.0.1";

/** A port that was free a moment ago. */
export async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, LOOPBACK, resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Waits until `check` gives something true. The time limit of the test is the only other end. */
export async function until(check) {
  for (;;) {
    const result = await check();
    if (result) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A server that answers as Latchkey would, says what it was asked, and sends events when told to. */
export class Pretender {
  ready = true;
  paused = false;
  requests = [];
  streams = new Set();

  constructor(name) {
    this.name = name;
    this.server = http.createServer((request, response) => this.#answer(request, response));
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, LOOPBACK, resolve));
    this.port = this.server.address().port;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  send(event) {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: {}\n\n`);
  }

  #answer(request, response) {
    if (this.paused) return;
    if (request.url === "/health/ready") {
      response.writeHead(this.ready ? 200 : 503).end();
      return;
    }
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      this.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      if (request.url.startsWith("/api/auth/events")) {
        response.writeHead(200, { "Content-Type": "text/event-stream", "X-Server": this.name });
        response.write("event: hello\ndata: {}\n\n");
        this.streams.add(response);
        response.on("close", () => this.streams.delete(response));
      } else {
        response.writeHead(this.ready ? 200 : 202, { "X-Server": this.name }).end("{}");
      }
    });
  }
}

/** Caddy with `deploy/Caddyfile`, before `servers`. Only addresses and ports are others than in a container. */
export class Balancer {
  log = "";

  async start(servers) {
    [this.httpPort, this.httpsPort] = [await freePort(), await freePort()];
    this.folder = mkdtempSync(join(tmpdir(), "latchkey-balancer-"));
    const env = {
      ...process.env,
      HOME: this.folder,
      XDG_DATA_HOME: this.folder,
      XDG_CONFIG_HOME: this.folder,
      SITE_HOST: "localhost",
      PUBLIC_URL: `https://localhost:${this.httpsPort}`,
      SERVERS: servers.map((server) => `${LOOPBACK}:${server.port}`).join(" "),
      HTTP_LISTEN: String(this.httpPort),
      HTTPS_LISTEN: String(this.httpsPort),
    };
    const adapted = spawnSync("caddy", ["adapt", "--config", join(deploy, "Caddyfile")], { env, encoding: "utf8" });
    if (adapted.error || adapted.status !== 0) throw adapted.error ?? new Error(adapted.stderr);
    const settings = JSON.parse(adapted.stdout);
    settings.admin = { disabled: true };
    // As much as it ever says: what must not be in the log must not be in this one.
    settings.logging.logs.default.level = "DEBUG";
    for (const server of Object.values(settings.apps.http.servers)) {
      server.listen = server.listen.map((address) => `${LOOPBACK}${address}`);
      // HTTP/3 would be one more port.
      server.protocols = ["h1", "h2"];
    }
    this.caddy = spawn("caddy", ["run", "--config", "-"], { env, stdio: ["pipe", "ignore", "pipe"] });
    this.caddy.stderr.on("data", (piece) => (this.log += piece));
    this.caddy.stdin.end(JSON.stringify(settings));
    this.gone = new Promise((resolve) => this.caddy.on("exit", resolve));
    // Also where a test fails. Without a process there is no id, and to kill nobody is to kill everybody.
    process.on("exit", () => this.caddy.pid && this.caddy.kill("SIGKILL"));
    await until(() => {
      if (this.caddy.exitCode !== null) throw new Error(this.log);
      return this.get("/").then(
        () => true,
        () => false,
      );
    });
    return this;
  }

  async stop() {
    this.caddy.kill("SIGKILL");
    await this.gone;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Asks over https and gives the answer as it begins. */
  open(path, { method = "GET", headers = {}, body } = {}) {
    const ca = readFileSync(join(this.folder, "caddy/pki/authorities/local/root.crt"));
    const options = { host: LOOPBACK, port: this.httpsPort, servername: "localhost", ca, path, method, agent: false };
    return answerOf(https.request({ ...options, headers: { Host: `localhost:${this.httpsPort}`, ...headers } }), body);
  }

  /** Asks over https and gives the whole answer. */
  async get(path, options) {
    return whole(await this.open(path, options));
  }

  /** Asks over plain http. */
  async getPlainly(path) {
    const headers = { Host: `localhost:${this.httpPort}` };
    return whole(await answerOf(http.request({ host: LOOPBACK, port: this.httpPort, path, headers, agent: false })));
  }
}

function answerOf(request, body) {
  return new Promise((resolve, reject) => {
    request.on("response", resolve).on("error", reject);
    request.end(body);
  });
}

async function whole(response) {
  let body = "";
  for await (const piece of response) body += piece;
  return { status: response.statusCode, headers: response.headers, body };
}

/** The next piece of a stream. */
export function next(stream) {
  return new Promise((resolve, reject) => {
    stream.once("data", (piece) => resolve(String(piece))).once("error", reject);
  });
}
