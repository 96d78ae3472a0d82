/* The replay player: one or several worlds side by side, in step.
 *
 *   const player = mesocosm.createPlayer(element, sources, options)
 *
 * A source is {meta(), frame(t, want)}; `docs/reference/report.md` says what each gives. frame may return a promise, and a source
 * may itself be a promise. Options: autoplay, loop, speed (frames a second), trail (frames), raster_above (bodies),
 * start, details (whether the individual that is chosen is told beside the worlds). What is drawn, and keys: `looks.js`.
 * Nothing is fetched from anywhere. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const WAYS_MS = 50;
  const SPEEDS = [1, 2, 5, 10, 20, 30, 60, 120];

  const NONE = new Int32Array(0);
  const NOBODY = { n: 0, id: NONE, x: NONE, y: NONE, columns: {} };

  /** A frame with the population that is watched at hand: `id`, `x`, `y`, `n`, `columns`, `heading`. */
  const watched = (frame, which = 0) => ({ ...frame, ...(frame.populations[which] ?? NOBODY) });

  /** A description with what concerns that population at hand. */
  const described = (meta, which = 0) => {
    const { name = null, columns = [] } = meta.populations[which] ?? {};
    return { ...meta, which, population: name, columns, plane: meta.space.kind === "plane" };
  };

  class Player {
    constructor(element, sources, options) {
      this.element = element;
      this.options = { trail: 60, speed: 20, autoplay: true, start: 0, ...options };
      this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
      this.state = { tick: null, t: 0, n: 0, n_frames: 0, frames_drawn: 0, playing: false, ready: false, worlds: [] };
      Object.assign(this.state, { selected: null, following: false, colour: null, gaze: null, told: null, overlays: [], shown: "all" });
      Object.assign(this.state, { speed: this.options.speed, trail: 0, draw_ms: 0, error: null, stretch: [null, null] });
      Object.assign(this.state, { live: null, at_edge: false, saved: 0, watched: null });
      this.which = 0; // the number of the population that is watched
      this.overlays = new Set();
      this.turn = 0;
      this.way = 1; // -1: time runs backward
      this.trails = new Map();
      Object.assign(this, mesocosm.buildControls(this, sources.length));
      this.tip = new mesocosm.Tip(this);
      for (const pane of this.panes) this.tip.listen(pane.canvas, (left, top) => mesocosm.probe(this, pane, left, top));
      for (const pane of this.panes) this.tip.listen(pane.curveCanvas, (left, top) => pane.curveView?.probe(left, top, pane.frame) ?? []);
      this.sizes = new ResizeObserver((entries) => this.resized(entries.map((entry) => entry.target)));
      this.charts = new mesocosm.Charts(this.chartBox, this);
      this.details.hidden = !this.options.details;
      this.inspector.hidden = Boolean(this.options.details);
      if (this.options.details) mesocosm.tellDetails(this);
      element.classList.toggle("mp-detailed", Boolean(this.options.details));
      globalThis.__viewer = this.state;
      this.opened = this.open(sources);
    }

    // --------------------------------------------------------------------------------------------------- worlds

    async open(sources) {
      await Promise.all(this.panes.map(async (pane, k) => {
        try {
          pane.source = await sources[k];
          pane.meta = described(pane.source.meta());
          pane.view = new mesocosm.View(pane.canvas, pane.meta, this.options);
          pane.title.textContent = pane.meta.title;
          this.arrange(pane);
        } catch (error) {
          this.fail(pane, error);
        }
      }));
      this.living = this.panes.filter((pane) => pane.view);
      if (!this.living.length || !this.isShown) return;
      this.details.hidden ||= this.living.every((pane) => !pane.meta.columns.length);
      this.element.classList.toggle("mp-detailed", !this.details.hidden);
      this.running = this.living.length === 1 ? this.living[0].source.running ?? null : null;
      this.charts.areAll = this.living.every((pane) => pane.canvas.hidden && pane.curveCanvas.hidden);
      this.element.classList.toggle("mp-numbers", this.charts.areAll);
      this.describe();
      this.watchLooks();
      this.state.ready = true;
      await this.seek(this.running ? this.nFrames - 1 : this.options.start);
      this.showLegend();
      this.speak();
      this.begin();
    }

    /** Shows only the pictures that a world has something for. */
    arrange(pane) {
      const { meta } = pane;
      const hasPlace = meta.fields.length && !meta.plane; // a field on a plane lies nowhere: it is a picture beneath
      pane.canvas.hidden = meta.population === null && !hasPlace;
      const beneath = [...(meta.curves ?? []), ...(meta.images ?? []), ...(meta.plane ? meta.fields : [])];
      if (!beneath.length) return;
      pane.curveCanvas.hidden = false;
      if (this.panes.length === 1 && !pane.canvas.hidden) this.side.append(pane.curveCanvas); // beside the world
      pane.curveView = new mesocosm.CurveView(pane.curveCanvas, meta.curves ?? [], beneath.slice(meta.curves?.length ?? 0));
    }

    /** A world that cannot be shown says so in its place; the others go on. */
    fail(pane, error) {
      pane.view = null;
      pane.message.textContent = error?.message ?? String(error);
      pane.message.hidden = false;
      pane.canvas.hidden = pane.curveCanvas.hidden = true;
      this.state.error = pane.message.textContent;
      this.living = this.panes.filter((other) => other.view);
    }

    describe() {
      const marks = this.living.flatMap((pane) => pane.meta.populations.filter(({ look }, k) => !k || look !== "rings"));
      const names = [...new Set(marks.map(({ name }) => name))]; // rings are places, and no one's
      this.watchSelect.append(...names.map((name) => make("option", { value: name }, mesocosm.nameOf({ name }))));
      this.watchSelect.parentElement.hidden = names.length < 2 || this.living.length > 1;
      const fields = new Map(this.living.flatMap((pane) => pane.meta.fields.map((f) => [f.name, f])));
      this.fields = [...fields.values()];
      this.describeColumns();
      this.fields.forEach((field, k) => {
        const name = mesocosm.nameOf(field);
        const toggle = make("button", { type: "button", class: "mp-overlay", title: `Show or hide ${name} (key ${k + 1})` }, name);
        toggle.addEventListener("click", () => this.overlay(k));
        this.overlayBox.append(toggle);
        this.overlays.add(field.name);
      });
      this.saveButton.hidden = !this.living.some((pane) => pane.source.save);
      this.showOverlays();
      this.showSpeed();
    }

    /** What the population that is watched can be coloured by. */
    describeColumns() {
      const columns = new Map(this.living.flatMap((pane) => pane.meta.columns.map((c) => [c.name, c])));
      this.columns = [...columns.values()];
      this.highs = {};
      this.colourSelect.replaceChildren(...mesocosm.optionsOf(this.columns));
      this.colourSelect.parentElement.hidden = this.columns.length < 2;
      this.column = this.columns.find((c) => c.words.length) ?? this.columns[0] ?? null;
      this.state.colour = this.column?.name ?? null;
      if (this.column) this.colourSelect.value = this.column.name;
      this.state.watched = this.living[0]?.meta.population ?? null;
    }

    /** Watches another population of a world: it can be clicked, and coloured by its own columns. */
    async watch(name) {
      const [pane] = this.living;
      this.which = Math.max(0, pane.meta.populations.findIndex((population) => population.name === name));
      this.watchSelect.value = name;
      pane.meta = pane.view.meta = described(pane.source.meta(), this.which);
      this.describeColumns();
      await this.select(null);
      await this.again();
      this.showLegend();
      this.redraw();
    }

    watchLooks() {
      const read = () => {
        this.theme = mesocosm.readTheme(this.element);
        if (this.panes.length > 1) // each world in the colour of its lines in the charts
          this.panes.forEach(({ title }, k) => (title.style.borderBottom = `2px solid ${this.theme.classes[k % 7]}`));
        this.showLegend();
      };
      const again = () => {
        read();
        this.redraw();
      };
      read();
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
      const themes = new MutationObserver(again);
      [document.documentElement, this.element].forEach((element) => themes.observe(element, { attributeFilter: ["data-theme"] }));
      [this.element, ...this.canvases].forEach((element) => this.sizes.observe(element));
    }

    /** Plays when first seen, unless the reader asked for less motion. */
    begin() {
      if (!this.options.autoplay || this.reduced.matches || this.state.n_frames < 2) return;
      const observer = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        if (!this.touched) this.play();
      }, { threshold: 0.4 });
      observer.observe(this.element);
    }

    // ----------------------------------------------------------------------------------------------------- time

    /** Whether no other player has taken its place. */
    get isShown() {
      return this.element.player === this;
    }

    get nFrames() {
      return Math.max(0, ...this.living.map((pane) => pane.source.meta().n_frames));
    }

    /** The first frame that is still at hand. */
    get first() {
      return Math.min(...this.living.map((pane) => pane.source.meta().first ?? 0));
    }

    /** The frame that was the newest at a tick. */
    frameAt(tick) {
      const meta = this.living[0].source.meta();
      const ticks = meta.ticks ?? [];
      const at = ticks.findLastIndex((taken) => taken <= tick);
      return (meta.first ?? 0) + Math.max(0, at);
    }

    /** Shows frame t of every world (its last one where it has fewer). Resolves when it is drawn. */
    async seek(t) {
      if (!this.state.ready) return;
      const n = this.nFrames;
      const wanted = Math.max(this.first, Math.min(n - 1, Math.round(t)));
      if (wanted < n - 1) this.state.at_edge = false; // at once: the newest frame may come before this one
      const turn = ++this.turn;
      this.busy = true;
      const frames = await Promise.all(this.living.map((pane) => this.frameOf(pane, wanted)));
      if (turn !== this.turn) return;
      let isLate = false; // the ways of bodies may need many frames: the picture does not wait for them
      const ways = this.waysTo(wanted, frames).then((trails) => {
        if (turn !== this.turn) return;
        this.trails = trails;
        if (isLate) this.redraw();
      });
      await (this.drawsWays ? Promise.race([ways, new Promise((done) => setTimeout(done, WAYS_MS))]) : ways);
      if (turn !== this.turn) return;
      this.busy = false;
      isLate = true;
      this.living.forEach((pane, k) => frames[k] && (pane.frame = frames[k]));
      Object.assign(this.state, { t: Math.max(0, wanted), n_frames: n, first: this.first });
      if (this.running) this.arrive(wanted >= n - 1);
      this.redraw();
    }

    get drawsWays() {
      return this.state.selected !== null || this.living.some((pane) => pane.meta.plane);
    }

    async frameOf(pane, t) {
      try {
        const { n_frames: n, first = 0 } = pane.source.meta();
        const at = Math.max(first, Math.min(t, n - 1));
        return n > first ? watched(await pane.source.frame(at, this.wanted(pane)), this.which) : null;
      } catch (error) {
        this.fail(pane, error);
        return null;
      }
    }

    /** The columns that are needed of a world: of many bodies only what is drawn. */
    wanted(pane) {
      if ((pane.frame?.n ?? 0) <= 5000 || this.state.selected || this.which) return null;
      const words = pane.meta.columns.filter((column) => column.words.length).map((column) => column.name);
      return [...new Set([this.column?.name, ...words].filter(Boolean))];
    }

    /** Takes in that a source has more frames than before. */
    grown() {
      this.state.n_frames = this.nFrames;
      this.redraw();
    }

    play() {
      if (this.state.playing || !this.state.ready) return this;
      if (this.running && this.state.at_edge && !["ended", "died"].includes(this.state.live?.status)) {
        this.running.wish("play");
        return this;
      }
      if (this.way > 0 ? this.state.t >= this.state.n_frames - 1 : this.state.t <= this.first) {
        this.state.at_edge = false;
        this.seek(this.begins);
      }
      this.state.playing = true;
      this.showPlaying();
      let before = performance.now();
      let owed = 0;
      const beat = (now) => {
        if (!this.state.playing || this.state.at_edge) return;
        owed = Math.min(8, owed + ((now - before) / 1000) * this.state.speed);
        before = now;
        const due = Math.floor(owed);
        if (due > 0 && !this.busy) {
          owed -= due;
          const isLast = this.way > 0 ? this.state.t >= this.state.n_frames - 1 : this.state.t <= this.first;
          if (isLast && !(this.options.loop === "untouched" ? !this.touched : this.options.loop)) return void this.pause();
          this.seek(isLast ? this.begins : this.state.t + this.way * due);
        }
        requestAnimationFrame(beat);
      };
      requestAnimationFrame(beat);
      return this;
    }

    /** A running world: at its newest frame the page goes on with it; elsewhere it looks back, and the world waits. */
    arrive(atEdge) {
      if (this.state.at_edge === atEdge) return;
      this.state.at_edge = atEdge;
      if (!atEdge) return;
      this.state.playing = false;
      this.keepUp();
    }

    /** Draws the newest frame, again and again: the next is asked for when this one is drawn. */
    async keepUp() {
      if (this.keepsUp) return;
      this.keepsUp = true;
      const pane = this.living[0];
      while (this.state.at_edge && pane.view) {
        const t = await pane.source.newest(this.state.t, this.wanted(pane)).catch(() => null);
        this.heard();
        if (t === null) {
          if (pane.source.isLost) break;
        } else if (this.state.at_edge) {
          await this.seek(t);
          const { at } = pane.frame;
          if (at) this.state.latency_ms = Date.now() - 1000 * at;
          await new Promise((done) => requestAnimationFrame(done));
        }
      }
      this.keepsUp = false;
    }

    /** Takes in what a running world is doing. */
    heard() {
      const live = this.running.state();
      this.state.live = live;
      if (this.state.at_edge) {
        const playing = live.status === "playing" || live.status === "starting";
        if (playing !== this.state.playing) {
          this.state.playing = playing;
          this.showPlaying();
          this.speak();
        }
        if (this.state.t > this.nFrames - 1) this.seek(this.nFrames - 1); // it was set back
      }
      if (live.speed !== this.shownSpeed) this.showSpeed();
      this.options.heard?.(live);
    }

    pause() {
      this.touched = true;
      if (this.running && this.state.at_edge) this.running.wish("pause");
      if (!this.state.playing) return this;
      this.state.playing = false;
      this.showPlaying();
      this.speak();
      return this;
    }

    /** The frame at which a film begins that runs the way that is chosen. */
    get begins() {
      return this.way > 0 ? this.first : this.nFrames - 1;
    }

    /** Turns the film round, and plays it; of a world that runs, what is over. */
    reverse() {
      this.way = -this.way;
      this.state.backward = this.way < 0;
      this.backButton.setAttribute("aria-pressed", String(this.way < 0));
      if (this.way < 0 && this.running && this.state.at_edge) this.pause().seek(this.state.t - 1);
      return this.play();
    }

    toggle() {
      return this.state.playing ? this.pause() : this.play();
    }

    async step(by) {
      if (by > 0 && this.running && this.state.at_edge) {
        this.touched = true;
        return void this.running.wish("step");
      }
      await this.pause().seek(this.state.t + by);
      this.speak();
    }

    faster(by) {
      if (this.running && this.state.at_edge) return void this.running.faster(by);
      const at = SPEEDS.findLastIndex((speed) => speed <= this.state.speed);
      this.state.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + by))];
      this.showSpeed();
    }
  }

  Object.assign(mesocosm, { Player, watched, described });
  /** Builds a player inside `element`. `player.state` is what `window.__viewer` shows. */
  mesocosm.createPlayer = (element, sources, options = {}) => (element.player = new Player(element, sources, options));
})((globalThis.mesocosm ??= {}));
