/* The map of the chapters: pointing at one shows what it needs and what needs it. */
addEventListener("DOMContentLoaded", () => {
  const map = document.querySelector(".chapter-map");
  if (!map) return;
  const curves = [...map.querySelectorAll("path")];

  const show = (item) => {
    for (const lit of map.querySelectorAll(".lit")) lit.classList.remove("lit");
    map.classList.toggle("choosing", Boolean(item));
    if (!item) return;
    item.classList.add("lit");
    for (const curve of curves) {
      const {from, to} = curve.dataset;
      if (item.id !== from && item.id !== to) continue;
      curve.classList.add("lit");
      for (const name of [from, to]) document.getElementById(name).classList.add("lit");
    }
  };

  for (const item of map.querySelectorAll("li")) {
    item.addEventListener("pointerenter", () => show(item));
    item.addEventListener("focusin", () => show(item));
  }
  map.addEventListener("pointerleave", () => show(null));
  map.addEventListener("focusout", () => show(null));
});
