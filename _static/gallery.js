/* The gallery: one part of the book at a time. */
addEventListener("DOMContentLoaded", () => {
  const sections = [...document.querySelectorAll("section.gallery-part")];
  if (!sections.length) return;
  const bar = document.createElement("div");
  const count = document.createElement("p");
  const buttons = new Map();

  const show = (part) => {
    for (const section of sections) section.hidden = Boolean(part) && section !== part;
    for (const [button, its] of buttons) button.setAttribute("aria-pressed", String(its === part));
    const figures = document.querySelectorAll("section.gallery-part:not([hidden]) .gallery-card");
    count.textContent = `${figures.length} figures`;
  };
  const follow = () => {
    const asked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!asked?.closest("section.gallery-part[hidden]")) return;
    show(null);
    asked.scrollIntoView();
  };
  const offer = (text, part) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => show(part));
    buttons.set(button, part);
    bar.append(button);
  };

  bar.className = "gallery-filter screen-only";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Parts of the book");
  count.className = "gallery-count";
  count.setAttribute("role", "status");
  offer("All parts", null);
  for (const section of sections)
    offer(section.querySelector("h2").firstChild.textContent.trim(), section);
  sections[0].before(bar, count);
  addEventListener("hashchange", follow);
  show(null);
});
