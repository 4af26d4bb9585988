// Verdicts as on the command line, sentence for sentence. What is a command there can be clicked.

import { button, element } from "./dom.js";

const SITE = new URL("../../", import.meta.url);
const COMMANDS = new RegExp(
  [
    "(?<card>questions/[\\w/-]+\\.md)",
    "bnbank hint (?<hint>\\w+)",
    "bnbank show (?<show>\\w+)",
    "pytest solutions/(?<next>\\w+)",
    "solutions/\\w+/(?<file>attempt\\.py)(, line (?<fileLine>\\d+))?",
    "^line (?<line>\\d+)(?=:)",
  ].join("|"),
  "g",
);

const MARKS = { agrees: "bn-agrees", differs: "bn-differs", raised: "bn-differs" };

const exercisePage = (id) => new URL(`exercises/${id}/`, SITE).href;

/**
 * A line of a report, with its commands as links and buttons.
 *
 * acts   { hint(), show(), goTo(line) }
 * cards  { path: title }
 */
function spoken(line, acts, cards) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(COMMANDS)) {
    parts.push(line.slice(end, match.index), clickable(match, acts, cards));
    end = match.index + match[0].length;
  }
  return [...parts, line.slice(end)];
}

function clickable({ 0: text, groups }, acts, cards) {
  const link = (label, act) => button(label, act, { class: "bn-link" });
  if (groups.card) return element("a", { href: cardPage(groups.card) }, cards[groups.card] ?? text);
  if (groups.hint) return link("the next hint", acts.hint);
  if (groups.show) return link("the reference", acts.show);
  if (groups.next) return element("a", { href: exercisePage(groups.next) }, groups.next);
  const line = groups.fileLine ?? groups.line;
  if (line)
    return link(groups.file ? `${groups.file}, line ${line}` : text, () => acts.goTo(Number(line)));
  return groups.file;
}

const cardPage = (path) => new URL(path.replace(/(index)?\.md$/, "/"), SITE).href;

/** Lines of a report; a hint stands out. */
export function report(lines, acts, cards = {}) {
  return lines.map((line) => {
    const indented = line.match(/^ */)[0].length;
    const kind = /^\s*Hint \d+ of \d+:/.test(line) ? "bn-hint" : line.trim() ? "" : "bn-space";
    const properties = {
      class: `bn-line ${kind}`,
      style: `--bn-indent: ${Math.max(0, indented - 2) / 2}em`,
    };
    return element("p", properties, ...spoken(line.trim(), acts, cards));
  });
}

/** The verdict on an attempt, as a list of elements. */
export function verdict({ solved, score, checks, cards }, acts) {
  const [headline, ...rest] = score.split("\n");
  const said = [
    element("p", { class: `bn-score ${solved ? "bn-solved" : "bn-open"}` }, headline),
    strip(checks),
  ];
  if (solved) return [...said, ...report(flowing(rest), acts, cards)];
  let first = true;
  for (const { text, printed } of checks) {
    if (!text) continue;
    const [title, ...lines] = text.split("\n");
    const body = [
      ...report(lines, acts, cards),
      ...(printed ? [output(printed, "It printed:")] : []),
    ];
    said.push(
      ...(body.length
        ? [fold(spoken(title, acts, cards), body, first)]
        : report([title], acts, cards)),
    );
    first = false;
  }
  return said;
}

/** The lines of a paragraph as one: a page breaks lines by itself. What is indented stays. */
function flowing(lines) {
  const flows = (line) => /^ {2}\S/.test(line) && !/^ {2}(Compare|Next):/.test(line);
  const joined = [];
  for (const line of lines) {
    if (joined.length && flows(line) && flows(joined.at(-1)))
      joined.push(`${joined.pop()} ${line.trim()}`);
    else joined.push(...(line.startsWith("  Compare:") ? ["", line] : [line]));
  }
  return joined;
}

/** One small mark a check, as pytest prints a dot or an F. */
function strip(checks) {
  const marks = checks.map(({ title, state }) =>
    element("span", { class: MARKS[state] ?? "", title: `${title} (${state})` }),
  );
  return element("div", { class: "bn-strip", "aria-hidden": "true" }, ...marks);
}

/** Something to open, open or not. */
function fold(title, body, open) {
  return element("details", { class: "bn-check", open }, element("summary", {}, ...title), ...body);
}

/** What a program printed. */
export function output(text, title) {
  return element(
    "div",
    { class: "bn-output" },
    ...(title ? [element("p", {}, title)] : []),
    element("pre", { tabIndex: 0 }, text),
  );
}
