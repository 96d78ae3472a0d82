/* Draws one frame of a world, a torus or a plane, into a canvas: fields beneath, then sources, bodies, what is selected.
 * Few bodies are drawn as small rounded shapes, many as dots (`dots.js`). Colours are CSS variables. */
"use strict";

((mesocosm) => {
  const TURN = (2 * Math.PI) / 256;
  const N_CLASSES = 7;
  const N_STEPS = 16; // of the colour scale for energy

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
    return { classes, scale, fields, ground: get("ground"), ink: get("ink"), accent: get("accent"), rgb };
  };

  /** Whether the values of a column are classes, which have no order. */
  mesocosm.isClass = (column) => column.words.length > 0 || (column.kind === "life" && !column.unit);

  /** Which colour each body has: numbers of colours in `into` (one a body, at least as long), and the colours. */
  mesocosm.shadesOf = (frame, column, highs, theme, into) => {
    const values = column && frame.columns[column.name];
    if (!values) return { shades: into.fill(0), colours: theme.classes };
    if (mesocosm.isClass(column)) {
      for (let i = 0; i < frame.n; i++) into[i] = values[i] % N_CLASSES;
      return { shades: into, colours: theme.classes };
    }
    const step = (N_STEPS - 1) / Math.max(1, highs[column.name] ?? 1);
    for (let i = 0; i < frame.n; i++) {
      const shade = Math.round(values[i] * step);
      into[i] = shade < 0 ? 0 : shade < N_STEPS ? shade : N_STEPS - 1;
    }
    return { shades: into, colours: theme.scale };
  };

  class View {
    constructor(canvas, meta, options) {
      this.canvas = canvas;
      this.context = canvas.getContext("2d");
      this.meta = meta;
      this.rasterAbove = options.raster_above ?? 4000;
      this.camera = { x: meta.extent / 2, y: meta.extent / 2, zoom: 1 };
      this.reach = 0; // of a plane: half the side of the square around the origin that holds all that was seen
      this.shadings = meta.fields.map(() => new mesocosm.Shading());
      this.dots = new mesocosm.Dots();
      this.shades = new Uint8Array(0);
    }

    /** Sets the canvas to its size on screen, in device pixels. */
    fit() {
      const width = mesocosm.widthOf(this.canvas);
      const size = Math.max(1, Math.round(width * (globalThis.devicePixelRatio || 1)));
      if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
      this.size = size;
      this.scale = (size / (this.meta.plane ? 2 * this.reach || 1 : this.meta.extent)) * this.camera.zoom;
      this.pixel = size / Math.max(1, width);
    }

    /** Where a place lies, in device pixels: on the torus the nearest of its images. */
    across(place, centre) {
      if (this.meta.plane) return place * this.scale + this.size / 2;
      const extent = this.meta.extent;
      const away = ((((place - centre + extent / 2) % extent) + extent) % extent) - extent / 2;
      return away * this.scale + this.size / 2;
    }

    /** Lets the square of a plane hold these places; it grows by leaps, so that it seldom changes. */
    reachOut(places) {
      for (const { x, y } of places) {
        for (let i = 0; i < (x?.length ?? 0); i++) {
          const far = Math.max(Math.abs(x[i]), Math.abs(y[i]));
          if (far > this.reach && Number.isFinite(far)) this.reach = 1.25 * far;
        }
      }
    }

    drawAxes(theme) {
      const { context, size, pixel } = this;
      context.globalAlpha = 0.35;
      context.fillStyle = theme.ink;
      context.fillRect(0, size / 2, size, pixel);
      context.fillRect(size / 2, 0, pixel, size);
      context.globalAlpha = 0.8;
      context.font = `${12 * pixel}px system-ui, sans-serif`;
      context.fillText(`± ${mesocosm.plain(this.reach)}`, 8 * pixel, 18 * pixel); // ways seldom lead into a corner
      context.globalAlpha = 1;
    }

    /** Draws a frame. `look`: {column, highs, overlays, selected, trails, kin, theme}. */
    draw(frame, look) {
      if (this.meta.plane) this.reachOut([frame, frame.sources ?? {}]);
      this.fit();
      const { context, size } = this;
      context.fillStyle = look.theme.ground;
      context.fillRect(0, 0, size, size);
      if (this.meta.plane && frame.n) this.drawAxes(look.theme);
      this.meta.fields.forEach((field, k) => {
        if (look.overlays.has(field.name) && frame.fields?.[field.name]) {
          this.shadings[k].paintField(field, frame.fields[field.name], look.theme.fields[k % 3]);
          this.shadings[k].tileField(field, this);
        }
      });
      this.drawSources(frame.sources, look.theme);
      for (const trail of look.trails) if (trail.length > 1) this.drawTrail(trail, look.theme);
      if (this.shades.length < frame.n) this.shades = new Uint8Array(2 * frame.n);
      const paint = mesocosm.shadesOf(frame, look.column, look.highs, look.theme, this.shades);
      if (frame.n > this.rasterAbove && !this.meta.plane) this.dots.drawDots(this, frame, paint, this.dotSize(frame.n));
      else this.drawBodies(frame, paint, look);
      if (look.kin) this.drawKin(frame, look.kin, look.theme);
      if (look.selected >= 0) this.drawRing(frame, look.selected, look.theme);
    }

    drawSources(sources, theme) {
      const { context, pixel } = this;
      for (let k = 0; k < (sources?.x.length ?? 0); k++) {
        const [x, y] = [this.across(sources.x[k], this.camera.x), this.across(sources.y[k], this.camera.y)];
        for (const [radius, width] of [[9, 1.25], [13, 0.75]]) {
          context.beginPath();
          context.arc(x, y, radius * pixel, 0, 2 * Math.PI);
          context.strokeStyle = theme.ink;
          context.globalAlpha = 0.8;
          context.lineWidth = width * pixel;
          context.setLineDash(radius === 13 ? [2.5 * pixel, 3.3 * pixel] : []);
          context.stroke();
        }
        context.setLineDash([]);
        context.globalAlpha = 1;
      }
    }

    /** A thin ring around each relative of the one that is chosen; a second one around parent and children. */
    drawKin(frame, { ids, near }, theme) {
      const { context, pixel } = this;
      context.beginPath();
      for (let i = 0; i < frame.n; i++) {
        const id = frame.id[i];
        if (!ids.has(id) && !near.has(id)) continue;
        const [x, y] = [this.across(frame.x[i], this.camera.x), this.across(frame.y[i], this.camera.y)];
        for (const radius of near.has(id) ? [6, 9] : [6]) {
          context.moveTo(x + radius * pixel, y);
          context.arc(x, y, radius * pixel, 0, 2 * Math.PI);
        }
      }
      context.strokeStyle = theme.accent;
      context.globalAlpha = 0.55;
      context.lineWidth = pixel;
      context.stroke();
      context.globalAlpha = 1;
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

    drawBodies(frame, { shades, colours }, look) {
      const { context, size } = this;
      const radius = this.bodySize(frame.n);
      const acts = this.shapeColumn(frame);
      const thin = colours.map(() => new Path2D());
      const round = colours.map(() => new Path2D());
      for (let i = 0; i < frame.n; i++) {
        const x = this.across(frame.x[i], this.camera.x);
        const y = this.across(frame.y[i], this.camera.y);
        if (x < -9 * radius || y < -9 * radius || x > size + 9 * radius || y > size + 9 * radius) continue;
        const colour = shades[i];
        if (acts && acts[i] > 0) {
          round[colour].moveTo(x, y);
          round[colour].lineTo(x + 0.01, y);
          continue;
        }
        const turn = frame.heading?.[i] >= 0 ? frame.heading[i] : Math.imul(frame.id[i], 2654435761) >>> 24;
        const [dx, dy] = [Math.cos(turn * TURN) * radius * 1.25, Math.sin(turn * TURN) * radius * 1.25];
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

    shapeColumn(frame) {
      const column = this.meta.columns.find((c) => c.words.length);
      return column ? frame.columns[column.name] : null;
    }

    /** The way of one body, oldest place first: unrolled from the torus, then drawn at each of its images. */
    drawTrail(trail, theme) {
      const { context, size } = this;
      const { extent } = this.meta;
      const half = extent / 2;
      const turn = this.meta.plane ? (d) => d : (d) => ((((d + half) % extent) + extent) % extent) - half;
      const last = trail.at(-1);
      const points = [[this.across(last.x, this.camera.x), this.across(last.y, this.camera.y)]];
      for (let k = trail.length - 2; k >= 0; k--) {
        const [x, y] = points[0];
        const dx = turn(trail[k].x - trail[k + 1].x) * this.scale;
        const dy = turn(trail[k].y - trail[k + 1].y) * this.scale;
        points.unshift([x + dx, y + dy]);
      }
      const images = this.meta.plane ? [0] : [-extent * this.scale, 0, extent * this.scale];
      context.strokeStyle = theme.accent;
      context.lineWidth = 1.6 * this.pixel;
      context.lineJoin = context.lineCap = "round";
      for (const across of images) {
        for (const down of images) {
          const seen = points.some(([x, y]) => x + across > 0 && x + across < size && y + down > 0 && y + down < size);
          if (seen) this.drawFading(points, across, down);
        }
      }
      context.globalAlpha = 1;
    }

    drawFading(points, across, down) {
      const pieces = 6;
      const length = Math.ceil((points.length - 1) / pieces);
      for (let from = 0, k = 0; from < points.length - 1; from += length, k++) {
        this.context.globalAlpha = 0.25 + (0.7 * (k + 1)) / pieces;
        this.context.beginPath();
        points.slice(from, from + length + 1).forEach(([x, y]) => this.context.lineTo(x + across, y + down));
        this.context.stroke();
      }
    }

    drawRing(frame, i, theme) {
      const { context, pixel } = this;
      const [x, y] = [this.across(frame.x[i], this.camera.x), this.across(frame.y[i], this.camera.y)];
      for (const [style, width] of [[theme.ground, 4.5], [theme.accent, 2.25]]) {
        context.beginPath();
        context.arc(x, y, Math.max(8 * pixel, this.bodySize(frame.n) * 2.6), 0, 2 * Math.PI);
        context.strokeStyle = style;
        context.lineWidth = width * pixel;
        context.stroke();
      }
    }

    /** Row of the body nearest to a point of the screen (CSS pixels), or -1 where none is within 24 pixels. */
    nearest(frame, left, top) {
      this.fit();
      let [best, found] = [(24 * this.pixel) ** 2, -1];
      for (let i = 0; i < frame.n; i++) {
        const dx = this.across(frame.x[i], this.camera.x) - left * this.pixel;
        const dy = this.across(frame.y[i], this.camera.y) - top * this.pixel;
        if (dx * dx + dy * dy < best) [best, found] = [dx * dx + dy * dy, i];
      }
      return found;
    }
  }

  mesocosm.View = View;
})((globalThis.mesocosm ??= {}));
