// One exercise on a page: the starter's fence becomes an editor with Check, Run, Stop, Hint, Reset.

import { button, element } from "./dom.js";
import { editor, readOnly } from "./editor.js";
import { python } from "./process.js";
import { showProgress } from "./progress.js";
import { output, report, verdict } from "./results.js";
import {
  answer,
  answerBefore,
  keepAnswer,
  keepAnswerBefore,
  keepProgress,
  progressText,
} from "./store.js";

const STATES = {
  off: "",
  starting: "Python starts ...",
  ready: "Python is ready",
  broken: "Python could not be loaded",
};
const WAITING = {
  off: "",
  starting: "Python starts; then this runs ...",
  ready: "Running ...",
  broken: "",
};

/** Make a place where code stands a place to write it. */
export function practise(place) {
  new Practice(place);
}

class Practice {
  constructor(place) {
    this.id = place.dataset.exercise;
    this.starter = `${place.querySelector("code").textContent.trimEnd()}\n`;
    this.place = place;
    this.build();
    this.follow();
  }

  build() {
    const keys = `bn-keys-${this.id}`;
    const frame = element("div", { class: "bn-frame" });
    this.status = element("span", { class: "bn-status", role: "status" });
    this.stopButton = button("Stop", () => this.busy && python.restart("You stopped it.", this.id));
    this.results = element("div", { class: "bn-results", role: "region", "aria-label": "Verdict" });
    this.hints = element("div", {
      class: "bn-hints",
      role: "region",
      "aria-label": "Hints",
      "aria-live": "polite",
    });
    this.heard = element("div", { class: "bn-heard", "aria-live": "polite" });
    this.workButtons = [
      button("Check", () => this.check(), { class: "bn-main", title: "Ctrl+Enter" }),
      button("Run", () => this.run(), { title: "Run the file as a program" }),
    ];
    const hint = button("Hint", () => this.hint());
    const reset = button("Reset", () => this.reset());
    this.place.replaceChildren(
      element("div", { class: "bn-head" }, "attempt.py"),
      frame,
      element(
        "div",
        { class: "bn-foot" },
        element(
          "div",
          { class: "bn-bar" },
          ...this.workButtons,
          this.stopButton,
          element("span", { class: "bn-gap" }),
          hint,
          reset,
        ),
        element(
          "div",
          { class: "bn-bar bn-small" },
          element("span", { id: keys }, "Ctrl+Enter checks. Esc, then Tab leaves the editor."),
          this.status,
        ),
      ),
      this.results,
      this.hints,
      this.heard,
    );
    this.editor = editor({
      parent: frame,
      text: answer(this.id) ?? this.starter,
      label: `Your answer to ${this.id}`,
      describe: keys,
      changed: (text) => {
        keepAnswer(this.id, text, this.starter);
        showProgress();
      },
      check: () => this.check(),
    });
    this.rest(false);
    this.acts = {
      hint: () => this.hint(),
      show: () => this.show(),
      goTo: (line) => this.editor.goTo(line),
    };
  }

  /** Python starts with the first sign of somebody who wants to write; where it runs, at once. */
  follow() {
    const open = () => python.open(this.id);
    this.place.addEventListener("focusin", open, { once: true });
    this.place.addEventListener("pointerdown", open, { once: true });
    if (python.worker) open();
    python.watch((state) => {
      this.status.textContent = this.busy ? WAITING[state] : STATES[state];
      return this.place.isConnected;
    });
  }

  /** Ask Python for something while the buttons rest. Resolves to undefined without an answer. */
  async ask(request) {
    if (this.busy) return undefined;
    this.busy = true;
    this.rest(true);
    try {
      const reply = await python.ask({
        exercise: this.id,
        text: this.editor.text(),
        progress: progressText(),
        ...request,
      });
      keepProgress(reply.progress);
      showProgress();
      return reply;
    } catch (ended) {
      const lines = ended.at ? [ended.at, `  ${ended.message}`] : [ended.message];
      this.say(report(lines, this.acts));
      return undefined;
    } finally {
      this.busy = false;
      this.rest(false);
    }
  }

  /** What cannot be pressed now says so and stays where it is: `disabled` would take the focus. */
  rest(busy) {
    for (const one of this.workButtons) one.ariaDisabled = busy;
    this.stopButton.ariaDisabled = !busy;
    this.place.classList.toggle("bn-busy", busy);
    this.status.textContent = busy ? WAITING[python.state] : STATES[python.state];
  }

  /** Show what there is to say; a screen reader says `aloud`, or all of it. */
  say(elements, aloud) {
    this.results.replaceChildren(...elements);
    this.heard.textContent = aloud ?? this.results.textContent;
    if (elements.length) comeIntoSight(this.results);
  }

  async check() {
    const reply = await this.ask({ do: "check" });
    if (!reply) return;
    this.hints.replaceChildren();
    const first = reply.checks.find(({ text }) => text);
    this.say(verdict(reply, this.acts), [reply.score, first?.text].filter(Boolean).join("\n"));
  }

  async run() {
    const reply = await this.ask({ do: "run" });
    if (!reply) return;
    const { printed, raised } = reply;
    const said = printed ? [output(printed)] : [];
    const nothing = printed || raised.length ? [] : ["It ran to its end and printed nothing."];
    this.say([...said, ...report([...raised, ...nothing], this.acts)]);
  }

  async hint() {
    const reply = await this.ask({ do: "hint" });
    if (!reply) return;
    const before = [...this.hints.querySelectorAll(".bn-hint")];
    const told = before.map((line) => line.textContent);
    const lines = report(reply.hints, this.acts, reply.cards);
    this.hints.replaceChildren(...before, ...lines.filter((l) => !told.includes(l.textContent)));
    comeIntoSight(this.hints);
  }

  async show() {
    const reply = await this.ask({ do: "show" });
    if (!reply) return;
    const frame = element("div", { class: "bn-frame bn-reference" });
    readOnly({ parent: frame, text: reply.reference, label: `The reference of ${this.id}` });
    this.hints.replaceChildren(element("p", { class: "bn-line" }, "The reference:"), frame);
    comeIntoSight(this.hints);
  }

  reset() {
    const back = () => this.say([]);
    const over = () => {
      keepAnswerBefore(this.id, this.editor.text());
      this.editor.replace(this.starter);
      this.offerBack("The starter is back; your answer is kept.");
    };
    if (this.editor.text() === this.starter) return this.offerBack("This is the starter.");
    this.say([
      element("p", { class: "bn-line" }, "Start over? Your answer is kept, one step back."),
      element(
        "div",
        { class: "bn-tools" },
        button("Start over", over),
        button("Go on with mine", back),
      ),
    ]);
    this.results.querySelector("button").focus();
  }

  offerBack(sentence) {
    const before = answerBefore(this.id);
    const bring = () => {
      this.editor.replace(before);
      this.say([]);
      this.editor.focus();
    };
    const tools =
      before === null
        ? []
        : [element("div", { class: "bn-tools" }, button("Bring my answer back", bring))];
    this.say([element("p", { class: "bn-line" }, sentence), ...tools]);
  }
}

/** Scroll so far that what was said is seen, and no further: the code stays in sight. */
function comeIntoSight(place) {
  const { top } = place.getBoundingClientRect();
  const furthest = innerHeight * 0.6;
  if (top > furthest) scrollBy({ top: top - furthest });
}
