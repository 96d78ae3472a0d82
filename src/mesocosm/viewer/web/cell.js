/* The player in a cell of a notebook (anywidget). What is chosen and where it stands is told to Python when it pauses. */
const TOLD_MS = 500;

function render({ model, el }) {
  const place = document.createElement("div");
  el.append(place);
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
    player.pause();
  };
}

export default { render };
