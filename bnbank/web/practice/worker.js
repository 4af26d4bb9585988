// The worker: Python, alive from page to page. Every message in has a number; so have those out.
//   in:  { number, do, exercise, text, progress }    see in_browser.py; "open" only prepares
//   out: { ready }, { broken }, { number, started, seconds }, { number, at }, { number, answer },
//        { number, crashed }

import { startPython } from "./python.js";

const SLICE = 10; // milliseconds of preparation between two looks at the messages

async function read(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return response.json();
}

async function start() {
  const { loadPyodide } = await import("./pyodide/pyodide.mjs");
  return startPython(loadPyodide, read);
}

const starting = start();
starting.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ broken: error.message }),
);

let latest = null;

/** Prepare an exercise in the pauses between messages, until another one is prepared. */
function prepare(python, id) {
  const step = python.prepare(id);
  latest = step;
  const slice = () => {
    const until = performance.now() + SLICE;
    let more = latest === step;
    while (more && performance.now() < until) more = step();
    if (more) setTimeout(slice);
  };
  slice();
}

onmessage = async ({ data: { number, ...request } }) => {
  try {
    const python = await starting;
    const facts = request.exercise ? await python.take(request.exercise) : {};
    if (request.do === "open") {
      prepare(python, request.exercise);
      return;
    }
    postMessage({ number, started: true, seconds: facts.seconds });
    const answer = python.answer(request, (at) => postMessage({ number, at }));
    postMessage({ number, answer, cards: facts.cards });
  } catch (error) {
    postMessage({ number, crashed: error.message });
  }
};
