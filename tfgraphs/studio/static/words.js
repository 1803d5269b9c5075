// The tab Words. The state is in the address: which vectors, what is asked of them, and what is drawn.

import { ask, resultPath } from "./server.js";
import { clearMessage, copy, draw, guarded, latestCalls, offer, onButtons, partsOf, say } from "./parts.js";
import { complete } from "./completion.js";
import { listOf, note } from "./words_lists.js";
import { watch } from "./words_runs.js";
import { zoomable } from "./zoom.js";

const DEFAULTS = {
  vectors: "", topn: 10, method: "cosadd", axes: "components", measure: "cosine", chosen: "", run: "", view: [],
};
const EXAMPLES = ["query", "a", "b", "c", "words", "pairs", "x", "y"]; // what they are depends on the vectors
const HINTS = {
  none: "Click a point, or press Enter on it, to see which words are nearest to it in all dimensions.",
  chosen: "By cosine in all dimensions; words in green are in the plane, too.",
};
const PAUSE = 60; // ms without a key before what is typed is asked

export async function mount(section, remember) {
  const parts = partsOf(section);
  const fields = Object.fromEntries([...section.querySelectorAll("[name]")].map((field) => [field.name, field]));
  let state = { ...DEFAULTS };
  let examples = {};
  let opened = null; // key of the vectors whose examples these are
  const shown = { near: [], analogy: [], chosen: [], commands: {} };
  const latest = latestCalls();

  const value = (name) => state[name] ?? examples[name] ?? "";
  const full = () => ({ ...state, ...Object.fromEntries(EXAMPLES.map((name) => [name, value(name)])) });

  const changed = () => Object.fromEntries(Object.entries(state).filter(([key, one]) =>
    one !== undefined && JSON.stringify(one) !== JSON.stringify(DEFAULTS[key] ?? examples[key])));

  function take(next, push = false) {
    state = { ...state, ...next };
    remember(changed(), push);
  }

  /** Asks a question; null if a later one of this kind was asked meanwhile. */
  const question = (kind, name, more = {}) => latest(kind, () => ask("words", name, { ...full(), ...more }));

  /** Does something for a panel, whose errors are shown in its note. */
  async function inPanel(name, action) {
    try {
      const said = await action();
      const place = parts[`${name}-note`];
      if (said !== undefined || place.classList.contains("error")) note(place, said ?? "");
    } catch (error) {
      note(parts[`${name}-note`], error.message ?? String(error), true);
    }
  }

  function showCommand(name, command) {
    shown.commands[name] = command;
    parts.command.textContent = ["near", "analogy", "plane"].map((one) => shown.commands[one]).filter(Boolean).join("\n");
  }

  const saidOf = (answer) => Object.entries(answer.read_as ?? {}).map(([word, as]) => `${word} is read as ${as}`).join("; ");

  /** Puts a word of a list into the first input. */
  const ofWord = (word) => (/[\s()*"']/.test(word) ? `"${word}"` : word);
  const look = (word) => {
    fields.query.value = ofWord(word);
    take({ query: fields.query.value }, true);
    return near();
  };

  /** Asks for a list of words, near or analogy, and shows it; after an error there is none. */
  const list = (name, typing = 0) => inPanel(name, async () => {
    const table = parts[`${name}-table`];
    let answer = null;
    try {
      answer = await question(name, name, { typing });
    } catch (error) {
      shown[name] = [];
      table.replaceChildren();
      throw error;
    }
    if (!answer) return undefined;
    table.classList.toggle("earlier", answer.missing !== undefined);
    if (answer.missing !== undefined) return answer.missing;
    shown[name] = answer.neighbours;
    table.replaceChildren(listOf(answer.neighbours, answer.measure, look));
    showCommand(name, answer.command);
    return saidOf(answer);
  });
  const near = (typing) => list("near", typing);
  const analogy = () => list("analogy");

  const zoom = zoomable(parts.drawing, (view) => take({ view }));
  let width = 0;

  const plane = () => inPanel("plane", async () => {
    width = Math.max(240, Math.round(parts.drawing.clientWidth));
    const answer = await question("plane", "plane", { width });
    if (!answer) return undefined;
    draw(parts.drawing, answer.drawing);
    zoom.show(state.view);
    const share = (number) => (answer.shares ? `, ${Math.round(100 * answer.shares[number])} % of the variance` : "");
    parts["to-the-right"].textContent = `${answer.axes[0]}${share(0)} →`;
    parts.upwards.textContent = `↑ ${answer.axes[1]}${share(1)}`;
    showCommand("plane", answer.command);
    await choose();
    return answer.left_out.length ? `not among the words: ${answer.left_out.join(", ")}` : "";
  });

  /** Shows the neighbours of the chosen word, and marks those that are in the plane. */
  async function choose() {
    const word = state.chosen;
    const answer = word ? await question("chosen", "neighbours", { word }) : { neighbours: [] };
    if (!answer) return;
    shown.chosen = answer.neighbours;
    const drawn = new Set(answer.neighbours.filter(([, , within]) => within).map(([near]) => near));
    for (const point of parts.drawing.querySelectorAll("[data-word]")) {
      point.setAttribute("aria-pressed", point.dataset.word === word);
      point.classList.toggle("near", drawn.has(point.dataset.word));
    }
    parts["chosen-word"].textContent = word ? `Nearest to ${word}` : "Neighbours";
    parts["chosen-hint"].textContent = word ? HINTS.chosen : HINTS.none;
    section.querySelector("[data-do=draw-chosen]").hidden = !word;
    parts["chosen-table"].replaceChildren(...(word ? [listOf(answer.neighbours, "Cosine", pick)] : []));
  }

  const pick = (word) => {
    take({ chosen: word === state.chosen ? "" : word }, true);
    return inPanel("plane", choose);
  };

  /** The words of an answer, after the word that was asked if it was one. */
  function withAsked(query, neighbours) {
    const one = /^[^\s()*"']+$/.test(query.trim()) ? [query.trim()] : [];
    return [...one, ...neighbours.map(([word]) => word)];
  }

  function addWords(words) {
    const before = value("words").trim();
    const known = new Set(before.split(/[\s,]+/));
    const added = words.map((word) => word.replace(/\s/g, "_")).filter((word) => !known.has(word));
    fields.words.value = [before, ...added].filter(Boolean).join(" ");
    take({ words: fields.words.value, view: [] }, true);
    return plane();
  }

  /** While vectors are opened, nothing can be asked of the earlier ones. */
  function setOpening(opening) {
    for (const panel of section.children) panel.inert = opening && panel !== parts.settings;
  }

  /** Opens the vectors and shows all that is asked of them. */
  async function showAll() {
    const key = state.vectors;
    if (opened === key) {
      setOpening(false);
      clearMessage();
    } else {
      const waiting = setTimeout(() => say("opening the vectors, a moment"), 300);
      setOpening(true);
      try {
        const about = await ask("words", "open", { vectors: key });
        if (key !== state.vectors) return; // others were chosen meanwhile
        examples = about.examples;
        opened = key;
        const count = about.words.toLocaleString("en");
        parts.size.textContent = `${count} words of ${about.dimensions} dimensions`;
        clearMessage();
      } finally {
        clearTimeout(waiting);
        if (key === state.vectors) setOpening(false);
      }
    }
    for (const name of ["vectors", "topn", "method", "axes", "measure"]) fields[name].value = state[name];
    if (!state.vectors) fields.vectors.selectedIndex = 0;
    for (const name of EXAMPLES) fields[name].value = value(name);
    parts.axes.hidden = state.axes !== "words";
    await Promise.all([near(), analogy(), plane()]);
  }

  // What a person types is asked when there was no key for a moment; after Enter, errors are said in full.
  let pause = null;
  fields.query.addEventListener("input", () => {
    take({ query: fields.query.value });
    clearTimeout(pause);
    pause = setTimeout(() => near(1), PAUSE);
  });
  fields.query.addEventListener("change", () => { clearTimeout(pause); near(); });
  for (const name of ["a", "b", "c"]) {
    fields[name].addEventListener("change", () => { take({ [name]: fields[name].value }, true); analogy(); });
  }
  for (const name of ["near", "analogy"]) {
    parts[name].addEventListener("submit", (event) => { event.preventDefault(); ({ near, analogy })[name](); });
    parts[name].addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.defaultPrevented) return;
      event.preventDefault(); // these forms have no button that submits
      event.target.dispatchEvent(new Event("change"));
    });
  }
  fields.grow.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented) return;
    event.preventDefault();
    section.querySelector("[data-do=grow]").click();
  });
  parts.plane.addEventListener("submit", (event) => {
    event.preventDefault();
    take({ ...Object.fromEntries(["words", "pairs", "x", "y"].map((name) => [name, fields[name].value])), view: [] }, true);
    plane();
  });
  for (const name of ["words", "pairs", "x", "y", "axes", "measure"]) {
    fields[name].addEventListener("change", () => {
      take({ [name]: fields[name].value, view: [] }, true);
      parts.axes.hidden = state.axes !== "words";
      plane();
    });
  }
  parts.settings.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["topn", "method"]) {
    fields[name].addEventListener("change", () => {
      take({ [name]: name === "topn" ? Number(fields.topn.value) : fields.method.value }, true);
      guarded(() => Promise.all([near(), analogy(), inPanel("plane", choose)]));
    });
  }
  fields.vectors.addEventListener("change", () => guarded(async () => {
    // Words are of vectors: others begin with their own examples.
    state = { ...state, ...Object.fromEntries(EXAMPLES.map((name) => [name, undefined])), chosen: "", view: [] };
    take({ vectors: fields.vectors.value }, true);
    await showAll();
    remember(changed());
  }));

  const wordsFor = async (prefix) => (await ask("words", "complete", { vectors: state.vectors, prefix })).words;
  for (const name of ["query", "a", "b", "c", "grow", "x", "y"]) complete(fields[name], wordsFor);

  const exported = async (what) => {
    const { result } = await ask("words", "export", { ...full(), what });
    offer(parts[`exported-${what}`], resultPath(result), result);
  };
  const noted = (name, action) => () => inPanel(name, action);
  onButtons(section, {
    "draw-near": () => addWords(withAsked(value("query"), shown.near)),
    "draw-analogy": () => {
      const { a, b, c } = full();
      const best = shown.analogy[0]?.[0];
      const pairs = [[a, b], [c, best]].filter((pair) => pair.every(Boolean)).map((pair) => pair.join(":"));
      const before = value("pairs").split(/\s+/).filter(Boolean);
      fields.pairs.value = [...new Set([...before, ...pairs])].join(" ");
      take({ pairs: fields.pairs.value, view: [] }, true);
      return plane();
    },
    "draw-chosen": () => addWords(shown.chosen.map(([word]) => word)),
    grow: noted("plane", async () => {
      const answer = await ask("words", "near", { ...full(), query: fields.grow.value, method: "cosadd" });
      await addWords(withAsked(fields.grow.value, answer.neighbours));
    }),
    closer: () => zoom.by(1.5),
    farther: () => zoom.by(1 / 1.5),
    whole: () => zoom.all(),
    "export-nearest": noted("near", () => exported("nearest")),
    "export-analogy": noted("analogy", () => exported("analogy")),
    "export-plane": noted("plane", () => exported("plane")),
    copy: (button) => copy(parts.command.textContent, button),
  });

  const wordAt = (event) => event.target.closest("[data-word]")?.dataset.word;
  parts.drawing.addEventListener("click", (event) => { if (wordAt(event)) pick(wordAt(event)); });
  parts.drawing.addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key) || !wordAt(event)) return;
    event.preventDefault();
    pick(wordAt(event));
  });
  let resized = null;
  new ResizeObserver(() => {
    clearTimeout(resized);
    resized = setTimeout(() => {
      if (width && parts.drawing.clientWidth && Math.abs(parts.drawing.clientWidth - width) > 20) plane();
    }, 200);
  }).observe(parts.drawing);

  const watching = watch(section, parts, fields.run, fields.text, (run) => take({ run }));

  return async (restored) => {
    state = { ...DEFAULTS, ...restored };
    for (const name of EXAMPLES) if (state[name] !== undefined) state[name] = String(state[name]); // "7" is a word
    const { vectors, runs } = await ask("words", "sources");
    fields.vectors.replaceChildren(...vectors.map((key) => new Option(key, key)));
    watching(runs, state.run);
    await showAll();
  };
}
