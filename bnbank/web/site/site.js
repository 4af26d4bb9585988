// What pages do beside being read: formulas, folds, the page that was not found, the flash cards.
// A plain script, so that it works from file:// as well. Nothing is fetched from another host.
(() => {
  "use strict";
  const here = new URL(".", document.currentScript.src);
  const loaded = new Map();

  /** Loads a script that lies beside this one, once. */
  function script(name) {
    if (!loaded.has(name)) {
      loaded.set(name, new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = new URL(name, here);
        element.onload = resolve;
        element.onerror = () => reject(new Error(`${name} could not be loaded`));
        document.head.append(element);
      }));
    }
    return loaded.get(name);
  }

  /** KaTeX comes only to pages with a formula on them. */
  async function formulas() {
    const found = document.querySelectorAll(".arithmatex");
    if (!found.length) return;
    if (!document.querySelector("link[href$='katex.min.css']")) {
      const style = document.createElement("link");
      style.rel = "stylesheet";
      style.href = new URL("katex/katex.min.css", here);
      document.head.append(style);
    }
    await script("katex/katex.min.js");
    for (const element of found) {
      const [, open, source] = element.textContent.trim().match(/^(\\\(|\\\[)([^]*)(?:\\\)|\\\])$/);
      katex.render(source, element, { displayMode: open === "\\[", throwOnError: false });
    }
  }

  const folds = () => [...document.querySelectorAll(".md-content details")];

  /** Whoever follows a link to an answer wants to see it. */
  function reveal() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let open = false;
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = open = true;
    }
    if (open) target.scrollIntoView();
  }

  function tools() {
    const place = document.querySelector("[data-tools]");
    if (!place) return;
    const all = document.createElement("button");
    const next = document.createElement("span");
    next.className = "bn-keys";
    next.innerHTML = "<kbd class='bn-key'>o</kbd> opens the next answer";
    const word = () => { all.textContent = folds().every((fold) => fold.open) ? "Fold everything" : "Unfold everything"; };
    all.type = "button";
    all.onclick = () => {
      const open = !folds().every((fold) => fold.open);
      for (const fold of folds()) fold.open = open;
      word();
    };
    for (const fold of folds()) fold.addEventListener("toggle", word);
    word();
    place.append(all, next);
  }

  function openNext() {
    const fold = folds().find((one) => !one.open && one.checkVisibility());
    if (!fold) return;
    fold.open = true;
    fold.querySelector("summary").focus({ preventScroll: true });
    fold.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest?.("input, textarea, select, [contenteditable], .cm-editor");
    if (event.key !== "o" || writing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("[data-tools]")) openNext();
  });

  // On paper nothing can be opened. What was closed is closed again afterwards.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = folds().filter((fold) => !fold.open);
    for (const fold of closed) fold.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });

  /** The nearest pages, by the words that their names share with what was asked for. */
  async function lost() {
    const place = document.querySelector("[data-lost]");
    if (!place) return;
    const home = new URL("../../", here);
    const parts = (text) => new Set(text.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word.length > 1));
    const wanted = parts(location.pathname.replace(home.pathname, ""));
    const pages = [];
    for (const kind of ["cards", "exercises"]) {
      const answer = await fetch(new URL(`${kind}.json`, home));
      if (answer.ok) pages.push(...(await answer.json())[kind]);
    }
    const shared = (page) => [...parts(`${page.id} ${page.title}`)].filter((word) => wanted.has(word)).length;
    const near = pages.map((page) => [shared(page), page]).filter(([count]) => count)
      .sort((a, b) => b[0] - a[0]).slice(0, 5);
    if (!near.length) return;
    const list = document.createElement("ul");
    place.className = "bn-questions";
    for (const [, page] of near) {
      const item = list.appendChild(document.createElement("li"));
      const link = item.appendChild(document.createElement("a"));
      link.href = new URL(page.url, home);
      link.textContent = page.title;
    }
    const said = document.createElement("p");
    said.textContent = "Perhaps one of these:";
    place.append(said, list);
  }

  async function flashCards() {
    if (!document.getElementById("bn-review")) return;
    await script("ts-fsrs.js");
    await script("flash-cards.js");
    window.bnFlashCards();
  }

  /** Names for what the theme adds to a page without one, as it adds it. */
  function names() {
    document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
    for (const [number, place] of document.querySelectorAll(".md-code__nav").entries()) {
      if (!place.ariaLabel) place.ariaLabel = `Code ${number + 1}`;
    }
    for (const corner of document.querySelectorAll("th:empty")) corner.role = "presentation";
    for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
    }
  }

  let shown = null;

  function page() {
    const article = document.querySelector(".md-content article");
    if (article === shown) return;
    shown = article;
    tools();
    reveal();
    for (const part of [formulas, lost, flashCards]) part().catch((error) => console.error(error));
  }

  // Where scripts may be modules, exercises are graded in the page.
  if (location.protocol !== "file:") {
    import(new URL("../practice/practice.js", here)).catch((error) => console.error(error));
  }
  window.addEventListener("hashchange", reveal);
  document.addEventListener("toggle", names, true);
  new MutationObserver(names).observe(document.body, { childList: true, subtree: true });
  // document$ tells of each page that instant loading shows; from file:// it says nothing.
  page();
  window.document$?.subscribe(page);
})();
