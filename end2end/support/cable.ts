// The cable of one browser: a proxy between it and its server, which can be cut and mended while the others go on.

import { once } from "node:events";
import { createServer, request, type Server as Proxy } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

export class Cable {
  private readonly connections = new Set<Socket>();
  private isCut = false;

  private constructor(private readonly proxy: Proxy) {}

  /** Leads where the browser wants to get, or to a server in its place. */
  static async lay(inPlace?: URL): Promise<Cable> {
    const proxy = createServer((asked, answer) => {
      const url = new URL(asked.url ?? "");
      const { hostname, port } = inPlace ?? url;
      const { pathname, search } = url;
      const headers = { ...asked.headers };
      delete headers["proxy-connection"];
      const options = { hostname, port, path: pathname + search, method: asked.method, headers };
      const forwarded = request(options, (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        // A stream says nothing for a while.
        answer.flushHeaders();
        answered.on("error", () => answer.destroy()).pipe(answer);
      });
      forwarded.on("error", () => answer.destroy());
      answer.on("close", () => forwarded.destroy());
      asked.pipe(forwarded);
    });
    // Sockets go through as they are.
    proxy.on("connect", (asked, browser, head) => {
      const { hostname, port } = inPlace ?? new URL(`http://${asked.url ?? ""}`);
      const server = connect(Number(port), hostname, () => {
        browser.write("HTTP/1.1 200 Connection established\r\n\r\n");
        server.write(head);
        server.pipe(browser).pipe(server);
      });
      for (const [one, other] of [
        [browser, server],
        [server, browser],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    });
    const cable = new Cable(proxy);
    proxy.on("connection", (connection) => {
      if (cable.isCut) {
        connection.destroy();
        return;
      }
      cable.connections.add(connection);
      connection.once("close", () => cable.connections.delete(connection));
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    return cable;
  }

  /** Where a browser finds it. */
  get address(): string {
    return `http://127.0.0.1:${(this.proxy.address() as AddressInfo).port}`;
  }

  /** What is open breaks, and nothing more gets through. */
  cut(): void {
    this.isCut = true;
    for (const connection of this.connections) connection.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  async remove(): Promise<void> {
    this.cut();
    this.proxy.close();
    await once(this.proxy, "close");
  }
}
