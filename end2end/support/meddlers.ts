// What changes a page besides us: extensions, translators, and browsers that run less than others.

import type { BrowserContext, Page } from "@playwright/test";

/** As password managers do: an element first in the body, one before each input, and one around it. */
export async function withExtension(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const element = (name: string): HTMLElement => {
      const made = document.createElement(name);
      made.dataset.extension = "";
      return made;
    };
    const meddle = (): void => {
      if (document.body.querySelector(":scope > [data-extension]") === null) document.body.prepend(element("div"));
      for (const input of document.querySelectorAll("input")) {
        if (input.parentElement?.dataset.extension !== undefined) continue;
        const around = element("span");
        around.style.display = "contents";
        input.replaceWith(around);
        around.append(input);
        around.before(element("i"));
      }
    };
    document.addEventListener("DOMContentLoaded", () => {
      meddle();
      // Forms that come later are looked at too.
      new MutationObserver(meddle).observe(document.body, { childList: true, subtree: true });
    });
  });
}

/** As translators do: each text gives way to an element with other words. Marks them, so that one can tell. */
export async function translates(page: Page): Promise<void> {
  await page.evaluate(() => {
    const translate = (root: Node): void => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const texts: Text[] = [];
      while (walker.nextNode()) texts.push(walker.currentNode as Text);
      for (const text of texts) {
        const inFont = text.parentElement?.closest("font, script, style, title") != null;
        if (inFont || text.data.trim() === "") continue;
        // Of the old web, which is why the type of its name is taken away.
        const font = ["font"].join("");
        const outer = document.createElement(font);
        const inner = document.createElement(font);
        inner.textContent = `«${text.data}»`;
        outer.append(inner);
        text.replaceWith(outer);
      }
    };
    translate(document.body);
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes)
        for (const node of addedNodes) if (node.isConnected) translate(node.parentNode ?? node);
    }).observe(document.body, { childList: true, subtree: true });
  });
}

/** As some that tidy pages up: no comment stays in the document, however late it comes. */
export async function removesComments(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const tidy = (): void => {
      const walker = document.createTreeWalker(document, NodeFilter.SHOW_COMMENT);
      const found: Node[] = [];
      while (walker.nextNode()) found.push(walker.currentNode);
      for (const comment of found) comment.parentNode?.removeChild(comment);
    };
    new MutationObserver(tidy).observe(document, { childList: true, subtree: true });
  });
}

/** Browsers in which the program does not run, each for a reason of its own. */
export const withoutProgram: Record<string, (context: BrowserContext) => Promise<void>> = {
  "WebAssembly is switched off": async (context) => {
    await context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, "WebAssembly");
    });
  },
  "the program is not found": async (context) => {
    await context.route("**/*.wasm", async (route) => route.fulfill({ status: 404, body: "nothing is here" }));
  },
  "the program is blocked": async (context) => {
    await context.route("**/*.wasm", async (route) => route.abort("blockedbyclient"));
  },
  "the script of the program is blocked": async (context) => {
    await context.route("**/pkg/*.js", async (route) => route.abort("blockedbyclient"));
  },
  "the program breaks down": async (context) => {
    await context.addInitScript(() => {
      // What the program cannot do without.
      Document.prototype.createProcessingInstruction = () => {
        throw new Error("broken on purpose");
      };
    });
  },
};
