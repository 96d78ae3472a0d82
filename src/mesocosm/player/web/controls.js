/* What the player puts on the page: canvases, buttons, the bar of time, words. Text only ever as text. */
"use strict";

((mesocosm) => {
  const KEYS = [
    ["space", "play, pause"],
    ["r", "turn the film round: it plays backward, forward"],
    [". ,", "one frame on, one back"],
    ["] [", "faster, slower"],
    ["Home End", "first frame, last frame"],
    ["click, n p", "choose an individual; the next, the one before"],
    ["f", "follow it; the view moves with it"],
    ["+ - wheel", "nearer, farther (the wheel: where the world was clicked, or with Ctrl)"],
    ["arrows, drag", "look elsewhere; over the edges of a torus"],
    ["0, double click", "the whole again"],
    ["Esc", "choose nobody"],
    ["o", "colour by another property"],
    ["w", "watch another population"],
    ["1 … 9", "show or hide a field"],
    ["c", "one world alone, the next, all"],
    ["b e", "begin and end of the stretch that is saved"],
    ["s", "save the stretch as one HTML file"],
    ["?", "this list"],
  ];
  const MANY = 16; // columns, from which on they are grouped in the menu
  const FEW = 4; // measures of one name and a number, from which on they stand together
  const ICONS = {
    play: "M4 2.5v11l9-5.5z",
    turn: "M12 2.5v11l-9-5.5z",
    pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
    first: "M3 3h1.6v10H3zM13 3v10L6 8z",
    last: "M11.4 3H13v10h-1.6zM3 3v10l7-5z",
    back: "M10.5 3v10L4 8z",
    on: "M5.5 3v10L12 8z",
  };

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  function icon(name) {
    const create = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    const [svg, path] = [create("svg"), create("path")];
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function iconButton(name, label, key, act) {
    const button = make("button", { type: "button", "aria-label": label, title: `${label} (${key})`, onclick: act });
    button.append(icon(name));
    return button;
  }

  function buildPane(player) {
    const canvas = make("canvas", { class: "mp-world", tabindex: 0, role: "img" });
    const title = make("strong");
    const count = make("span", { class: "mp-count" });
    const message = make("p", { class: "mp-message", role: "alert", hidden: "" });
    const curveCanvas = make("canvas", { class: "mp-curves", role: "img", hidden: "" });
    const figure = make("figure", {}, make("figcaption", {}, title, count), canvas, curveCanvas, message);
    const pane = { canvas, curveCanvas, title, count, message, figure, source: null, view: null, frame: null };
    player.listenForGaze(pane);
    return pane;
  }

  function buildTransport(player) {
    const last = () => player.pause().seek(Infinity); // there may be more than are shown
    const playButton = iconButton("play", "Play", "space", () => player.toggle());
    const backButton = iconButton("turn", "Play backward", "r", () => player.reverse());
    backButton.setAttribute("aria-pressed", "false");
    const transport = make("div", { class: "mp-transport" },
      iconButton("first", "First frame", "Home", () => player.pause().seek(0)),
      iconButton("back", "One frame back", ",", () => player.step(-1)),
      backButton,
      playButton,
      iconButton("on", "One frame on", ".", () => player.step(1)),
      iconButton("last", "Last frame", "End", last));
    return { transport, playButton, backButton };
  }

  function buildLooks(player) {
    const speedLabel = make("output", { class: "mp-speed", title: "Speed (keys [ and ])" });
    const colourSelect = make("select", { onchange: () => player.colourBy(colourSelect.value) });
    const watchSelect = make("select", { onchange: () => player.watch(watchSelect.value) });
    const overlayBox = make("span", { class: "mp-overlays" });
    const helpButton = make("button",
      { type: "button", "aria-label": "Keys", "aria-expanded": "false", title: "Keys (?)", onclick: () => player.help() }, "?");
    const saveButton = make("button",
      { type: "button", hidden: "", title: "Save this stretch as one HTML file (s)", onclick: () => player.save() }, "save");
    const looks = make("div", { class: "mp-looks" },
      speedLabel, make("label", {}, "watch ", watchSelect), make("label", {}, "colour ", colourSelect), overlayBox, saveButton, helpButton);
    return { looks, speedLabel, watchSelect, colourSelect, overlayBox, helpButton, saveButton };
  }

  /** Fills the player's element and gives what the player has to reach again. */
  mesocosm.buildControls = (player, nWorlds) => {
    const panes = Array.from({ length: nWorlds }, () => buildPane(player));
    const { transport, playButton, backButton } = buildTransport(player);
    const { looks, ...looked } = buildLooks(player);
    const bar = make("input", { type: "range", min: 0, max: 0, value: 0, step: 1, "aria-label": "Time" });
    bar.addEventListener("input", () => {
      const wanted = Number(bar.value); // pausing sets the bar to where the world is
      player.pause().seek(wanted);
    });
    const clock = make("output", { class: "mp-clock" });
    const controls = make("div", { class: "mp-controls" }, transport, bar, clock, looks);
    const keys = make("dl", {});
    for (const [key, what] of KEYS) keys.append(make("dt", {}, key), make("dd", {}, what));
    const helpBox = make("dialog", { class: "mp-help", "aria-label": "Keys", onclick: () => player.help() }, keys);
    helpBox.addEventListener("close", () => looked.helpButton.setAttribute("aria-expanded", "false"));
    const inspector = make("p", { class: "mp-inspector" });
    const summary = make("p", { class: "mp-summary", "aria-live": "polite" });
    const legend = make("ul", { class: "mp-legend" });
    const worlds = make("div", { class: "mp-worlds" }, ...panes.map((pane) => pane.figure));
    worlds.style.setProperty("--mp-columns", nWorlds === 4 ? 2 : Math.min(nWorlds, 3));
    const { element } = player;
    element.classList.add("mp");
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Replay");
    const chartBox = make("div", { class: "mp-charts" });
    const details = make("aside", { class: "mp-details", "aria-label": "Individual", hidden: "" });
    const side = make("div", { class: "mp-side" }, legend);
    const stage = make("div", { class: "mp-stage" }, worlds, side);
    const main = make("div", { class: "mp-main" }, stage, controls, chartBox, inspector, helpBox, summary);
    element.replaceChildren(main, details);
    element.addEventListener("keydown", (event) => player.key(event));
    const shown = { panes, playButton, backButton, ...looked, bar, clock, helpBox, inspector, summary, legend, side, stage };
    return { ...shown, chartBox, details };
  };

  /** Lets a button turn a page from dark to light and back. */
  mesocosm.themeButton = (button, then = () => {}) => {
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = isDark ? "light" : "dark";
      then();
    });
  };

  /** Columns as options; of many, those that lead to the same place stand together ("odour far to neuron 0"). */
  function optionsOf(columns) {
    const option = (c) => make("option", { value: c.name }, mesocosm.nameOf(c));
    const [targets, wide] = [columns.map((c) => mesocosm.nameOf(c).split(" to ")[1]), columns.length >= MANY];
    const first = targets.findIndex(Boolean);
    if (!wide || first < 0) return columns.map(option);
    const groups = new Map();
    columns.forEach((c, k) => {
      const name = targets[k] ? `to ${targets[k]}` : k < first ? "of the body" : "other genes";
      groups.set(name, [...(groups.get(name) ?? []), option(c)]);
    });
    return [...groups].map(([label, options]) => make("optgroup", { label }, ...options));
  }

  /** Measures over time as options: those that are counted through ("visits 0" ... "visits 15") stand together, at the end. */
  function measuresAsOptions(names, meta) {
    const option = (name) => make("option", { value: name }, mesocosm.measureOf(meta, name));
    const counted = new Map();
    for (const name of names) {
      const [, stem] = /^(.*?)[ _]?\d+$/.exec(name) ?? [];
      if (stem) counted.set(stem, [...(counted.get(stem) ?? []), name]);
    }
    const groups = [...counted].filter(([, own]) => own.length >= FEW);
    const inGroups = new Set(groups.flatMap(([, own]) => own));
    const byNumber = (a, b) => Number(/\d+$/.exec(a)) - Number(/\d+$/.exec(b));
    const folded = groups.map(([stem, own]) => make("optgroup", { label: stem.replaceAll("_", " ") }, ...own.sort(byNumber).map(option)));
    return [...names.filter((name) => !inGroups.has(name)).map(option), ...folded];
  }

  /** Hands a file to the reader. */
  function save(name, type, content) {
    const link = make("a", { download: name });
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  Object.assign(mesocosm, { make, icon, optionsOf, measuresAsOptions, saveFile: save });
})((globalThis.mesocosm ??= {}));
