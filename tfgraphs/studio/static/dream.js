// The tab Dream: a picture, what to dream, and the dream as it grows. The state is in the address, the run too.

import { ask, begin, picturePath } from "./server.js";
import { brush } from "./brush.js";
import { allChosen, clearMessage, copy, differing, guarded, latestCalls, onButtons, partsOf } from "./parts.js";
import { picker } from "./picker.js";
import { viewer } from "./viewer.js";

const DEFAULTS = {
  picture: "", guide: "", mask: "", objective: "", layer: "", network: "squeezenet", preserve_color: "",
  size: 640, steps: 120, step_size: 0.7, octaves: 5, chroma: 0.3, blur: 0.7, chroma_blur: 3, jitter: 32, seed: 0,
  frames: 50, frame_steps: 12, zoom: 1.04, job: "",
};
const NUMBERS = ["size", "steps", "step_size", "octaves", "chroma", "jitter", "seed", "frames", "frame_steps", "zoom"];
const TEXTS = ["objective", "layer", "network"];
const OF_PRESETS = ["objective", "steps", "step_size", "octaves", "chroma", "blur", "chroma_blur"];

export async function mount(section, remember) {
  const parts = partsOf(section);
  const fields = parts.settings.elements;
  const { units, presets } = await ask("dream", "choices");
  const watched = viewer(parts.viewer);
  let state = { ...DEFAULTS };

  const showPicture = picker(parts.picture, {
    label: "photograph", kind: "photographs", onPick: (picture) => take({ picture, mask: "", job: "" }),
  });
  const showGuide = picker(parts.guide, {
    label: "guide", kind: "photographs", onPick: (guide) => take({ guide: guide === state.guide ? "" : guide }),
  });
  const showMask = brush(parts.mask, { onPaint: (mask) => take({ mask }) });
  for (const network of Object.keys(presets)) fields.network.append(new Option(network, network));

  for (const [number, objective] of units.objectives.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "unit";
    button.title = objective;
    button.setAttribute("aria-label", objective);
    button.dataset.objective = objective;
    const [column, row] = [number % units.columns, Math.floor(number / units.columns)];
    button.style.backgroundPosition = `${-column * 52}px ${-row * 52}px`;
    button.addEventListener("click", () => guarded(() => toggle(objective)));
    parts.units.append(button);
  }

  const chosenUnits = () => state.objective.split("+").map((term) => term.trim()).filter(Boolean);

  function toggle(objective) {
    const chosen = chosenUnits();
    const others = chosen.includes(objective) ? chosen.filter((one) => one !== objective) : [...chosen, objective];
    return take({ objective: others.join(" + "), layer: "" });
  }

  const changed = () => differing(state, DEFAULTS);
  const latest = latestCalls();

  function fill() {
    for (const name of [...NUMBERS, ...TEXTS]) fields[name].value = state[name];
    fields.preserve_color.checked = state.preserve_color === "yes";
    const named = Object.entries(presets[state.network] ?? {}).find(([, preset]) =>
      OF_PRESETS.every((name) => JSON.stringify(valueOf(preset, name)) === JSON.stringify(state[name])));
    fields.preset.replaceChildren(
      ...Object.keys(presets[state.network] ?? {}).map((name) => new Option(name, name)), new Option("yours", ""));
    fields.preset.value = named ? named[0] : "";
    parts.units.hidden = state.network !== units.network;
    const chosen = chosenUnits();
    for (const button of parts.units.children) {
      button.setAttribute("aria-pressed", chosen.includes(button.dataset.objective));
    }
    showPicture(state.picture);
    showGuide(state.guide);
    parts["mask-part"].hidden = !state.picture;
    if (state.picture) showMask(picturePath(state.picture), state.mask ? picturePath(state.mask) : "");
  }

  const valueOf = (preset, name) =>
    name === "objective" ? (preset.objective ?? [""]).join(" + ") : preset[name] ?? DEFAULTS[name];

  /** Takes changes into the state, the address and the page; values that the server refuses are shown as an error. */
  async function take(values, push = false) {
    state = { ...state, ...values };
    fill();
    remember(changed(), push);
    if (!watched.running && !state.job) watched.show(state.picture ? picturePath(state.picture) : "");
    clearMessage();
    const commands = await latest("command", () => ask("dream", "command", state));
    if (!commands) return;
    parts.command.textContent = commands.dream;
  }

  function written() {
    const values = Object.fromEntries([
      ...NUMBERS.map((name) => [name, Number(fields[name].value)]), ...TEXTS.map((name) => [name, fields[name].value])]);
    return { ...values, preserve_color: fields.preserve_color.checked ? "yes" : "" };
  }

  async function run(work) {
    await allChosen();
    const { job: _, ...settings } = state;
    const job = await begin("dream", work, settings);
    state = { ...state, job };
    remember(changed(), true);
    watched.watch(job);
  }

  parts.settings.addEventListener("change", (event) => {
    if (!event.target.name) return; // of the brush and the pickers
    guarded(() => {
      if (event.target.name === "preset") {
        const preset = presets[state.network][fields.preset.value];
        if (!preset) return;
        return take({ layer: "", ...Object.fromEntries(OF_PRESETS.map((name) => [name, valueOf(preset, name)])) });
      }
      return take(written());
    });
  });
  parts.settings.addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(() => run("dream"));
  });
  onButtons(section, {
    zoom: () => run("zoom"),
    copy: (button) => copy(parts.command.textContent, button),
  });

  return async (restored) => {
    const before = state.job;
    state = { ...DEFAULTS, ...restored };
    if (state.job && state.job !== before) watched.watch(state.job);
    await take({});
  };
}
