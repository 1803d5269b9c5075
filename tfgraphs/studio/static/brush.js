// Paints a mask over a picture: white where something shall happen, black where not.

import { bring, picturePath } from "./server.js";
import { chosen, guarded, numbering } from "./parts.js";

const SIDE = 1024; // longer side of a mask, in pixels

/**
 * Makes a brush in an element.
 *
 * place     an element, which is filled
 * onPaint   is called with the key of the mask after each stroke, or with "" when it was wiped off
 *
 * Returns a function that shows another picture, by its address, with its mask, by its address or nothing.
 */
export function brush(place, { onPaint }) {
  place.classList.add("brush");
  const image = document.createElement("img");
  image.alt = "the picture on which you paint";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "the mask");
  const stage = document.createElement("div");
  stage.className = "stage";
  stage.append(image, canvas);
  const size = document.createElement("input");
  size.type = "range";
  Object.assign(size, { min: 10, max: 300, value: 90 });
  const sizeLabel = document.createElement("label");
  sizeLabel.append("Brush ", size);
  const erase = document.createElement("input");
  erase.type = "checkbox";
  const eraseLabel = document.createElement("label");
  eraseLabel.className = "check";
  eraseLabel.append(erase, " take away");
  const wipe = document.createElement("button");
  wipe.type = "button";
  wipe.textContent = "Wipe off";
  place.append(stage, sizeLabel, eraseLabel, wipe);

  const context = canvas.getContext("2d", { willReadFrequently: true });
  let last = null;
  let shown = ""; // the address of the mask that is on the canvas
  const next = numbering();
  stage.hidden = true; // until its picture is there

  function resize() {
    const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
  }

  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };

  function stroke(from, to) {
    context.globalCompositeOperation = erase.checked ? "destination-out" : "source-over";
    context.strokeStyle = "#fff";
    context.lineWidth = (Number(size.value) / SIDE) * Math.max(canvas.width, canvas.height);
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = placeOf(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = placeOf(event);
    stroke(last, next);
    last = next;
  });
  canvas.addEventListener("pointerup", () => {
    last = null;
    chosen(send);
  });
  canvas.addEventListener("pointercancel", () => { last = null; });
  wipe.addEventListener("click", () => guarded(() => {
    next(); // a mask on its way counts no more
    context.clearRect(0, 0, canvas.width, canvas.height);
    shown = "";
    return onPaint("");
  }));

  /** Brings the mask: the strokes in white on black. */
  async function send() {
    const isLast = next();
    const flat = document.createElement("canvas");
    flat.width = canvas.width;
    flat.height = canvas.height;
    const ground = flat.getContext("2d");
    ground.fillStyle = "#000";
    ground.fillRect(0, 0, flat.width, flat.height);
    ground.drawImage(canvas, 0, 0);
    const blob = await new Promise((resolve) => flat.toBlob(resolve, "image/png"));
    const { picture } = await bring(blob);
    if (!isLast()) return;
    shown = picturePath(picture);
    await onPaint(picture);
  }

  /** Puts a mask that was painted before onto the canvas, or none. */
  function load(address) {
    const isLast = next();
    shown = address;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!address) return;
    const mask = new Image();
    mask.onload = () => {
      if (!isLast()) return;
      context.globalCompositeOperation = "source-over";
      context.drawImage(mask, 0, 0, canvas.width, canvas.height);
      const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
      for (let byte = 0; byte < pixels.data.length; byte += 4) {
        pixels.data[byte + 3] = pixels.data[byte];
        pixels.data[byte] = pixels.data[byte + 1] = pixels.data[byte + 2] = 255;
      }
      context.putImageData(pixels, 0, 0);
    };
    mask.src = address;
  }

  return (address, mask) => {
    if (image.getAttribute("src") === address) {
      if (mask !== shown && !stage.hidden) load(mask);
      return;
    }
    stage.hidden = true;
    image.onload = () => {
      stage.hidden = false;
      resize();
      load(mask);
    };
    image.src = address;
  };
}
