// Beside every page, before the program and where it cannot run: forms are sent once and show that they are, the eye of
// a password field works, a code sends itself when it is full. Starts the program, and tells it when it may take over.
(() => {
  const page = document, root = page.documentElement, its = page.currentScript.dataset;
  const on = (names, act, signal) => names.split(" ").forEach((name) => addEventListener(name, act, { capture: true, signal }));
  // How far the program is: 0 not here yet, 1 in charge, 2 it cannot run.
  let program = 0, sentAt = -1e5, letGoAt = -1e5, held = false, composing = false, waiting = [];
  const path = location.pathname;
  root.dataset.script = "";

  // A browser fills in a password, and tells no script what it is until somebody touches the page.
  const secretlyFilled = () => {
    try { return [...page.querySelectorAll("input:autofill")].some((input) => !input.value); } catch { return false; }
  };
  const isSending = () => sentAt > performance.now() - 1e4;
  // A user who is in the middle of something is not disturbed. The click comes a moment after a finger or key lets go.
  const inTheMiddle = () => held || letGoAt > performance.now() - 99 || composing || isSending() ||
    (path == location.pathname && secretlyFilled());
  const goOnIfIdle = () => {
    if (!inTheMiddle()) waiting.splice(0).forEach((go) => go());
    else if (waiting.length) setTimeout(goOnIfIdle, 50);
  };
  on("pointerdown keydown", () => { held = true; });
  on("pointerup pointercancel keyup dragend", () => { held = false; letGoAt = performance.now(); });
  on("blur", (event) => { if (event.target == window) held = false; });
  on("compositionstart", () => { composing = true; });
  on("compositionend", () => { composing = false; });

  const busy = (button, is) => { if (button) is ? button.setAttribute("aria-busy", true) : button.removeAttribute("aria-busy"); };
  on("submit", (event) => {
    if (program == 1) return;
    // The remains of a program that broke down get no event.
    event.stopImmediatePropagation();
    if (isSending()) return event.preventDefault();
    giveToken(event.target);
    const button = event.submitter || event.target.querySelector("[type=submit]");
    sentAt = performance.now();
    busy(button, true);
    // An answer that has not come by then may never come: the form can be sent again.
    setTimeout(() => busy(button, false), 1e4);
  });
  on("pageshow", (event) => {
    if (!event.persisted) return;
    sentAt = -1e5;
    page.querySelectorAll("[aria-busy]").forEach((button) => busy(button, false));
  });
  on("click", (event) => {
    // As the program does: the typed address is passed on to the page for a forgotten password.
    const link = program != 1 && event.target.closest("a[href^='/forgot-password']");
    const typed = link && page.querySelector(".entry form [name=email]");
    if (typed && typed.value.trim()) {
      const to = new URL(link.href);
      to.searchParams.set("email", typed.value.trim());
      link.href = to;
    }
    // A router that broke down would change the address and nothing else.
    if (program == 2 && event.target.closest("a")) event.stopImmediatePropagation();
    const eye = program != 1 && event.target.closest(".field-button");
    if (!eye) return;
    const input = page.getElementById(eye.getAttribute("aria-controls")), show = input.type == "password";
    input.type = show ? "text" : "password";
    eye.title = show ? "Hide password" : "Show password";
    eye.setAttribute("aria-label", eye.title);
    eye.classList.toggle("is-shown", show);
  });
  on("input", ({ target, isComposing }) => {
    // Who types on an entry page is about to sign in.
    if (!its.now && !askedAhead && program != 2) fetchAhead();
    if (program == 1 || target.autocomplete != "one-time-code" || isComposing) return;
    // Typed or pasted, alone or in a sentence of the mail; the server reads it as well.
    const codes = target.value.match(/(^|\D)\d{3}[\s-]?\d{3}(?!\d)/g) || [];
    if (codes.length == 1 || /^\d{6}$/.test(target.value.replace(/[\s-]/g, ""))) target.form.requestSubmit();
  });

  // The token of a mailed link is in the fragment, which browsers send to no server. It goes into the form when that is
  // sent, and to the program.
  let token = "";
  const giveToken = (form) => {
    if (!token || !/\/reset-password/.test(form.action)) return;
    let field = form.elements.namedItem("token");
    if (!field) {
      field = form.appendChild(page.createElement("input"));
      field.type = "hidden";
      field.name = "token";
    }
    field.value = token;
  };
  const takeToken = () => {
    const found = location.hash.match(/[#&]token=([^&]+)/);
    if (program == 1 || !found || !/\/reset-password/.test(location.pathname)) return;
    token = found[1];
    history.replaceState(history.state, "", location.pathname + location.search);
  };
  on("hashchange", takeToken);
  page.addEventListener("DOMContentLoaded", () => {
    takeToken();
    const one = page.querySelector("h1[data-one-field]");
    const field = page.querySelector("[aria-invalid=true]") || (one && one.parentElement.querySelector("form .input:not([readonly])"));
    if (field && page.activeElement == page.body) field.focus();
  });

  // Translators put their own elements in place of texts. One that changes afterwards comes back, and is translated
  // anew.
  const inPlaceOf = new WeakMap();
  const translated = new MutationObserver((changes) => changes.forEach(({ type, target, addedNodes, removedNodes, previousSibling, nextSibling }) => {
    if (type == "characterData") {
      const font = inPlaceOf.get(target);
      if (font && font.parentNode && !target.parentNode) font.replaceWith(target);
      return;
    }
    const font = [...addedNodes, previousSibling, nextSibling].find((node) => node && node.nodeName == "FONT");
    if (font) removedNodes.forEach((text) => {
      if (text.nodeType != 3 || text.parentNode) return;
      inPlaceOf.set(text, font);
      translated.observe(text, { characterData: true });
    });
  }));
  translated.observe(root, { childList: true, subtree: true });

  // The program marks its places in the page with comments, and some extensions remove all comments from pages. These
  // are replaced by elements that are as invisible.
  page.createComment = (text) => page.createProcessingInstruction("place", text);

  // Forms work without the program. Pages that need it say that it cannot run.
  const fail = () => {
    program = 2;
    if (!page.querySelector(".entry form")) root.dataset.program = "failed";
  };
  // The program has no panic messages, so a breakdown shows here only: as a trap, or as an error thrown through it. A
  // failed request may be rejected through it as well, and breaks nothing.
  const brokeDown = (error, through) => {
    if (window.WebAssembly && (error instanceof WebAssembly.RuntimeError || (through && error && /wasm/.test(error.stack)))) fail();
  };
  on("error", (event) => brokeDown(event.error, true));
  on("unhandledrejection", (event) => brokeDown(event.reason, !program));

  // The pages of a signed-in user are files of their own: fetched with the program where they are asked for, else
  // from the first character on, else when they are asked for. Those of administration and rooms only when they are
  // asked for. What several files use is named after the first letters of those: a file with an `h` is the house's too.
  const ahead = {};
  let askedAhead = false;
  const shared = its.shared.split(" ");
  const fetchPart = (name) => {
    askedAhead = true;
    ahead[name] = fetch(its[name] || shared.find((file) => file.includes(`-${name}.`)));
    // A failure is handled where the file is used.
    ahead[name].catch(() => {});
  };
  const fetchAhead = () => {
    const names = shared.map((file) => file.match(/shared-\w*h\w*/)).filter(Boolean);
    [...names.map(([name]) => name), "house"].forEach(fetchPart);
  };
  // The server has a newer version by now, so the whole page is loaded again: once, and not while a form is in use.
  const reload = () => {
    try {
      if (sessionStorage.latchkeyRenewed == its.house || page.querySelector(".entry form")) return;
      sessionStorage.latchkeyRenewed = its.house;
      location.reload();
    } catch {}
  };
  // Style that only some pages need, loaded once. Pages are shown when it is there, or cannot be had.
  const styled = (href) => new Promise((go) => {
    if (page.querySelector(`link[href="${href}"]`)) return go();
    const link = page.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = link.onerror = go;
    page.head.append(link);
  });
  const part = (name) => {
    if (!ahead[name]) fetchPart(name);
    const fetched = ahead[name];
    delete ahead[name];
    fetched.then(({ status }) => status == 404 && reload(), () => {});
    return its[`${name}Style`] ? styled(its[`${name}Style`]).then(() => fetched) : fetched;
  };
  window.latchkey = {
    part,
    untilIdle: () => new Promise((go) => { waiting.push(go); goOnIfIdle(); }),
    token: () => token,
    tookOver: () => { program = 1; delete root.dataset.program; },
    fail,
  };
  // Starting blocks a slow phone for a second. On an entry page, whose forms work without the program, it waits until
  // hands rest or the page is hidden. It starts at once where somebody may be signed in already, here or by another
  // tab, or where there is a receipt to show.
  const hasMore = () => {
    try { return localStorage["latchkey.signed-in"] || (history.state || {}).latchkeyReceipt; } catch { return true; }
  };
  const rested = () => new Promise((go) => {
    if (page.hidden || hasMore()) return go();
    const over = new AbortController();
    let timer;
    const begin = () => { clearTimeout(timer); over.abort(); go(); };
    const after = (ms) => { clearTimeout(timer); timer = setTimeout(begin, ms); };
    on("pointermove pointerdown keydown input scroll", () => after(500), over.signal);
    on("visibilitychange storage", begin, over.signal);
    try {
      const tabs = new BroadcastChannel("latchkey");
      tabs.onmessage = begin;
      over.signal.onabort = () => tabs.close();
    } catch {}
    after(8e3);
  });
  const rest = its.now || rested();
  const start = async () => {
    const late = setTimeout(() => { if (!program) { fail(); program = 0; } }, 2e4);
    try {
      const wasm = WebAssembly.compileStreaming(fetch(its.wasm, { priority: its.now ? "auto" : "low" }));
      if (its.now) fetchAhead();
      // A failure is handled below.
      wasm.catch(() => {});
      const script = await import(its.js);
      const module_or_path = await wasm;
      await rest;
      await script.default({ module_or_path });
      script.start();
    } catch (error) {
      console.warn("The program of this page does not run:", error);
      clearTimeout(late);
      fail();
    }
  };
  const soon = window.requestIdleCallback || setTimeout;
  if (its.now) start(); else on("load", (event) => { if (event.target == page) soon(start); });
})();
