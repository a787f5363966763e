// A Latchkey server of a test's own: the trial build in development mode, on a free port, with a database file in
// a folder that goes away with it. Nothing here knows of browsers.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Settings as the environment spells them: `{ JWT_EXPIRE: "15m" }`. */
export type Settings = Record<string, string>;

const program = resolve(process.env.LATCHKEY_BIN ?? join(import.meta.dirname, "../../target/trial/latchkey"));

/** A cold start makes keys and hashes the demo person's password; anything slower than this hangs. */
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 15_000;

export class Server {
  readonly address: string;
  private process: ChildProcess | undefined;
  private readonly output: string[] = [];

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly settings: Settings,
  ) {
    this.address = `http://127.0.0.1:${port}`;
  }

  static async start(settings: Settings = {}): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "latchkey-e2e-"));
    const server = new Server(folder, await freePort(), settings);
    await server.start();
    return server;
  }

  /** One more with the same settings and public address. They have a database in common where the settings name one. */
  async another(): Promise<Server> {
    return Server.start({ ...this.settings, PUBLIC_URL: this.address, SERVER_ID: "other" });
  }

  /** Starts again where it was stopped: same port, same database, same secret. */
  async start(): Promise<void> {
    const child = spawn(program, ["serve"], {
      cwd: this.folder,
      env: {
        PATH: process.env.PATH,
        LATCHKEY_ENV: "development",
        LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`,
        DATABASE_URL: `sqlite://${join(this.folder, "latchkey.db")}`,
        ...this.settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.output.push(text));
    }
    child.on("error", (error) => this.output.push(String(error)));
    this.process = child;
    await this.untilReady(child);
  }

  /** Asks it to stop, as an operator would, and waits until it has. */
  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    // One that could not even be started has no process id, and signalling it would signal ourselves.
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    await gone;
    clearTimeout(late);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Stops it and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Everything it has said so far. */
  log(): string {
    return this.output.join("");
  }

  private async untilReady(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    while (Date.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
      const ready = await fetch(`${this.address}/health/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return;
      await pause(50);
    }
    await this.stop();
    throw new Error(`${program} did not become ready. It said:\n${this.log()}`);
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
