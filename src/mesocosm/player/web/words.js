/* What the player says of what it shows: sentences and the legend. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const [whole, fine] = [0, 2].map((digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }));
  const listed = new Intl.ListFormat("en-GB");
  /** A number as people write it, with a true minus sign. */
  const plain = (value) => {
    const size = Math.abs(value);
    const said = size > 0 && size < 0.01 ? Number(value).toPrecision(2) : (size < 10 ? fine : whole).format(value);
    return said.replace(/^-/, "\u2212");
  };
  /** What people call a column, field, curve, picture or bond. */
  const nameOf = ({ called, name }) => called || name.replaceAll("_", " ");
  /** What people call a measure over time. */
  const measureOf = (meta, name) => meta?.names?.[name] ?? name.replaceAll("_", " ");
  /** A value of a column as it is said; nobody is the parent of a founder. */
  const words = (column, value) => column.words[value] ?? (column.name === "parent" && !value ? "none, a founder" : plain(value));

  /** How many there are of each population whose members are known: "512 living", or "90 foxes" where there are several. */
  mesocosm.countsOf = ({ meta, frame }) => {
    const known = (frame.populations ?? []).map(({ n }, k) => ({ n, ...meta.populations[k] })).filter((p) => p.has_ids);
    const shown = known.filter(({ n }) => !(meta.plane && n === 1)); // a point, of which no one asks how many
    const lives = shown.length === 1 && shown[0].look !== "rings";
    return lives ? [`${plain(shown[0].n)} living`] : shown.map(({ n, name }) => `${plain(n)} ${name}`);
  };

  /** What a world shows, in a sentence. */
  mesocosm.tellWorld = ({ meta, frame }) => {
    const parts = [`${meta.title}: tick ${plain(frame.tick)}`, ...mesocosm.countsOf({ meta, frame })];
    for (const curve of meta.curves ?? []) {
      const values = frame.curves?.[curve.name];
      if (curve.shape.length === 1 && values?.length) parts.push(`${nameOf(curve)} from ${plain(Math.min(...values))} to ${plain(Math.max(...values))}`);
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
    const key = (name) => make("kbd", {}, name);
    const choose = meta.columns.length ? [key("n"), " chooses a body, "] : [key("."), " goes one frame on, "];
    const isSeen = [meta.populations, meta.fields, meta.curves, meta.images].some((shown) => shown?.length);
    return [`${(isSeen && meta.says) || seenIn(meta)} `, key("space"), " plays, ", ...choose, key("?"), " lists all keys."];
  };

  /** What is seen, of a scene that does not say so itself. */
  function seenIn(meta) {
    const named = (list) => listed.format(list.map(nameOf));
    const [rings, marks] = [true, false].map((isRing) => (meta.populations ?? []).filter(({ look }) => (look === "rings") === isRing));
    const [curves, matrices] = [false, true].map((isMatrix) => (meta.curves ?? []).filter(({ shape }) => shape.length > 1 === isMatrix));
    const seen = [];
    if (marks.length) seen.push(`each mark is one of the ${marks.map(nameOf).join(" or ")}`);
    if (rings.length) seen.push(`each ring one of the ${rings.map(nameOf).join(" or ")}`);
    if (meta.graphs?.length) seen.push(`lines: ${named(meta.graphs)}`);
    if (meta.fields.length) seen.push(`shading: ${named(meta.fields)}`);
    if (curves.length) seen.push(`curves: ${named(curves)} (faint: as at first)`);
    if (matrices.length) seen.push(`cell by cell: ${named(matrices)}`);
    if (meta.images?.length) seen.push(`picture: ${named(meta.images)}`);
    const text = seen.length ? seen.join(", ") : "measures over time: of this run no pictures were kept";
    return `${text[0].toUpperCase()}${text.slice(1)}.`;
  }

  /** Where a body is, in the unit of its world. */
  mesocosm.placeOf = ({ kind, extent, size, origin, unit }, frame, row) => {
    if (kind === "plane") return `at ${plain(frame.x[row])}, ${plain(frame.y[row])}`;
    const places = [frame.x[row], frame.y[row]].map((step, k) => origin[k] + (step * size[k]) / extent[k]);
    const said = places.map((place) => plain(unit ? Math.floor(place) : place));
    return `at ${said.join(", ")}${unit ? ` ${unit}` : ""}`;
  };

  /** The chosen individual in words. */
  mesocosm.tellIndividual = (panes, selected) => {
    if (!selected) return "Click a mark to see where it came from, and what it does.";
    const pane = panes[selected.world];
    const row = pane.frame ? pane.frame.id.indexOf(selected.id) : -1;
    const name = `Individual ${selected.id} (${pane.meta?.title ?? "?"})`;
    if (row < 0) return `${name} is not alive at this tick.`;
    const said = pane.meta.columns.filter((column) => pane.frame.columns[column.name]).map((column) => {
      const value = words(column, pane.frame.columns[column.name][row]);
      const about = column.kept === "sampled" ? " (about)" : "";
      return `${nameOf(column)}: ${value}${column.unit ? ` ${column.unit}` : ""}${about}`;
    });
    return [name, ...said, mesocosm.placeOf(pane.meta.space, pane.frame, row)].join(" · ");
  };

  function swatch(text, style, shape, more = "") {
    const mark = make("i", { class: `mp-swatch mp-${shape}` });
    mark.style.background = style;
    return make("li", more ? { title: `${text} (${more})` } : {}, mark, text);
  }

  const gradient = (colours) => `linear-gradient(90deg, ${colours.join(", ")})`;

  const SHAPES = { rings: "source", squares: "square", dots: "dot", bodies: "rod" };

  /** What colours and signs stand for: list items, of the fields that are shown alone. */
  mesocosm.legend = (column, fields, populations, graphs, theme) => {
    const items = [];
    const colours = mesocosm.coloursOf(column, theme);
    if (column?.words.length) {
      column.words.forEach((word, k) => items.push(swatch(word, colours[k % colours.length], k ? "dot" : "rod", column.unit)));
    } else if (column) {
      const ends = typeof column.low === "number" && typeof column.high === "number" ? `${plain(column.low)} to ${plain(column.high)}` : "low to high";
      const unit = mesocosm.isClass(column) ? "" : column.unit ? `, ${ends} (${column.unit})` : `, ${ends}`;
      items.push(swatch(nameOf(column) + unit, gradient(column.is_cyclic ? [...colours, colours[0]] : colours), "ramp"));
    }
    for (const { name, look, k, isWatched } of populations) {
      if (isWatched && column) continue; // its colours are told
      items.push(swatch(nameOf({ name }), look === "rings" ? "none" : theme.classes[(isWatched ? 0 : k) % 7], SHAPES[look]));
    }
    for (const graph of graphs) items.push(swatch(nameOf(graph), theme.soft, "bond"));
    for (const field of fields) items.push(...fieldItems(field, theme));
    return items;
  };

  function fieldItems({ unit, words, scale, k, ...field }, theme) {
    const name = nameOf(field);
    const [kind, low, high] = scale;
    const shades = mesocosm.shadesOfField(field, scale, theme, k);
    const css = (level) => `rgb(${shades[level] & 255} ${(shades[level] >> 8) & 255} ${(shades[level] >> 16) & 255} / ${(shades[level] >>> 24) / 255})`;
    if (kind === "class") {
      const classes = words?.length ? words : Array.from({ length: Math.min(high + 1, 7) }, (_, at) => `${name} ${at}`);
      return classes.map((word, at) => swatch(word, css(at), "square"));
    }
    const text = `${name}, ${plain(low)} to ${plain(high)} ${unit ?? ""}`.trim() + (kind === "log" ? " (logarithmic)" : "");
    const levels = kind === "log" ? [64, 255] : [0, 64, 128, 192, 255];
    return [swatch(text, gradient(levels.map(css)), "ramp")];
  }

  Object.assign(mesocosm, { plain, nameOf, measureOf, wordOf: words });
})((globalThis.mesocosm ??= {}));
