/* Draws one frame of a world, a torus, a box or a plane, into a canvas: fields beneath, then bonds, populations (the one
 * that is watched on top), what is selected. Few bodies are drawn as small rounded shapes, many as dots (`dots.js`).
 * Colours are CSS variables. */
"use strict";

((mesocosm) => {
  const TURN = (2 * Math.PI) / 256;
  const N_CLASSES = 7;
  const N_STEPS = 16; // of the colour scale of numbers

  const known = new Map();

  /** Any CSS colour as [r, g, b]. */
  function rgb(text) {
    if (!known.has(text)) known.set(text, mixed(text));
    return known.get(text);
  }

  function mixed(text) {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }

  /** Any CSS colour as a word of an image's memory. */
  mesocosm.pixelOf = (text) => {
    const [r, g, b] = rgb(text);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  };

  const widths = new WeakMap();

  /** The width of a canvas in CSS pixels. Reading it lays the page out, so it is read once, and again when it changed. */
  mesocosm.widthOf = (canvas) => {
    if (!widths.has(canvas)) widths.set(canvas, canvas.clientWidth);
    return widths.get(canvas);
  };
  mesocosm.forgetWidth = (canvas) => widths.delete(canvas);

  /** The colours that the style sheet gives, read anew when light and dark change. */
  mesocosm.readTheme = (element) => {
    const style = getComputedStyle(element);
    const get = (name) => style.getPropertyValue(`--mp-${name}`).trim() || "#888";
    const classes = Array.from({ length: N_CLASSES }, (_, k) => get(`class-${k}`));
    const stops = ["low", "middle", "high"].map((name) => rgb(get(`scale-${name}`)));
    const scale = Array.from({ length: N_STEPS }, (_, k) => {
      const at = (k / (N_STEPS - 1)) * 2;
      const [from, to] = at < 1 ? [stops[0], stops[1]] : [stops[1], stops[2]];
      return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * (at < 1 ? at : at - 1))).join(" ")})`;
    });
    const fields = [0, 1, 2].map((k) => rgb(get(`field-${k}`)));
    const cycle = [...scale.filter((_, k) => k % 2 === 0), ...scale.filter((_, k) => k % 2 === 0).reverse()];
    const looks = { ground: get("ground"), ink: get("ink"), soft: get("soft"), accent: get("accent") };
    const isDark = rgb(looks.ground).reduce((sum, part) => sum + part, 0) < 3 * 128;
    return { classes, scale, cycle, stops, fields, rgb, isDark, ...looks };
  };

  /** Whether the values of a column are classes, which have no order. */
  mesocosm.isClass = (column) => column.words.length > 0 || column.kind === "class";

  /** The colours of a column: its own, those of classes, or from low to high (and back, where it is a cycle). */
  mesocosm.coloursOf = (column, theme) => {
    if (column?.palette?.length) return column.palette;
    if (!column || mesocosm.isClass(column)) return theme.classes;
    return column.is_cyclic ? theme.cycle : theme.scale;
  };

  /** Which colour each body has: numbers of colours in `into` (one a body, at least as long), and the colours. */
  mesocosm.shadesOf = (frame, column, highs, theme, into) => {
    const values = column && frame.columns[column.name];
    if (!values) return { shades: into.fill(0), colours: theme.classes };
    const colours = mesocosm.coloursOf(column, theme);
    const n = colours.length;
    if (mesocosm.isClass(column)) {
      for (let i = 0; i < frame.n; i++) into[i] = values[i] % n;
      return { shades: into, colours };
    }
    const [low, high] = highs[column.name] ?? [0, 1];
    const step = (n - (column.is_cyclic ? 0 : 1)) / (high - low || 1);
    for (let i = 0; i < frame.n; i++) {
      const shade = Math.round((values[i] - low) * step);
      into[i] = column.is_cyclic ? ((shade % n) + n) % n : shade < 0 ? 0 : shade < n ? shade : n - 1;
    }
    return { shades: into, colours };
  };

  /** Lets the range of a column hold these values: what it declares, or what was seen. Grows, so that frames compare. */
  mesocosm.widen = (column, values, ranges) => {
    const range = (ranges[column.name] ??= [column.low ?? 0, column.high ?? column.low ?? 0]);
    if (typeof column.low === "number" && typeof column.high === "number") return;
    for (let i = 0; i < values.length; i++) {
      if (values[i] > range[1]) range[1] = values[i];
      else if (values[i] < range[0]) range[0] = values[i];
    }
  };

  class View {
    constructor(canvas, meta, options) {
      this.canvas = canvas;
      this.context = canvas.getContext("2d");
      this.meta = meta;
      this.isBare = Boolean(options.bare); // no words in the picture
      this.rasterAbove = options.raster_above ?? 4000;
      this.extent = meta.space.extent;
      this.wraps = meta.space.kind === "torus";
      this.seen = meta.bounds ?? null; // of a plane: left, top, right, bottom of the square that holds all that was seen
      this.camera = { zoom: 1 };
      this.gaze = null; // where a person looks; nothing: at the whole
      this.home();
      this.glow = new mesocosm.Glow();
      this.wake = new mesocosm.Wake();
      this.shadings = meta.fields.map(() => new mesocosm.Shading());
      this.dots = (options.graphics ?? "real") === "never" ? null : mesocosm.graphics(options.graphics === "any");
      this.dots ??= new mesocosm.Dots();
      this.shades = new Uint8Array(0);
    }

    /** Sets the canvas to its size on screen, in device pixels. */
    fit() {
      const width = mesocosm.widthOf(this.canvas);
      const size = Math.max(1, Math.round(width * (globalThis.devicePixelRatio || 1)));
      const tall = Math.max(1, Math.round(this.meta.plane ? size : (size * this.extent[1]) / this.extent[0]));
      if (this.canvas.width !== size || this.canvas.height !== tall) {
        this.canvas.width = size;
        this.canvas.height = tall;
        if (!this.meta.plane) this.canvas.style.aspectRatio = `${this.extent[0]} / ${this.extent[1]}`;
      }
      [this.size, this.tall] = [size, tall];
      const [left, , right] = this.seen ?? [-1, -1, 1];
      this.scale = (size / (this.meta.plane ? right - left : this.extent[0])) * this.camera.zoom;
      this.pixel = size / Math.max(1, width);
    }

    /** The place at a point of the canvas (CSS pixels), in steps; on a plane in its own numbers. */
    placeAt(left, top) {
      const [right, down] = [left * this.pixel - this.size / 2, top * this.pixel - this.tall / 2];
      const [x, y] = [this.camera.x + right / this.scale, this.camera.y + ((this.meta.plane ? -1 : 1) * down) / this.scale];
      if (!this.wraps) return [x, y];
      return [x, y].map((at, axis) => ((at % this.extent[axis]) + this.extent[axis]) % this.extent[axis]);
    }

    /** Looks at the whole. */
    home() {
      const [left, top, right, bottom] = this.meta.plane ? this.seen ?? [-1, -1, 1, 1] : [0, 0, ...this.extent];
      Object.assign(this.camera, { x: (left + right) / 2, y: (top + bottom) / 2 });
    }

    /** Where a place lies, in device pixels: on the torus the nearest of its images. On a plane y goes upwards. */
    across(x) {
      return this.away(x - this.camera.x, this.extent[0]) * this.scale + this.size / 2;
    }

    down(y) {
      const away = this.away(y - this.camera.y, this.extent[1]);
      return (this.meta.plane ? -away : away) * this.scale + this.tall / 2;
    }

    away(difference, extent) {
      if (!this.wraps) return difference;
      return ((((difference + extent / 2) % extent) + extent) % extent) - extent / 2;
    }

    /** Lets the square of a plane hold these places; it grows by leaps, so that it seldom changes. */
    reachOut(places) {
      let [left, top, right, bottom] = this.seen ?? [Infinity, Infinity, -Infinity, -Infinity];
      for (const { x, y } of places) {
        for (let i = 0; i < x.length; i++) {
          if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
          [left, right] = [Math.min(left, x[i]), Math.max(right, x[i])];
          [top, bottom] = [Math.min(top, y[i]), Math.max(bottom, y[i])];
        }
      }
      if (left > right || (this.seen && [left, top, right, bottom].every((end, k) => end === this.seen[k]))) return;
      const least = 1e-9 + 0.2 * (Math.abs(left) + Math.abs(top));
      const half = 0.625 * Math.max(right - left, bottom - top, least);
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      this.seen = [x - half, y - half, x + half, y + half];
    }

    drawAxes(theme) {
      const { context, size, tall, pixel } = this;
      const [left, top, right, bottom] = this.seen ?? [-1, -1, 1, 1];
      context.globalAlpha = 0.35;
      context.fillStyle = theme.ink;
      context.fillRect(0, this.down(0), size, pixel);
      context.fillRect(this.across(0), 0, pixel, tall);
      context.globalAlpha = 1;
      if (this.isBare) return;
      context.globalAlpha = 0.8;
      context.font = `${12 * pixel}px system-ui, sans-serif`;
      const [x, y] = [[left, right], [top, bottom]].map((ends) => ends.map((end) => mesocosm.plain(Number(end.toPrecision(3)))));
      context.fillText(`x ${x.join(" to ")}, y ${y.join(" to ")}`, 8 * pixel, 18 * pixel); // ways seldom lead into a corner
      context.globalAlpha = 1;
    }

    /** Draws a frame. `look`: {column, highs, overlays, selected, trails, kin, theme}. */
    draw(frame, look) {
      const ways = look.trails.map((trail) => ({ x: trail.map(({ x }) => x), y: trail.map(({ y }) => y) }));
      if (this.meta.plane) this.reachOut([...frame.populations, ...ways]);
      if (this.camera.zoom === 1 && !this.gaze) this.home();
      this.fit();
      this.context = this.canvas.getContext("2d");
      const { context, size, tall } = this;
      context.fillStyle = look.theme.ground;
      context.fillRect(0, 0, size, tall);
      if (this.meta.plane && frame.n) this.drawAxes(look.theme);
      this.meta.fields.forEach((field, k) => {
        const levels = frame.fields?.[field.name];
        if (!look.overlays.has(field.name) || !levels || this.meta.plane) return;
        this.shadings[k].paintField(field, levels, frame.scales[field.name], look.theme, k, this.wraps, look.scales?.[field.name]);
        this.shadings[k].tileField(field, this);
      });
      if (this.meta.space.grid) this.drawGrid(look.theme);
      this.context = this.glow.begin(size, tall); // all that shines
      this.drawMarks(frame, look);
      this.context = context;
      this.glow.shine(context, size, tall, look.theme.isDark);
      if (!this.meta.populations[this.meta.which]) return;
      if (look.kin) this.drawKin(frame, look.kin, look.theme);
      if (look.selected >= 0) this.drawRing(frame, look.selected, look.theme);
    }

    /** Lines between worlds that are drawn side by side, each closed in itself. */
    drawGrid(theme) {
      const { context, size, tall, pixel, extent } = this;
      const [columns, rows] = this.meta.space.grid;
      context.fillStyle = theme.soft;
      for (let k = 1; k < columns; k++) context.fillRect(this.across((k * extent[0]) / columns) - pixel, 0, 2 * pixel, tall);
      for (let k = 1; k < rows; k++) context.fillRect(0, this.down((k * extent[1]) / rows) - pixel, size, 2 * pixel);
    }

    drawMarks(frame, look) {
      for (const graph of this.meta.graphs ?? []) this.drawBonds(graph, frame, look.theme);
      const { which, populations } = this.meta;
      for (let k = frame.populations.length - 1; k >= 0; k--) {
        if (k !== which) this.drawOthers(k, frame.populations[k], look.theme);
      }
      for (const trail of look.trails) if (trail.length > 1) this.drawTrail(trail, look.theme);
      if (!populations[which]) return;
      const paint = this.paintOf(which, frame, look);
      if (populations[which].has_ids && !look.trails.length) this.wake.draw(this, this.context, frame, paint, look.flows);
      if (populations[which].look !== "bodies") this.drawOthers(which, frame, look.theme, paint);
      else if (frame.n > this.rasterAbove && !this.meta.plane) this.dots.drawDots(this, frame, paint, this.dotSize(frame.n));
      else this.drawBodies(frame, paint, look, this.meta.columns);
    }

    /** Number and colour of the shade of each point of a population. */
    paintOf(k, points, look) {
      if (this.shades.length < points.n) this.shades = new Uint8Array(2 * points.n);
      if (k === this.meta.which) return mesocosm.shadesOf(points, look.column, look.highs, look.theme, this.shades);
      const column = this.meta.populations[k].columns.find((c) => c.words.length); // each has a colour of its own
      const own = mesocosm.shadesOf(points, column, {}, look.theme, this.shades);
      const turned = own.colours.map((_, i) => own.colours[(i + k) % own.colours.length]);
      return { ...own, colours: column?.palette?.length ? own.colours : turned };
    }

    /** A population that is not the one that is watched, or that has a look of its own. */
    drawOthers(k, points, theme, paint = this.paintOf(k, points, { theme })) {
      const { look, columns } = this.meta.populations[k];
      if (look === "rings") return this.drawRings(points, theme);
      if (points.n > this.rasterAbove && !this.meta.plane) return this.dots.drawDots(this, points, paint, this.dotSize(points.n));
      if (look === "bodies") return this.drawBodies(points, paint, { theme }, columns);
      const { context } = this;
      const radius = this.bodySize(points.n);
      for (let i = 0; i < points.n; i++) {
        const [x, y] = [this.across(points.x[i]), this.down(points.y[i])];
        context.fillStyle = paint.colours[paint.shades[i]];
        if (look === "squares") context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
        else {
          context.beginPath();
          context.arc(x, y, radius, 0, 2 * Math.PI);
          context.fill();
        }
      }
    }

    /** Length and width of a body, in device pixels: smaller where there are many. */
    bodySize(n) {
      const cells = this.size / 170;
      const crowd = Math.min(1, (900 / Math.max(n, 1)) ** 0.25);
      const radius = Math.max(1.15 * this.pixel, Math.min(3.6 * this.pixel, cells * crowd * 0.85));
      return radius * Math.min(2, this.camera.zoom ** 0.6);
    }

    /** Side of a dot, in device pixels. */
    dotSize(n) {
      return Math.max(1, Math.round(this.pixel * (n > 40000 ? 1 : 2) * this.camera.zoom ** 0.6));
    }

    drawBodies(frame, { shades, colours }, look, columns) {
      const { context, size, tall } = this;
      const radius = this.bodySize(frame.n);
      const acts = frame.columns[columns.find((c) => c.words.length)?.name];
      const up = this.meta.plane ? -1 : 1;
      const thin = colours.map(() => new Path2D());
      const round = colours.map(() => new Path2D());
      for (let i = 0; i < frame.n; i++) {
        const x = this.across(frame.x[i]);
        const y = this.down(frame.y[i]);
        if (x < -9 * radius || y < -9 * radius || x > size + 9 * radius || y > tall + 9 * radius) continue;
        const colour = shades[i];
        if (acts && acts[i] > 0) {
          round[colour].moveTo(x, y);
          round[colour].lineTo(x + 0.01, y);
          continue;
        }
        const turn = frame.heading?.[i] >= 0 ? frame.heading[i] : Math.imul(frame.id[i], 2654435761) >>> 24;
        const [dx, dy] = [Math.cos(turn * TURN) * radius * 1.25, up * Math.sin(turn * TURN) * radius * 1.25];
        thin[colour].moveTo(x - dx, y - dy);
        thin[colour].lineTo(x + dx, y + dy);
      }
      context.lineCap = "round";
      const stroke = (paths, width, style, alpha) => {
        context.lineWidth = width;
        context.globalAlpha = alpha;
        paths.forEach((path, k) => {
          context.strokeStyle = style ?? colours[k];
          context.stroke(path);
        });
      };
      stroke(thin, radius * 1.5 + 1.6 * this.pixel, look.theme.ground, 0.55); // a rim, so that neighbours stay apart
      stroke(round, radius * 2.1 + 1.6 * this.pixel, look.theme.ground, 0.55);
      stroke(thin, radius * 1.5, null, 0.95);
      stroke(round, radius * 2.1, null, 0.95);
      context.globalAlpha = 1;
    }

    /** Row of the body nearest to a point of the canvas, or -1 where none is so near (both in CSS pixels). */
    nearest(frame, left, top, near = 24) {
      this.fit();
      let [best, found] = [(near * this.pixel) ** 2, -1];
      for (let i = 0; i < frame.n; i++) {
        const dx = this.across(frame.x[i]) - left * this.pixel;
        const dy = this.down(frame.y[i]) - top * this.pixel;
        if (dx * dx + dy * dy < best) [best, found] = [dx * dx + dy * dy, i];
      }
      return found;
    }
  }

  mesocosm.View = View;
})((globalThis.mesocosm ??= {}));
