// The page's side of the worker: started when it is first needed, ended when an answer hangs, and
// started again.

/** Why a request has no answer: `message` is for the learner, `at` the check that was running. */
export class Ended extends Error {
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

class PythonProcess {
  worker = null;
  state = "off"; // off, starting, ready, broken
  waiting = new Map(); // the requests without an answer, by number
  listeners = new Set();
  number = 0;

  /** Call `listener` now and whenever the state changes, until it returns false. */
  watch(listener) {
    this.listeners.add(listener);
    listener(this.state);
  }

  enter(state) {
    this.state = state;
    for (const listener of this.listeners) {
      if (listener(state) === false) this.listeners.delete(listener);
    }
  }

  /** Start Python unless it runs, and make an exercise ready. */
  open(exercise) {
    this.start();
    if (exercise) this.worker.postMessage({ do: "open", exercise });
  }

  start() {
    if (this.worker) return;
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) =>
      this.hear({ broken: event.message || "the worker did not start" });
    this.enter("starting");
  }

  /**
   * Ask for something; see in_browser.py for the requests.
   * Resolves to the answer; rejects with Ended where the time is over, or somebody stops it.
   */
  ask(request) {
    this.start();
    const number = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, {
        resolve,
        reject,
        at: "",
        timer: null,
        exercise: request.exercise,
      });
      this.worker.postMessage({ number, ...request });
    });
  }

  hear({ ready, broken, number, started, seconds, at, answer, cards, crashed }) {
    if (ready) return this.enter("ready");
    if (broken !== undefined) return this.end(`Python could not be loaded: ${broken}`, "broken");
    const asked = this.waiting.get(number);
    if (!asked) return;
    if (started && seconds) {
      // The sentence is sandbox.py's.
      const late = `The attempt was still running after ${seconds} s and was stopped.`;
      asked.timer = setTimeout(() => this.restart(late, asked.exercise), 1000 * seconds);
    } else if (at) {
      asked.at = at;
    } else if (at === "") {
      clearTimeout(asked.timer); // the attempt is done; what follows is the grader's time
    } else if (crashed !== undefined) {
      this.restart(`Python came to an end (${crashed}) and starts again.`, asked.exercise);
    } else if (answer) {
      clearTimeout(asked.timer);
      this.waiting.delete(number);
      asked.resolve({ ...answer, cards });
    }
  }

  /** End whatever runs, say why, and start again. */
  restart(why, exercise) {
    this.end(why, "off");
    this.open(exercise);
  }

  end(why, state) {
    this.worker?.terminate();
    this.worker = null;
    const asked = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject, timer, at } of asked) {
      clearTimeout(timer);
      reject(new Ended(why, at));
    }
    this.enter(state);
  }
}

/** The one Python of this tab. */
export const python = new PythonProcess();
