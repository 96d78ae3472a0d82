/* The player in a cell of a notebook (anywidget). What is chosen and where it stands is told to Python when it pauses. */
const TOLD_MS = 500;
const DRESSED_MS = 300; // until the style of another theme is there

/** Whether a cell lies on a dark ground, whatever the system prefers; undefined where no ground is painted. */
function isOnDark(element) {
  for (let at = element; at; at = at.parentElement) {
    const text = getComputedStyle(at).backgroundColor;
    const [r, g, b, alpha = 1] = text.match(/[\d.]+/g)?.map(Number) ?? [];
    if (text.startsWith("rgb") && alpha > 0.5) return 0.3 * r + 0.6 * g + 0.1 * b < 128;
  }
  return undefined;
}

function render({ model, el }) {
  const cell = document.createElement("div");
  const place = document.createElement("div");
  cell.className = "mp-cell";
  cell.append(place);
  el.append(cell);
  const dress = () => {
    const isDark = isOnDark(el);
    if (isDark !== undefined) place.dataset.theme = isDark ? "dark" : "light";
  };
  const themes = new MutationObserver(() => setTimeout(dress, DRESSED_MS));
  [document.documentElement, document.body].forEach((root) => themes.observe(root, { attributes: true }));
  dress();
  requestAnimationFrame(dress); // once it is part of the page
  const sources = model.get("worlds").map((view) =>
    mesocosm.openFrames(new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength)),
  );
  sources.forEach((source) => source.catch(() => {})); // the player says what is wrong
  place.style.setProperty("--worlds", sources.length);
  const player = mesocosm.createPlayer(place, sources, { details: true, speed: 30 });
  const tell = () => {
    const { tick, n, t, selected, colour } = player.state;
    const state = { tick, n, t, selected, colour };
    if (JSON.stringify(state) === JSON.stringify(model.get("state"))) return;
    model.set("state", state);
    model.save_changes();
  };
  const beat = setInterval(() => !player.state.playing && tell(), TOLD_MS);
  return () => {
    clearInterval(beat);
    themes.disconnect();
    player.pause();
  };
}

export default { render };
