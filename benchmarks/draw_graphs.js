// What draw_graphs.py does in TensorBoard's page: it shows a part of the graph, names where its lines come from and
// lead to, and says where it is. All sizes are in TensorBoard's own units.
(() => {
  const LETTERS = "font-family: Roboto, sans-serif; font-size";
  const SHORTEST = 45; // of a line that says what flows along it
  const SHADOW = 20; // px, of the bar above the graph
  const within = (node) =>
    [...node.querySelectorAll("*")].flatMap((one) => (one.shadowRoot ? [one, ...within(one.shadowRoot)] : [one]));
  const elements = () => within(document);
  const graph = () => elements().find((one) => one.id === "root" && one.tagName === "g");
  const isVisible = (one) => getComputedStyle(one).visibility === "visible";
  const overlap = (one, other) =>
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

  const draw = (tag, attributes, text = "") => {
    const one = graph().appendChild(document.createElementNS("http://www.w3.org/2000/svg", tag));
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    one.style.visibility = "visible";
    one.classList.add("drawn-here");
    one.textContent = text;
    return one;
  };

  // A point of an element, in the coordinates of the whole graph.
  const inGraph = (element, point) =>
    point.matrixTransform(graph().getScreenCTM().inverse().multiply(element.getScreenCTM()));

  // Hides all but some nodes and the lines between them. A name that ends with a star stands for all that begin so; one
  // that begins with a minus is hidden.
  const show = (names) => {
    const isNamed = (name) =>
      names.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
    for (const one of elements()) {
      if (one === graph() || one.matches(".title, .titleContainer")) one.style.visibility = "hidden";
      if (one.matches("g.node") && names.includes(`-${one.dataset.name}`)) one.style.display = "none";
    }
    for (const one of elements().filter((one) => one.matches("g.node, g.edge"))) {
      const { name, edge } = one.dataset;
      if (name ? isNamed(name) : edge.split("--").every(isNamed)) one.style.visibility = "visible";
    }
  };

  // Says what flows along a line in level letters. TensorBoard turns them along the line, some upside down.
  const straighten = () => {
    const drawn = "g.node text:not(g.edge text), g.node:not(.expanded) > .nodeshape";
    const places = elements().filter((one) => one.matches(drawn) && isVisible(one));
    const taken = places.map((one) => one.getBoundingClientRect());
    for (const edge of elements().filter((one) => one.matches("g.edge") && isVisible(one))) {
      const line = edge.querySelector("path"), text = edge.querySelector("text"), length = line.getTotalLength();
      if (text && length > SHORTEST) {
        const frame = edge.closest("g.node.expanded");
        const paper = frame && isVisible(frame) ? getComputedStyle(frame.querySelector("rect")).fill : "white";
        const style = `${LETTERS}: 5px; fill: #666; stroke: ${paper}; stroke-width: 2px; paint-order: stroke`;
        const label = draw("text", { "text-anchor": "middle", style }, text.textContent);
        const isFree = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8].some((share) => {
          const { x, y } = inGraph(line, line.getPointAtLength(share * length));
          label.setAttribute("x", x);
          label.setAttribute("y", y + 2);
          return !taken.some((one) => overlap(one, label.getBoundingClientRect()));
        });
        if (isFree) taken.push(label.getBoundingClientRect());
        else label.remove();
      }
      text?.remove();
    }
  };

  // The names and places of the ends of lines at the border of an opened scope.
  const ends = (node) => {
    const found = new Map();
    for (const edge of [...node.querySelectorAll("g.edge")].filter(isVisible)) {
      const line = edge.querySelector("path");
      edge.dataset.edge.split("--").forEach((end, number) => {
        const [name, scope] = end.split("~~");
        const { x, y } = inGraph(line, line.getPointAtLength(number * line.getTotalLength()));
        if (scope === node.dataset.name)
          found.set([name, Math.round(x), Math.round(y)].join(), { name: name.split("/").pop(), x, y });
      });
    }
    return [...found.values()].sort((one, other) => one.x - other.x);
  };

  // Writes these names outside of the border; above and below it in as many rows as they need.
  const nameEnds = (node) => {
    const rectangle = node.querySelector(".nodeshape > rect"), { x, y, width, height } = rectangle.getBBox();
    const { x: left, y: top } = inGraph(rectangle, new DOMPoint(x, y)), style = `${LETTERS}: 6px; fill: #333`;
    const right = left + width, bottom = top + height, rows = { above: [], below: [] };
    for (const end of ends(node)) {
      const side = end.y < top + 5 ? "above" : end.y > bottom - 5 ? "below" : end.x < left + 5 ? "left" : "right";
      if (side === "left" || side === "right") {
        const [x, anchor] = side === "left" ? [left - 4, "end"] : [right + 4, "start"];
        draw("text", { x, y: end.y + 2, "text-anchor": anchor, style }, end.name);
        continue;
      }
      const word = draw("text", { x: end.x, "text-anchor": "middle", style }, end.name);
      const half = word.getBBox().width / 2;
      let row = rows[side].findIndex((last) => last + 4 < end.x - half);
      if (row < 0) row = rows[side].push(0) - 1;
      rows[side][row] = end.x + half;
      const [border, away] = side === "above" ? [top, -1] : [bottom, 1], distance = 5 + 8 * row;
      word.setAttribute("y", border + away * distance + (side === "above" ? 0 : 4));
      draw("path", { d: `M${end.x},${border} v${away * (distance - 1)}`, stroke: "#bbb", "stroke-width": 0.75 });
    }
  };

  // Moves what is shown to the upper left corner, `scale` times as large as TensorBoard's units, and returns its place.
  const place = (scale, margin) => {
    const shown = [...graph().querySelectorAll("g.node, g.edge, .drawn-here")].filter(isVisible);
    const box = () => {
      const all = shown.map((one) => one.getBoundingClientRect()).filter((one) => one.width || one.height);
      const x = Math.min(...all.map((one) => one.left)) - margin, y = Math.min(...all.map((one) => one.top)) - margin;
      const width = Math.max(...all.map((one) => one.right)) + margin - x;
      return { x, y, width, height: Math.max(...all.map((one) => one.bottom)) + margin - y };
    };
    graph().setAttribute("transform", `scale(${scale})`);
    const { x, y } = box(), corner = graph().ownerSVGElement.getBoundingClientRect();
    const [right, down] = [corner.x + SHADOW - x, corner.y + SHADOW - y];
    graph().setAttribute("transform", `translate(${right}, ${down}) scale(${scale})`);
    return box();
  };

  window.pictures = {
    show,
    straighten,
    nameEnds: (scopes) =>
      elements().filter((one) => one.matches("g.node.expanded") && scopes.includes(one.dataset.name)).forEach(nameEnds),
    place,
    size: () => JSON.stringify(graph().getBoundingClientRect()),
  };
})();
