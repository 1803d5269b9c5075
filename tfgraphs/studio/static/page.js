// The page: which tab is open, and its state, which the address holds.

import { showError } from "./parts.js";

const links = [...document.querySelectorAll("nav a")];
const names = links.map((link) => link.getAttribute("aria-controls"));
const tabs = new Map();
let open = null;

const nameOf = (path) => (names.includes(path.slice(1)) ? path.slice(1) : names[0]);

/** The state of a tab in an address: each value is JSON, or plain text. */
function readAddress() {
  const state = {};
  for (const [key, value] of new URLSearchParams(location.search)) {
    if (key === "token") continue;
    try { state[key] = JSON.parse(value); } catch { state[key] = value; }
  }
  return state;
}

function written(value) {
  if (typeof value !== "string") return JSON.stringify(value);
  try { JSON.parse(value); return JSON.stringify(value); } catch { return value; }
}

function addressOf(name, state) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) search.set(key, written(value));
  const text = search.toString();
  return `/${name}${text ? `?${text}` : ""}`;
}

/** Makes a tab work; the answer shows it in a state. It is done once, and anew only if it failed. */
async function mount(name) {
  const section = document.getElementById(name);
  const markup = section.innerHTML;
  const remember = (next, push = false) => {
    tabs.get(name).state = next;
    if (open === name) history[push ? "pushState" : "replaceState"](null, "", addressOf(name, next));
  };
  try {
    const module = await import(`./${name}.js`);
    return await module.mount(section, remember);
  } catch (error) {
    tabs.delete(name);
    section.innerHTML = markup;
    throw error;
  }
}

/** Shows a tab in a state. */
async function show(name, state) {
  open = name;
  for (const link of links) {
    const selected = link.getAttribute("aria-controls") === name;
    link.setAttribute("aria-selected", selected);
    link.tabIndex = selected ? 0 : -1;
    document.getElementById(link.getAttribute("aria-controls")).hidden = !selected;
  }
  document.title = `${name[0].toUpperCase()}${name.slice(1)} – tfgraphs studio`;
  try {
    if (!tabs.has(name)) tabs.set(name, { mounted: mount(name) });
    const tab = tabs.get(name);
    tab.state = state;
    const restore = await tab.mounted;
    if (tab.state === state) await restore(state);
  } catch (error) {
    showError(error);
  }
}

for (const link of links) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const name = link.getAttribute("aria-controls");
    const state = tabs.get(name)?.state ?? {};
    history.pushState(null, "", addressOf(name, state));
    show(name, state);
  });
  link.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = links[(links.indexOf(link) + step + links.length) % links.length];
    next.focus();
    next.click();
  });
}
addEventListener("popstate", () => show(nameOf(location.pathname), readAddress()));
show(nameOf(location.pathname), readAddress());
