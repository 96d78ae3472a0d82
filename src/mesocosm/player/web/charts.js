/* Measures over time beneath the timeline: all share its cursor, a click goes there. Lines are drawn into a picture that
 * is kept, some times a second where they grow; only the cursor moves with every frame. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const SHOWN = 3;
  const HEIGHT = 64;
  const [LEAST, MOST, ASIDE] = [96, 240, 240]; // heights where charts are all there is; what else stands in the window
  const ANEW_MS = 250;
  /** What the player itself counts goes first; then in the order in which the scene tells of its curves. */
  const FIRST = ["living", "mean energy", "loss", "best", "x", "y", "births", "deaths", "population"];

  class Charts {
    constructor(box, player) {
      Object.assign(this, { box, player, charts: [], names: [] });
    }

    series(pane, name) {
      return pane.source.meta().series?.[name];
    }

    /** Takes in which measures there are. */
    refresh() {
      const names = new Set(this.player.living.flatMap((pane) => Object.keys(pane.source.meta().series ?? {})));
      if (names.has("living")) names.delete("population"); // of a scene that counts as well
      if (names.size === this.names.length) return;
      const rank = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
      const rests = new Set([...names].filter((name) => this.rests(name)));
      this.names = [...names].sort((a, b) => rests.has(a) - rests.has(b) || rank(a) - rank(b));
      this.charts = this.names.slice(0, SHOWN).map((name) => this.build(name));
      this.box.replaceChildren(...this.charts.map((chart) => chart.figure));
      const room = (globalThis.innerHeight - ASIDE) / this.charts.length - 40;
      this.high = this.areAll ? Math.round(Math.max(LEAST, Math.min(MOST, room))) : HEIGHT;
      this.box.style.setProperty("--mp-high", `${this.high}px`);
      this.charts.forEach((chart) => this.player.sizes.observe(chart.canvas));
    }

    /** Whether a measure never changes in what is recorded, and says little; of a world that runs nobody knows yet. */
    rests(name) {
      if (this.player.running) return false;
      return this.player.living.every((pane) => new Set(this.series(pane, name)?.[1] ?? []).size < 2);
    }

    build(name) {
      const options = mesocosm.measuresAsOptions(this.names, this.player.living[0]?.source.meta());
      const select = make("select", { "aria-label": "Measure" }, ...options);
      const value = make("output");
      const canvas = make("canvas", { role: "img", tabindex: 0 });
      const figure = make("figure", {}, make("figcaption", {}, select, value), canvas);
      const chart = { name, select, value, canvas, figure, kept: document.createElement("canvas") };
      Object.assign(chart, { context: canvas.getContext("2d"), drawn: "", drawnAt: 0, span: [0, 1] });
      select.value = name;
      select.addEventListener("change", () => {
        chart.name = select.value;
        this.drawCharts();
        this.tell();
      });
      const go = (event) => this.go(chart, event);
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        go(event);
      });
      canvas.addEventListener("pointermove", (event) => event.buttons & 1 && go(event));
      this.player.tip.listen(canvas, (left) => this.told(chart, left));
      return chart;
    }

    /** The values where one points. */
    told(chart, left) {
      const [first, last] = chart.span;
      const tick = Math.round(first + (left / Math.max(1, mesocosm.widthOf(chart.canvas))) * (last - first));
      const values = this.lines(chart).map((line) => (line ? valueAt(line, tick) : null));
      const names = this.player.living.map((pane) => (values.length > 1 ? `${pane.meta.title}: ` : ""));
      const said = values.map((value, k) => (value === null ? "" : `${names[k]}${mesocosm.plain(value)}`)).filter(Boolean);
      return said.length ? [`${mesocosm.measureOf(this.player.living[0]?.source.meta(), chart.name)}, tick ${mesocosm.plain(tick)}`, ...said] : [];
    }

    /** To the moment that was clicked. */
    go(chart, event) {
      const box = chart.canvas.getBoundingClientRect();
      const [first, last] = this.span();
      const tick = first + ((event.clientX - box.left) / box.width) * (last - first);
      this.player.pause().seek(this.player.frameAt(tick));
    }

    /** First and last tick of all that is shown. */
    span() {
      const ends = this.player.living.flatMap((pane) => {
        const ticks = pane.source.meta().ticks ?? [];
        const series = this.charts.map((chart) => this.series(pane, chart.name)?.[0] ?? []);
        return [ticks, ...series].filter((list) => list.length).flatMap((list) => [list[0], list.at(-1)]);
      });
      return ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
    }

    drawCharts() {
      const [first, last] = this.span();
      for (const chart of this.charts) {
        this.keep(chart, this.lines(chart), [first, Math.max(last, first + 1)]);
        this.cursor(chart);
      }
    }

    lines(chart) {
      return this.player.living.map((pane) => this.series(pane, chart.name));
    }

    keep(chart, lines, span) {
      const { canvas, kept } = chart;
      const pixel = globalThis.devicePixelRatio || 1;
      const [width, height] = [Math.max(1, Math.round(mesocosm.widthOf(canvas) * pixel)), Math.round((this.high ?? HEIGHT) * pixel)];
      const { theme } = this.player;
      const looks = `${width} ${chart.name} ${theme.ink} ${lines.length}`;
      const drawn = `${looks} ${span} ${lines.map((line) => `${line?.[0].length} ${line?.[1].at(-1)}`)}`;
      const isRecent = performance.now() - chart.drawnAt < ANEW_MS && this.player.state.playing;
      if (chart.drawn === drawn || (chart.looks === looks && isRecent)) return;
      Object.assign(chart, { drawn, looks, span, drawnAt: performance.now() });
      kept.width = canvas.width = width;
      kept.height = canvas.height = height;
      chart.range = rangeOf(lines);
      const context = kept.getContext("2d");
      const [low, high] = chart.range ?? [0, 0];
      const ends = low < high ? chart.range : [low - 1, high + 1]; // what never changes is a line in the middle
      lines.forEach((line, k) => line && trace(context, line, span, ends, [width, height], theme.classes[k % 7], pixel));
      if (this.areAll && chart.range) scale(context, chart.range, height, theme, pixel);
    }

    cursor({ canvas, context, kept, span: [first, last] }) {
      const { tick } = this.player.state;
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(kept, 0, 0);
      context.fillStyle = this.player.theme.ink;
      const share = Math.min(1, (tick - first) / (last - first)); // the line may be a moment behind
      if (tick !== null) context.fillRect(Math.round(share * (canvas.width - 1)), 0, 1, canvas.height);
    }

    /** The values at the cursor in words. */
    tell() {
      const { tick } = this.player.state;
      for (const chart of this.charts) {
        const known = this.lines(chart).map((line) => (line && tick !== null ? valueAt(line, tick) : null));
        const there = [...known.entries()].filter(([, value]) => value !== null);
        const values = there.map(([, value]) => mesocosm.plain(value)).join(" · ");
        const inColour = ([k, value]) => {
          const said = make("span", {}, mesocosm.plain(value));
          if (known.length > 1) said.style.color = this.player.theme.classes[k % 7];
          return said;
        };
        chart.value.replaceChildren(...there.flatMap((one, i) => (i ? [" · ", inColour(one)] : [inColour(one)])));
        const told = values ? `${values} at tick ${mesocosm.plain(tick)}` : "no value yet";
        const [low, high] = (chart.range ?? [0, 0]).map(mesocosm.plain);
        chart.canvas.setAttribute("aria-label", `${chart.name}: ${told}; from ${low} to ${high}`);
      }
    }
  }

  function rangeOf(lines) {
    let [low, high] = [Infinity, -Infinity];
    for (const line of lines) {
      for (const value of line?.[1] ?? []) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return low <= high ? [low, high] : null;
  }

  function trace(context, [ticks, values], [first, last], range, [width, height], style, pixel) {
    if (!range) return;
    const flat = range[1] - range[0] || 1;
    context.beginPath();
    for (let k = 0; k < ticks.length; k++) {
      const x = ((ticks[k] - first) / (last - first)) * (width - 1);
      context.lineTo(x, 3 * pixel + ((range[1] - values[k]) / flat) * (height - 6 * pixel));
    }
    context.strokeStyle = style;
    context.lineWidth = 1.5 * pixel;
    context.stroke();
    if (ticks.length === 1) context.fillRect(((ticks[0] - first) / (last - first)) * (width - 1), height / 2, 3, 3);
  }

  /** Between which values a large chart lies, at its left. */
  function scale(context, [low, high], height, theme, pixel) {
    context.font = `${12 * pixel}px system-ui, sans-serif`;
    for (const [value, y] of low < high ? [[high, 14 * pixel], [low, height - 5 * pixel]] : [[low, 14 * pixel]]) {
      const text = mesocosm.plain(value);
      context.fillStyle = theme.ground ?? "transparent";
      context.fillRect(2 * pixel, y - 11 * pixel, context.measureText(text).width + 8 * pixel, 14 * pixel);
      context.fillStyle = theme.soft;
      context.fillText(text, 6 * pixel, y);
    }
  }

  /** The value at a tick: the newest that was taken by then. */
  function valueAt([ticks, values], tick) {
    let [low, high] = [0, ticks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ticks[middle] <= tick) low = middle + 1;
      else high = middle;
    }
    return low ? values[low - 1] : null;
  }

  mesocosm.Charts = Charts;
})((globalThis.mesocosm ??= {}));
