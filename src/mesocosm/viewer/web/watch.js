/* The page of `mesocosm watch`: the player, and beside it the individual that was chosen. */
"use strict";

(() => {
  const { make, plain } = mesocosm;
  const SHOWN = 12; // children named one by one
  const place = document.getElementById("player");
  const aside = document.getElementById("individual");
  const trouble = document.getElementById("trouble");
  const n = Number(place.dataset.worlds);
  place.style.setProperty("--worlds", n);

  const say = (text) => {
    trouble.textContent = text;
    trouble.hidden = false;
    if (globalThis.__viewer) globalThis.__viewer.trouble = text;
  };
  const address = new URL("socket", location.href);
  address.protocol = "ws:";
  const line = new mesocosm.Line(address, say);
  let player = null;
  const changed = () => player?.grown();
  const worlds = Array.from({ length: n }, (_, k) => mesocosm.openRemote(line, k, changed));
  worlds.forEach((world) => world.catch(() => {})); // the player says what is wrong
  player = mesocosm.createPlayer(place, worlds, { speed: 30, chosen: (selected) => tell(selected) });

  function curve({ ticks, energy }) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const [first, last, high] = [ticks[0], ticks.at(-1), energy.reduce((a, b) => Math.max(a, b), 1)];
    const at = (k) => `${(300 * (ticks[k] - first)) / Math.max(1, last - first)} ${78 - (74 * energy[k]) / high}`;
    path.setAttribute("d", `M${ticks.map((_, k) => at(k)).join("L")}`);
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", "var(--bar)");
    path.setAttribute("stroke-width", "1.6");
    path.setAttribute("vector-effect", "non-scaling-stroke");
    svg.setAttribute("viewBox", "0 0 300 80");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    const range = `tick ${plain(first)} to ${plain(last)}, at most ${plain(high)} quanta`;
    svg.setAttribute("aria-label", `Energy from ${range}`);
    svg.append(path);
    return [make("h3", {}, "Energy over its life"), svg, make("p", { class: "nobody" }, range)];
  }

  function genes(genome) {
    const rows = genome.map(([name, chance]) => {
      const bar = make("i");
      bar.style.width = `${100 * chance}%`;
      return make("div", { class: "gene" }, make("span", {}, name), bar, make("span", {}, chance.toFixed(2)));
    });
    return [make("h3", {}, "Genome: probability of tumbling"), ...rows];
  }

  function burden(carries) {
    const said = carries.map(([tick, words]) => make("p", {}, `From tick ${plain(tick)}: ${words}.`));
    return [make("h3", {}, "What it carries"), ...said];
  }

  function family(who, world) {
    const go = (id) => make("button", { type: "button", onclick: () => player.select(world, id) }, `${id}`);
    const said = [make("h3", {}, "Family")];
    const parent = who.parent ? ["parent ", go(who.parent)] : ["a founder"];
    const children = who.children.slice(0, SHOWN).map(go);
    const more = who.children.length > SHOWN ? ` and ${who.children.length - SHOWN} more` : "";
    said.push(make("p", { class: "kin" }, ...parent));
    said.push(make("p", { class: "kin" }, who.children.length ? "children " : "no children", ...children, more));
    said.push(make("p", {}, `${plain(who.relatives.length)} of founder ${who.founder} ever lived; those alive are ringed.`));
    return said;
  }

  /** Shows who was chosen, unless another was chosen meanwhile. */
  async function tell(selected) {
    player.kin = null;
    if (!selected) {
      aside.replaceChildren(make("p", { class: "nobody" }, "Click a body: its genome, its energy, and its relatives appear here."));
      return;
    }
    try {
      const who = await (await worlds[selected.world]).individual(selected.id);
      if (player.state.selected !== selected) return;
      const parts = [make("h2", {}, `Individual ${who.id}`)];
      if (who.born !== undefined) {
        const end = who.died === null ? "alive at the end" : `died in tick ${plain(who.died)}`;
        parts.push(make("p", {}, `Born in tick ${plain(who.born)}, ${end}.`));
      }
      if (who.genome) parts.push(...genes(who.genome));
      if (who.carries) parts.push(...burden(who.carries));
      if (who.energy?.length > 1) parts.push(...curve(who));
      if (who.relatives) parts.push(...family(who, selected.world));
      aside.replaceChildren(...parts);
      player.kin = { world: selected.world, ids: new Set(who.relatives ?? []) };
      player.state.relatives = player.kin.ids.size;
      player.redraw();
    } catch (error) {
      aside.replaceChildren(make("p", {}, error.message));
    }
  }
})();
