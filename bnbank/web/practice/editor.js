// The editor: CodeMirror in the colours of the site's code blocks, light and dark.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.self],
    color: "var(--md-code-hl-keyword-color)",
  },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--md-code-hl-string-color)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--md-code-hl-number-color)" },
  { tag: tags.comment, color: "var(--md-code-hl-comment-color)" },
  {
    tag: [
      tags.function(tags.variableName),
      tags.function(tags.definition(tags.variableName)),
      tags.className,
    ],
    color: "var(--md-code-hl-function-color)",
  },
  { tag: tags.operator, color: "var(--md-code-hl-operator-color)" },
  { tag: [tags.punctuation, tags.bracket], color: "var(--md-code-hl-punctuation-color)" },
]);

/** For two seconds Tab leaves the editor, whatever else Escape may do. */
function letTabLeave(view) {
  view.setTabFocusMode(2000);
  return false;
}

/**
 * An editor in `parent`.
 *
 * text      what it begins with.
 * label     its name for a screen reader.
 * describe  id of the element that tells its keys.
 * changed   called with the text after every change.
 * check     called by Ctrl+Enter.
 */
export function editor({ parent, text, label, describe, changed, check }) {
  const checks = () => {
    check();
    return true;
  };
  const view = new EditorView({
    parent,
    doc: text,
    extensions: [
      keymap.of([
        { key: "Escape", run: letTabLeave },
        { key: "Mod-Enter", run: checks },
        { key: "Ctrl-Enter", run: checks },
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        indentWithTab,
      ]),
      lineNumbers(),
      highlightSpecialChars(),
      history(),
      indentOnInput(),
      indentUnit.of("    "),
      bracketMatching(),
      closeBrackets(),
      python(),
      syntaxHighlighting(colours),
      EditorState.tabSize.of(4),
      EditorView.contentAttributes.of({
        "aria-label": label,
        "aria-describedby": describe,
        tabindex: "0",
      }),
      EditorView.updateListener.of(
        (update) => update.docChanged && changed(update.state.doc.toString()),
      ),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    replace(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    goTo(number) {
      const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
      view.dispatch({
        selection: { anchor: line.from, head: line.to },
        effects: EditorView.scrollIntoView(line.from, { y: "center" }),
      });
      view.focus();
    },
    focus: () => view.focus(),
  };
}

/** Code to read, in the same colours. */
export function readOnly({ parent, text, label }) {
  new EditorView({
    parent,
    doc: text,
    extensions: [
      lineNumbers(),
      python(),
      syntaxHighlighting(colours),
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
    ],
  });
}
