/* The home: a card an experiment, the runs below. What stands in the page is shown at once; pictures and news come over
 * the socket. */
"use strict";

(() => {
  const { make, plain } = mesocosm;
  const ANEW_MS = { busy: 1000, idle: 4000 };
  const FOUND = { supported: "it holds", refuted: "it does not hold", equivalent: "no difference that matters", undecided: "undecided" };
  const MARKS = { supported: "✓", refuted: "✗", equivalent: "≈", undecided: "?" };
  const at = (id) => document.getElementById(id);
  const known = JSON.parse(at("known").textContent);
  const [cardBox, list, past, trouble, told, compare] = ["cards", "list", "past-list", "trouble", "told", "compare"].map(at);
  const state = (globalThis.__home = { cards: known.cards.length, runs: [], loops: 0, first_ms: null, chosen: [], trouble: "" });

  const say = (text) => {
    state.trouble = trouble.textContent = text;
    trouble.hidden = !text;
    if (text) trouble.scrollIntoView({ block: "nearest" });
  };
  const address = new URL("socket", location.href);
  address.protocol = "ws:";
  const line = new mesocosm.Line(address, say);
  /** Asks, and tells what was refused where it was asked; null then. */
  const ask = (what, rest = {}, tell = say) => {
    tell("");
    return line.ask({ ask: what, ...rest }).catch((error) => (tell(error.message), null));
  };

  // ------------------------------------------------------------------------------------------------------- looks

  let theme = mesocosm.readTheme(cardBox);
  const loops = new mesocosm.Loops();
  const redraw = () => {
    theme = mesocosm.readTheme(cardBox);
    loops.redraw(theme);
  };
  mesocosm.themeButton(at("theme"), redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(redraw).observe(cardBox);

  async function show(box, content, isNewest = false) {
    const source = await mesocosm.openFrames(content);
    box.replaceChildren();
    const one = new mesocosm.Loop(box, source, theme);
    if (isNewest) one.t = one.n - 1;
    loops.add(box, one);
    state.loops += 1;
    state.first_ms ??= performance.now();
  }

  // ------------------------------------------------------------------------------------------------------- cards

  const button = (text, title, act, rest = {}) => make("button", { type: "button", title, onclick: act, ...rest }, text);
  /** The word and the answer; the answer alone where it says the word. */
  const judged = (word, answer) => (answer.includes(word) ? answer : `${word[0].toUpperCase()}${word.slice(1)}: ${answer}`);
  const verdict = (word, text) => make("p", { class: `verdict ${word}` }, make("i", { "aria-hidden": "true" }, MARKS[word] ?? "·"), text);

  function cardOf(card) {
    const box = make("div", { class: "picture", "aria-hidden": "true" });
    const chosen = { preset: card.presets.some(({ name }) => name === "default") ? "default" : null };
    const seed = make("input", { type: "number", min: 0, max: 2 ** 53 - 1, value: 0, "aria-label": `Seed of ${card.name}` });
    const wish = () => ({ name: card.reference, preset: chosen.preset, seed: seed.value === "" ? null : Number(seed.value) });
    const parts = [make("h3", {}, card.title || card.name, make("code", { class: "slug", title: `mesocosm run ${card.reference}` }, card.name))];
    if (card.question) parts.push(make("p", { class: "question" }, card.question));
    if (card.found?.said) {
      const { verdict: word, answer, said } = card.found;
      const shown = verdict(word || "told", word ? judged(word, answer || said.split(":")[0]) : said);
      shown.title = `${said} (${card.found.command}, seed ${card.found.seed}, ${card.found.n} ${card.found.noun})`;
      parts.push(shown);
    } else if (card.from !== "mesocosm") parts.push(make("p", { class: "whence" }, card.from === "file" ? `your file ${card.reference}` : "of an installed package"));
    const answered = make("p", { class: "wrong", role: "alert", hidden: "" });
    const tell = (text, ...more) => {
      state.trouble = text;
      answered.hidden = !text;
      answered.replaceChildren(text, ...more);
    };
    const acts = make("div", { class: "acts" },
      button("Watch", "Let one world run here, live", (event) => go("live", wish(), event.target, "", tell), { class: "primary", "aria-label": `Watch ${card.name} live` }),
      button("Run", "Run it whole, with its controls, in the background", async () => {
        const answer = await ask("start", wish(), tell);
        if (!answer) return;
        const { run, there } = answer.said;
        if (there) return void tell(there, " ", button("Show it", "To this run, below", () => showRun(run)));
        told.textContent = `${run} has begun`;
        await anew();
        showRun(run);
      }, { "aria-label": `Run ${card.name}` }),
      make("label", { class: "seed" }, "seed ", seed));
    const tall = make("div", { class: "words" }, ...parts, presetsOf(card, chosen), answered, acts);
    const item = make("li", { class: "card", "data-name": card.name }, box, tall);
    if (card.loop) loops.watch(box, () => line.ask({ ask: "loop", name: card.name }).then(({ planes }) => show(box, planes.content)).catch(() => {}));
    else box.append(make("span", { class: "letter" }, card.name));
    return item;
  }

  function presetsOf(card, chosen) {
    if (card.presets.length < 2) return "";
    const buttons = card.presets.map(({ name, sets }) => button(name, sets || name, () => {
      chosen.preset = name;
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other.textContent === name)));
    }, { "aria-pressed": String(name === chosen.preset) }));
    return make("div", { class: "presets", role: "group", "aria-label": `Presets of ${card.name}` }, ...buttons);
  }

  /** Opens a room, and goes there, or to a page of it. */
  async function go(what, wish, pressed, page = "", tell = say) {
    pressed?.setAttribute("aria-busy", "true");
    const answer = await ask(what, wish, tell);
    pressed?.removeAttribute("aria-busy");
    if (answer) location.href = `${answer.said.room}/${page}`;
  }

  // -------------------------------------------------------------------------------------------------------- runs

  const items = new Map(); // by name: {item, key}
  const stopped = new Set(); // names of runs that were told to stop, and go on still
  const STOPPING = "is stopping: it writes a checkpoint first";

  /** Brings a run of the list into view. */
  function showRun(name) {
    const item = items.get(name)?.item;
    if (past.contains(item)) at("past").open = true;
    item?.scrollIntoView({ block: "center", behavior: loops.reduced.matches ? "auto" : "smooth" });
    item?.querySelector(".acts button")?.focus({ preventScroll: true });
  }

  function itemOf(run) {
    const box = make("div", { class: "picture small", "aria-hidden": "true" });
    loops.watch(box, () => thumb(box, run));
    const shown = make("div", { class: "run-words" });
    const chosen = make("input", { type: "checkbox", "aria-label": `Choose ${run.name}`, onchange: choose });
    chosen.value = run.name;
    return { item: make("li", { class: "run", "data-name": run.name }, chosen, box, shown), shown, box, key: "" };
  }

  async function thumb(box, run) {
    const answer = await line.ask({ ask: "thumb", name: run.name }).catch(() => null);
    if (!answer) return;
    if (answer.planes.content) await show(box, answer.planes.content, true).catch(() => {});
    else if (answer.said.ticks?.length > 1) box.replaceChildren(spark(answer.said), make("span", { class: "measure" }, answer.said.name));
  }

  /** A measure over time as a line. */
  function spark({ name, ticks, values }) {
    const create = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    const [svg, path] = [create("svg"), create("path")];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const points = values.map((value, k) => [(100 * (ticks[k] - ticks[0])) / (ticks.at(-1) - ticks[0] || 1), 92 - (84 * (value - low)) / (high - low || 1)]);
    path.setAttribute("d", `M${points.map((point) => point.map((x) => x.toFixed(1)).join(" ")).join("L")}`);
    svg.setAttribute("viewBox", "0 0 100 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.append(path);
    svg.setAttribute("data-measure", name);
    return svg;
  }

  function fill({ shown, item }, run) {
    const share = run.ticks ? Math.min(1, run.tick / run.ticks) : 0;
    const words = { starting: "is being compiled", failed: "has failed", interrupted: "was interrupted", killed: "was killed", finished: "is finished", running: "is running" };
    const goesOn = run.status === "running" || run.status === "starting";
    const stops = goesOn && stopped.has(run.name);
    if (!goesOn) stopped.delete(run.name);
    const called = [run.title, run.preset || "settings of its own", run.seed === undefined ? "" : `seed ${run.seed}`].filter(Boolean).join(", ");
    const parts = [make("h3", {}, ...(run.title ? [called, make("code", { class: "slug" }, run.name)] : [run.name]))];
    const isJudged = run.status === "running" && run.ticks && run.tick >= run.ticks && !run.live; // only its assays go on
    const progress = run.ticks && !isJudged && !run.cut && run.status !== "finished" ? `: tick ${plain(run.tick)} of ${plain(run.ticks)}` : "";
    const said = stops ? (run.ticks ? STOPPING : "is stopping") : isJudged ? "has run; controls and measurements of what came of it go on" : run.cut ? "has run; what follows it, controls and the verdict, was interrupted" : words[run.status] ?? run.status;
    parts.push(make("p", { class: "status" }, `${said}${run.replicates ? `, ${plain(run.replicates)} ${run.replicates === 1 ? "replicate" : "replicates"}` : ""}${progress}`));
    if (run.status === "running" && run.ticks) parts.push(make("progress", { max: 1, ...(isJudged ? {} : { value: share }), "aria-label": `Progress of ${run.name}` }));
    if (run.verdict) parts.push(verdict(run.verdict, run.answer ? judged(run.verdict, run.answer) : `Claimed: ${run.sentence}. Found: ${FOUND[run.verdict] ?? run.verdict}`));
    if (run.trouble) parts.push(make("p", { class: "wrong" }, run.trouble));
    const acts = make("div", { class: "acts" });
    if (run.ticks) acts.append(button("Watch", run.live ? "Back to the world as it runs" : "Look at what it recorded", (event) => go("open", { names: [run.name] }, event.target), { "aria-label": `Watch ${run.name}` }));
    if (run.report) acts.append(button("Report", "What was found, and why to believe it", (event) => go("open", { names: [run.name] }, event.target, "report"), { "aria-label": `Report of ${run.name}` }));
    if (run.ours) acts.append(button("Stop", run.ticks ? "It writes a checkpoint; it can be resumed" : "Nothing of it has run yet", () => stop(run), { "aria-label": `Stop ${run.name}`, ...(stops ? { disabled: "" } : {}) }));
    if (run.status === "interrupted" || run.status === "killed") acts.append(button("Resume", "Go on from its checkpoint", () => change("resume", run), { "aria-label": `Resume ${run.name}` }));
    if (isPast(run)) acts.append(button("Remove", "Delete its folder", (event) => remove(run, event.target), { "aria-label": `Remove ${run.name}` }));
    shown.replaceChildren(...parts, acts);
    item.dataset.status = run.status;
  }

  /** What a world that was watched live has left behind: it is folded away. */
  const isPast = (run) => run.watched && run.status === "interrupted";

  /** Removes a run once the same button has been pressed again. */
  async function remove(run, pressed) {
    if (pressed.dataset.sure) return change("remove", run);
    pressed.dataset.sure = "yes";
    pressed.textContent = "Remove for good?";
    pressed.setAttribute("aria-label", `Remove ${run.name} for good?`);
    pressed.addEventListener("blur", () => pressed.isConnected && fill(items.get(run.name), run), { once: true });
  }

  /** Tells at once that a run is being stopped: until its checkpoint is written seconds may go by. */
  async function stop(run) {
    stopped.add(run.name);
    fill(items.get(run.name), run);
    if (await change("stop", run)) return;
    stopped.delete(run.name);
    if (items.has(run.name)) fill(items.get(run.name), run);
  }

  async function change(what, { name }) {
    const answer = await ask(what, { name });
    if (answer) told.textContent = `${name}: ${{ stop: "stops", resume: "goes on", remove: "is removed" }[what]}`;
    await anew();
    return answer;
  }

  function choose() {
    state.chosen = [...at("runs").querySelectorAll("input:checked")].map(({ value }) => value);
    compare.disabled = state.chosen.length < 2;
    compare.textContent = state.chosen.length < 2 ? "Side by side" : `Side by side: ${state.chosen.length} runs`;
  }
  compare.addEventListener("click", (event) => go("open", { names: state.chosen.slice(0, 4) }, event.target));

  function showRuns(runs) {
    state.runs = runs;
    at("none").hidden = runs.length > 0;
    const names = new Set(runs.map(({ name }) => name));
    for (const [name, { item }] of items) if (!names.has(name)) item.remove(), items.delete(name), stopped.delete(name);
    const places = new Map([[list, 0], [past, 0]]);
    runs.forEach((run) => {
      const entry = items.get(run.name) ?? itemOf(run);
      items.set(run.name, entry);
      const key = JSON.stringify(run);
      if (key !== entry.key) {
        const focused = entry.shown.contains(document.activeElement) ? document.activeElement.textContent : null;
        fill(entry, run);
        if (focused) [...entry.shown.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
        if (entry.key && run.status === "finished") thumb(entry.box, run);
      }
      entry.key = key;
      const into = isPast(run) ? past : list;
      const k = places.get(into);
      places.set(into, k + 1);
      if (into.children[k] !== entry.item) into.insertBefore(entry.item, into.children[k] ?? null);
    });
    at("past").hidden = !places.get(past);
    at("past-title").textContent = `Watched live and not finished: ${plain(places.get(past))}`;
    choose();
  }

  async function anew() {
    const answer = await line.ask({ ask: "runs" }).catch(() => null);
    if (answer) showRuns(answer.said.runs);
  }

  async function keepUp() {
    const isBusy = state.runs.some(({ status }) => status === "running" || status === "starting");
    await new Promise((done) => setTimeout(done, isBusy ? ANEW_MS.busy : ANEW_MS.idle));
    if (!document.hidden) await anew();
    if (!line.isLost) keepUp();
  }

  cardBox.append(...known.cards.map(cardOf));
  showRuns(known.runs);
  keepUp();
})();
