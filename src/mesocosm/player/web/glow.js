/* Light: what is drawn of bodies, bonds and ways goes into a layer of its own, whose light then spreads a little over the
 * ground; and the wakes of bodies that move while the film runs. Both are computed from what is drawn and say nothing that
 * it does not say. */
"use strict";

((mesocosm) => {
  const HALVINGS = 3;
  const FADES = 0.18; // share of a wake that is gone with each frame
  const MOST = 3000; // bodies that have wakes
  const LONGEST = 0.08; // of the world: a body that went further has jumped

  const canvas = () => {
    const made = document.createElement("canvas");
    return { canvas: made, context: made.getContext("2d") };
  };

  class Glow {
    constructor() {
      this.layer = canvas();
      this.smaller = Array.from({ length: HALVINGS }, canvas);
    }

    /** The empty layer, of this size in pixels. */
    begin(size, tall) {
      const { canvas: own, context } = this.layer;
      if (own.width !== size || own.height !== tall) Object.assign(own, { width: size, height: tall });
      else context.clearRect(0, 0, size, tall);
      return context;
    }

    /** Draws the layer, with its light around it. In the dark light adds up; in the light it is a tint. */
    shine(context, size, tall, isDark) {
      let { canvas: from } = this.layer;
      for (const { canvas: to, context: half } of this.smaller) {
        const [width, height] = [Math.max(1, Math.ceil(from.width / 2)), Math.max(1, Math.ceil(from.height / 2))];
        if (to.width !== width || to.height !== height) Object.assign(to, { width, height });
        else half.clearRect(0, 0, width, height);
        half.drawImage(from, 0, 0, width, height);
        from = to;
      }
      context.globalCompositeOperation = isDark ? "lighter" : "source-over";
      context.globalAlpha = isDark ? 0.85 : 0.32;
      context.drawImage(from, 0, 0, size, tall);
      context.globalCompositeOperation = "source-over";
      context.globalAlpha = 1;
      context.drawImage(this.layer.canvas, 0, 0);
    }
  }

  /** Where bodies have just been. Forgotten when the view or the moment jumps. */
  class Wake {
    constructor() {
      this.trace = canvas();
      this.key = "";
    }

    /** Takes in a frame, and draws the wakes into `context`. `flows`: whether it follows the frame before. */
    draw(view, context, frame, { shades, colours }, flows) {
      const { size, tall, camera, scale } = view;
      const key = `${size} ${tall} ${camera.x} ${camera.y} ${scale} ${colours[0]}`;
      const isSame = key === this.key && frame.tick === this.tick;
      if (frame.n > MOST || !flows || key !== this.key) this.clear(size, tall);
      else if (!isSame) this.go(view, frame, shades, colours);
      if (!isSame) this.places = frame.n > MOST ? new Map() : new Map([...frame.id].map((id, i) => [id, i]));
      if (!isSame) Object.assign(this, { x: frame.x, y: frame.y });
      Object.assign(this, { key, tick: frame.tick });
      if (flows && frame.n <= MOST) context.drawImage(this.trace.canvas, 0, 0);
    }

    clear(size, tall) {
      const { canvas: own, context } = this.trace;
      if (own.width !== size || own.height !== tall) Object.assign(own, { width: size, height: tall });
      else context.clearRect(0, 0, size, tall);
    }

    go(view, frame, shades, colours) {
      const { canvas: own, context } = this.trace;
      context.globalCompositeOperation = "destination-out";
      context.fillStyle = `rgb(0 0 0 / ${FADES})`;
      context.fillRect(0, 0, own.width, own.height);
      context.globalCompositeOperation = "source-over";
      const paths = colours.map(() => new Path2D());
      const [far, up] = [LONGEST * view.size * view.camera.zoom, view.meta.plane ? -1 : 1];
      for (let i = 0; i < frame.n; i++) {
        const row = this.places.get(frame.id[i]);
        if (row === undefined) continue;
        const dx = view.away(frame.x[i] - this.x[row], view.extent[0]) * view.scale;
        const dy = view.away(frame.y[i] - this.y[row], view.extent[1]) * view.scale * up;
        if (Math.abs(dx) + Math.abs(dy) > far || (!dx && !dy)) continue;
        const [x, y] = [view.across(frame.x[i]), view.down(frame.y[i])];
        paths[shades[i]].moveTo(x - dx, y - dy);
        paths[shades[i]].lineTo(x, y);
      }
      context.lineCap = "butt"; // ends that overlap would shine like beads
      context.lineWidth = Math.max(view.pixel, 0.8 * view.bodySize(frame.n));
      context.globalAlpha = 0.45;
      paths.forEach((path, k) => {
        context.strokeStyle = colours[k];
        context.stroke(path);
      });
      context.globalAlpha = 1;
    }
  }

  Object.assign(mesocosm, { Glow, Wake });
})((globalThis.mesocosm ??= {}));
