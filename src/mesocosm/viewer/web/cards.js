/* A small picture that moves: some frames of a world, drawn as the player draws them. It plays where it is seen, slowly
 * until somebody points at it; it stands still for whoever asked for less motion. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const SLOW = 12; // frames a second
  const FAST = 30;
  const ORBIT = 400; // frames of a way, as in the player
  const STILL = 0.7; // which frame stands for the whole, as a share of all

  /** How high a vector is so that all are seen, beside the matrices and pictures. */
  const rowOf = (box, flat) => {
    const isVector = ({ shape }) => shape?.length === 1;
    const share = ({ shape, height, width }) => (shape ? shape[0] ** 2 / shape.reduce((a, b) => a * b) : height / width);
    const others = flat.filter((one) => !isVector(one)).reduce((sum, one) => sum + 27 + (box.clientWidth - 20) * share(one), 0);
    const n = flat.filter(isVector).length;
    return n ? Math.max(40, Math.min(92, Math.floor((box.clientHeight - others) / n))) : undefined;
  };

  class Loop {
    /** `source` as of a player, whose frames are at hand; `box` takes its pictures. */
    constructor(box, source, theme) {
      Object.assign(this, { box, source, theme, speed: SLOW, owed: 0, isSeen: false, drawn: 0 });
      const meta = source.meta();
      this.meta = mesocosm.described(meta);
      this.n = meta.n_frames;
      const hasPlace = meta.fields.length && meta.space.kind !== "plane";
      const flat = [...(meta.curves ?? []), ...(meta.images ?? []), ...(hasPlace ? [] : meta.fields)];
      const canvas = (name) => box.appendChild(make("canvas", { class: name, "aria-hidden": "true" }));
      if (meta.populations.length || hasPlace) this.view = new mesocosm.View(canvas("mp-world"), this.meta, { bare: true });
      else if (flat.length) this.curves = new mesocosm.CurveView(canvas("mp-curves"), meta.curves ?? [], flat.slice(meta.curves?.length ?? 0), rowOf(box, flat));
      const [wide, high] = meta.space.extent; // of a torus any part is a whole; of all else the whole is shown
      box.classList.toggle("tall", meta.space.kind !== "torus" && wide / high <= 4 / 3);
      box.classList.toggle("flat", !this.view);
      this.column = this.meta.columns.find((c) => c.words.length) ?? this.meta.columns[0] ?? null;
      this.look = { column: this.column, highs: {}, overlays: new Set(meta.fields.map(({ name }) => name)), selected: -1, kin: null, trails: [] };
      this.t = Math.floor(STILL * (this.n - 1));
    }

    draw() {
      const frame = mesocosm.watched(this.source.frame(this.t));
      const { theme, look } = this;
      if (this.column && frame.columns[this.column.name] && !mesocosm.isClass(this.column)) mesocosm.widen(this.column, frame.columns[this.column.name], look.highs);
      this.view?.draw(frame, { ...look, theme, flows: this.drawn > 0, trails: this.ways() });
      this.curves?.draw(frame, theme);
      this.drawn += 1;
    }

    /** On a plane the way of each of a few points, as the player draws it. */
    ways() {
      const { plane } = this.meta;
      const now = plane && this.source.frame(this.t).populations[0];
      if (!now?.n || now.n > 4) return [];
      const past = Array.from({ length: Math.min(this.t, ORBIT) + 1 }, (_, k) => this.source.frame(this.t - Math.min(this.t, ORBIT) + k).populations[0]);
      return [...now.id].map((id) => past.flatMap((points) => {
        const row = points.id.indexOf(id);
        return row < 0 ? [] : [{ x: points.x[row], y: points.y[row] }];
      }));
    }

    /** A moment of `seconds` has gone by. */
    beat(seconds) {
      this.owed = Math.min(4, this.owed + seconds * this.speed);
      const due = Math.floor(this.owed);
      if (!due) return;
      this.owed -= due;
      this.t = (this.t + due) % this.n;
      this.draw();
    }
  }

  /** Plays all loops that are seen, unless less motion is wished for. */
  class Loops {
    constructor() {
      this.all = new Map(); // by their box
      this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
      this.watcher = new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) {
          const known = this.all.get(target);
          if (known) known.isSeen = isIntersecting;
          else if (isIntersecting) target.wanted?.();
        }
      }, { rootMargin: "120px" });
      let before = performance.now();
      const beat = (now) => {
        const seconds = Math.min(0.2, (now - before) / 1000);
        before = now;
        if (!this.reduced.matches && !document.hidden) for (const one of this.all.values()) if (one.isSeen) one.beat(seconds);
        requestAnimationFrame(beat);
      };
      requestAnimationFrame(beat);
    }

    /** Calls `wanted` when a box comes into view; what that adds plays from then on. */
    watch(box, wanted) {
      box.wanted = () => {
        delete box.wanted;
        wanted();
      };
      this.watcher.observe(box);
    }

    add(box, one) {
      this.all.set(box, one);
      one.draw();
      one.isSeen = true;
      const point = (speed) => () => (one.speed = speed);
      const card = box.closest("li") ?? box;
      for (const [event, speed] of [["pointerenter", FAST], ["pointerleave", SLOW], ["focusin", FAST], ["focusout", SLOW]]) card.addEventListener(event, point(speed));
      this.watcher.unobserve(box);
      this.watcher.observe(box);
    }

    redraw(theme) {
      for (const one of this.all.values()) {
        one.theme = theme;
        for (const canvas of one.box.querySelectorAll("canvas")) mesocosm.forgetWidth(canvas);
        one.draw();
      }
    }
  }

  Object.assign(mesocosm, { Loop, Loops });
})((globalThis.mesocosm ??= {}));
