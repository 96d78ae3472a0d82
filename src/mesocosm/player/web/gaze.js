/* Where a person looks: nearer and farther, over the edges of a torus; worlds of one size side by side are looked at
 * alike. A wheel moves the page unless the world has the focus, or the key is held that means zoom everywhere. */
"use strict";

((mesocosm) => {
  const STEP = 1.3;
  const NEAREST = 40;
  const HELD = 5; // CSS pixels that a pointer may move and still have clicked

  const spaceOf = (pane) => JSON.stringify([pane.meta.space, pane.meta.bounds ?? null]);

  class Gaze {
    /** Looks at the whole again. */
    gazeHome() {
      for (const pane of this.living) if (pane.view) pane.view.gaze = null;
      this.gazed();
    }

    /** Zooms by a factor around a place in the canvas (CSS pixels; default: its middle). */
    zoom(pane, factor, left = null, top = null) {
      const { view } = pane;
      view.fit();
      const { x, y, zoom } = view.gaze ?? { ...view.camera };
      const next = Math.max(view.meta.plane ? 0.25 : 1, Math.min(NEAREST, zoom * factor));
      const [right, down] = [left, top].map((at, k) => (at === null ? 0 : at * view.pixel - [view.size, view.tall][k] / 2));
      const per = view.scale / view.camera.zoom; // pixels a step at a zoom of 1
      const up = view.meta.plane ? -1 : 1;
      const shift = (1 / zoom - 1 / next) / per;
      this.look(pane, { zoom: next, x: x + right * shift, y: y + up * down * shift });
    }

    /** Moves the view by CSS pixels. */
    pan(pane, right, down) {
      const { view } = pane;
      view.fit();
      const { x, y, zoom } = view.gaze ?? { ...view.camera };
      const up = view.meta.plane ? -1 : 1;
      this.look(pane, { zoom, x: x - (right * view.pixel) / view.scale, y: y - (up * down * view.pixel) / view.scale });
    }

    look(pane, { x, y, zoom }) {
      const { view } = pane;
      const [wide, high] = view.extent;
      const held = (at, whole, seen) => {
        if (view.wraps) return ((at % whole) + whole) % whole;
        return view.meta.plane ? at : Math.max(seen / 2, Math.min(whole - seen / 2, at));
      };
      const gaze = { zoom, x: held(x, wide, wide / zoom), y: held(y, high, high / zoom) };
      const isWhole = zoom === 1 && !view.wraps && !view.meta.plane;
      const alike = spaceOf(pane);
      for (const other of this.living) if (other.view && spaceOf(other) === alike) other.view.gaze = isWhole ? null : { ...gaze };
      this.follow(false);
      this.gazed();
    }

    gazed() {
      const { gaze } = this.living[0]?.view ?? {};
      this.state.gaze = gaze ? { ...gaze } : null;
      for (const { canvas, view } of this.living) canvas.style.touchAction = view?.gaze ? "none" : "pan-y";
      this.redraw();
    }

    /** Lets pointers and wheels move the view of a pane. */
    listenForGaze(pane) {
      const { canvas } = pane;
      const held = new Map(); // pointers that are down
      let moved = 0;
      canvas.style.touchAction = "pan-y";
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        held.set(event.pointerId, event);
        moved = 0;
      });
      canvas.addEventListener("pointermove", (event) => {
        const before = held.get(event.pointerId);
        if (!before || !pane.view) return;
        const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
        if (moved < HELD && (moved = Math.max(moved, Math.hypot(dx, dy))) < HELD) return;
        canvas.setPointerCapture(event.pointerId);
        const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, one]) => one);
        held.set(event.pointerId, event);
        if (!other) return this.pan(pane, dx, dy);
        const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        const box = canvas.getBoundingClientRect();
        const [left, top] = [(event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top];
        this.zoom(pane, apart(event) / Math.max(1, apart(before)), left, top);
      });
      for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => held.delete(event.pointerId));
      canvas.addEventListener("click", (event) => moved < HELD && this.pick(pane, event));
      canvas.addEventListener("dblclick", () => this.gazeHome());
      canvas.addEventListener("wheel", (event) => {
        if (!pane.view || !(event.ctrlKey || event.metaKey || document.activeElement === canvas)) return;
        event.preventDefault();
        const box = canvas.getBoundingClientRect();
        this.zoom(pane, STEP ** (-event.deltaY / 100), event.clientX - box.left, event.clientY - box.top);
      }, { passive: false });
    }

    /** The pane that keys speak of: the one with the focus, else the first. */
    get focused() {
      return this.living.find((pane) => pane.canvas === document.activeElement) ?? this.living[0];
    }

    gazeKey(key) {
      const pane = this.focused;
      if (!pane?.view || pane.canvas.hidden) return;
      const far = mesocosm.widthOf(pane.canvas) / 8;
      const moves = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
      if (moves[key]) this.pan(pane, ...moves[key]);
      else if (key === "0") this.gazeHome();
      else this.zoom(pane, key === "-" ? 1 / STEP : STEP);
    }
  }

  const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(Gaze.prototype);
  Object.defineProperties(mesocosm.Player.prototype, methods);
})((globalThis.mesocosm ??= {}));
