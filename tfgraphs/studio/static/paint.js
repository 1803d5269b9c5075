// The tab Paint: a photograph, paintings with weights and places, a sheet to choose from, and the painting as it grows.

import { ask, begin, picturePath } from "./server.js";
import { brush } from "./brush.js";
import { allChosen, clearMessage, copy, differing, guarded, latestCalls, onButtons, partsOf } from "./parts.js";
import { picker } from "./picker.js";
import { viewer } from "./viewer.js";

const FIRST = { key: "sample:swirls", weight: 1, where: "" };
const DEFAULTS = {
  picture: "", styles: [FIRST], preset: "balanced", content_weight: null, preserve_color: "none", one_pass: "",
  size: 640, steps: 900, style_scale: 1, seed: 0, network: "squeezenet", job: "",
};
const NUMBERS = ["size", "steps", "style_scale", "seed"];
const MOST = 4; // paintings

export async function mount(section, remember) {
  const parts = partsOf(section);
  const fields = parts.settings.elements;
  const { presets, trained, content_weights: usual } = await ask("paint", "choices");
  const watched = viewer(parts.viewer, { onEnd });
  let state = { ...DEFAULTS };
  let drawn = ""; // the paintings that are listed

  const showPicture = picker(parts.picture, {
    label: "photograph", kind: "photographs", onPick: (picture) => take({ picture, styles: withoutPlaces(), job: "" }),
  });
  picker(parts.painting, {
    label: "painting", kind: "paintings",
    onPick: (key) => take({ styles: [...state.styles.filter((one) => one.key !== key), { key, weight: 1, where: "" }].slice(-MOST) }),
  });
  const withoutPlaces = () => state.styles.map((one) => ({ ...one, where: "" }));

  const changed = () => differing(state, DEFAULTS);
  const latest = latestCalls();

  const replace = (number, values) =>
    take({ styles: state.styles.map((one, at) => (at === number ? { ...one, ...values } : one)) });

  /** Lists the paintings, each with its weight, where it goes, and a button that takes it away. */
  function listStyles() {
    const now = JSON.stringify([state.picture, state.styles.map((one) => one.key)]);
    if (now === drawn) {
      for (const [number, style] of state.styles.entries()) {
        const row = parts.styles.children[number];
        row.querySelector("input[type=range]").value = style.weight;
        row.showPlace?.(style);
      }
      return;
    }
    drawn = now;
    parts.styles.replaceChildren(...state.styles.map((style, number) => {
      const row = document.createElement("div");
      row.className = "painting";
      const image = document.createElement("img");
      image.src = picturePath(style.key);
      image.alt = `painting ${number + 1}`;
      const weight = document.createElement("input");
      Object.assign(weight, { type: "range", min: 0.1, max: 3, step: 0.1, value: style.weight });
      weight.setAttribute("aria-label", `how much of painting ${number + 1}`);
      weight.hidden = state.styles.length < 2;
      weight.addEventListener("change", () => guarded(() => replace(number, { weight: Number(weight.value) })));
      const remove = document.createElement("button");
      remove.type = "button";
      remove.textContent = "Remove";
      remove.hidden = state.styles.length < 2;
      remove.addEventListener("click", () =>
        guarded(() => take({ styles: state.styles.filter((_, at) => at !== number) })));
      row.append(image, weight, remove);
      if (state.picture) {
        const place = document.createElement("details");
        const title = document.createElement("summary");
        title.textContent = "Only where you paint";
        const stage = document.createElement("div");
        place.append(title, stage);
        const show = brush(stage, { onPaint: (where) => replace(number, { where }) });
        row.showPlace = ({ where }) => show(picturePath(state.picture), where ? picturePath(where) : "");
        row.showPlace(style);
        row.append(place);
      }
      return row;
    }));
  }

  function fill() {
    for (const name of NUMBERS) fields[name].value = state[name];
    fields.network.value = state.network;
    fields.preserve_color.value = state.preserve_color;
    const names = Object.keys(presets[state.network]);
    fields.preset.replaceChildren(...names.map((name) => new Option(name, name)), new Option("yours", ""));
    fields.preset.value = state.preset;
    const weight = state.preset ? presets[state.network][state.preset].content_weight : state.content_weight;
    fields.content_weight.value = weight ?? usual[state.network];
    const canPass = state.styles.length === 1 && trained.includes(state.styles[0].key);
    parts["pass-part"].hidden = !canPass;
    fields.one_pass.checked = canPass && state.one_pass === "yes";
    parts["weight-part"].hidden = parts["preset-part"].hidden = fields.one_pass.checked;
    parts.more.hidden = state.styles.length >= MOST;
    showPicture(state.picture);
    listStyles();
  }

  async function take(values, push = false) {
    state = { ...state, ...values };
    const only = state.styles.length === 1 && trained.includes(state.styles[0].key);
    if (!only || state.preserve_color === "match") state.one_pass = "";
    fill();
    remember(changed(), push);
    if (!watched.running && !state.job) watched.show(state.picture ? picturePath(state.picture) : "");
    clearMessage();
    const commands = await latest("command", () => ask("paint", "command", state));
    if (!commands) return;
    parts.command.textContent = commands.paint;
  }

  parts.settings.addEventListener("change", (event) => {
    const name = event.target.name;
    if (!name) return; // of the brushes and pickers
    guarded(() => {
      if (name === "preset") {
        const own = fields.preset.value ? null : Number(fields.content_weight.value);
        return take({ preset: fields.preset.value, content_weight: own });
      }
      if (name === "content_weight") return take({ preset: "", content_weight: Number(fields.content_weight.value) });
      return take({
        ...Object.fromEntries(NUMBERS.map((one) => [one, Number(fields[one].value)])),
        network: fields.network.value,
        preserve_color: fields.preserve_color.value,
        one_pass: fields.one_pass.checked ? "yes" : "",
      });
    });
  });

  async function run(work) {
    await allChosen();
    const { job: _, ...settings } = state;
    const job = await begin("paint", work, settings);
    state = { ...state, job };
    remember(changed(), true);
    parts.sheet.hidden = true;
    watched.watch(job);
  }

  /** After a sheet its pictures can be chosen: each has a painting and a strength. */
  function onEnd(event) {
    const { paintings, presets: names } = event.result ?? {};
    parts.sheet.hidden = !paintings;
    if (!paintings) return;
    parts.sheet.replaceChildren(...paintings.flatMap((key) => names.map((preset) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${key.startsWith("sample:") ? key.slice(7) : `painting ${paintings.indexOf(key) + 1}`}, ${preset}`;
      button.addEventListener("click", () => guarded(async () => {
        await take({ styles: [{ key, weight: 1, where: "" }], preset, content_weight: null, one_pass: "" });
        await run("paint");
      }));
      return button;
    })));
  }

  parts.settings.addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(() => run("paint"));
  });
  onButtons(section, { sheet: () => run("sheet"), copy: (button) => copy(parts.command.textContent, button) });

  return async (restored) => {
    const before = state.job;
    state = { ...DEFAULTS, ...restored };
    if (state.job && state.job !== before) watched.watch(state.job);
    await take({});
  };
}
