// What the browser complains about: console errors, uncaught errors and violations of the content security policy.
// Every test fails on any of them, unless it says beforehand which it provokes.

import { expect, type BrowserContext } from "@playwright/test";

export class Complaints {
  private readonly received: string[] = [];
  private readonly expected: RegExp[] = [];

  async listenTo(context: BrowserContext): Promise<void> {
    context.on("console", (message) => {
      if (message.type() === "error") this.received.push(`console: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => {
      this.received.push(`uncaught: ${error.error().stack ?? error.error().message}`);
    });
    await context.exposeBinding("reportViolation", (_source, text: string) => {
      this.received.push(`policy: ${text}`);
    });
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (violation) => {
        const report = (window as unknown as { reportViolation: (text: string) => void }).reportViolation;
        report(`${violation.violatedDirective} refused ${violation.blockedURI}`);
      });
    });
  }

  /** This test provokes such a complaint: the browser writes a line for every refused or failed request. */
  allow(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  mustBeNone(): void {
    const surprising = this.received.filter((line) => !this.expected.some((pattern) => pattern.test(line)));
    expect(surprising, "the browser complained").toEqual([]);
  }
}

/** A request was refused because nobody is signed in any more, or the password was wrong. */
export const refused = /status of 401/;
/** The form was refused. */
export const invalid = /status of 4(09|22)/;
/** The server could not be reached. */
export const unreachable = /net::ERR_|status of 503/;
