// The Atlas: rows that match a few words or belong to one part, in the order of any column.
addEventListener("DOMContentLoaded", () => {
  const atlas = document.querySelector(".atlas");
  if (!atlas) return;
  const form = atlas.querySelector(".atlas-tools");
  const body = atlas.querySelector("tbody");
  const headers = [...atlas.querySelectorAll("thead th")];
  const rows = [...body.rows];
  const texts = new Map(
    rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent.trim().toLowerCase())]),
  );
  // The page comes in the order of the book, which is that of the last column.
  const inBook = headers.at(-1);

  function find() {
    const words = form.elements.find.value.toLowerCase().split(/\s+/);
    const part = form.elements.part.value;
    for (const row of rows) {
      const text = texts.get(row).join(" ");
      const inPart = !part || row.classList.contains(`part-${part}`);
      row.hidden = !inPart || !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").value =
      shown === rows.length ? `All ${shown} algorithms` : `${shown} of ${rows.length} algorithms`;
  }

  function sort(header) {
    const column = headers.indexOf(header);
    const direction = header.ariaSort === "ascending" ? "descending" : "ascending";
    const sorted = [...rows];
    if (header !== inBook)
      sorted.sort((one, other) => (texts.get(one)[column] < texts.get(other)[column] ? -1 : 1));
    if (direction === "descending") sorted.reverse();
    body.append(...sorted);
    for (const other of headers) other.ariaSort = other === header ? direction : null;
  }

  for (const header of headers) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(header));
    header.replaceChildren(button);
  }
  inBook.ariaSort = "ascending";
  // Not "q": scripts of the theme take that for a question to the search page.
  const asked = new URLSearchParams(location.search);
  form.elements.find.value = asked.get("find") ?? "";
  form.elements.part.value = asked.get("part") ?? "";
  form.addEventListener("input", find);
  form.addEventListener("reset", () => setTimeout(find));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  atlas.classList.add("atlas-live");
  find();
});
