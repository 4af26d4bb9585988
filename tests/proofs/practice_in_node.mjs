// The page's grader in Node: a request a line on standard input, an answer a line on standard output.
// The first argument is the folder assets/practice that a site would serve.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const assets = pathToFileURL(`${process.argv[2]}/`);
const { loadPyodide } = await import(new URL("pyodide/pyodide.mjs", assets));
const { startPython } = await import(
  new URL("../../bnbank/web/practice/python.js", import.meta.url)
);
const python = await startPython(loadPyodide, async (name) =>
  JSON.parse(await readFile(new URL(name, assets))),
);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const started = performance.now();
  if (request.exercise) await python.take(request.exercise);
  const answer = python.answer(request, () => {});
  console.log(JSON.stringify({ ...answer, milliseconds: performance.now() - started }));
}
