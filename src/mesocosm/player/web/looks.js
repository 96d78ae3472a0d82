/* The other half of the player: who is chosen, what is drawn, how it looks, keys. */
"use strict";

((mesocosm) => {
  const { icon, plain } = mesocosm;
  const ORBIT = 400; // frames of the way that is drawn on a plane
  const TOLD_MS = 700; // between two readings of the individual that is chosen
  const WORDS_MS = 250; // between two readings of anything else while it plays
  const FEW = 8; // bodies on a plane whose ways are drawn though nobody is chosen

  /** The places of one body, oldest first, from where it was last absent. */
  function wayOf(id, frames) {
    const way = [];
    for (const frame of frames) {
      const row = frame ? frame.id.indexOf(id) : -1;
      if (row < 0) way.length = 0;
      else way.push({ x: frame.x[row], y: frame.y[row] });
    }
    return way;
  }

  class Looks {
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
      this.kin = null;
      if (this.state.selected) await this.again();
      this.toldAt = performance.now();
      if (this.options.details) mesocosm.tellDetails(this);
      this.trails = await this.waysTo(this.state.t, this.living.map((pane) => pane.frame));
      this.redraw();
      this.speak();
    }

    /** Asks for the frame once more: what is needed of it has changed. */
    async again() {
      const frames = await Promise.all(this.living.map((pane) => this.frameOf(pane, this.state.t)));
      this.living.forEach((pane, k) => frames[k] && (pane.frame = frames[k]));
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

    /** Where the chosen individual was in the frames up to t; on a plane, where all were, if they are few. By pane. */
    async waysTo(t, shown) {
      const { selected } = this.state;
      const trails = new Map();
      for (const [k, pane] of this.living.entries()) {
        const isMine = selected && this.panes[selected.world] === pane;
        const isPlane = pane.meta.plane && shown[k]?.n > 0 && shown[k].n <= FEW;
        if (!isMine && !isPlane) continue;
        const from = Math.max(this.first, t - (isPlane ? ORBIT : this.options.trail));
        const asked = Array.from({ length: Math.max(0, t - from + 1) }, (_, at) => this.frameOf(pane, from + at));
        const frames = await Promise.all(asked);
        trails.set(pane, (isMine ? [selected.id] : [...shown[k].id]).map((id) => wayOf(id, frames)));
      }
      return trails;
    }

    // ------------------------------------------------------------------------------------------------- drawing

    redraw() {
      if (!this.state.ready || this.drawing || !this.isShown || !this.living.some((pane) => pane.frame)) return;
      this.drawing = true; // a canvas that takes its size may call for another redraw
      const began = performance.now();
      this.charts.refresh();
      const scales = this.scales;
      this.living.forEach((pane) => this.drawPane(pane, scales));
      this.report();
      this.charts.drawCharts();
      this.tell();
      this.tip.again();
      this.drawing = false;
      this.state.draw_ms = performance.now() - began;
      this.state.frames_drawn += 1;
    }

    /** Of each field one scale for all worlds, so that they can be compared. */
    get scales() {
      const seen = {};
      for (const [name, scale] of this.living.flatMap((pane) => Object.entries(pane.frame?.scales ?? {}))) (seen[name] ??= []).push(scale);
      return Object.fromEntries(Object.entries(seen).map(([name, scales]) => [name, mesocosm.widest(scales)]));
    }

    get canvases() {
      return [...this.panes.flatMap((pane) => [pane.canvas, pane.curveCanvas]), ...this.charts.charts.map((chart) => chart.canvas)];
    }

    /** Takes in that canvases may have another size. */
    resized(canvases = this.canvases) {
      canvases.forEach(mesocosm.forgetWidth);
      this.redraw();
    }

    drawPane(pane, scales) {
      const at = this.panes.indexOf(pane);
      if (!pane.frame || pane.figure.hidden) return;
      pane.curveView?.draw(pane.frame, this.theme);
      if (pane.canvas.hidden) return;
      const mine = this.state.selected?.world === at;
      const row = mine ? pane.frame.id.indexOf(this.state.selected.id) : -1;
      const { camera, gaze } = pane.view;
      const moves = mine && this.state.following && row >= 0;
      camera.zoom = mine && this.state.following ? Math.max(2.5, gaze?.zoom ?? 1) : gaze?.zoom ?? 1;
      if (gaze) Object.assign(camera, { x: gaze.x, y: gaze.y });
      if (moves) Object.assign(camera, { x: pane.frame.x[row], y: pane.frame.y[row] });
      const values = pane.frame.columns[this.column?.name] ?? [];
      if (this.column && !mesocosm.isClass(this.column)) mesocosm.widen(this.column, values, this.highs);
      const look = { column: this.column, highs: this.highs, overlays: this.overlays, theme: this.theme, scales };
      const kin = this.kin?.world === at ? this.kin : null;
      const flows = this.state.playing && this.way > 0;
      pane.view.draw(pane.frame, { ...look, selected: row, kin, flows, trails: this.trails.get(pane) ?? [] });
    }

    /** Brings the state that others read up to date. */
    report() {
      const { state } = this;
      const drawn = this.living.filter((pane) => pane.frame);
      state.worlds = drawn.map((pane) => ({ title: pane.meta.title, tick: pane.frame.tick, n: pane.frame.n }));
      state.tick = drawn[0]?.frame.tick ?? null;
      state.n = drawn.reduce((sum, pane) => sum + pane.frame.n, 0);
      const chosen = state.selected && this.trails.get(this.panes[state.selected.world]);
      state.trail = chosen?.[0]?.length ?? 0;
      const scales = drawn.map((pane) => Object.entries(pane.frame.scales ?? {}).join(" ")).join(" ");
      if (this.legendKey !== scales) this.showLegend();
      this.legendKey = scales;
    }

    /** Brings the words beside the pictures up to date: at once where the world stands still, else some times a second. */
    tell() {
      const { state } = this;
      const now = performance.now();
      if (state.playing && now - (this.wordsAt ?? 0) < WORDS_MS) return;
      this.wordsAt = now;
      const drawn = this.living.filter((pane) => pane.frame);
      this.charts.tell();
      this.showSpeed();
      this.bar.min = this.first;
      this.bar.max = Math.max(0, state.n_frames - 1);
      this.bar.value = state.t;
      const ticks = [...new Set(state.worlds.map((world) => plain(world.tick)))].join(" and ");
      this.clock.textContent = ticks ? `tick ${ticks}` : "no frames";
      this.bar.setAttribute("aria-valuetext", `${this.clock.textContent}, frame ${state.t + 1} of ${state.n_frames}`);
      for (const pane of drawn) {
        pane.count.textContent = mesocosm.countsOf(pane).join(", ");
        const told = mesocosm.tellWorld(pane);
        for (const canvas of [pane.canvas, pane.curveCanvas]) canvas.setAttribute("aria-label", told);
      }
      const hasBodies = this.living.some((pane) => pane.meta.population !== null);
      this.inspector.textContent = hasBodies ? mesocosm.tellIndividual(this.panes, state.selected) : "";
      this.inspector.classList.toggle("mp-chosen", Boolean(state.selected));
      if (!this.options.details || !state.selected || now - (this.toldAt ?? 0) < TOLD_MS) return;
      this.toldAt = now;
      mesocosm.tellDetails(this);
    }

    speak() {
      if (this.state.playing) return;
      const worlds = this.living.filter((pane) => pane.frame).map((pane) => mesocosm.tellWorld(pane));
      if (this.state.selected) worlds.push(mesocosm.tellIndividual(this.panes, this.state.selected));
      this.summary.textContent = worlds.join(" ");
    }

    // ---------------------------------------------------------------------------------------------------- looks

    async colourBy(name) {
      this.column = this.columns.find((column) => column.name === name) ?? this.column;
      this.colourSelect.value = this.state.colour = this.column.name;
      this.showLegend();
      await this.again();
      this.redraw();
    }

    /** Marks an end of the stretch that is saved, here. */
    mark(end) {
      this.state.stretch[end] = this.state.t;
      const [from, to] = this.stretch;
      if (from > to) this.state.stretch[1 - end] = null;
      this.saveButton.textContent = `save ${this.stretch[1] - this.stretch[0] + 1} frames`;
    }

    get stretch() {
      const [from, to] = this.state.stretch;
      return [Math.max(from ?? 0, this.first), Math.min(to ?? Infinity, this.nFrames - 1)];
    }

    /** Saves the stretch as one HTML file, where the source can. */
    async save() {
      const source = this.living.find((pane) => pane.source.save)?.source;
      if (!source) return;
      this.saveButton.disabled = true;
      try {
        const content = await source.save(...this.stretch);
        mesocosm.saveFile(`${this.options.title ?? "mesocosm"}.html`.replace(/[^\w.-]+/g, "-"), "text/html", content);
        this.state.saved += 1;
      } catch (error) {
        this.state.error = this.inspector.textContent = error.message;
      }
      this.saveButton.disabled = false;
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
      this.resized();
    }

    help() {
      if (this.helpBox.open) this.helpBox.close();
      else this.helpBox.showModal(); // over the page, wherever it has been scrolled to
      this.helpButton.setAttribute("aria-expanded", String(this.helpBox.open));
    }

    showPlaying() {
      const { playing } = this.state;
      this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
      this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
      this.playButton.title = `${playing ? "Pause" : "Play"} (space)`;
      if (this.living.some((pane) => pane.frame)) this.tell();
    }

    showSpeed() {
      this.shownSpeed = this.state.live?.speed;
      if (this.state.at_edge && this.state.live) {
        const { speed, rate } = this.state.live;
        this.speedLabel.textContent = speed ? `${plain(speed)} ticks/s` : `as fast as it computes: ${plain(rate)} ticks/s`;
        return;
      }
      this.speedLabel.textContent = `${this.state.speed} frames/s`;
    }

    showOverlays() {
      this.state.overlays = [...this.overlays];
      [...this.overlayBox.children].forEach((button, k) => {
        button.setAttribute("aria-pressed", String(this.overlays.has(this.fields[k].name)));
      });
    }

    showLegend() {
      const { scales } = this;
      const shown = this.fields.filter((field) => this.overlays.has(field.name) && scales[field.name]);
      const fields = shown.map((field) => ({ ...field, k: this.fields.indexOf(field), scale: scales[field.name] }));
      const named = (kind) => [...new Map(this.living.flatMap((pane) => pane.meta[kind] ?? []).map((one) => [one.name, one])).values()];
      const populations = named("populations").map((told, k) => ({ ...told, k, isWatched: told.name === this.state.watched }));
      this.legend.replaceChildren(...mesocosm.legend(this.column, fields, populations, named("graphs"), this.theme));
      const isOne = this.panes.length === 1 && !this.panes[0].canvas.hidden;
      this.stage.classList.toggle("mp-beside", isOne && (this.legend.children.length > 0 || this.side.children.length > 1));
    }

    // ----------------------------------------------------------------------------------------------------- keys

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || ["SELECT", "INPUT"].includes(event.target.tagName) && event.target.type !== "range") return;
      const isButton = event.target.tagName === "BUTTON";
      const acts = {
        " ": isButton ? null : () => this.toggle(),
        r: () => this.reverse(),
        ".": () => this.step(1),
        ",": () => this.step(-1),
        "]": () => this.faster(1),
        "[": () => this.faster(-1),
        Home: () => this.pause().seek(this.first),
        End: () => this.pause().seek(Infinity),
        f: () => this.follow(),
        n: () => this.selectNext(1),
        p: () => this.selectNext(-1),
        c: () => this.compare(),
        b: () => this.mark(0),
        e: () => this.mark(1),
        s: () => this.save(),
        o: () => this.nextColour(),
        w: () => this.watchNext(),
        "?": () => this.help(),
        Escape: () => this.select(null),
      };
      const isGaze = /^([-+=0]|Arrow\w+)$/.test(event.key) && !["INPUT", "SELECT"].includes(event.target.tagName);
      if (isGaze && this.state.ready && this.isShown && !this.helpBox.open) {
        event.preventDefault();
        return void this.gazeKey(event.key);
      }
      const act = /^[1-9]$/.test(event.key) ? () => this.overlay(Number(event.key) - 1) : acts[event.key];
      if (!act || !this.state.ready || !this.isShown || (this.helpBox.open && event.key !== "?")) return;
      event.preventDefault();
      event.stopPropagation(); // a notebook has keys of its own
      act();
    }

    watchNext() {
      const { options, selectedIndex: at, parentElement: label } = this.watchSelect;
      if (!label.hidden) this.watch(options[(at + 1) % options.length].value);
    }

    nextColour() {
      if (!this.column) return;
      const at = this.columns.indexOf(this.column);
      this.colourBy(this.columns[(at + 1) % this.columns.length].name);
    }
  }

  const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(Looks.prototype);
  Object.defineProperties(mesocosm.Player.prototype, methods);
})((globalThis.mesocosm ??= {}));
