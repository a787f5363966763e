// The small programs beside the containers: what the image asks itself, and what writes the secrets.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { deploy, freePort } from "./support.mjs";

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "latchkey-deploy-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const limit = { timeout: 20_000 };

/** What `healthcheck` tells Docker about the server that `answer` makes; without one there is none. */
async function healthOf(answer, ...asked) {
  const server = answer && http.createServer(answer);
  if (server) await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = server ? server.address().port : await freePort();
  const env = { ...process.env, LEPTOS_SITE_ADDR: `0.0.0.0:${port}` };
  const check = spawn(join(deploy, "healthcheck"), asked, { env, stdio: "ignore" });
  const code = await new Promise((resolve) => check.on("exit", resolve));
  server?.closeAllConnections();
  server?.close();
  return code;
}

test("a server that answers is healthy, and no other is", limit, async () => {
  assert.equal(
    await healthOf((request, response) => response.writeHead(request.url === "/health/live" ? 200 : 404).end()),
    0,
  );
  assert.equal(await healthOf((_, response) => response.writeHead(503).end()), 1);
  assert.equal(await healthOf(() => {}), 1);
  assert.equal(await healthOf(undefined), 1);
});

test("whoever restarts servers can ask whether one is ready", limit, async () => {
  const loading = (request, response) => response.writeHead(request.url === "/health/ready" ? 503 : 200).end();
  assert.equal(await healthOf(loading), 0);
  assert.equal(await healthOf(loading, "/health/ready"), 1);
  const loaded = (request, response) => response.writeHead(request.url === "/health/ready" ? 200 : 404).end();
  assert.equal(await healthOf(loaded, "/health/ready"), 0);
});

/**
 * Runs `scripts/containers restart` with a Docker that notes what it is asked; servers are ready when asked for the
 * `nth` time.
 */
function restart(nth) {
  const notes = join(folder, "asked");
  const asked = `case "$*" in
    *" exec "*) [ "$(grep -c "$*" "${notes}")" -ge ${nth} ] ;;
  esac`;
  writeFileSync(join(folder, "docker"), `#!/bin/sh\nprintf '%s\\n' "$*" >>"${notes}"\n${asked}\n`, { mode: 0o755 });
  writeFileSync(join(folder, "sleep"), "#!/bin/sh\n", { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const done = spawnSync(join(deploy, "../scripts/containers"), ["restart"], { env, encoding: "utf8" });
  const lines = readFileSync(notes, "utf8").split("\n");
  const told = lines.map((line) => /( up | exec ).*(latchkey-[12])/.exec(line)).filter(Boolean);
  return { ...done, told: told.map(([, verb, server]) => `${verb.trim()} ${server}`) };
}

test("the next server is restarted once the one before it is ready", limit, () => {
  const { status, stderr, told } = restart(3);
  assert.equal(status, 0, stderr);
  const one = (server) => [`up ${server}`, ...Array(3).fill(`exec ${server}`)];
  assert.deepEqual(told, [...one("latchkey-1"), ...one("latchkey-2")]);
});

test("a server that does not become ready keeps the others from being restarted", limit, () => {
  const { status, stderr, told } = restart(1000);
  assert.notEqual(status, 0);
  assert.match(stderr, /latchkey-1 is not ready/);
  assert.ok(!told.includes("up latchkey-2"));
});

/** Runs `make-env` and gives what it wrote, by name. */
function makeEnv(host, settings = {}) {
  const file = join(folder, "env");
  const { SMTP_URL: _, MAIL_FROM: __, HTTP_PORT: ___, HTTPS_PORT: ____, ...surroundings } = process.env;
  const env = { ...surroundings, ENV_FILE: file, ...settings };
  const done = spawnSync(join(deploy, "make-env"), host ? [host] : [], { env, encoding: "utf8" });
  if (done.status !== 0) return { error: done.stderr };
  const lines = readFileSync(file, "utf8").matchAll(/^(\w+)='(.*)'$/gm);
  return { file, output: done.stdout, ...Object.fromEntries([...lines].map(([, name, value]) => [name, value])) };
}

test("secrets are long, all different, and readable by their owner alone", limit, () => {
  const made = makeEnv();
  const secrets = [made.LATCHKEY_SECRET, made.DATABASE_PASSWORD, made.POSTGRES_PASSWORD, made.REDIS_PASSWORD];
  assert.ok(secrets.every((secret) => /^[0-9a-f]{64}$/.test(secret)));
  assert.equal(new Set(secrets).size, secrets.length);
  assert.ok(secrets.every((secret) => !made.output.includes(secret)));
  assert.equal(statSync(made.file).mode & 0o777, 0o600);
});

test("every value without which the containers refuse to start is written", limit, () => {
  const made = makeEnv();
  const compose = readFileSync(join(deploy, "docker-compose.yml"), "utf8");
  const needed = new Set([...compose.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
  assert.ok(needed.size >= 7);
  for (const name of needed) assert.ok(made[name], name);
});

test("secrets that are there are never replaced", limit, () => {
  writeFileSync(join(folder, "env"), "LATCHKEY_SECRET='kept'\n");
  assert.match(makeEnv().error, /is there already/);
  assert.equal(readFileSync(join(folder, "env"), "utf8"), "LATCHKEY_SECRET='kept'\n");
});

test("for people there must be a mail server; to try it out, mail is caught", limit, () => {
  assert.match(makeEnv("id.example.com").error, /SMTP_URL is missing/);
  assert.equal(makeEnv().COMPOSE_PROFILES, "mail-catcher");
});

test("the public address has the port that people see", limit, () => {
  const settings = { SMTP_URL: "smtps://user:p$w#d@mail.example.com", HTTPS_PORT: "8443" };
  const made = makeEnv("id.example.com", settings);
  assert.equal(made.PUBLIC_URL, "https://id.example.com:8443");
  assert.equal(made.SMTP_URL, settings.SMTP_URL);
  assert.equal(made.COMPOSE_PROFILES, "");
});

test("a value that would break out of its quotes is refused, and nothing is left behind", limit, () => {
  assert.match(makeEnv("id.example.com", { SMTP_URL: "smtp://x'\nLATCHKEY_SECRET='y" }).error, /must not hold a quote/);
  assert.throws(() => statSync(join(folder, "env")));
  assert.match(makeEnv("id.example.com/x", { SMTP_URL: "smtp://x" }).error, /is no host name/);
});
