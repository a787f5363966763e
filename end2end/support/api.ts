// The API as another program speaks it: raw requests, tokens in the body. For what a browser cannot show, such as
// that a token stops working, and for setting a scene quickly.

import { randomUUID } from "node:crypto";

export interface Account {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

/** The person every development server knows. */
export const demo: Account = {
  email: "demo@latchkey.dev",
  password: "correct-demo-horse",
  name: "Demo Person",
};

/** Somebody the server has never heard of. */
export function stranger(name = "Grace Hopper"): Account {
  return { email: `someone-${randomUUID()}@example.com`, password: "seven lanterns by the harbour", name };
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionId: string;
}

interface Mailbox {
  readonly messages: readonly { to: string; subject: string; text: string; sentAt: string }[];
}

export interface DeviceToAdd {
  readonly deviceName: string;
  readonly userAgent: string;
  readonly platform?: string;
}

export class Api {
  constructor(private readonly address: string) {}

  /** Signs in as a program would; gives the tokens. */
  async signsIn(account: Account, device?: DeviceToAdd): Promise<Tokens> {
    const answer = await this.post(
      "/api/auth/login",
      {
        email: account.email,
        password: account.password,
        ...(device && { deviceInfo: { deviceName: device.deviceName, platform: device.platform } }),
      },
      { ...(device && { "user-agent": device.userAgent }) },
    );
    if (!answer.ok) throw new Error(`sign-in answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as Tokens;
  }

  async signsOut(tokens: Tokens): Promise<Response> {
    return this.post("/api/auth/logout", {}, bearer(tokens.accessToken));
  }

  /** Signs another device of the same person out. */
  async endsSession(tokens: Tokens, sessionId: string): Promise<Response> {
    return fetch(`${this.address}/api/auth/sessions/${sessionId}`, {
      method: "DELETE",
      headers: bearer(tokens.accessToken),
    });
  }

  async signsOutEverywhere(tokens: Tokens): Promise<Response> {
    return this.post("/api/auth/logout-all", {}, bearer(tokens.accessToken));
  }

  async deletesAccount(tokens: Tokens): Promise<Response> {
    return fetch(`${this.address}/api/user`, { method: "DELETE", headers: bearer(tokens.accessToken) });
  }

  /** Who a token speaks for; 401 where it is no longer accepted. */
  async asksWhoAmI(accessToken: string): Promise<Response> {
    return fetch(`${this.address}/api/auth/session`, { headers: bearer(accessToken) });
  }

  /** Sets all roles of a person, as somebody who may, and who has just signed in. */
  async setsRoles(tokens: Tokens, userId: string, roles: readonly string[]): Promise<void> {
    const answer = await fetch(`${this.address}/api/users/${userId}/roles`, {
      method: "PUT",
      headers: { "content-type": "application/json", ...bearer(tokens.accessToken) },
      body: JSON.stringify({ roles }),
    });
    if (!answer.ok) throw new Error(`setting roles answered ${answer.status}: ${await answer.text()}`);
  }

  /** Makes a role of users with these permissions as well, as somebody who may, and who has just signed in. */
  async makesRole(tokens: Tokens, name: string, permissions: readonly string[]): Promise<void> {
    const answer = await this.post("/api/roles", { name, inherits: "user", permissions }, bearer(tokens.accessToken));
    if (!answer.ok) throw new Error(`making a role answered ${answer.status}: ${await answer.text()}`);
  }

  /** Ends all sessions of a person by a rule, as somebody who may, and who has just signed in. */
  async endsByRule(tokens: Tokens, userId: string, reason: string): Promise<void> {
    const body = { rule: { user: userId }, reason };
    const answer = await this.post("/api/admin/sessions/end-by-rule", body, bearer(tokens.accessToken));
    if (!answer.ok) throw new Error(`ending by rule answered ${answer.status}: ${await answer.text()}`);
  }

  /** The id of somebody, who signs in to tell it. */
  async idOf(account: Account): Promise<string> {
    const { accessToken } = await this.signsIn(account);
    const answer = await this.asksWhoAmI(accessToken);
    return ((await answer.json()) as { user: { id: string } }).user.id;
  }

  /** The newest six-digit code sent to an address. */
  async codeFromMailbox(email: string): Promise<string> {
    const code = await this.newestInMailbox(email, /\b(\d{3}) ?(\d{3})\b/);
    if (!code) throw new Error(`no code for ${email} in the mailbox`);
    return `${code[1] ?? ""}${code[2] ?? ""}`;
  }

  /** Path and fragment of the newest link for a new password that was sent to an address, if any was. */
  async resetLinkFromMailbox(email: string): Promise<string | undefined> {
    return (await this.newestInMailbox(email, /\/reset-password#token=[\w-]+/))?.[0];
  }

  private async newestInMailbox(email: string, pattern: RegExp): Promise<RegExpExecArray | undefined> {
    const answer = await fetch(`${this.address}/dev/mailbox`, { headers: { accept: "application/json" } });
    const { messages } = (await answer.json()) as Mailbox;
    return messages
      .filter((message) => message.to === email)
      .map((message) => pattern.exec(message.text))
      .find((match) => match !== null);
  }

  private async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.address + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }
}

function bearer(accessToken: string): Record<string, string> {
  return { authorization: `Bearer ${accessToken}` };
}
