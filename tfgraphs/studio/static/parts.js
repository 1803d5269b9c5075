// What all tabs use: parts of their section, messages, drawings.

const message = document.getElementById("message");

/** Shows an error until the next one, or until something works. */
export function showError(error) {
  message.textContent = error.message ?? String(error);
  message.classList.add("error");
  message.hidden = false;
}

export function clearMessage() {
  message.hidden = true;
  message.classList.remove("error");
}

/** Says something that is no error, such as that TensorFlow starts. */
export function say(text) {
  message.textContent = text;
  message.classList.remove("error");
  message.hidden = false;
}

/** The parts of a section, by their data-part. */
export function partsOf(section) {
  return Object.fromEntries([...section.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
}

/** Calls functions when buttons with their names, data-do, are pressed; errors are shown. */
export function onButtons(section, actions) {
  section.addEventListener("click", async (event) => {
    const action = actions[event.target.closest("[data-do]")?.dataset.do];
    if (!action) return;
    event.preventDefault();
    await guarded(() => action(event.target));
  });
}

/** Calls a function and shows its error. */
export async function guarded(action) {
  try {
    await action();
  } catch (error) {
    showError(error);
  }
}

const choices = new Set(); // promises of what is chosen and not taken yet

/** Takes what a person chose, such as a picture that has to be brought first; its error is shown. */
export function chosen(take) {
  const choice = take().finally(() => choices.delete(choice));
  choices.add(choice);
  return guarded(() => choice);
}

/** Waits until all that was chosen is taken: a run needs it. Fails if one of it fails. */
export const allChosen = () => Promise.all(choices);

/** Puts a drawing, the text of an SVG element, into a part; the focus stays where it is. */
export function draw(part, svg) {
  const focused = part.contains(document.activeElement) ? document.activeElement.dataset.word : null;
  const drawing = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  part.replaceChildren(document.adoptNode(drawing));
  if (focused) [...part.querySelectorAll("[data-word]")].find((one) => one.dataset.word === focused)?.focus();
}

/** Copies a text for the person. */
export async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = before), 1500);
}

/** Numbers calls, so that of several answers only that to the last call counts: `next()` returns whether it is still the last. */
export function numbering() {
  let last = 0;
  return () => {
    const number = ++last;
    return () => number === last;
  };
}

/**
 * Returns a function that calls an action, of which there are several kinds. The answer is null if the same kind was
 * called anew meanwhile; an error counts no more then either.
 */
export function latestCalls() {
  const kinds = {};
  return async (kind, action) => {
    const isLast = (kinds[kind] ??= numbering())();
    try {
      const answer = await action();
      return isLast() ? answer : null;
    } catch (error) {
      if (!isLast()) return null;
      throw error;
    }
  };
}

/** Lets a person download a result: shows its link, and follows it. */
export function offer(link, address, name) {
  link.href = address;
  link.textContent = name;
  link.hidden = false;
  link.click();
}

/** What of a state differs from the defaults, for the address. */
export const differing = (state, defaults) => Object.fromEntries(
  Object.entries(state).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key])));
