/* The replay player: one or several worlds side by side, in step.
 *
 *   const player = mesocosm.createPlayer(element, sources, options)
 *
 * A source is {meta(), frame(t)}; `docs/report.md` says what each gives. frame may return a promise, and a source may
 * itself be a promise. Options: autoplay, speed (frames a second), trail (frames), raster_above (bodies), start,
 * chosen (called with who was selected). `player.kin` = {world, ids} rings these individuals.
 * Nothing is fetched from anywhere. */
"use strict";

((mesocosm) => {
  const { icon, make, plain } = mesocosm;
  const SPEEDS = [1, 2, 5, 10, 20, 30, 60, 120];

  class Player {
    constructor(element, sources, options) {
      this.element = element;
      this.options = { trail: 60, speed: 20, autoplay: true, start: 0, ...options };
      this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
      this.state = { tick: null, t: 0, n: 0, n_frames: 0, frames_drawn: 0, playing: false, ready: false, worlds: [] };
      Object.assign(this.state, { selected: null, following: false, colour: null, overlays: [], shown: "all" });
      Object.assign(this.state, { speed: this.options.speed, trail: 0, draw_ms: 0, error: null });
      this.overlays = new Set();
      this.turn = 0;
      Object.assign(this, mesocosm.buildControls(this, sources.length));
      globalThis.__viewer = this.state;
      this.opened = this.open(sources);
    }

    // --------------------------------------------------------------------------------------------------- worlds

    async open(sources) {
      await Promise.all(this.panes.map(async (pane, k) => {
        try {
          pane.source = await sources[k];
          pane.meta = pane.source.meta();
          pane.view = new mesocosm.View(pane.canvas, pane.meta, this.options);
          pane.title.textContent = pane.meta.title;
        } catch (error) {
          this.fail(pane, error);
        }
      }));
      this.living = this.panes.filter((pane) => pane.view);
      if (!this.living.length) return;
      this.describe();
      this.watchLooks();
      this.state.ready = true;
      await this.seek(this.options.start);
      this.showLegend();
      this.speak();
      this.begin();
    }

    /** A world that cannot be shown says so in its place; the others go on. */
    fail(pane, error) {
      pane.view = null;
      pane.message.textContent = error?.message ?? String(error);
      pane.message.hidden = false;
      pane.canvas.hidden = true;
      this.state.error = pane.message.textContent;
      this.living = this.panes.filter((other) => other.view);
    }

    describe() {
      const columns = new Map(this.living.flatMap((pane) => pane.meta.columns.map((c) => [c.name, c])));
      const fields = new Map(this.living.flatMap((pane) => pane.meta.fields.map((f) => [f.name, f])));
      this.columns = [...columns.values()];
      this.fields = [...fields.values()];
      this.highs = {};
      this.colourSelect.append(...this.columns.map((c) => make("option", { value: c.name }, c.name)));
      this.colourSelect.parentElement.hidden = this.columns.length < 2;
      this.column = this.columns.find((c) => c.words.length) ?? this.columns[0] ?? null;
      this.state.colour = this.column?.name ?? null;
      if (this.column) this.colourSelect.value = this.column.name;
      this.fields.forEach((field, k) => {
        const label = `${field.name} (key ${k + 1})`;
        const toggle = make("button", { type: "button", class: "mp-overlay", title: label }, field.name);
        toggle.addEventListener("click", () => this.overlay(k));
        this.overlayBox.append(toggle);
        this.overlays.add(field.name);
      });
      this.showOverlays();
      this.showSpeed();
    }

    watchLooks() {
      const again = () => {
        this.theme = mesocosm.readTheme(this.element);
        this.showLegend();
        this.redraw();
      };
      this.theme = mesocosm.readTheme(this.element);
      this.showLegend();
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      new ResizeObserver(() => this.redraw()).observe(this.element);
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

    get nFrames() {
      return Math.max(0, ...this.living.map((pane) => pane.source.meta().n_frames));
    }

    /** Shows frame t of every world (its last one where it has fewer). Resolves when it is drawn. */
    async seek(t) {
      if (!this.state.ready) return;
      const n = this.nFrames;
      const wanted = Math.max(0, Math.min(n - 1, Math.round(t)));
      const turn = ++this.turn;
      this.busy = true;
      const frames = await Promise.all(this.living.map((pane) => this.frameOf(pane, wanted)));
      if (turn !== this.turn) return;
      this.busy = false;
      this.living.forEach((pane, k) => frames[k] && (pane.frame = frames[k]));
      Object.assign(this.state, { t: Math.max(0, wanted), n_frames: n });
      await this.remember();
      if (turn === this.turn) this.redraw();
    }

    async frameOf(pane, t) {
      try {
        const n = pane.source.meta().n_frames;
        return n ? await pane.source.frame(Math.min(t, n - 1)) : null;
      } catch (error) {
        this.fail(pane, error);
        return null;
      }
    }

    /** Takes in that a source has more frames than before. */
    grown() {
      this.state.n_frames = this.nFrames;
      this.redraw();
    }

    play() {
      if (this.state.playing || !this.state.ready) return this;
      if (this.state.t >= this.state.n_frames - 1) this.seek(0);
      this.state.playing = true;
      this.showPlaying();
      let before = performance.now();
      let owed = 0;
      const beat = (now) => {
        if (!this.state.playing) return;
        owed = Math.min(8, owed + ((now - before) / 1000) * this.state.speed);
        before = now;
        const due = Math.floor(owed);
        if (due > 0 && !this.busy) {
          owed -= due;
          if (this.state.t >= this.state.n_frames - 1) return void this.pause();
          this.seek(this.state.t + due);
        }
        requestAnimationFrame(beat);
      };
      requestAnimationFrame(beat);
      return this;
    }

    pause() {
      this.touched = true;
      if (!this.state.playing) return this;
      this.state.playing = false;
      this.showPlaying();
      this.speak();
      return this;
    }

    toggle() {
      return this.state.playing ? this.pause() : this.play();
    }

    async step(by) {
      await this.pause().seek(this.state.t + by);
      this.speak();
    }

    faster(by) {
      const at = SPEEDS.findLastIndex((speed) => speed <= this.state.speed);
      this.state.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + by))];
      this.showSpeed();
    }

    // ----------------------------------------------------------------------------------------- one individual

    pick(pane, event) {
      if (!pane.frame || !pane.view) return;
      const box = pane.canvas.getBoundingClientRect();
      const row = pane.view.nearest(pane.frame, event.clientX - box.left, event.clientY - box.top);
      this.select(row < 0 ? null : this.panes.indexOf(pane), row < 0 ? null : pane.frame.id[row]);
    }

    /** Chooses the individual with this id in this world (counted from 0); null chooses nobody. */
    async select(world, id) {
      this.state.selected = world === null ? null : { world, id };
      if (world === null) this.follow(false);
      this.options.chosen?.(this.state.selected);
      await this.remember();
      this.redraw();
      this.speak();
    }

    /** Chooses the next individual by id, in the world that has the focus. */
    selectNext(by) {
      const focused = this.panes.findIndex((pane) => pane.canvas === document.activeElement);
      const world = focused >= 0 ? focused : this.state.selected?.world ?? this.panes.indexOf(this.living[0]);
      const ids = [...(this.panes[world]?.frame?.id ?? [])].sort((a, b) => a - b);
      if (!ids.length) return;
      const chosen = this.state.selected?.world === world ? this.state.selected.id : null;
      let at = chosen === null ? (by > 0 ? -1 : 0) : ids.findIndex((id) => id >= chosen);
      if (at < 0 && chosen !== null) at = by > 0 ? -1 : 0;
      this.select(world, ids[(at + by + ids.length) % ids.length]);
    }

    follow(on = !this.state.following) {
      this.state.following = Boolean(on && this.state.selected);
      this.redraw();
    }

    /** Where the chosen individual was in the frames before this one. */
    async remember() {
      const { selected, t } = this.state;
      const pane = selected && this.panes[selected.world];
      this.trail = [];
      if (!pane?.source) return;
      const from = Math.max(0, t - this.options.trail);
      const asked = Array.from({ length: t - from + 1 }, (_, k) => this.frameOf(pane, from + k));
      const trail = [];
      for (const frame of await Promise.all(asked)) {
        const row = frame ? frame.id.indexOf(selected.id) : -1;
        if (row < 0) trail.length = 0;
        else trail.push({ x: frame.x[row], y: frame.y[row] });
      }
      this.trail = trail;
    }

    // ------------------------------------------------------------------------------------------------- drawing

    redraw() {
      if (!this.state.ready || this.drawing) return;
      this.drawing = true; // a canvas that takes its size may call for another redraw
      const began = performance.now();
      this.living.forEach((pane) => this.drawPane(pane));
      this.drawing = false;
      this.state.draw_ms = performance.now() - began;
      this.state.frames_drawn += 1;
      this.report();
    }

    drawPane(pane) {
      const at = this.panes.indexOf(pane);
      if (!pane.frame || pane.figure.hidden) return;
      const mine = this.state.selected?.world === at;
      const row = mine ? pane.frame.id.indexOf(this.state.selected.id) : -1;
      const { camera, meta } = pane.view;
      const moves = mine && this.state.following && row >= 0;
      camera.zoom = mine && this.state.following ? 2.5 : 1;
      if (moves) Object.assign(camera, { x: pane.frame.x[row], y: pane.frame.y[row] });
      else if (camera.zoom === 1) Object.assign(camera, { x: meta.extent / 2, y: meta.extent / 2 });
      const values = pane.frame.columns[this.column?.name] ?? [];
      if (this.column && !this.column.words.length && this.column.kind !== "life") {
        let high = this.highs[this.column.name] ?? 1;
        for (let i = 0; i < values.length; i++) if (values[i] > high) high = values[i];
        this.highs[this.column.name] = high; // grows, so that colours are comparable between worlds and over time
      }
      const look = { column: this.column, highs: this.highs, overlays: this.overlays, theme: this.theme };
      pane.view.draw(pane.frame, { ...look, selected: row, kin: this.kin?.world === at ? this.kin.ids : null, trail: mine ? this.trail : [] });
    }

    /** Brings the words beside the pictures, and the state that tests read, up to date. */
    report() {
      const { state } = this;
      const drawn = this.living.filter((pane) => pane.frame);
      state.worlds = drawn.map((pane) => ({ title: pane.meta.title, tick: pane.frame.tick, n: pane.frame.n }));
      state.tick = drawn[0]?.frame.tick ?? null;
      state.n = drawn.reduce((sum, pane) => sum + pane.frame.n, 0);
      state.trail = this.trail?.length ?? 0;
      this.bar.max = Math.max(0, state.n_frames - 1);
      this.bar.value = state.t;
      const ticks = [...new Set(state.worlds.map((world) => plain(world.tick)))].join(" and ");
      this.clock.textContent = ticks ? `tick ${ticks}` : "no frames";
      this.bar.setAttribute("aria-valuetext", `${this.clock.textContent}, frame ${state.t + 1} of ${state.n_frames}`);
      for (const pane of drawn) {
        pane.count.textContent = `${plain(pane.frame.n)} living`;
        pane.canvas.setAttribute("aria-label", mesocosm.tellWorld(pane));
      }
      this.inspector.textContent = mesocosm.tellIndividual(this.panes, this.state.selected);
      this.inspector.classList.toggle("mp-chosen", Boolean(state.selected));
    }

    speak() {
      if (this.state.playing) return;
      const worlds = this.living.filter((pane) => pane.frame).map((pane) => mesocosm.tellWorld(pane));
      if (this.state.selected) worlds.push(mesocosm.tellIndividual(this.panes, this.state.selected));
      this.summary.textContent = worlds.join(" ");
    }

    // ---------------------------------------------------------------------------------------------------- looks

    colourBy(name) {
      this.column = this.columns.find((column) => column.name === name) ?? this.column;
      this.colourSelect.value = this.state.colour = this.column.name;
      this.showLegend();
      this.redraw();
    }

    overlay(k) {
      const name = this.fields[k]?.name;
      if (!name) return;
      if (!this.overlays.delete(name)) this.overlays.add(name);
      this.showOverlays();
      this.showLegend();
      this.redraw();
    }

    /** One world alone, the next one alone, all of them. */
    compare() {
      const shown = this.state.shown === "all" ? 0 : this.state.shown + 1;
      this.state.shown = shown < this.panes.length && this.panes.length > 1 ? shown : "all";
      const focused = this.panes.some((pane) => pane.canvas === document.activeElement);
      this.panes.forEach((pane, k) => (pane.figure.hidden = this.state.shown !== "all" && this.state.shown !== k));
      this.element.classList.toggle("mp-alone", this.state.shown !== "all");
      if (focused) this.panes.find((pane) => !pane.figure.hidden).canvas.focus(); // keys go on being heard
      this.redraw();
    }

    help() {
      this.helpBox.hidden = !this.helpBox.hidden;
      this.helpButton.setAttribute("aria-expanded", String(!this.helpBox.hidden));
    }

    showPlaying() {
      const { playing } = this.state;
      this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
      this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
      this.playButton.title = `${playing ? "Pause" : "Play"} (space)`;
    }

    showSpeed() {
      this.speedLabel.textContent = `${this.state.speed} frames/s`;
    }

    showOverlays() {
      this.state.overlays = [...this.overlays];
      [...this.overlayBox.children].forEach((button, k) => {
        button.setAttribute("aria-pressed", String(this.overlays.has(this.fields[k].name)));
      });
    }

    showLegend() {
      const hasSources = this.living.some((pane) => pane.frame?.sources?.x.length);
      const fields = this.fields.map((field) => (this.overlays.has(field.name) ? field : null));
      this.legend.replaceChildren(...mesocosm.legend(this.column, fields, hasSources, this.theme));
    }

    // ----------------------------------------------------------------------------------------------------- keys

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
      const isButton = event.target.tagName === "BUTTON";
      const acts = {
        " ": isButton ? null : () => this.toggle(),
        ".": () => this.step(1),
        ",": () => this.step(-1),
        "]": () => this.faster(1),
        "[": () => this.faster(-1),
        Home: () => this.pause().seek(0),
        End: () => this.pause().seek(this.state.n_frames - 1),
        f: () => this.follow(),
        n: () => this.selectNext(1),
        p: () => this.selectNext(-1),
        c: () => this.compare(),
        o: () => this.nextColour(),
        "?": () => this.help(),
        Escape: () => this.select(null),
      };
      const act = /^[1-9]$/.test(event.key) ? () => this.overlay(Number(event.key) - 1) : acts[event.key];
      if (!act || !this.state.ready) return;
      event.preventDefault();
      act();
    }

    nextColour() {
      if (!this.column) return;
      const at = this.columns.indexOf(this.column);
      this.colourBy(this.columns[(at + 1) % this.columns.length].name);
    }
  }

  /** Builds a player inside `element`. `player.state` is what `window.__viewer` shows. */
  mesocosm.createPlayer = (element, sources, options = {}) => (element.player = new Player(element, sources, options));
})((globalThis.mesocosm ??= {}));
