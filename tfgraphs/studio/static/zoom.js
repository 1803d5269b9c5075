// Zooms and moves a drawing by its viewBox: wheel, two fingers, dragging, keys. Elements with data-x and data-y keep
// their size.

const MOST = 40; // times
const STEP = 1.3;

/**
 * Lets a person zoom the drawing in a place, also one that is drawn later.
 *
 * place    the element that holds the SVG element
 * onView   is called with the view when it was changed: [left, top, width] in shares of the drawing, [] for all of it
 *
 * Returns functions: show(view) after something was drawn; by(factor); all().
 */
export function zoomable(place, onView) {
  let view = { x: 0, y: 0, share: 1 };
  let waiting = null;
  const pointers = new Map();
  let moved = 0;

  const svg = () => place.querySelector("svg");
  const size = () => [Number(svg().getAttribute("width")), Number(svg().getAttribute("height"))];

  function render() {
    if (!svg()) return;
    const [width, height] = size();
    const { x, y, share } = view;
    svg().setAttribute("viewBox", `${x * width} ${y * height} ${share * width} ${share * height}`);
    svg().classList.toggle("zoomed", share < 1);
    svg().classList.toggle("close", share < 0.4);
    for (const one of svg().querySelectorAll("[data-x]")) {
      const turn = one.dataset.turn ? ` rotate(${one.dataset.turn})` : "";
      one.setAttribute("transform", `translate(${one.dataset.x} ${one.dataset.y})${turn} scale(${share})`);
    }
  }

  function take(x, y, share) {
    share = Math.min(1, Math.max(1 / MOST, share));
    const within = (start) => Math.min(1 - share, Math.max(0, start));
    view = { x: within(x), y: within(y), share };
    render();
    clearTimeout(waiting);
    const rounded = [view.x, view.y, share].map((number) => Number(number.toFixed(4)));
    waiting = setTimeout(() => onView(share < 1 ? rounded : []), 300);
  }

  /** Zooms by a factor; the point at shares px, py of the place stays where it is. */
  function by(factor, px = 0.5, py = 0.5) {
    const share = Math.min(1, Math.max(1 / MOST, view.share / factor));
    take(view.x + px * (view.share - share), view.y + py * (view.share - share), share);
  }

  const move = (dx, dy) => take(view.x - dx * view.share, view.y - dy * view.share, view.share);

  function shares(event) {
    const box = place.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  place.addEventListener("wheel", (event) => {
    if (event.deltaY > 0 && view.share === 1) return; // the page scrolls
    event.preventDefault();
    by(Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) / 300), ...shares(event));
  }, { passive: false });

  place.addEventListener("pointerdown", (event) => {
    if (!pointers.size) moved = 0;
    pointers.set(event.pointerId, shares(event));
  });
  addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !svg()) return;
    const now = shares(event);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    const box = place.getBoundingClientRect();
    moved += Math.hypot(dx * box.width, dy * box.height);
    if (moved < 4) return; // a click
    svg().classList.add("dragged");
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([key]) => key !== event.pointerId).map(([, at]) => at);
      const length = (at) => Math.hypot((at[0] - other[0]) * box.width, (at[1] - other[1]) * box.height);
      by(length(now) / Math.max(1, length(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    move(dx / pointers.size, dy / pointers.size);
    pointers.set(event.pointerId, now);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    addEventListener(kind, (event) => {
      pointers.delete(event.pointerId);
      if (!pointers.size) svg()?.classList.remove("dragged");
    });
  }
  place.addEventListener("click", (event) => {
    if (moved >= 4) event.stopImmediatePropagation(); // the end of a drag is no click
    moved = 0;
  }, { capture: true });

  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowLeft: () => move(0.1, 0), ArrowRight: () => move(-0.1, 0), ArrowUp: () => move(0, 0.1),
      ArrowDown: () => move(0, -0.1), "+": () => by(STEP), "=": () => by(STEP), "-": () => by(1 / STEP),
      0: () => take(0, 0, 1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  return {
    show(shown = []) {
      const numbers = Array.isArray(shown) && shown.length === 3 && shown.every(Number.isFinite) ? shown : [0, 0, 1];
      const [x, y, share] = [numbers[0], numbers[1], Math.min(1, Math.max(1 / MOST, numbers[2]))];
      view = { x, y, share };
      render();
    },
    by,
    all: () => take(0, 0, 1),
  };
}
