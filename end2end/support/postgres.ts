// A PostgreSQL server of a test's own, in a folder that goes away with it: what several servers share.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./server.ts";

const run = promisify(execFile);

const START_LIMIT_MS = 30_000;

/** Who it runs as: it refuses to run as root. */
interface User {
  readonly uid?: number;
  readonly gid?: number;
}

export class Postgres {
  private constructor(
    private readonly folder: string,
    private readonly process: ChildProcess,
    /** For `DATABASE_URL`. */
    readonly url: string,
  ) {}

  static async start(): Promise<Postgres> {
    const programs = findPrograms();
    const user: User = process.getuid?.() === 0 ? await postgresUser() : {};
    const folder = await mkdtemp(join(tmpdir(), "latchkey-e2e-postgres-"));
    if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
    const data = join(folder, "data");
    const options = { ...user, cwd: folder };
    const making = ["--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"];
    await run(join(programs, "initdb"), [...making, "--no-sync"], options);
    const port = await freePort();
    const settings = ["listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off", "full_page_writes=off"];
    const place = ["-D", data, "-k", folder, "-p", String(port)];
    const child = spawn(join(programs, "postgres"), [...place, ...settings.flatMap((setting) => ["-c", setting])], {
      ...options,
      stdio: "ignore",
    });
    const postgres = new Postgres(folder, child, `postgres://postgres@127.0.0.1:${port}/postgres`);
    const isReady = join(programs, "pg_isready");
    const deadline = Date.now() + START_LIMIT_MS;
    while (Date.now() < deadline && child.exitCode === null) {
      const ready = await run(isReady, ["--host=127.0.0.1", `--port=${port}`]).then(
        () => true,
        () => false,
      );
      if (ready) return postgres;
      await pause(50);
    }
    await postgres.dispose();
    throw new Error("PostgreSQL did not become ready");
  }

  /** Stops it, whoever is connected, and removes its folder. */
  async dispose(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const gone = once(this.process, "exit");
      this.process.kill("SIGINT");
      await gone;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The folder of its programs: Debian keeps them out of the search path. */
function findPrograms(): string {
  const home = "/usr/lib/postgresql";
  const versions = existsSync(home) ? readdirSync(home).sort().reverse() : [];
  const folders = [
    ...versions.map((version) => join(home, version, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  const found = folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
  if (found === undefined) throw new Error("PostgreSQL is needed: install the package `postgresql`");
  return found;
}

async function postgresUser(): Promise<User> {
  const id = async (which: string): Promise<number> => Number((await run("id", [which, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}
