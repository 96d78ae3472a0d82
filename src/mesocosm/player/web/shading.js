/* A field beneath the bodies: levels of 0 to 255 as a colour that is more or less opaque, going on around the torus. */
"use strict";

((mesocosm) => {
  class Shading {
    constructor() {
      this.canvas = document.createElement("canvas"); // with a border one cell wide, so that smoothing goes on around
      this.context = this.canvas.getContext("2d");
      this.shades = new Uint32Array(256);
    }

    /** Brings the picture of a field up to date. */
    paintField({ width, height }, levels, [r, g, b]) {
      const across = width + 2;
      if (this.image?.width !== across || this.image.height !== height + 2) {
        this.canvas.width = across;
        this.canvas.height = height + 2;
        this.image = this.context.createImageData(across, height + 2);
        this.memory = new Uint32Array(this.image.data.buffer);
      }
      const { memory, shades } = this;
      const colour = (b << 16) | (g << 8) | r;
      for (let level = 0; level < 256; level++) shades[level] = (Math.round((level * level * 0.78) / 255) << 24) | colour;
      for (let row = 0; row < height; row++) {
        const [from, to] = [row * width, (row + 1) * across + 1];
        for (let k = 0; k < width; k++) memory[to + k] = shades[levels[from + k]];
        memory[to - 1] = memory[to + width - 1];
        memory[to + width] = memory[to];
      }
      memory.copyWithin(0, height * across, (height + 1) * across);
      memory.copyWithin((height + 1) * across, across, 2 * across);
      this.context.putImageData(this.image, 0, 0);
    }

    /** Draws it over all images of the torus that are seen. */
    tileField({ width, height }, { context, size, meta, scale, camera }) {
      const whole = meta.extent * scale;
      const [dx, dy] = [whole / width, whole / height];
      const first = (centre) => {
        const at = size / 2 - centre * scale;
        return at - Math.ceil(at / whole) * whole;
      };
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      for (let y = first(camera.y); y < size - 0.5; y += whole) {
        for (let x = first(camera.x); x < size - 0.5; x += whole) {
          context.save();
          context.beginPath();
          context.rect(x, y, whole, whole);
          context.clip();
          context.drawImage(this.canvas, x - dx, y - dy, whole + 2 * dx, whole + 2 * dy);
          context.restore();
        }
      }
    }
  }

  mesocosm.Shading = Shading;
})((globalThis.mesocosm ??= {}));
