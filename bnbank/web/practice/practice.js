// Practice in the page. This small part runs on every page: it shows progress, and where there is
// something to write it fetches the editor. Without it the page stays readable code.

import { showProgress } from "./progress.js";
import css from "./style.css";

const sheet = new CSSStyleSheet(); // stays where instant loading changes the head of the page
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);

async function upgrade() {
  showProgress();
  const places = document.querySelectorAll(".bn-practice:not([data-upgraded])");
  if (!places.length) return;
  const { practise } = await import("./exercise.js");
  for (const place of places) {
    place.dataset.upgraded = "";
    practise(place);
  }
}

// Material's instant loading changes pages without loading scripts again, and says so.
if (window.document$) window.document$.subscribe(upgrade);
else upgrade();
addEventListener("storage", showProgress);
