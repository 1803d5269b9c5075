// Small parts of the tab Look: buttons of units, rows of classes, pictures that do not flicker.

import { viewPath } from "./server.js";

/** Returns a function that calls another one for the latest of its arguments, never two at a time. */
export function latestOnly(action) {
  let running = null;
  let next = null;
  return (...values) => {
    next = values;
    running ??= (async () => {
      try {
        while (next) {
          const now = next;
          next = null;
          await action(...now).catch((error) => {
            if (!next) throw error; // the next call is what counts
          });
        }
      } finally {
        running = null;
      }
    })();
    return running;
  };
}

/** Shows a picture in an image once it is loaded. */
export async function showView(image, address) {
  const loaded = new Image();
  loaded.src = address;
  await loaded.decode().catch(() => null);
  image.src = loaded.src;
  image.hidden = false;
}

function pressable(unit, label, ...children) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.unit = unit;
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", label);
  button.append(...children);
  return button;
}

function span(content, name) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = content;
  return made;
}

function meterOf(value, most, label) {
  const meter = document.createElement("meter");
  meter.max = most;
  meter.value = value;
  meter.setAttribute("aria-label", label);
  return meter;
}

/** Makes an entry of the list of units at a place. */
export function unitButton(unit, value, most) {
  const entry = document.createElement("li");
  const meter = meterOf(value, most, `activation of unit ${unit}`);
  entry.append(pressable(unit, `unit ${unit}, activation ${value.toFixed(1)}`,
    span(`unit ${unit}`, "name"), span(value.toFixed(1), "value"), meter));
  return entry;
}

/** Makes a button with a small heat map of a unit. */
export function mapButton({ channel, strength, largest, view }) {
  const image = document.createElement("img");
  image.src = viewPath(view);
  image.alt = "";
  const numbers = `${strength.toPrecision(3)}, ${largest.toPrecision(3)}`;
  return pressable(channel, `unit ${channel}, mean response ${strength.toPrecision(3)}, at most ${largest.toPrecision(3)}`,
    image, span(`unit ${channel}`, "name"), span(numbers, "numbers"));
}

/** Makes a row of the table of classes. */
export function tableRow(name, chance) {
  const row = document.createElement("tr");
  for (const content of [name, `${(100 * chance).toFixed(1)} %`, meterOf(chance, 1, `probability of ${name}`)]) {
    const cell = document.createElement("td");
    cell.append(content);
    row.append(cell);
  }
  return row;
}
