/* The individual that was chosen, beside the worlds: life, genome, energy, family. A source may know more than its frames
 * (`individual(id, t)`); where it does not, all is read from the frames. */
"use strict";

((mesocosm) => {
  const { make } = mesocosm;
  const SHOWN = 12; // children named one by one
  const nobody = () => make("p", { class: "mp-nobody" }, "Click a mark, or press n: what is known of it, of its life and of its relatives appears here.");

  /** What frames tell of an individual. Reads those before t that are at hand. */
  async function fromFrames(source, id, t, which) {
    const meta = mesocosm.described(source.meta(), which);
    const who = { id, ticks: [], energy: [], children: [], relatives: [] };
    const children = new Set();
    let last = null;
    for (let k = meta.first ?? 0; k < meta.n_frames; k++) {
      const frame = mesocosm.watched(await source.frame(k), which);
      const row = frame.id?.indexOf(id) ?? -1;
      if (row >= 0) {
        who.ticks.push(frame.tick);
        if (frame.columns.energy) who.energy.push(frame.columns.energy[row]);
        if (k <= t || !last) last = { frame, row };
      }
      frame.columns.parent?.forEach((parent, i) => parent === id && children.add(frame.id[i]));
    }
    if (!last) return who;
    const { frame, row } = last;
    const { parent, lineage } = frame.columns;
    if (parent) Object.assign(who, { parent: parent[row], children: [...children] });
    if (lineage) {
      who.founder = lineage[row];
      who.relatives = [...frame.id].filter((_, i) => lineage[i] === who.founder);
      who.n_relatives = who.relatives.length;
    }
    const genes = meta.columns.filter((column) => column.kind === "gene");
    if (genes.length) who.genome = genes.map(({ name, unit }) => [name, frame.columns[name]?.[row] ?? null, unit]);
    return who;
  }

  function curve({ ticks, energy }, now, unit) {
    const create = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    const [svg, path, cursor] = [create("svg"), create("path"), create("path")];
    const [first, last] = [ticks[0], ticks.at(-1)];
    const high = energy.reduce((a, b) => Math.max(a, b), 1);
    const right = (tick) => (300 * (tick - first)) / Math.max(1, last - first);
    path.setAttribute("d", `M${ticks.map((tick, k) => `${right(tick)} ${78 - (74 * energy[k]) / high}`).join("L")}`);
    path.setAttribute("class", "mp-energy");
    cursor.setAttribute("d", now >= first && now <= last ? `M${right(now)} 0V80` : "");
    cursor.setAttribute("class", "mp-cursor");
    svg.setAttribute("viewBox", "0 0 300 80");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    const range = `tick ${mesocosm.plain(first)} to ${mesocosm.plain(last)}, at most ${mesocosm.plain(high)} ${unit}`.trimEnd();
    svg.setAttribute("aria-label", `Energy from ${range}`);
    svg.append(path, cursor);
    return [make("h3", {}, "Energy over its life"), svg, make("p", { class: "mp-nobody" }, range)];
  }

  /** Genes, [name, value, unit]: those that begin with the same words beneath a heading that says these once. */
  function genome(genes) {
    const groups = new Map();
    for (const [name, value, unit] of genes) {
      const [what, ...rest] = name.split(": ");
      const heading = rest.length ? `Genome: ${what}${unit ? ` (${unit})` : ""}` : "Genome";
      if (!groups.has(heading)) groups.set(heading, []);
      groups.get(heading).push([rest.length ? rest.join(": ") : name, value, unit, Boolean(rest.length)]);
    }
    return [...groups].flatMap(([heading, rows]) => [make("h3", {}, heading), make("div", { class: "mp-genes" }, ...rows.map(gene))]);
  }

  function gene([name, value, unit, isInHeading]) {
    const bar = make("i");
    if (unit === "%") bar.style.width = `${Math.max(0, Math.min(100, value ?? 0))}%`;
    else bar.style.visibility = "hidden";
    const text = value === null ? "none" : `${mesocosm.plain(value)}${unit && !isInHeading ? ` ${unit}` : ""}`;
    return make("div", { class: "mp-gene" }, make("span", {}, name), bar, make("span", {}, text));
  }

  function burden(carries) {
    const said = carries.map(([tick, words]) => make("p", {}, `From tick ${mesocosm.plain(tick)}: ${words}.`));
    return [make("h3", {}, "What it carries"), ...said];
  }

  function family(who, player, world) {
    const go = (id) => make("button", { type: "button", onclick: () => player.select(world, id) }, `${id}`);
    const more = who.children.length > SHOWN ? ` and ${who.children.length - SHOWN} more` : "";
    const children = who.children.slice(0, SHOWN).map(go);
    const said = [make("h3", {}, "Family"), make("p", {}, ...(who.parent ? ["parent ", go(who.parent)] : ["a founder"]))];
    said.push(make("p", {}, who.children.length ? "children " : "no children", ...children, more));
    if (who.founder !== undefined) {
      const n = mesocosm.plain(who.n_relatives);
      said.push(make("p", {}, `${n} known of founder ${who.founder}; those alive are ringed, parent and children twice.`));
    }
    return said;
  }

  /** What its columns say in this frame, in words. */
  function state(pane, id) {
    const row = pane.frame?.id?.indexOf(id) ?? -1;
    if (row < 0) return [];
    const rows = pane.meta.columns
      .filter((column) => column.kind !== "gene" && pane.frame.columns[column.name])
      .map((column) => {
        const value = pane.frame.columns[column.name][row];
        const word = mesocosm.wordOf(column, value);
        return make("div", {}, make("dt", {}, mesocosm.nameOf(column)), make("dd", {}, `${word} ${column.unit}`));
      });
    return [make("dl", {}, ...rows)];
  }

  /** Shows who was chosen, unless another was chosen meanwhile. */
  mesocosm.tellDetails = async (player) => {
    const { selected, t } = player.state;
    const box = player.details;
    const key = JSON.stringify([selected, t, player.state.tick]);
    if (selected && player.toldKey === key) return;
    player.toldKey = key;
    if (!selected) {
      player.kin = null;
      box.replaceChildren(nobody());
      return;
    }
    const pane = player.panes[selected.world];
    try {
      const { source } = pane;
      const who = source.individual && !player.which
        ? await source.individual(selected.id, t)
        : await fromFrames(source, selected.id, t, player.which);
      if (player.state.selected !== selected) return;
      const parts = [make("h2", {}, `Individual ${who.id}`)];
      if (who.born !== undefined) {
        const end = who.died === null ? "alive at the end" : `died in tick ${mesocosm.plain(who.died)}`;
        parts.push(make("p", {}, `Born in tick ${mesocosm.plain(who.born)}${source.running ? "." : `, ${end}.`}`));
      }
      parts.push(...state(pane, selected.id));
      if (who.genome?.length) parts.push(...genome(who.genome));
      if (who.carries?.length) parts.push(...burden(who.carries));
      if (who.energy?.length > 1) parts.push(...curve(who, player.state.tick, pane.meta.columns.find((c) => c.name === "energy")?.unit ?? ""));
      if (who.children) parts.push(...family(who, player, selected.world));
      box.replaceChildren(...parts);
      const near = new Set([who.parent, ...(who.children ?? [])].filter(Boolean));
      player.kin = { world: selected.world, ids: new Set(who.relatives ?? []), near };
      player.state.relatives = player.kin.ids.size;
    } catch (error) {
      if (player.state.selected === selected) box.replaceChildren(make("p", {}, error.message));
    }
    player.redraw();
  };
})((globalThis.mesocosm ??= {}));
