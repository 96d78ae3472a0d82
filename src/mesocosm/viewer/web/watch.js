/* The page of `mesocosm watch`: the player over what the server shows, recorded or running. */
"use strict";

(() => {
  const ASK_MS = 250;
  const TOLD_S = 5; // between two sentences on how long it has taken
  const [place, first, trouble, waits, side] = ["player", "first", "trouble", "waits", "side"].map((id) =>
    document.getElementById(id),
  );
  const n = Number(place.dataset.worlds);
  const isLive = place.dataset.live === "live";
  const title = document.title.replace(" · mesocosm", "");
  place.style.setProperty("--worlds", n === 4 ? 1.5 : n); // four stand two by two

  mesocosm.themeButton(document.getElementById("theme"));
  let told = null;
  let stays = 0;
  /** Tells what is wrong, at least so long; an empty text: nothing is. */
  const say = (text, ms = 0) => {
    if (!text && performance.now() < stays) return;
    stays = performance.now() + ms;
    if (ms) setTimeout(() => told === text && say(""), ms + 100);
    if (globalThis.__viewer) globalThis.__viewer.trouble = text;
    if (text === told) return; // every answer says it again
    told = trouble.textContent = text;
    trouble.hidden = !text;
  };
  const address = new URL("socket", location.href);
  address.protocol = "ws:";
  const open = () => new mesocosm.Line(address, say);
  const line = open();

  let player = null;
  document.addEventListener("keydown", (event) => {
    if (!place.contains(event.target)) player?.key(event);
  });

  /** After a click with the pointer keys belong to the player again: space plays, and does not press the button anew. */
  document.addEventListener("click", (event) => {
    const isPressed = event.detail > 0 && event.target.closest?.("button") && !document.querySelector("dialog[open]");
    if (isPressed) place.focus({ preventScroll: true });
  });

  function show(sources, options) {
    player = mesocosm.createPlayer(place, sources, { speed: 30, details: true, title, ...options });
    player.opened.then(() => {
      const pane = player.living?.[0];
      if (pane) first.replaceChildren(...mesocosm.firstLine(pane.meta));
      if (document.activeElement === document.body) place.focus({ preventScroll: true }); // keys are heard at once
    });
    return player;
  }

  async function recorded() {
    const wait = (text) => ([waits.textContent, waits.hidden] = [text, false]);
    const worlds = Array.from({ length: n }, (_, k) => mesocosm.openRemote(line, k, () => player?.grown(), wait));
    await Promise.allSettled(worlds); // what is wrong with one the player says
    waits.hidden = true;
    show(worlds, {});
  }

  /** A recording of such a world plays until the world has been compiled; then the world takes its place. */
  async function running() {
    waits.hidden = false;
    waits.textContent = "Your world is being compiled.";
    const recording = (await line.ask({ ask: "shipped", world: 0 })).planes.content;
    const meanwhile = recording?.length ? " Meanwhile: a recording that came along, again and again." : "";
    if (meanwhile) {
      show([mesocosm.openFrames(recording)], { details: false, loop: true });
      player.state.shipped = true;
    }
    const began = performance.now();
    const far = () => {
      const seconds = Math.floor((performance.now() - began) / 1000 / TOLD_S) * TOLD_S;
      return `${seconds ? `, for ${seconds} seconds now` : ""}: some seconds where it ran here before, up to a minute the first time.`;
    };
    const wait = (text) => waits.textContent !== text && (waits.textContent = text);
    for (;;) {
      wait(`Your world is being compiled${far()}${meanwhile}`);
      const { said } = await line.ask({ ask: "meta", world: 0 }).catch((error) => ({ said: say(error.message) }));
      if (!said) return;
      if (said.live.trouble) say(said.live.trouble);
      if (said.live.status === "died") return void (waits.hidden = true);
      if (said.n_frames > 0) break; // it can be looked at before it moves
      await new Promise((done) => setTimeout(done, ASK_MS));
    }
    waits.hidden = true;
    player?.pause();
    const source = await mesocosm.openRunning(line, open(), 0, say);
    const panel = new mesocosm.Panel(document.getElementById("running"), source);
    side.hidden = false;
    document.body.classList.add("live");
    const heard = (live) => {
      panel.show(live);
      waits.hidden = live.status !== "starting";
      if (!waits.hidden) wait(`Your world as it begins. What moves it is being compiled${far()}`);
      say(live.trouble);
    };
    const own = show([source], { heard, autoplay: false });
    await own.opened;
    panel.slot.append(own.details); // beside the world, above what can be changed
    if (!own.reduced.matches) source.running.wish("play");
  }

  if (isLive) running();
  else recorded();
})();
