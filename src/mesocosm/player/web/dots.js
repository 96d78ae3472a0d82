/* Many bodies: dots of a few pixels, written straight into the memory of an image. Nothing is allocated from frame to
 * frame, and where a step of the world lies in the image is looked up. */
"use strict";

((mesocosm) => {
  /** Where each step along a side lies, in pixels times `stride`; -1 where it is not seen. */
  function places(table, { extent, centre, wraps, scale, size, side, stride }) {
    for (let step = 0; step < extent; step++) {
      const away = wraps ? ((((step - centre + 1.5 * extent) % extent) + extent) % extent) - extent / 2 : step - centre;
      const at = Math.floor(away * scale + size / 2);
      table[step] = at < 0 || at >= size ? -1 : Math.min(at, size - side) * stride;
    }
  }

  class Dots {
    constructor() {
      this.canvas = document.createElement("canvas");
      this.context = this.canvas.getContext("2d");
      this.palette = new Uint32Array(256);
      this.aimed = "";
    }

    /** Looks up anew what lies where, if the view is another. */
    aim({ extent, wraps, camera, scale, size, tall }, side) {
      const aimed = `${extent} ${camera.x} ${camera.y} ${scale} ${size} ${tall} ${side}`;
      if (aimed === this.aimed) return;
      this.aimed = aimed;
      if (this.image?.width !== size || this.image.height !== tall) {
        this.canvas.width = size;
        this.canvas.height = tall;
        this.image = this.context.createImageData(size, tall);
        this.memory = new Uint32Array(this.image.data.buffer);
      }
      if (!this.across) [this.across, this.down] = extent.map((steps) => new Int32Array(steps));
      const how = { wraps, scale, side };
      places(this.across, { ...how, extent: extent[0], centre: camera.x, size, stride: 1 });
      places(this.down, { ...how, extent: extent[1], centre: camera.y, size: tall, stride: size });
    }

    /** Draws the bodies of a frame as squares of `side` pixels, body i in the colour `shades[i]` of `colours`. */
    drawDots(view, frame, { shades, colours }, side) {
      this.aim(view, side);
      colours.forEach((text, k) => (this.palette[k] = mesocosm.pixelOf(text)));
      this.memory.fill(0);
      if (side === 1) this.points(frame, shades);
      else this.squares(frame, shades, side, view.size);
      this.context.putImageData(this.image, 0, 0);
      view.context.drawImage(this.canvas, 0, 0);
    }

    points({ x, y, n }, shades) {
      const { memory, palette, across, down } = this;
      for (let i = 0; i < n; i++) {
        const column = across[x[i]];
        const row = down[y[i]];
        if ((column | row) >= 0) memory[row + column] = palette[shades[i]];
      }
    }

    squares({ x, y, n }, shades, side, size) {
      const { memory, palette, across, down } = this;
      for (let i = 0; i < n; i++) {
        const column = across[x[i]];
        const row = down[y[i]];
        if ((column | row) < 0) continue;
        const word = palette[shades[i]];
        for (let at = row + column, end = at + side * size; at < end; at += size) {
          for (let k = 0; k < side; k++) memory[at + k] = word;
        }
      }
    }
  }

  mesocosm.Dots = Dots;
})((globalThis.mesocosm ??= {}));
