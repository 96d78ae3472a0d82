/* A running world as a source: its frames so far, its newest one, and what is wished of it. Frames come over a line of
 * their own, one at a time: the next is asked for when the one before is drawn. */
"use strict";

((mesocosm) => {
  const { make, plain } = mesocosm;
  const SPEEDS = [1, 2, 5, 10, 30, 60, 120, 300, 1000, null]; // ticks a second; null: as fast as it computes

  const ECHO_MS = 1500;
  const TAKEN_MS = 3000;
  const TOLD_MS = 250; // between two readings of a world that runs

  /** World k of the server, running; `said` is told what goes wrong. */
  async function openRunning(line, frames, world, said) {
    const describe = async () => (await line.ask({ ask: "meta", world })).said;
    let meta = await describe();
    const kept = new mesocosm.Kept();
    const source = { meta: () => meta, ...mesocosm.basics(line, world, kept) };
    let serial = meta.serial;

    function add(now) {
      const { first, n_frames: n, epoch, live, series } = now;
      if (epoch !== meta.epoch) kept.clear();
      meta = { ...meta, first, n_frames: n, epoch, live };
      while (meta.ticks.length && meta.ticks.length > n - first - (series ? 1 : 0)) meta.ticks.pop();
      if (series) append(meta, now.tick, series);
      serial = now.serial;
    }

    /** The next frame behind frame `after` as its number; null where there is none yet. */
    source.newest = async (after, want) => {
      const before = meta.live.run;
      const answer = await frames.ask({ ask: "newest", world, after: Math.min(after, meta.n_frames - 1), serial, want });
      const now = answer.said;
      add(now);
      if (now.live.run !== before && before !== undefined) meta = await describe();
      if (now.t === undefined) return null;
      kept.put(now.t, want ?? null, mesocosm.asFrame(answer));
      return now.t;
    };
    Object.defineProperty(source, "isLost", { get: () => frames.isLost });

    let wished = { speed: 0, at: -ECHO_MS };
    const wish = (what, rest = {}) => line.ask({ ask: "do", world, what, ...rest }).catch((error) => said(error.message));
    source.running = {
      wish,
      state: () => meta.live,
      faster(by) {
        const isFresh = performance.now() - wished.at < ECHO_MS; // what was wished a moment ago is not yet told
        const now = isFresh ? wished.speed : SPEEDS.indexOf(meta.live.speed ?? null);
        const speed = Math.max(0, Math.min(SPEEDS.length - 1, (now < 0 ? 4 : now) + by));
        wished = { speed, at: performance.now() };
        wish("speed", { ticks_per_second: SPEEDS[speed] });
      },
    };
    return source;
  }

  function append(meta, tick, values) {
    meta.ticks.push(tick);
    if (meta.ticks.length > meta.n_frames - meta.first) meta.ticks.splice(0, meta.ticks.length - (meta.n_frames - meta.first));
    for (const [name, value] of Object.entries(values)) {
      const [ticks, line] = (meta.series[name] ??= [[], []]);
      while (ticks.length && ticks.at(-1) >= tick) [ticks.pop(), line.pop()];
      ticks.push(tick);
      line.push(value);
      if (ticks.length < 4000) continue;
      for (const list of [ticks, line]) list.splice(0, list.length, ...list.filter((_, k) => k % 2 === 0));
    }
  }

  /** The panel of a running world: what it is, snapshots, beginning again, a slider for all that can be changed. */
  class Panel {
    constructor(box, source) {
      this.running = source.running;
      const { wish } = source.running;
      const button = (text, title, act) => make("button", { type: "button", title, onclick: act }, text);
      this.status = make("p", { class: "run" });
      this.tick = make("input", { type: "number", min: 0, placeholder: "now", "aria-label": "At tick" });
      this.when = make("label", { class: "at", title: "Changes take effect at this tick; empty: at once" }, "changes take effect at tick ", this.tick);
      this.changed = make("ul", { class: "changed-list", "aria-label": "Changes so far" });
      this.snapshots = make("select", { "aria-label": "Snapshot" });
      this.sliders = make("div", { class: "sliders" });
      this.rows = new Map();
      this.back = make("span", { hidden: "" }, this.snapshots,
        button("branch", "Go on from this snapshot, as a run of its own", () => wish("branch", { snapshot: this.snapshots.value })));
      this.presets = make("p", { class: "presets", role: "group", "aria-label": "Presets", hidden: "" });
      const again = make("p", {},
        button("again", "Begin again with the same seed", () => wish("reset", { seed: "same" })),
        button("again, new seed", "Begin again with the next seed", () => wish("reset", { seed: "new" })),
        button("snapshot", "Keep the run as it is now, to branch from", () => wish("snapshot")), this.back);
      box.addEventListener("keydown", (event) => event.target.type === "range" && event.stopPropagation()); // its own keys
      this.slot = make("div", {}); // for what is known of who is chosen
      box.replaceChildren(this.status, again, this.presets, this.slot, this.when, this.sliders, this.changed);
    }

    change(field, value) {
      setTimeout(() => (this.key = null), TAKEN_MS); // by then it is in force, or stands in the box no longer
      this.running.wish("change", { field, value, tick: this.tick.value === "" ? null : Number(this.tick.value) });
    }

    /** A button a preset: the world begins again as it says. */
    offer(presets, chosen) {
      this.presets.hidden = presets.length < 2;
      this.presets.replaceChildren("begin again as", ...presets.map(({ name, sets }) =>
        make("button", { type: "button", title: sets, "aria-pressed": String(name === chosen), onclick: () => this.running.wish("preset", { preset: name }) }, name)));
    }

    /** A row a parameter, beneath the name of what it belongs to. */
    build(parameters) {
      this.rows.clear();
      const groups = new Map();
      for (const parameter of parameters) {
        const [group, name] = parameter.field.includes(".") ? parameter.field.split(/\.(.*)/s) : ["", parameter.field];
        if (!groups.has(group)) groups.set(group, []);
        const row = new mesocosm.Slider(parameter, name, (value) => this.change(parameter.field, value));
        this.rows.set(parameter.field, row);
        groups.get(group).push(row.item);
      }
      this.sliders.replaceChildren(...[...groups].flatMap(([group, rows]) => [...(group ? [make("h2", {}, group)] : []), make("ul", {}, ...rows)]));
      this.when.hidden = !parameters.length;
    }

    show(live) {
      const now = performance.now();
      if (live.status === "playing" && this.told === live.run && now - this.toldAt < TOLD_MS) return;
      Object.assign(this, { told: live.status === "playing" ? live.run : null, toldAt: now });
      const { status, run = "", seed, tick, ticks, interventions = [], scheduled = [], snapshots = [], parameters = [], presets = [], preset = "", trouble } = live;
      const words = { starting: "is being compiled", playing: "is running", paused: "waits", ended: "has ended", died: "has died" };
      this.status.setAttribute("aria-live", status === "playing" ? "off" : "polite"); // no speech several times a second
      this.status.textContent = `${run} ${words[status]}, to tick ${plain(ticks ?? 0)} at most${seed === undefined ? "" : `, seed ${seed}`}`;
      const inForce = scheduled.filter(([from]) => from <= tick);
      const key = JSON.stringify([run, parameters, interventions, snapshots, inForce.length, trouble, preset]);
      if (key === this.key) return;
      this.key = key;
      const fields = parameters.map(({ field }) => field).join();
      if (fields !== this.fields) this.build(parameters);
      this.fields = fields;
      this.offer(presets, preset);
      for (const { field, value } of parameters) this.rows.get(field).show(inForce.findLast(([, changed]) => changed === field)?.[2] ?? value);
      this.changed.replaceChildren(...interventions.map((text) => make("li", {}, text)));
      this.snapshots.replaceChildren(...snapshots.map((name) => make("option", { value: name }, name)));
      this.back.hidden = !snapshots.length;
    }
  }

  Object.assign(mesocosm, { openRunning, Panel });
})((globalThis.mesocosm ??= {}));
