// What is kept in this browser: the learner's answers, and progress as in progress.json.

const PROGRESS = "bnbank.progress";
const memory = new Map(); // where the browser lets us keep nothing

function get(key) {
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

function set(key, text) {
  memory.set(key, text);
  try {
    localStorage.setItem(key, text);
  } catch {
    // Full or forbidden: it lives as long as the page.
  }
}

function remove(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // See above.
  }
}

/** The text of progress.json. */
export const progressText = () => get(PROGRESS) ?? "{}";

/** Its entries by exercise. */
export function progress() {
  try {
    return JSON.parse(progressText());
  } catch {
    return {};
  }
}

export const keepProgress = (text) => set(PROGRESS, text);

/** The answer to an exercise as it was left, or null. */
export const answer = (id) => get(`bnbank.attempt.${id}`);

/** Keep an answer; one that is the starter is not kept. */
export function keepAnswer(id, text, starter) {
  if (text === starter) remove(`bnbank.attempt.${id}`);
  else set(`bnbank.attempt.${id}`, text);
}

/** The answer as it was before the last reset, or null. */
export const answerBefore = (id) => get(`bnbank.before.${id}`);

export const keepAnswerBefore = (id, text) => set(`bnbank.before.${id}`, text);
