/* Measures over time beneath the timeline: all share its cursor, a click goes there. Lines are drawn once into a picture
 * that is kept; only the cursor moves. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const SHOWN = 3;
  const HEIGHT = 64;
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
      if (names.size === this.names.length) return;
      const rank = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
      this.names = [...names].sort((a, b) => rank(a) - rank(b));
      this.charts = this.names.slice(0, SHOWN).map((name) => this.build(name));
      this.box.replaceChildren(...this.charts.map((chart) => chart.figure));
    }

    build(name) {
      const options = this.names.map((other) => make("option", { value: other }, other));
      const select = make("select", { "aria-label": "Measure" }, ...options);
      const value = make("output");
      const canvas = make("canvas", { role: "img", tabindex: 0 });
      const figure = make("figure", {}, make("figcaption", {}, select, value), canvas);
      const chart = { name, select, value, canvas, figure, kept: document.createElement("canvas"), drawn: "" };
      select.value = name;
      select.addEventListener("change", () => {
        chart.name = select.value;
        this.draw();
      });
      const go = (event) => this.go(chart, event);
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        go(event);
      });
      canvas.addEventListener("pointermove", (event) => event.buttons & 1 && go(event));
      return chart;
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

    draw() {
      const [first, last] = this.span();
      for (const chart of this.charts) {
        const lines = this.player.living.map((pane) => this.series(pane, chart.name));
        this.keep(chart, lines, [first, Math.max(last, first + 1)]);
        this.cursor(chart, lines, [first, Math.max(last, first + 1)]);
      }
    }

    keep(chart, lines, span) {
      const { canvas, kept } = chart;
      const pixel = globalThis.devicePixelRatio || 1;
      const [width, height] = [Math.max(1, Math.round(canvas.clientWidth * pixel)), Math.round(HEIGHT * pixel)];
      const { theme } = this.player;
      const key = [width, chart.name, ...span, theme.ink, ...lines.flatMap((line) => [line?.[0].length, line?.[1].at(-1)])];
      if (chart.drawn === key.join()) return;
      chart.drawn = key.join();
      kept.width = canvas.width = width;
      kept.height = canvas.height = height;
      chart.range = rangeOf(lines);
      const context = kept.getContext("2d");
      lines.forEach((line, k) => line && trace(context, line, span, chart.range, [width, height], theme.classes[k % 7], pixel));
    }

    cursor(chart, lines, [first, last]) {
      const { canvas, kept } = chart;
      const { tick } = this.player.state;
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(kept, 0, 0);
      context.fillStyle = this.player.theme.ink;
      if (tick !== null) context.fillRect(Math.round(((tick - first) / (last - first)) * (canvas.width - 1)), 0, 1, canvas.height);
      const values = lines.map((line) => (line && tick !== null ? valueAt(line, tick) : null)).filter((v) => v !== null);
      chart.value.textContent = values.map(mesocosm.plain).join(" · ");
      const told = values.length ? `${chart.value.textContent} at tick ${mesocosm.plain(tick)}` : "no value yet";
      const [low, high] = chart.range ?? [0, 0];
      canvas.setAttribute("aria-label", `${chart.name}: ${told}; from ${mesocosm.plain(low)} to ${mesocosm.plain(high)}`);
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
