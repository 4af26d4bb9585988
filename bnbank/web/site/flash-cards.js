// Flash cards: the page holds every question with its answer folded; this makes a deck of them.
// What you know of each card stays in this browser, under one key, in the format of FSRS.
(() => {
  "use strict";
  const KEY = "bnbank.flash-cards";
  const NEW_A_DAY = 10;
  const AHEAD = 20 * 60_000; // a card just learned may come back this much early, in milliseconds
  const GRADES = ["Again", "Hard", "Good", "Easy"];
  const LEVELS = ["junior", "mid", "senior", "research"];
  const scheduler = FSRS.fsrs({ enable_fuzz: false });

  const day = (time) => new Date(time).toLocaleDateString("sv");

  function read() {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      return {};
    }
  }

  function write(known) {
    try {
      localStorage.setItem(KEY, JSON.stringify(known));
    } catch { /* a browser that keeps nothing still shows the cards */ }
  }

  /** "10 min", "3 days": how long until a card comes back. */
  function span(milliseconds) {
    const minutes = Math.max(1, Math.round(milliseconds / 60_000));
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 24 * 60) return `${Math.round(minutes / 60)} h`;
    const days = Math.round(minutes / (24 * 60));
    return days === 1 ? "1 day" : days < 60 ? `${days} days` : `${Math.round(days / 30)} months`;
  }

  class Deck {
    constructor(place, cards) {
      this.place = place;
      this.known = read();
      this.cards = new Map(cards.map((card) => [card.dataset.card, { element: card, ...JSON.parse(card.dataset.about) }]));
      this.chosen = { topic: "", level: "" };
      this.undo = [];
      this.controls();
      this.next();
    }

    controls() {
      const topics = [...new Set([...this.cards.values()].map((card) => card.topic))];
      this.place.innerHTML = `
        <p>
          <label>Topic <select data-by="topic"><option value="">all</option></select></label>
          <label>Level <select data-by="level"><option value="">all</option></select></label>
          <span data-left></span>
        </p>
        <p aria-live="polite" data-said></p>`;
      for (const [by, values] of [["topic", topics], ["level", LEVELS]]) {
        const select = this.place.querySelector(`[data-by=${by}]`);
        for (const value of values) select.add(new Option(value.replaceAll("-", " "), value));
        select.onchange = () => {
          this.chosen[by] = select.value;
          this.next();
        };
      }
      this.buttons = document.createElement("div");
      this.buttons.className = "bn-grades";
    }

    names() {
      return [...this.cards.keys()].filter((name) =>
        Object.entries(this.chosen).every(([by, value]) => !value || this.cards.get(name)[by] === value));
    }

    /** A card that is due, then a new one, then one just learned that may come early. */
    following(now = Date.now()) {
      const names = this.names();
      const due = (limit) => names.filter((name) => this.known[name] && Date.parse(this.known[name].due) <= limit)
        .sort((a, b) => Date.parse(this.known[a].due) - Date.parse(this.known[b].due));
      const begun = Object.values(this.known).filter((card) => card.first === day(now)).length;
      const order = (name) => [-this.cards.get(name).asked, LEVELS.indexOf(this.cards.get(name).level)];
      const fresh = names.filter((name) => !this.known[name])
        .sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1])
        .slice(0, Math.max(0, NEW_A_DAY - begun));
      const ready = due(now);
      return { name: ready[0] ?? fresh[0] ?? due(now + AHEAD)[0], due: ready.length, fresh: fresh.length };
    }

    next() {
      const { name, due, fresh } = this.following();
      this.place.querySelector("[data-left]").textContent = `${due} due · ${fresh} new today`;
      this.show(name);
    }

    show(name) {
      this.current?.element.classList.remove("bn-shown");
      this.buttons.remove();
      this.name = name;
      this.current = this.cards.get(name);
      if (!name) return this.done();
      const fold = this.fold();
      fold.open = false;
      // The event comes later: a card graded meanwhile is not asked about any more.
      fold.ontoggle = () => fold.open && this.name === name && this.ask();
      this.current.element.classList.add("bn-shown");
      this.said("<kbd class='bn-key'>Space</kbd> shows the answer, <kbd class='bn-key'>1</kbd> to <kbd class='bn-key'>4</kbd> grade it,"
        + " <kbd class='bn-key'>u</kbd> takes a grade back.");
    }

    fold() {
      return this.current.element.querySelector("details");
    }

    state() {
      const kept = this.known[this.name];
      return kept ? { ...kept, due: new Date(kept.due), last_review: kept.last_review && new Date(kept.last_review) } : FSRS.createEmptyCard();
    }

    ask() {
      const now = new Date();
      const outcomes = scheduler.repeat(this.state(), now);
      this.buttons.replaceChildren(...GRADES.map((word, index) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "bn-button";
        button.innerHTML = `${index + 1} ${word}<small>${span(outcomes[index + 1].card.due - now)}</small>`;
        button.onclick = () => this.grade(index + 1);
        return button;
      }));
      this.current.element.append(this.buttons);
    }

    grade(number) {
      const before = this.known[this.name];
      const { card } = scheduler.next(this.state(), new Date(), number);
      this.undo.push([this.name, before]);
      this.known[this.name] = { ...card, first: before?.first ?? day(Date.now()) };
      write(this.known);
      this.next();
    }

    takeBack() {
      if (!this.undo.length) return;
      const [name, before] = this.undo.pop();
      if (before) this.known[name] = before;
      else delete this.known[name];
      write(this.known);
      this.show(name);
    }

    done() {
      const times = this.names().filter((name) => this.known[name]).map((name) => Date.parse(this.known[name].due));
      const when = times.length ? ` The next card comes back in ${span(Math.min(...times) - Date.now())}.` : "";
      this.said(`Done for today.${when}`);
    }

    said(text) {
      this.place.querySelector("[data-said]").innerHTML = text;
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, a")) return;
      if (event.key === "u") this.takeBack();
      else if (!this.name) return;
      else if (event.key === " " && !event.target.closest("button")) {
        event.preventDefault();
        this.fold().open = true;
      } else if ("1234".includes(event.key) && this.fold().open) this.grade(Number(event.key));
    }
  }

  let deck = null;
  document.addEventListener("keydown", (event) => {
    if (deck?.place.isConnected) deck.key(event);
  });

  window.bnFlashCards = () => {
    const place = document.getElementById("bn-review");
    if (deck?.place === place) return;
    document.getElementById("bn-deck").classList.add("bn-deck-on");
    deck = new Deck(place, [...document.querySelectorAll(".bn-flash")]);
  };
})();
