/* Paper is light, whatever the theme of the screen. */
(() => {
  const { dataset } = document.documentElement;
  let shown;
  window.addEventListener("beforeprint", () => {
    shown ??= dataset.theme;
    dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    dataset.theme = shown;
    shown = undefined;
  });
})();
