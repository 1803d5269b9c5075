// Chooses a picture: by dropping it, pasting it, from a file, or a sample.

import { bring, picturePath } from "./server.js";
import { chosen, guarded } from "./parts.js";

const pickers = [];
let samples = null; // the answer of the server, once it is asked

addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
  const visible = pickers.find(({ place }) => place.checkVisibility());
  if (file) visible?.take(file);
});

async function sampleKeys(kind) {
  samples ??= fetch("/api/pictures").then((answer) => answer.json());
  try {
    return (await samples)[kind];
  } catch (error) {
    samples = null;
    throw error;
  }
}

/**
 * Makes a picker in an element.
 *
 * place   an element, which is filled
 * label   what is chosen, such as "photograph"
 * kind    of samples: "photographs" or "paintings"
 * onPick  is called with the key of the picture
 *
 * Returns a function that shows another choice, a key or nothing, without calling onPick.
 */
export function picker(place, { label, kind, onPick }) {
  place.classList.add("picker");
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/*";
  const field = document.createElement("label");
  field.className = "drop";
  const text = document.createElement("span");
  text.textContent = `Drop a ${label} here, paste it, or choose a file`;
  const image = document.createElement("img");
  image.alt = `the chosen ${label}`;
  image.hidden = true;
  field.append(image, text, input);
  const strip = document.createElement("div");
  strip.className = "samples";
  place.append(field, strip);

  let shown = ""; // the samples may come later
  function show(key) {
    shown = key;
    image.hidden = !key;
    if (key) image.src = picturePath(key);
    for (const button of strip.children) button.setAttribute("aria-pressed", String(button.dataset.key === key));
  }

  function choose(key) {
    show(key);
    return onPick(key);
  }

  const take = (file) => chosen(async () => {
    if (!file) return;
    place.classList.add("busy");
    try {
      await choose((await bring(file)).picture);
    } finally {
      place.classList.remove("busy");
      input.value = "";
    }
  });

  input.addEventListener("change", () => take(input.files[0]));
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  pickers.push({ place, take });

  guarded(async () => {
    for (const key of await sampleKeys(kind)) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.key = key;
      button.setAttribute("aria-pressed", "false");
      const small = document.createElement("img");
      small.src = picturePath(key);
      small.alt = key.replace("sample:", "");
      button.append(small);
      button.addEventListener("click", () => guarded(() => choose(key)));
      strip.append(button);
    }
    show(shown);
  });
  return show;
}
