// Tables of a leaderboard: a click on a heading sorts, words filter, a box leaves only what failed.
for (const board of document.querySelectorAll("section.board")) {
  const table = board.querySelector("table"), body = table.tBodies[0];
  const rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const key = (row, k) => row.cells[k].dataset.v ?? row.cells[k].textContent;
  const number = (text) => (/^[-+]?(\d|\.\d)/.test(text) ? parseFloat(text) : NaN);
  heads.forEach((head, k) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    rows.sort((a, b) => {
      const x = key(a, k), y = key(b, k), p = number(x), q = number(y);
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1; // what has no value stands last either way
      const less = isNaN(p) || isNaN(q) ? x.localeCompare(y, "en", { numeric: true }) : p - q;
      return up ? less : -less;
    });
    body.append(...rows);
  }));
  const words = board.querySelector("input[type=search]"), failed = board.querySelector("input[type=checkbox]");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    rows.forEach((row, i) => {
      const bad = row.classList.contains("failed");
      row.hidden = !wanted.every((w) => texts[i].includes(w)) || (failed?.checked && !bad);
      n += !row.hidden;
    });
    board.querySelector("output").textContent = `${n} of ${rows.length} rows`;
  };
  words.addEventListener("input", filter);
  failed?.addEventListener("change", filter);
  filter();
}
