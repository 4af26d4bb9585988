// Progress where a page has a place for it, <span data-progress="bn2d">, and below the list of all
// exercises its export and import.

import { button, element } from "./dom.js";
import { answer, keepProgress, progress, progressText } from "./store.js";

const FILE = "progress.json";

/** Fill every place for progress on this page. The words are those of `bnbank list`. */
export function showProgress() {
  const entries = progress();
  for (const place of document.querySelectorAll("[data-progress]")) {
    const id = place.dataset.progress;
    const { solved, seen, attempts } = entries[id] ?? {};
    const state = solved ? "solved" : attempts || answer(id) !== null ? "started" : "";
    place.dataset.state = state;
    place.textContent = [state, seen ? "reference seen" : ""].filter(Boolean).join(", ");
    place.title = solved ? `solved on ${solved}` : "";
  }
  for (const list of document.querySelectorAll(".bn-exercises")) showFile(list, entries);
}

/** Below the list of exercises: how many are solved, and the file. */
function showFile(list, entries) {
  const ids = [...list.querySelectorAll("[data-progress]")].map((place) => place.dataset.progress);
  const solved = ids.filter((id) => entries[id]?.solved).length;
  if (!list.nextElementSibling?.matches(".bn-file")) list.after(file());
  list.nextElementSibling.querySelector(".bn-count").textContent =
    `${solved} of ${ids.length} solved.`;
}

/** Export and import of progress, as the file that the command line keeps. */
function file() {
  const said = element("p", { role: "status", class: "bn-said" });
  const choose = element("input", {
    type: "file",
    accept: ".json",
    hidden: true,
    "aria-label": FILE,
  });
  choose.onchange = async () => {
    if (!choose.files.length) return;
    said.textContent = "Python reads it ...";
    said.textContent = await merge(await choose.files[0].text());
    choose.value = "";
    showProgress();
  };
  const exporting = () => {
    save();
    said.textContent = `${FILE} is with your downloads. In a clone: bnbank progress import ${FILE}`;
  };
  return element(
    "div",
    { class: "bn-file" },
    element(
      "div",
      { class: "bn-tools" },
      element("span", { class: "bn-count" }),
      button("Export progress", exporting),
      button("Import progress", () => choose.click()),
      choose,
    ),
    said,
  );
}

function save() {
  const file = new Blob([progressText()], { type: "application/json" });
  const link = element("a", { href: URL.createObjectURL(file), download: FILE });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Merge a file into what is kept here, by the rules of progress.py. Resolves to a sentence. */
async function merge(text) {
  const { python } = await import("./process.js");
  try {
    const reply = await python.ask({ do: "merge", text, progress: progressText() });
    if (reply.said) keepProgress(reply.progress);
    return reply.said ?? reply.trouble;
  } catch (ended) {
    return ended.message;
  }
}
