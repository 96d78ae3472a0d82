/* A stretch of worlds in one file: the player over what stands in the page. */
"use strict";

(() => {
  const worlds = [...document.querySelectorAll("script.world")].map((element) => mesocosm.openText(element.textContent));
  worlds.forEach((world) => world.catch(() => {})); // the player says what is wrong
  mesocosm.themeButton(document.getElementById("theme"));
  const place = document.getElementById("player");
  place.style.setProperty("--worlds", worlds.length);
  const player = mesocosm.createPlayer(place, worlds, { details: true, speed: 30 });
  player.opened.then(() => {
    const pane = player.living?.[0];
    if (document.activeElement === document.body) place.focus({ preventScroll: true }); // keys are heard at once
    if (pane) document.getElementById("first").replaceChildren(...mesocosm.firstLine(pane.meta));
  });
})();
