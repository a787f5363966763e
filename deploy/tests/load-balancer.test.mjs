// The load balancer, with its real settings, before servers that only pretend.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Balancer, Pretender, next, until } from "./support.mjs";

let one, two, balancer;

beforeEach(async () => {
  [one, two] = [await new Pretender("one").start(), await new Pretender("two").start()];
  balancer = await new Balancer().start([one, two]);
});

afterEach(async () => {
  await balancer.stop();
  await Promise.all([one.stop(), two.stop()]);
});

const limit = { timeout: 20_000 };

/** Which servers answer: so many requests in a row do not all go to one of two by chance. */
async function answering() {
  const names = new Set();
  for (let i = 0; i < 40; i += 1) names.add((await balancer.get("/api/auth/session")).headers["x-server"]);
  return [...names].sort().join(" and ");
}

test("each event is passed on before the next one is sent", limit, async () => {
  const stream = await balancer.open("/api/auth/events");
  assert.equal(stream.headers["content-type"], "text/event-stream");
  assert.match(await next(stream), /^event: hello/);
  for (const event of ["session.created", "session.ended"]) {
    const arrived = next(stream);
    // Nothing follows until this has arrived: a balancer that collects would wait for ever.
    one.send(event);
    two.send(event);
    assert.match(await arrived, new RegExp(`^event: ${event}`));
  }
  stream.destroy();
});

test("a client that leaves ends its stream on the server", limit, async () => {
  const stream = await balancer.open("/api/auth/events");
  await next(stream);
  assert.equal(one.streams.size + two.streams.size, 1);
  stream.destroy();
  await until(() => one.streams.size + two.streams.size === 0);
});

test("streams go to the server that has fewer", limit, async () => {
  const streams = [];
  for (let i = 0; i < 6; i += 1) {
    streams.push(await balancer.open("/api/auth/events"));
    await next(streams.at(-1));
  }
  assert.deepEqual([one.streams.size, two.streams.size], [3, 3]);
  for (const stream of streams) stream.destroy();
});

test("what a client says of its address and its request's id is not passed on", limit, async () => {
  const forged = { "X-Forwarded-For": "203.0.113.7", Forwarded: "for=203.0.113.7", "X-Request-Id": "forged-id-0001" };
  await balancer.get("/forged", { headers: forged });
  const { headers } = [...one.requests, ...two.requests].find((request) => request.url === "/forged");
  assert.equal(headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(headers.forwarded, undefined);
  assert.match(headers["x-request-id"], /^[0-9a-f-]{36}$/);
});

test("a server that is not ready is left out until it is", limit, async () => {
  one.ready = false;
  await until(async () => (await answering()) === "two");
  one.ready = true;
  await until(async () => (await answering()) === "one and two");
});

test("a server that stands still is left out after a few seconds", limit, async () => {
  one.paused = true;
  // A check comes every second and waits two.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const began = Date.now();
  assert.equal(await answering(), "two");
  assert.ok(Date.now() - began < 5000, "somebody was sent to the server that stands still");
});

test("a server that dies costs nobody an answer", limit, async () => {
  const { port } = one;
  await one.stop();
  // At once, before it can have been noticed.
  assert.equal(await answering(), "two");
  one = await new Pretender("one").start(port);
  await until(async () => (await answering()) === "one and two");
});

test("where no server is ready, each still answers for itself", limit, async () => {
  one.ready = two.ready = false;
  const signOut = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"reason":"lost"}' };
  // 202 is what a pretender that is not ready answers with.
  await until(async () => (await balancer.get("/api/auth/session")).status === 202);
  // Longer than the balancer's memory of failures and several of its checks.
  for (const end = Date.now() + 4000; Date.now() < end;) {
    assert.equal((await balancer.get("/api/auth/logout", signOut)).status, 202);
  }
  const taken = [...one.requests, ...two.requests].filter((request) => request.url === "/api/auth/logout");
  assert.ok(taken.every((request) => request.method === "POST" && request.body === signOut.body));
});

test("where there is no server, the answer comes at once, and the servers are found again", limit, async () => {
  const ports = [one.port, two.port];
  await Promise.all([one.stop(), two.stop()]);
  assert.ok([502, 503].includes((await balancer.get("/api/auth/session")).status));
  [one, two] = [await new Pretender("one").start(ports[0]), await new Pretender("two").start(ports[1])];
  await until(async () => (await answering()) === "one and two");
});

test("plain http is led to https, except for the API, which is refused", limit, async () => {
  const page = await balancer.getPlainly("/devices?from=mail");
  assert.equal(page.status, 308);
  assert.equal(page.headers.location, `https://localhost:${balancer.httpsPort}/devices?from=mail`);
  const call = await balancer.getPlainly("/api/auth/session");
  assert.equal(call.status, 403);
  assert.equal(JSON.parse(call.body).code, "https-required");
});

test("a ticket in an address does not get into the log", limit, async () => {
  const stream = await balancer.open("/api/auth/events?ticket=very-secret");
  await next(stream);
  stream.destroy();
  await until(() => balancer.log.includes("/api/auth/events"));
  assert.doesNotMatch(balancer.log, /very-secret/);
});
