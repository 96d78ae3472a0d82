/* A field beneath the bodies: amounts as a colour that is more or less opaque, classes and signed numbers in colours of
 * their own; going on around the torus. */
"use strict";

((mesocosm) => {
  const word = ([r, g, b], alpha = 255) => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;

  /** The colour at a share of a way through some. */
  function between(stops, share) {
    const at = share * (stops.length - 1);
    const k = Math.min(Math.floor(at), stops.length - 2);
    return stops.length < 2 ? stops[0] : stops[k].map((c, i) => Math.round(c + (at - k) * (stops[k + 1][i] - c)));
  }

  /** A colour of light: where there is most of it, it is nearly white in the dark. */
  const lit = (colour, level, { isDark }) => {
    const share = isDark ? 0.55 * Math.max(0, (level - 140) / 115) : 0;
    return colour.map((part) => Math.round(part + share * (255 - part)));
  };

  /** Paler greys are chosen for paper; in the dark they are as near to its ground as they are to white. */
  const inTheDark = (colour, ground) => {
    const [low, high] = [Math.min(...colour), Math.max(...colour)];
    const away = 255 - (low + high) / 2;
    return low >= 180 && high - low <= 30 ? ground.map((part) => Math.round(part + away)) : colour;
  };

  /** The colour of each level of a field, the k-th, as words of an image's memory. */
  mesocosm.shadesOfField = (field, [kind, low, high], theme, k, into = new Uint32Array(256)) => {
    const own = (field.palette ?? []).map(theme.rgb).map((c) => (theme.isDark && kind === "class" ? inTheDark(c, theme.rgb(theme.ground)) : c));
    const colour = theme.fields[k % 3];
    const classes = own.length ? own : theme.classes.map(theme.rgb);
    const signed = [theme.rgb(theme.classes[1]), theme.rgb(theme.ground), theme.rgb(theme.classes[0])];
    for (let level = 0; level < 256; level++) {
      if (kind === "class") into[level] = word(classes[level % classes.length]);
      else if (own.length) into[level] = word(between(own, level / 255));
      else if (kind === "linear") into[level] = word(between(low < 0 && high > 0 ? signed : theme.stops, level / 255));
      else into[level] = word(lit(colour, level, theme), Math.round((level * level * 0.86) / 255));
    }
    return into;
  };

  const HUNDREDTH = 1 / 100; // of the logarithmic scale, as `scales.py` has it

  const valueOf = (level, [kind, low, high]) =>
    kind === "log" ? high * HUNDREDTH * Math.expm1((level / 255) * Math.log1p(1 / HUNDREDTH)) : low + (level / 255) * (high - low);
  const levelOf = (value, [kind, low, high]) =>
    kind === "log" ? (255 / Math.log1p(1 / HUNDREDTH)) * Math.log1p(value / (high * HUNDREDTH)) : ((value - low) * 255) / (high - low);

  /** What a level of a field stands for. */
  mesocosm.valueOfLevel = (level, scale) => (scale[0] === "class" ? level : valueOf(level, scale));

  /** The widest of some scales of one kind. */
  mesocosm.widest = (scales) => scales.reduce((one, other) => [one[0], Math.min(one[1], other[1]), Math.max(one[2], other[2])]);

  /** The colour of each level on a scale of its own, as it has it on one that several worlds share. */
  mesocosm.shadesShared = (field, own, shared, theme, k, into) => {
    const all = mesocosm.shadesOfField(field, shared, theme, k);
    if (own[0] !== shared[0] || own[0] === "class") return mesocosm.shadesOfField(field, own, theme, k, into);
    for (let level = 0; level < 256; level++) into[level] = all[Math.max(0, Math.min(255, Math.round(levelOf(valueOf(level, own), shared))))];
    return into;
  };

  class Shading {
    constructor() {
      this.canvas = document.createElement("canvas"); // with a border one cell wide, so that smoothing goes on around
      this.context = this.canvas.getContext("2d");
      this.shades = new Uint32Array(256);
    }

    /** Brings the picture of a field up to date. */
    paintField(field, levels, scale, theme, k, wraps, shared = scale) {
      const { width, height } = field;
      const across = width + 2;
      this.smooth = scale[0] !== "class";
      if (this.image?.width !== across || this.image.height !== height + 2) {
        this.canvas.width = across;
        this.canvas.height = height + 2;
        this.image = this.context.createImageData(across, height + 2);
        this.memory = new Uint32Array(this.image.data.buffer);
      }
      const { memory, shades } = this;
      const drawn = `${scale} ${shared} ${theme.ground} ${k}`;
      if (this.drawn !== drawn) mesocosm.shadesShared(field, scale, shared, theme, k, shades);
      this.drawn = drawn;
      for (let row = 0; row < height; row++) {
        const [from, to] = [row * width, (row + 1) * across + 1];
        for (let k = 0; k < width; k++) memory[to + k] = shades[levels[from + k]];
        memory[to - 1] = memory[wraps ? to + width - 1 : to];
        memory[to + width] = memory[wraps ? to : to + width - 1];
      }
      const [first, last] = wraps ? [height, 1] : [1, height];
      memory.copyWithin(0, first * across, (first + 1) * across);
      memory.copyWithin((height + 1) * across, last * across, (last + 1) * across);
      this.context.putImageData(this.image, 0, 0);
    }

    /** Draws it over all images of the torus that are seen. */
    tileField({ width, height }, { context, size, tall, extent, wraps, scale, camera }) {
      const [wide, high] = extent.map((steps) => steps * scale);
      const [dx, dy] = [wide / width, high / height];
      const first = (length, centre, whole) => {
        const at = length / 2 - centre * scale;
        return wraps ? at - Math.ceil(at / whole) * whole : at;
      };
      const [left, top] = [first(size, camera.x, wide), first(tall, camera.y, high)];
      context.imageSmoothingEnabled = this.smooth;
      context.imageSmoothingQuality = "high";
      for (let y = top; y < tall - 0.5; y = wraps ? y + high : Infinity) {
        for (let x = left; x < size - 0.5; x = wraps ? x + wide : Infinity) {
          context.save();
          context.beginPath();
          context.rect(x, y, wide, high);
          context.clip();
          context.drawImage(this.canvas, x - dx, y - dy, wide + 2 * dx, high + 2 * dy);
          context.restore();
        }
      }
      context.imageSmoothingEnabled = true;
    }
  }

  mesocosm.Shading = Shading;
})((globalThis.mesocosm ??= {}));
