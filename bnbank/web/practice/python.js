// Python with NumPy and the bank's grader in it: the same for the page's worker and for Node.

const ENVIRONMENT = {
  HOME: "/tmp",
  TMPDIR: "/tmp",
  BNBANK_PROGRESS: "/progress.json",
  PYTHONDONTWRITEBYTECODE: "1",
};

/**
 * Start Python.
 *
 * loadPyodide  Pyodide's own function.
 * read         (name) => Promise of what the JSON file of that name holds.
 *
 * Resolves to an object of three functions:
 *   take(id)               put an exercise's files where the grader finds them; resolves to them
 *   answer(request, tell)  see in_browser.py; objects instead of JSON
 *   prepare(id)            returns a function that does one step and says whether there are more
 */
export async function startPython(loadPyodide, read) {
  const loading = loadPyodide({ packages: ["numpy"], env: ENVIRONMENT });
  const [python, bank] = await Promise.all([loading, read("bank.json")]);
  const taken = new Map();

  function write({ texts, archives }) {
    for (const [name, text] of Object.entries(texts)) put(name, text);
    for (const [name, base64] of Object.entries(archives)) {
      put(
        name,
        Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)),
      );
    }
  }

  function put(name, content) {
    const path = `/bank/${name}`;
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    python.FS.writeFile(path, content);
  }

  write(bank);
  python.runPython("import sys; sys.path.insert(0, '/bank')");
  const grader = python.pyimport("in_browser");

  return {
    async take(id) {
      if (!taken.has(id)) {
        const files = await read(`exercises/${id}.json`);
        write(files);
        taken.set(id, files);
      }
      return taken.get(id);
    },
    answer: (request, tell) => JSON.parse(grader.answer(JSON.stringify(request), tell)),
    prepare(id) {
      const steps = grader.prepare(id);
      return () => !steps.next().done;
    },
  };
}
