// The tab Pairs. The state is in the address: what is trained, how far, what is active.

import { ask, resultPath } from "./server.js";
import { clearMessage, copy, differing, draw, guarded, latestCalls, offer, onButtons, partsOf, say } from "./parts.js";

const DEFAULTS = {
  data: "", config: '{"hidden_size": 5, "random_state": 1, "learning_rate": 0.2}', loss: "softmax", negatives: 5,
  compat: "", tied: "", step: 0, half: 0, rates: [], axes: 0, active: [],
};
const FIELDS = ["data", "config", "loss", "negatives", "compat", "tied"];
const FRAMES = 25; // of an animation

export async function mount(section, remember) {
  const parts = partsOf(section);
  const form = parts.settings;
  const fields = form.elements;
  let state = { ...DEFAULTS };
  let running = null; // the animation that goes on
  const latest = latestCalls();

  const presets = await ask("pairs", "presets");
  DEFAULTS.data = Object.values(presets)[0];
  for (const name of [...Object.keys(presets), "yours"]) fields.preset.append(new Option(name, name));

  /** Shows the state; answers that come after a later one are dropped. */
  async function show(pointed = null) {
    const waiting = setTimeout(() => say("starting TensorFlow, a few seconds"), 500);
    try {
      const active = pointed === null ? state.active : [...new Set([...state.active, pointed])];
      const shown = await latest("draw", () => ask("pairs", "draw", { ...state, active }));
      if (!shown) return;
      clearMessage();
      render(shown);
    } finally {
      clearTimeout(waiting);
    }
  }

  function render(shown) {
    for (const name of ["network", "inputs", "outputs", "plane", "curve"]) draw(parts[name], shown.drawings[name]);
    parts["tree-panel"].hidden = !shown.drawings.tree;
    if (shown.drawings.tree) draw(parts.tree, shown.drawings.tree);
    const when = shown.pair.active ? "now" : "next";
    parts.pair.textContent = `step ${shown.step}; ${when} pair ${shown.pair.number} of ${shown.pair.count}: ${shown.pair.text}`;
    parts.numbers.textContent = `mean loss of all pairs ${shown.loss.toFixed(6)}, learning rate ${shown.rate}`;
    parts.command.textContent = shown.command;
    parts.probabilities.replaceChildren(...shown.probabilities.slice(0, 8).map(([word, chance]) => {
      const row = document.createElement("tr");
      const meter = document.createElement("meter");
      meter.value = chance;
      meter.setAttribute("aria-label", `probability of ${word}`);
      for (const content of [word, chance.toFixed(4), meter]) {
        const cell = document.createElement("td");
        cell.append(content);
        row.append(cell);
      }
      return row;
    }));
  }

  /** Takes a new state, into the address too; one that cannot be shown is not taken. */
  async function take(values, push = false) {
    const before = state;
    const taken = { ...state, ...values };
    state = taken;
    try {
      await show();
    } catch (error) {
      if (state === taken) state = before;
      throw error;
    }
    if (state === taken) remember(differing(state, DEFAULTS), push);
  }

  const written = () => Object.fromEntries(
    FIELDS.map((name) => [name, name === "negatives" ? Number(fields[name].value) : fields[name].value]));

  function restart() {
    running = null;
    return take({ ...written(), step: 0, half: 0, rates: [], axes: 0, active: [] }, true);
  }

  async function advance(steps) {
    const own = {};
    running = own;
    setRunning(true);
    try {
      const first = state.step;
      const stride = Math.max(1, Math.round(steps / FRAMES));
      for (let done = 0; done < steps && running === own; ) {
        done = Math.min(steps, done + stride);
        await take({ step: first + done, half: 0 });
        await new Promise(requestAnimationFrame);
      }
    } finally {
      if (running === own) running = null;
      setRunning(running !== null);
    }
  }

  function setRunning(value) {
    for (const button of section.querySelectorAll("[data-do]")) button.disabled = value && button.dataset.do !== "stop";
    section.querySelector("[data-do=stop]").hidden = !value;
  }

  function fill() {
    for (const name of FIELDS) fields[name].value = state[name];
    const preset = Object.entries(presets).find(([, data]) => data === state.data);
    fields.preset.value = preset ? preset[0] : "yours";
    showFields();
  }

  function showFields() {
    for (const label of form.querySelectorAll("[data-for]")) label.hidden = label.dataset.for !== fields.loss.value;
    fields.tied.closest("label").hidden = fields.loss.value === "hierarchical_softmax";
    if (fields.loss.value === "hierarchical_softmax") fields.tied.value = "";
    if (fields.loss.value !== "softmax") fields.compat.value = "";
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(restart);
  });
  fields.loss.addEventListener("change", showFields);
  fields.preset.addEventListener("change", () => {
    if (!(fields.preset.value in presets)) return;
    fields.data.value = presets[fields.preset.value];
    guarded(restart);
  });

  onButtons(section, {
    next: () => take(state.half ? { step: state.step + 1, half: 0 } : { half: 1 }),
    20: () => advance(20),
    100: () => advance(100),
    500: () => advance(500),
    stop: () => { running = null; },
    axes: () => take({ axes: state.step }),
    rate: async () => {
      const { rate } = await ask("pairs", "rate", { config: fields.config.value });
      await take({ rates: [...state.rates.filter(([step]) => step !== state.step), [state.step, rate]] });
    },
    write: async () => {
      const { text, window, architecture } = fields;
      const made = await ask("pairs", "write",
        { text: text.value, window: Number(window.value), architecture: architecture.value });
      fields.data.value = made.data;
      fields.preset.value = "yours";
      await restart();
    },
    copy: (button) => copy(parts.command.textContent, button),
    export: async () => {
      const { result } = await ask("pairs", "export", state);
      offer(parts.exported, resultPath(result), result);
    },
  });

  // Neurons of inputs: pointing lights one up, a click keeps it.
  const wordAt = (event) => event.target.closest("[data-word]")?.dataset.word;
  let pointed = null;
  parts.network.addEventListener("pointerover", (event) => {
    const word = wordAt(event) ?? null;
    if (word === pointed || state.half || running) return;
    pointed = word;
    guarded(() => show(word));
  });
  parts.network.addEventListener("pointerleave", () => {
    if (pointed === null || running) return;
    pointed = null;
    guarded(() => show());
  });
  const toggle = (word) => guarded(() => {
    pointed = null;
    const active = state.active.includes(word) ? state.active.filter((one) => one !== word) : [...state.active, word];
    return take({ active, half: 0 });
  });
  let pressed = null; // the drawing may be another one when the button is released
  parts.network.addEventListener("pointerdown", (event) => { pressed = wordAt(event) ?? null; });
  parts.network.addEventListener("pointerup", (event) => {
    if (pressed !== null && wordAt(event) === pressed && !running) toggle(pressed);
    pressed = null;
  });
  parts.network.addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key) || !wordAt(event) || running) return;
    event.preventDefault();
    toggle(wordAt(event));
  });

  return async (restored) => {
    running = null;
    state = { ...DEFAULTS, ...restored };
    fill();
    await show();
  };
}
