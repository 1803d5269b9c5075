// Shows a run that makes a picture: the picture as it grows, time left, its history, stop, and what came out.

import { cancel, follow, framePath, resultPath } from "./server.js";
import { guarded, showError } from "./parts.js";

const ENDED = ["done", "cancelled", "failed", "lost"];

/** Seconds as a person says them. */
export function inWords(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * Makes a viewer in an element.
 *
 * place     an element, which is filled
 * onEnd     is called when a run has ended, with its last event
 *
 * Returns { show(address), watch(job), running }: shows a picture without a run; follows a run from its beginning.
 */
export function viewer(place, { onEnd = () => {} } = {}) {
  place.classList.add("viewer");
  const image = document.createElement("img");
  image.alt = "the picture";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.max = 1;
  const stop = document.createElement("button");
  stop.type = "button";
  stop.textContent = "Stop, and keep what there is";
  const label = document.createElement("label");
  label.textContent = "History";
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  label.append(slider);
  const keep = document.createElement("a");
  keep.className = "button main";
  keep.textContent = "Keep";
  keep.download = "";
  const buttons = document.createElement("p");
  buttons.className = "buttons";
  buttons.append(stop, keep);
  place.append(image, bar, status, label, buttons);

  let job = null;
  let unfollow = () => {};
  let frames = [];
  let latest = true; // whether the slider is at its end

  function reset() {
    unfollow();
    job = null;
    frames = [];
    latest = true;
    for (const part of [bar, stop, label, keep]) part.hidden = true;
    status.textContent = "";
  }

  function showFrame(number) {
    image.hidden = false;
    image.src = framePath(job, frames[number].frame);
    slider.setAttribute("aria-valuetext", frames[number].stage);
  }

  slider.addEventListener("input", () => {
    latest = Number(slider.value) === frames.length - 1;
    showFrame(Number(slider.value));
  });
  stop.addEventListener("click", () => guarded(() => {
    stop.disabled = true;
    status.textContent = "stopping";
    return cancel(job);
  }));

  function take(event) {
    if (event.kind === "waiting") {
      status.textContent = event.place > 1 ? `waits: ${event.place - 1} others are before it` : "waits for the run before it";
      stop.hidden = false;
    }
    if (event.kind === "started") status.textContent = "starting";
    if (event.frame) {
      frames.push(event);
      slider.max = frames.length - 1;
      label.hidden = frames.length < 2;
      if (latest) {
        slider.value = frames.length - 1;
        showFrame(frames.length - 1);
      }
    }
    if (event.kind === "progress") {
      stop.hidden = bar.hidden = false;
      bar.value = event.done;
      const left = event.done > 0 ? inWords((event.seconds / event.done) * (1 - event.done)) : "";
      status.textContent = `${event.stage}${left ? `, ${left} left` : ""}`;
    }
    if (ENDED.includes(event.kind)) end(event);
  }

  function end(event) {
    stop.hidden = bar.hidden = true;
    if (event.kind === "failed") showError(event.error);
    status.textContent = {
      done: `done in ${inWords(event.seconds)}`, cancelled: "stopped", failed: "failed",
      lost: "this run is not on the server any more: start it again",
    }[event.kind];
    const name = event.result?.name;
    if (name) {
      keep.href = resultPath(name);
      keep.hidden = false;
      if (name.endsWith(".webp")) image.src = keep.href; // an animation
    }
    onEnd(event);
  }

  reset();
  return {
    show(address) {
      reset();
      image.hidden = !address;
      if (address) image.src = address;
    },
    watch(key) {
      reset();
      job = key;
      stop.disabled = false;
      unfollow = follow(key, take);
    },
    get running() { return job !== null && !stop.hidden; },
  };
}
