// Lists of words with their scores, and notes below a form.

/** Shows what there is to say about a panel, or that something is wrong. */
export function note(place, text, wrong = false) {
  place.textContent = text;
  place.classList.toggle("error", wrong);
}

function row(cells, kind = "td") {
  const made = document.createElement("tr");
  for (const content of cells) {
    const cell = document.createElement(kind);
    cell.append(content);
    made.append(cell);
  }
  return made;
}

/**
 * Makes a table of words.
 *
 * neighbours   [word, score] or [word, score, whether it is in the plane]
 * measure      name of the scores
 * onWord       is called with a word that is clicked
 */
export function listOf(neighbours, measure, onWord) {
  const table = document.createElement("table");
  table.className = "list";
  table.append(row(["Word", measure, ""], "th"));
  const most = Math.max(1, ...neighbours.map(([, score]) => score));
  for (const [word, score, within] of neighbours) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "word";
    button.textContent = word;
    if (within) button.title = "in the plane";
    button.addEventListener("click", () => onWord(word));
    const meter = document.createElement("meter");
    meter.max = most;
    meter.value = Math.max(0, score);
    meter.setAttribute("aria-label", `${measure} of ${word}`);
    const made = row([button, score.toFixed(4), meter]);
    made.classList.toggle("drawn", Boolean(within));
    table.append(made);
  }
  return table;
}

/** Fills a table with the nearest words of probes: [[word, others], ...]. */
export function fillProbes(table, rows) {
  table.replaceChildren(row(["Word", "Nearest"], "th"), ...rows.map((cells) => row(cells)));
}
