/* What is under the pointer, in words with units: a body, the fields beneath it, a cell of a matrix, a pixel, a measure at
 * a tick. Shown beside the pointer; where there is none, where one has tapped. */
"use strict";

((mesocosm) => {
  const { make, plain } = mesocosm;
  const NEAR = 12; // CSS pixels around a body
  const MOST = 5; // columns of a body that are told

  const unitOf = (unit) => (unit ? ` ${unit}` : "");

  function fieldsAt({ meta, frame, view }, player, right, down) {
    const [wide, high] = view.extent;
    return meta.fields.filter(({ name }) => player.overlays.has(name) && frame.fields?.[name]).map((field) => {
      const { name, unit, words, width, height } = field;
      const column = Math.min(width - 1, Math.floor((right / wide) * width));
      const level = frame.fields[name][Math.min(height - 1, Math.floor((down / high) * height)) * width + column];
      const value = mesocosm.valueOfLevel(level, frame.scales[name]);
      const text = words?.length ? words[Math.min(value, words.length - 1)] : `${frame.scales[name][0] === "class" ? "" : "about "}${plain(value)}${unitOf(unit)}`;
      return `${mesocosm.nameOf(field)}: ${text}`;
    });
  }

  /** What lies at a place of a world (CSS pixels in its canvas): lines of text. */
  mesocosm.probe = (player, pane, left, top) => {
    const { view, frame, meta } = pane;
    if (!view || !frame) return [];
    const row = view.nearest(frame, left, top, NEAR);
    if (row >= 0) {
      const columns = meta.columns.filter(({ name }) => frame.columns[name]).slice(0, MOST).map((column) => {
        const value = frame.columns[column.name][row];
        return `${mesocosm.nameOf(column)}: ${mesocosm.wordOf(column, value)}${unitOf(column.unit)}`;
      });
      return [`${meta.population} ${frame.id[row]}`, ...columns, mesocosm.placeOf(meta.space, frame, row)];
    }
    const [x, y] = view.placeAt(left, top);
    if (meta.plane) return [`at ${plain(x)}, ${plain(y)}`];
    const [wide, high] = view.extent;
    if (x < 0 || y < 0 || x >= wide || y >= high) return [];
    const place = mesocosm.placeOf(meta.space, { x: [Math.floor(x)], y: [Math.floor(y)] }, 0);
    return [...fieldsAt(pane, player, x, y), place];
  };

  class Tip {
    constructor(player) {
      this.player = player;
      this.box = make("div", { class: "mp-tip", role: "tooltip", hidden: "" });
      player.element.append(this.box);
    }

    show(lines, event) {
      const { box, player } = this;
      player.state.told = lines.length ? lines : null;
      box.hidden = !lines.length;
      if (!lines.length) return;
      box.replaceChildren(...lines.map((line) => make("div", {}, line)));
      const frame = player.element.getBoundingClientRect();
      const [left, top] = [event.clientX - frame.left + 14, event.clientY - frame.top + 14];
      box.style.left = `${Math.max(0, Math.min(left, frame.width - box.offsetWidth - 4))}px`;
      box.style.top = `${top + box.offsetHeight > frame.height ? top - box.offsetHeight - 28 : top}px`;
    }

    /** Tells of what is under the pointer in an element; `tell(left, top)` gives the lines. */
    listen(element, tell) {
      const at = (event) => {
        const box = element.getBoundingClientRect();
        this.last = { event, element, tell };
        this.show(tell(event.clientX - box.left, event.clientY - box.top), event);
      };
      element.addEventListener("pointermove", (event) => (event.buttons ? this.hide() : at(event)));
      element.addEventListener("click", at);
      element.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.hide());
    }

    /** The frame is another one: what is under the pointer may be something else. */
    again() {
      if (this.box.hidden || !this.last) return;
      const { event, element, tell } = this.last;
      const box = element.getBoundingClientRect();
      this.show(tell(event.clientX - box.left, event.clientY - box.top), event);
    }

    hide() {
      this.last = null;
      this.show([]);
    }
  }

  mesocosm.Tip = Tip;
})((globalThis.mesocosm ??= {}));
