// The table can be searched, restricted to some states by chips, and sorted by its columns. Of many rows, the
// first are shown until somebody asks for all: a browser lays them out again each time.
const table = document.querySelector(".sortable"), tools = document.querySelector(".tools");
const rows = table ? [...table.tBodies[0].rows] : [], more = document.querySelector(".more");
const search = tools?.querySelector("input"), chips = tools ? [...tools.querySelectorAll("button")] : [];
const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
let most = 200;
function show() {
  const words = (search?.value ?? "").toLowerCase().split(/\s+/), chosen = chips.filter(it => it.getAttribute("aria-pressed") === "true").map(it => it.dataset.state);
  let found = 0;
  for (const row of rows) {
    row.hidden = !words.every(it => texts.get(row).includes(it)) || chosen.length > 0 && !chosen.includes(row.dataset.state);
    found += !row.hidden;
    row.classList.toggle("later", found > most); // they are printed
  }
  if (tools) tools.querySelector("[role=status]").textContent = found < rows.length ? `${found} of ${rows.length}` : "";
  if (more) more.hidden = found <= most, more.textContent = `Show all ${found}, not only the first ${most}`;
}
search?.addEventListener("input", show);
for (const chip of chips) chip.addEventListener("click", () => { chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true"); show(); });
more?.addEventListener("click", () => { most = Infinity; show(); });
if (tools) tools.hidden = false;
const order = new Intl.Collator(undefined, { numeric: true }).compare;
for (const head of table ? table.tHead.rows[0].cells : []) {
  head.firstChild.addEventListener("click", () => {
    const first = head.dataset.first ?? "ascending", now = head.getAttribute("aria-sort");
    const next = now === null ? first : now === "ascending" ? "descending" : "ascending", sign = next === "ascending" ? 1 : -1;
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", next);
    const keys = new Map(rows.map(row => [row, row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent]));
    rows.sort((one, other) => {
      const a = keys.get(one), b = keys.get(other);
      return (a === "") - (b === "") || (a - b || order(a, b)) * sign; // what is unknown comes last
    });
    table.tBodies[0].append(...rows);
    show();
  });
}
show();
