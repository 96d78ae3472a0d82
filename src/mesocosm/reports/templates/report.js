/* What a report does besides being read: the replay, light and dark, data to take away. */
"use strict";

(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];

  const place = document.querySelector(".player");
  if (place) {
    const worlds = all("script.world").map((element) => mesocosm.openText(element.textContent));
    worlds.forEach((world) => world.catch(() => {})); // the player says what is wrong
    mesocosm.createPlayer(place, worlds, { loop: "untouched" });
    document.documentElement.classList.add("plays");
  }

  // ------------------------------------------------- values of a chart where one points, from the table behind it

  const tip = document.body.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  const numberOf = (text) => Number(text.replaceAll(",", "").replace("\u2212", "-"));

  function rowsOf(plot) {
    const table = plot.closest("figure").querySelector("details table");
    if (!table) return null;
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    return { heads, rows, at: rows.map(([first]) => numberOf(first)) };
  }

  function pointAt(plot, share, event) {
    plot.known ??= rowsOf(plot);
    if (!plot.known?.rows.length) return;
    const { heads, rows, at } = plot.known;
    const [low, high] = [Number(plot.dataset.low), Number(plot.dataset.high)];
    const value = low + share * (high - low);
    const nearest = () => at.reduce((best, x, k) => (Math.abs(x - value) < Math.abs(at[best] - value) ? k : best), 0);
    const row = rows[plot.dataset.by === "row" ? Math.max(0, Math.min(rows.length - 1, Math.floor(value))) : nearest()];
    const title = document.createElement("strong");
    title.textContent = plot.dataset.by === "row" ? row[0] : `${heads[0]} ${row[0]}`;
    tip.replaceChildren(title, ...heads.slice(1).map((head, k) => Object.assign(document.createElement("div"), { textContent: `${head}: ${row[k + 1]}` })));
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : event.clientY + 18}px`;
  }

  for (const plot of all(".chart .plot")) {
    const drawing = plot.querySelector("svg");
    const point = (event) => {
      const box = drawing.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      if (share < -0.02 || share > 1.02) tip.hidden = true;
      else pointAt(plot, Math.max(0, Math.min(1, share)), event);
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("click", point);
    plot.addEventListener("pointerleave", () => (tip.hidden = true));
  }
  addEventListener("scroll", () => (tip.hidden = true), { passive: true });

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
