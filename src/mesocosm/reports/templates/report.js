/* What a report does besides being read: the replay, light and dark, data to take away. */
"use strict";

(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];

  const place = document.querySelector(".player");
  if (place) {
    const worlds = all("script.world").map((element) => mesocosm.openText(element.textContent));
    worlds.forEach((world) => world.catch(() => {})); // the player says what is wrong
    mesocosm.createPlayer(place, worlds);
    document.documentElement.classList.add("plays");
  }

  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  });

  for (const button of all(".copy")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "Copied";
    });
  }

  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  function asCsv(table) {
    const names = Object.keys(table);
    const n = Math.max(0, ...names.map((name) => table[name].length));
    const rows = Array.from({ length: n }, (_, k) => names.map((name) => cell(table[name][k])).join(","));
    return [names.map(cell).join(","), ...rows].join("\r\n") + "\r\n";
  }

  function save(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name.replace(/[^\w.-]+/g, "-");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  for (const button of all(".downloads button")) {
    button.parentElement.hidden = false;
    button.addEventListener("click", () => {
      const text = document.getElementById("report-data").textContent;
      const table = button.dataset.table;
      if (table) save(`${table}.csv`, "text/csv", asCsv(JSON.parse(text).tables[table]));
      else save("report.json", "application/json", text);
    });
  }
})();
