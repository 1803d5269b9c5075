// Completes the word before the cursor of an input, with a list below it: arrow keys choose, Enter or Tab takes, Escape
// closes.

let count = 0;

/**
 * Adds completion to an input.
 *
 * input     of type text
 * wordsFor  a function that returns a promise of words with a prefix
 */
export function complete(input, wordsFor) {
  const list = document.createElement("ul");
  list.className = "completions";
  list.id = `completions-${++count}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "words");
  list.hidden = true;
  const place = document.createElement("span");
  place.className = "completing";
  input.replaceWith(place);
  place.append(input, list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);
  let chosen = -1;
  let asked = 0;

  /** The word before the cursor, without a sign before it. */
  const prefix = () => /[^\s()*"']*$/.exec(input.value.slice(0, input.selectionStart))[0].replace(/^[-−+]/, "");

  function close() {
    asked++;
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(number) {
    chosen = number;
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", place === number));
    if (number < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[number].id);
  }

  function take(word) {
    const end = input.selectionStart;
    const start = end - prefix().length;
    input.setRangeText(word.includes(" ") ? `"${word}"` : word, start, end, "end");
    close();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    close(); // the list is not opened again by what it has written
  }

  input.addEventListener("input", async () => {
    const number = ++asked;
    const start = prefix();
    let words = [];
    try {
      words = start.length < 2 ? [] : await wordsFor(start);
    } catch {
      // An input without completion is still an input; what is asked of the words shows the error.
    }
    if (number !== asked || document.activeElement !== input) return;
    words = words.filter((word) => word !== start);
    if (!words.length) { close(); return; }
    list.replaceChildren(...words.map((word, place) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${place}`;
      item.setAttribute("role", "option");
      item.textContent = word;
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(word); });
      return item;
    }));
    choose(-1);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && chosen < 0) { close(); return; } // also an answer that is on its way
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(Math.max(-1, Math.min(list.children.length - 1, chosen + step)));
    else if (event.key === "Escape") close();
    else if (["Enter", "Tab"].includes(event.key) && chosen >= 0) take(list.children[chosen].textContent);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
}
