/* What the player says of what it shows: sentences and the legend. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const plain = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 0 });
  const words = (column, value) => column.words[value] ?? plain(value);

  /** What a world shows, in a sentence. */
  mesocosm.tellWorld = ({ meta, frame }) => {
    const parts = [`${meta.title}: tick ${plain(frame.tick)}, ${plain(frame.n)} living`];
    const column = meta.columns.find((c) => c.words.length);
    if (column && frame.n) {
      const counts = column.words.map(() => 0);
      for (const value of frame.columns[column.name]) counts[value] += 1;
      parts.push(...column.words.map((word, k) => `${Math.round((100 * counts[k]) / frame.n)}% ${word}`));
    }
    return `${parts.join(", ")}.`;
  };

  /** The chosen individual in words. */
  mesocosm.tellIndividual = (panes, selected) => {
    if (!selected) return "Click an individual to see where it came from, and what it does.";
    const pane = panes[selected.world];
    const row = pane.frame ? pane.frame.id.indexOf(selected.id) : -1;
    const name = `Individual ${selected.id} (${pane.meta?.title ?? "?"})`;
    if (row < 0) return `${name} is not alive at this tick.`;
    const said = pane.meta.columns.map((column) => {
      const value = words(column, pane.frame.columns[column.name][row]);
      const about = column.kind === "sampled" ? " (about)" : "";
      return `${column.name}: ${value}${column.unit ? ` ${column.unit}` : ""}${about}`;
    });
    const cell = (step) => plain(Math.floor((step * pane.meta.side) / pane.meta.extent));
    return [name, ...said, `cell ${cell(pane.frame.x[row])}, ${cell(pane.frame.y[row])}`].join(" · ");
  };

  function swatch(text, style, shape) {
    const mark = make("i", { class: `mp-swatch mp-${shape}` });
    mark.style.background = style;
    return make("li", {}, mark, text);
  }

  const gradient = (colours) => `linear-gradient(90deg, ${colours.join(", ")})`;

  /** What colours and signs stand for: list items. `fields` has null in the place of one that is hidden. */
  mesocosm.legend = (column, fields, hasSources, theme) => {
    const items = [];
    if (column?.words.length) {
      column.words.forEach((word, k) => items.push(swatch(word, theme.classes[k % 7], k ? "dot" : "rod")));
    } else if (column) {
      const ramp = column.kind === "life" ? theme.classes : theme.scale;
      items.push(swatch(column.name + (column.unit ? `, low to high (${column.unit})` : ""), gradient(ramp), "ramp"));
    }
    fields.forEach((field, k) => {
      if (!field) return;
      const colour = theme.fields[k % 3].join(" ");
      const text = `${field.name}, 0 to ${plain(field.high)} ${field.unit} (logarithmic)`;
      items.push(swatch(text, gradient([`rgb(${colour} / 0.05)`, `rgb(${colour})`]), "ramp"));
    });
    if (hasSources) items.push(swatch("source", "none", "source"));
    return items;
  };

  mesocosm.plain = plain;
})((globalThis.mesocosm ??= {}));
