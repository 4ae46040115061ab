/* The film on the first page: the steps of its knob, one after the other, until the reader stops it. */
addEventListener("DOMContentLoaded", () => {
  const cell = document.querySelector(".cell.tag_film");
  const range = cell?.querySelector(".mbx-knob input");
  if (!range) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = document.createElement("button");
  let timer = 0, wait = 0;

  const advance = () => {
    if (document.hidden || wait-- > 0) return;
    const last = Number(range.max);
    range.value = range.valueAsNumber < last ? range.valueAsNumber + 1 : 0;
    wait = range.valueAsNumber === last ? 3 : 0;
    range.dispatchEvent(new Event("input"));
  };
  const play = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(advance, 1000) : 0;
    button.textContent = on ? "Stop" : "Play";
  };

  button.type = "button";
  button.className = "film-button screen-only";
  button.addEventListener("click", () => play(!timer));
  range.addEventListener("input", (event) => event.isTrusted && play(false));
  still.addEventListener("change", () => still.matches && play(false));
  range.closest(".mbx-knob-control").prepend(button);
  play(!still.matches);
});
