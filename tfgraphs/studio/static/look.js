// The tab Look. The state is in the address: network, layer, picture, the place and the unit that were chosen.

import { ask, picturePath, resultPath, viewPath } from "./server.js";
import { clearMessage, copy, differing, draw, guarded, latestCalls, offer, onButtons, partsOf, say } from "./parts.js";
import { picker } from "./picker.js";
import { latestOnly, mapButton, showView, tableRow, unitButton } from "./look_parts.js";

const DEFAULTS = { network: "", layer: "", picture: "", place: null, unit: null, first: 0 };

export async function mount(section, remember) {
  const parts = partsOf(section);
  const networks = section.querySelector("[name=network]");
  const layers = section.querySelector("[name=layer]");
  let state = { ...DEFAULTS };
  let drawn = null; // the network that is drawn
  let last = null; // the state that is shown, null if none is shown as a whole
  let responses = null; // the answer about layer and picture, null if there is none
  const latest = latestCalls();

  const showPicture = picker(parts.picker,
    { label: "photograph", kind: "photographs", onPick: (picture) => take({ picture, place: null, unit: null }, true) });

  /** Asks a question; says so if the answer takes long. The answer is null if the question was asked anew meanwhile. */
  async function question(name, more = {}) {
    let said = false;
    const timer = setTimeout(() => {
      said = true;
      say("loading, a few seconds");
    }, 500);
    try {
      return await latest(name, () => ask("look", name, { ...state, ...more }));
    } finally {
      clearTimeout(timer);
      if (said) clearMessage();
    }
  }

  const changed = () => differing(state, DEFAULTS);

  /** Takes a new state, into the address too, and shows it; one that cannot be shown is not taken. */
  async function take(next, push = false) {
    const before = state;
    const taken = { ...state, ...next };
    state = taken;
    try {
      await show();
    } catch (error) {
      if (state !== taken) throw error;
      state = before;
      last = null;
      await show().catch(() => null);
      throw error;
    }
    remember(changed(), push);
  }

  /** Shows what differs from the state that is shown. */
  async function show() {
    clearMessage();
    const before = last;
    const differs = (...names) => !before || names.some((name) => before[name] !== state[name]);
    if (!drawn || differs("network")) await showNetwork();
    showPicture(state.picture);
    mark();
    const work = [showCommand()];
    if (differs("network", "layer", "first")) work.push(showKernels());
    if (differs("network", "picture")) work.push(showClasses());
    if (differs("network", "layer", "picture")) work.push(showResponses());
    else work.push(pointAt(state.place), pointUnit(state.unit));
    await Promise.all(work);
    last = { ...state };
  }

  async function showNetwork() {
    const answer = await question("structure");
    if (!answer) return;
    state = { ...state, network: answer.network, layer: answer.layer, picture: state.picture || answer.picture };
    networks.replaceChildren(...answer.networks.map((name) => new Option(name, name)));
    layers.replaceChildren(...answer.layers.map((name) => new Option(name, name)));
    if (drawn !== answer.network) draw(parts.network, answer.drawing);
    drawn = answer.network;
  }

  const blocks = () => [...parts.network.querySelectorAll("[data-layer]")];
  const holds = (block, layer) => block.dataset.layers.split(" ").includes(layer);

  /** Marks the chosen layer, and scrolls the drawing to it. */
  function mark() {
    networks.value = state.network;
    layers.value = state.layer;
    for (const block of blocks()) {
      const chosen = holds(block, state.layer);
      block.setAttribute("aria-pressed", chosen);
      block.setAttribute("tabindex", chosen ? 0 : -1);
      if (!chosen) continue;
      const [place, box] = [block.getBoundingClientRect(), parts.network.getBoundingClientRect()];
      if (place.left < box.left || place.right > box.right) {
        parts.network.scrollLeft += place.left - box.left - box.width / 2;
      }
    }
    describe();
  }

  function describe(block = blocks().find((one) => holds(one, state.layer))) {
    parts.about.textContent = block?.getAttribute("aria-label") ?? "";
  }

  async function showCommand() {
    const answer = await question("command");
    if (answer) parts.command.textContent = answer.command;
  }

  async function showKernels() {
    const answer = await question("kernels");
    if (!answer) return;
    const { first = 0, shown = 0, count = 0 } = answer;
    parts["kernels-hint"].textContent = answer.missing
      ?? (shown < count ? `kernels ${first} to ${first + shown - 1} of ${count}` : `all ${count} kernels`);
    button("earlier").disabled = first === 0;
    button("later").disabled = first + shown >= count;
    exportButton("kernels").disabled = !count;
    parts.kernels.alt = `kernels ${first} to ${first + shown - 1} of ${state.layer}`;
    parts.kernels.hidden = !count;
    if (count) await showView(parts.kernels, viewPath(answer.view));
  }

  const button = (name) => section.querySelector(`[data-do="${name}"]`);
  const exportButton = (what) => section.querySelector(`[data-do="export"][data-what="${what}"]`);

  async function showClasses() {
    const answer = await question("classes");
    if (!answer) return;
    const classes = answer.classes ?? [];
    parts["classes-hint"].textContent = answer.missing ?? "The most probable of its classes.";
    parts.classes.replaceChildren(...classes.map(([name, , chance]) => tableRow(name, chance)));
    exportButton("classes").disabled = !classes.length;
  }

  async function showResponses() {
    const answer = await question("responses");
    if (!answer) return;
    responses = answer.missing ? null : answer;
    const strongest = responses?.strongest ?? [];
    parts["strongest-hint"].textContent = answer.missing
      ?? `The ${strongest.length} of ${answer.channels} that respond most, with their mean response and the largest. Point at one to see it in the picture; click it, and it stays.`;
    parts.strongest.replaceChildren(...strongest.map(mapButton));
    exportButton("responses").disabled = !responses;
    exportButton("units").disabled = true;
    if (!responses) {
      parts.units.replaceChildren();
      parts.where.textContent = "";
      parts.cross.toggleAttribute("hidden", true); // elements of SVG have no property for it
      parts.caption.textContent = "";
      await showView(parts.shown, picturePath(state.picture));
      return;
    }
    const [width, height] = responses.size;
    parts.stage.style.maxWidth = `calc(85vh * ${width / height})`;
    state.place ??= [0.5, 0.5];
    if (state.unit !== null && state.unit >= responses.channels) state.unit = null;
    await Promise.all([pointAt(state.place), pointUnit(state.unit)]);
  }

  /** Shows which units respond at a place of the picture. */
  const pointAt = latestOnly(async (place) => {
    if (!responses || !place) return;
    const found = await question("place", { place });
    if (!found) return;
    const [x, y] = place;
    const line = `M${x},0 V1 M0,${y} H1`;
    parts.lines.setAttribute("d", line);
    parts["lines-above"].setAttribute("d", line);
    const square = found.square ?? [0, 0, 1, 1];
    ["x", "y", "width", "height"].forEach((name, number) => parts.square.setAttribute(name, square[number]));
    parts.cross.toggleAttribute("hidden", false);
    parts.where.textContent = `${found.responding} of ${found.channels} respond at row ${found.row}, column ${found.column} of ${responses.positions.join(" x ")} positions.`;
    const focused = document.activeElement?.closest?.("[data-part=units] [data-unit]")?.dataset.unit;
    const most = found.units[0]?.[1] ?? 1;
    parts.units.replaceChildren(...found.units.map(([unit, value]) => unitButton(unit, value, most)));
    if (focused) parts.units.querySelector(`[data-unit="${focused}"]`)?.focus();
    exportButton("units").disabled = false;
    press();
  });

  /** Shows where a unit responds, or the picture itself. */
  const pointUnit = latestOnly(async (unit) => {
    if (!responses) return;
    let view = responses.view;
    let caption = `${state.layer}: point at a place to see which units respond there.`;
    if (unit !== null) {
      const found = await question("unit", { unit });
      if (!found) return;
      view = found.view;
      caption = `Unit ${unit} of ${state.layer} responds where it is bright: at most ${found.largest.toFixed(1)}, mean ${found.strength.toPrecision(3)}.`;
    }
    parts.caption.textContent = caption;
    parts.shown.alt = unit === null ? "the picture" : `where unit ${unit} of ${state.layer} responds in the picture`;
    button("photo").disabled = state.unit === null;
    exportButton("unit").disabled = state.unit === null;
    await showView(parts.shown, viewPath(view));
    press();
  });

  function press() {
    for (const one of section.querySelectorAll("[data-unit]")) {
      one.setAttribute("aria-pressed", Number(one.dataset.unit) === state.unit);
    }
  }

  // Layers
  networks.addEventListener("change", () => guarded(
    () => take({ network: networks.value, layer: "", unit: null, first: 0 }, true)));
  const choose = (layer) => guarded(() => take({ layer, unit: null, first: 0 }, true));
  layers.addEventListener("change", () => choose(layers.value));
  const blockAt = (event) => event.target.closest("[data-layer]");
  parts.network.addEventListener("pointerover", (event) => blockAt(event) && describe(blockAt(event)));
  parts.network.addEventListener("pointerleave", () => describe());
  parts.network.addEventListener("focusin", (event) => blockAt(event) && describe(blockAt(event)));
  parts.network.addEventListener("focusout", () => describe());
  parts.network.addEventListener("click", (event) => blockAt(event) && choose(blockAt(event).dataset.layer));
  parts.network.addEventListener("keydown", (event) => {
    const block = blockAt(event);
    if (!block) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (["Enter", " "].includes(event.key)) choose(block.dataset.layer);
    else if (step) blocks()[blocks().indexOf(block) + step]?.focus();
    else return;
    event.preventDefault();
  });

  // Places
  const round = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;
  function placeAt(event) {
    const box = parts.stage.getBoundingClientRect();
    return [round((event.clientX - box.left) / box.width), round((event.clientY - box.top) / box.height)];
  }
  parts.stage.addEventListener("pointermove", (event) => guarded(() => pointAt(placeAt(event))));
  parts.stage.addEventListener("pointerleave", () => guarded(() => pointAt(state.place)));
  parts.stage.addEventListener("click", (event) => responses && guarded(() => take({ place: placeAt(event) })));
  parts.stage.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] ?? [0, 0];
    if (!responses || !state.place || (!dx && !dy)) return;
    event.preventDefault();
    const [down, across] = responses.positions;
    const [x, y] = state.place;
    const times = event.shiftKey ? 5 : 1;
    guarded(() => take({ place: [round(x + (dx * times) / across), round(y + (dy * times) / down)] }));
  });

  // Units, in the list and among the strongest ones
  const unitAt = (event) => {
    const unit = event.target.closest("[data-unit]")?.dataset.unit;
    return unit === undefined ? null : Number(unit);
  };
  for (const part of [parts.units, parts.strongest]) {
    for (const kind of ["pointerover", "focusin"]) {
      part.addEventListener(kind, (event) => unitAt(event) !== null && guarded(() => pointUnit(unitAt(event))));
    }
    for (const kind of ["pointerleave", "focusout"]) {
      part.addEventListener(kind, () => guarded(() => pointUnit(state.unit)));
    }
    part.addEventListener("click", (event) => {
      const unit = unitAt(event);
      if (unit !== null) guarded(() => take({ unit: unit === state.unit ? null : unit }));
    });
  }

  onButtons(section, {
    photo: () => take({ unit: null }),
    earlier: () => take({ first: Math.max(0, state.first - 48) }),
    later: () => take({ first: state.first + 48 }),
    copy: (pressed) => copy(parts.command.textContent, pressed),
    export: async (pressed) => {
      const { result } = await ask("look", "export", { ...state, what: pressed.dataset.what });
      offer(parts.exported, resultPath(result), result);
    },
  });

  return async (restored) => {
    state = { ...DEFAULTS, ...restored };
    await show();
    remember(changed());
  };
}
