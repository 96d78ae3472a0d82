/* What the player says of what it shows: sentences and the legend. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const [whole, fine] = [0, 2].map((digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }));
  const listed = new Intl.ListFormat("en-GB");
  const plain = (value) => {
    const size = Math.abs(value);
    if (size > 0 && size < 0.01) return Number(value).toPrecision(2);
    return (size < 10 ? fine : whole).format(value);
  };
  const words = (column, value) => column.words[value] ?? plain(value);

  /** What a world shows, in a sentence. */
  mesocosm.tellWorld = ({ meta, frame }) => {
    const parts = [`${meta.title}: tick ${plain(frame.tick)}`];
    if (meta.population || frame.n) parts.push(`${plain(frame.n)} living`);
    for (const { name, shape } of meta.curves ?? []) {
      const values = frame.curves?.[name];
      if (shape.length === 1 && values?.length) parts.push(`${name} from ${plain(Math.min(...values))} to ${plain(Math.max(...values))}`);
    }
    const column = meta.columns.find((c) => c.words.length);
    if (column && frame.n && frame.columns[column.name]) {
      const counts = column.words.map(() => 0);
      const values = frame.columns[column.name];
      for (let i = 0; i < frame.n; i++) counts[values[i]] += 1;
      parts.push(...column.words.map((word, k) => `${Math.round((100 * counts[k]) / frame.n)}% ${word}`));
    }
    return `${parts.join(", ")}.`;
  };

  /** One line for a first look: what is seen, and which three keys matter. */
  mesocosm.firstLine = (meta) => {
    const seen = [];
    if (meta.population) seen.push(`each mark is one of the ${meta.population}`);
    const fields = listed.format(meta.fields.map((field) => field.name));
    if (fields) seen.push(`the shading ${fields}`);
    const named = (isMatrix) => (meta.curves ?? []).filter(({ shape }) => shape.length > 1 === isMatrix).map(({ name }) => name).join(", ");
    const [curves, matrices] = [named(false), named(true)];
    if (curves) seen.push(`the curves ${curves} as they are now, faint as they were at first`);
    if (matrices) seen.push(`${matrices} cell by cell`);
    if (!seen.length) seen.push("measures over time; this run kept no frames (`--frames-every N` keeps some)");
    const text = seen.join(", ");
    const key = (name) => make("kbd", {}, name);
    const choose = meta.columns.length ? [key("n"), " chooses a body, "] : [key("."), " goes one frame on, "];
    return [`${text[0].toUpperCase()}${text.slice(1)}. `, key("space"), " plays, ", ...choose, key("?"), " lists all keys."];
  };

  /** The chosen individual in words. */
  mesocosm.tellIndividual = (panes, selected) => {
    if (!selected) return "Click an individual to see where it came from, and what it does.";
    const pane = panes[selected.world];
    const row = pane.frame ? pane.frame.id.indexOf(selected.id) : -1;
    const name = `Individual ${selected.id} (${pane.meta?.title ?? "?"})`;
    if (row < 0) return `${name} is not alive at this tick.`;
    const said = pane.meta.columns.filter((column) => pane.frame.columns[column.name]).map((column) => {
      const value = words(column, pane.frame.columns[column.name][row]);
      const about = column.kind === "sampled" ? " (about)" : "";
      return `${column.name}: ${value}${column.unit ? ` ${column.unit}` : ""}${about}`;
    });
    const { plane, side, extent } = pane.meta;
    const place = (step) => plain(plane ? step : Math.floor((step * side) / extent));
    const where = `${plane ? "at" : "cell"} ${place(pane.frame.x[row])}, ${place(pane.frame.y[row])}`;
    return [name, ...said, where].join(" · ");
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
      const ramp = mesocosm.isClass(column) ? theme.classes : theme.scale;
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
