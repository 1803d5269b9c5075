// Watches a training run: asks for its curves and nearest words every few seconds while they can be seen.

import { ask } from "./server.js";
import { draw } from "./parts.js";
import { fillProbes, note } from "./words_lists.js";

const EVERY = 3000; // ms
const GOING = 60; // seconds since the last event, in which a run is taken to go on

/**
 * Makes the panel of runs work.
 *
 * section  of the tab
 * parts    of the section
 * select   of a run
 * slider   through the texts of a run
 * onRun    is called with the run that a person chose
 *
 * Returns a function of the keys of runs, null without a folder of logs, and of the one to watch, nothing for the
 * newest.
 */
export function watch(section, parts, select, slider, onRun) {
  let run = "";
  let texts = [];
  let timer = null;
  let asked = 0;

  function list(runs) {
    parts.runs.hidden = !runs.length;
    if (runs.join("\n") !== [...select.options].map((option) => option.value).join("\n")) {
      select.replaceChildren(...runs.map((key) => new Option(key === "." ? "the folder itself" : key, key)));
    }
  }

  function showText() {
    const [step, rows] = texts[Number(slider.value)] ?? [0, []];
    parts["text-step"].textContent = step.toLocaleString("en");
    fillProbes(parts["text-table"], rows);
  }

  function render(answer) {
    list(answer.runs);
    if (answer.run) select.value = answer.run;
    const names = Object.keys(answer.drawings);
    if (parts.curves.children.length !== names.length) {
      parts.curves.replaceChildren(...names.map(() => document.createElement("div")));
    }
    names.forEach((name, number) => draw(parts.curves.children[number], answer.drawings[name]));
    const newest = Number(slider.value) >= texts.length - 1;
    const more = JSON.stringify(answer.texts) !== JSON.stringify(texts);
    texts = answer.texts;
    parts.texts.hidden = !texts.length;
    slider.max = Math.max(0, texts.length - 1);
    slider.hidden = texts.length < 2;
    if (newest) slider.value = slider.max;
    if (more) showText();
    note(parts["run-note"], said(answer));
  }

  function said(answer) {
    if (!answer.runs.length) return "There are no runs yet: train with word2vec --logdir=FOLDER below the folder of logs.";
    const age = answer.age === null ? "nothing is written yet" : answer.age < GOING ? "goes on" : `last written ${ago(answer.age)} ago`;
    const damaged = answer.damaged.length ? `; damaged from some point on: ${answer.damaged.join(", ")}` : "";
    return `The run ${age}${damaged}.`.replace("The run nothing", "Nothing").replace("The run last", "Last");
  }

  function ago(seconds) {
    for (const [length, name] of [[86400, "days"], [3600, "hours"], [60, "minutes"]]) {
      if (seconds >= 2 * length) return `${Math.round(seconds / length)} ${name}`;
    }
    return `${Math.round(seconds)} seconds`;
  }

  async function look() {
    clearTimeout(timer);
    const number = ++asked;
    if (!section.hidden && document.visibilityState === "visible") {
      try {
        const answer = await ask("words", "run", { run });
        if (number !== asked) return;
        render(answer);
      } catch (error) {
        if (number !== asked) return;
        note(parts["run-note"], error.message, true);
      }
    }
    timer = setTimeout(look, EVERY);
  }

  slider.addEventListener("input", showText);
  select.addEventListener("change", () => {
    run = select.value;
    texts = [];
    slider.value = 0;
    onRun(run);
    look();
  });
  document.addEventListener("visibilitychange", () => { if (timer) look(); });

  return (runs, wanted) => {
    run = wanted;
    clearTimeout(timer);
    timer = null;
    if (runs === null) {
      note(parts["run-note"], "Start the page with --logdir=FOLDER to watch training runs while they go on.");
      return;
    }
    list(runs);
    look();
  };
}
