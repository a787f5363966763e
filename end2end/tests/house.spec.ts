// The pages of a signed-in person are a file of their own: when it is fetched, and what happens where it cannot be.

import { demo } from "../support/api.ts";
import { unreachable } from "../support/complaints.ts";
import { expect, test } from "../support/test.ts";

const house = "**/pkg/latchkey-house*.wasm";
const failed = /status of 50\d|net::ERR_|TypeError|HTTP status|CompileError|WebAssembly/;

for (const [words, answer] of [
  ["cannot be reached", undefined],
  ["is overloaded", { status: 503, body: "busy" }],
  ["has another version by now", { status: 404, body: "nothing is here" }],
] as const) {
  test(`the server ${words} when the pages are fetched: the page says so, and trying again helps`, async ({
    person,
  }) => {
    person.complaints.allow(unreachable, failed, /status of 404/);
    await person.signsIn(demo);
    let fails = true;
    await person.page.route(house, async (route) => {
      if (!fails) await route.continue();
      else await (answer ? route.fulfill(answer) : route.abort());
    });
    await person.goesTo("/devices");
    await expect(person.heading("This page could not be loaded")).toBeVisible();
    await person.button("Try again").click();
    await expect(person.heading("This page could not be loaded")).toBeVisible();
    fails = false;
    await person.button("Try again").click();
    await person.seesDevices(1);
  });
}

test("a server that has a newer version by now is asked for all of the page", async ({ person }) => {
  person.complaints.allow(failed, /status of 404/);
  await person.signsIn(demo);
  await person.page.route(house, (route) => route.fulfill({ status: 404, body: "nothing is here" }), { times: 1 });
  await person.goesTo("/devices");
  await person.seesDevices(1);
});

test("signing in fetches the pages from the first character on, and not before", async ({ person }) => {
  const fetched: string[] = [];
  person.page.on("request", (request) => {
    // Not their style sheet, which comes when they are shown.
    if (/latchkey-house\b.*\.wasm$/.test(request.url())) fetched.push(request.url());
  });
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.page.evaluate(async () => new Promise((resolve) => requestIdleCallback(resolve)));
  expect(fetched).toHaveLength(0);
  await person.field("E-mail").pressSequentially("a");
  await expect.poll(() => fetched.length).toBe(1);
  await person.signsInHere(demo);
  await person.seesDevices(1);
  expect(fetched).toHaveLength(1);
});

test("pages that could not be fetched ahead are asked for once more, when they are needed", async ({ person }) => {
  person.complaints.allow(failed, unreachable);
  const fetched: string[] = [];
  await person.page.route(house, async (route) => {
    fetched.push(route.request().url());
    await (fetched.length === 1 ? route.abort() : route.continue());
  });
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.field("E-mail").pressSequentially("grace");
  await expect.poll(() => fetched.length).toBe(1);
  await person.field("E-mail").pressSequentially("@example.com");
  expect(fetched).toHaveLength(1);
  await person.signsInHere(demo);
  await person.seesDevices(1);
});

test("pages that come late are waited for, and signing in is not", async ({ person }) => {
  let letCome = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    letCome = resolve;
  });
  await person.page.route(house, async (route) => {
    await late;
    await route.continue();
  });
  await person.goesTo("/sign-in");
  await person.isRunByProgram();
  await person.signsInHere(demo);
  await expect(person.page).toHaveURL(/\/devices$/);
  await expect(person.page.getByText(/^Loading/)).toBeAttached();
  await expect(person.page.getByRole("banner").getByRole("link", { name: "Latchkey" })).toBeVisible();
  letCome();
  await person.seesDevices(1);
});

test("a page that is opened has the pages fetched beside the program, once", async ({ person }) => {
  await person.signsIn(demo);
  const fetched: string[] = [];
  person.page.on("request", (request) => {
    const name = /latchkey-?([\w-]*)\.[^/]*wasm$/.exec(request.url())?.[1];
    if (name !== undefined) fetched.push(name || "program");
  });
  await person.goesTo("/activity");
  await expect(person.heading("Activity")).toBeVisible();
  expect(fetched.sort()).toEqual(["house", "program", "shared-ah", "shared-ahr", "shared-hr"]);
});

test("a program that breaks down is said to have stopped", async ({ person }) => {
  person.complaints.allow(/uncaught|RuntimeError|unreachable/);
  await person.signsIn(demo);
  await person.page.evaluate(() => {
    // As an instruction does that must not be reached: what a panic comes to in the program that is shipped.
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 5, 1, 3, 0, 0, 11,
    ];
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    setTimeout(exports.a as () => void, 0);
  });
  await expect(person.page.getByRole("button", { name: /Sign out/ }).last()).toBeVisible();
  await expect(person.page.locator("html")).toHaveAttribute("data-program", "failed");
});
