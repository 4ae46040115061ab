/* Paper is light, whatever the theme of the screen, and its formulas are as wide as the sheet at most. */
(() => {
  const { dataset } = document.documentElement;
  const SHEET = 46; // width of an A4 page inside its margins, in units of the size of its text
  let shown;

  const fit = () => {
    const formulas = [...document.querySelectorAll('mjx-container[display="true"]')];
    const factors = formulas.map((formula) => {
      const around = formula.parentElement;
      const em = parseFloat(getComputedStyle(around).fontSize);
      const frames = formula.closest("section").clientWidth - around.clientWidth;
      const number = around.querySelector(".eqno")?.offsetWidth ?? 0;
      const wide = formula.querySelector("mjx-math").offsetWidth;
      return Math.min(1, (SHEET * em - frames - 2 * number) / wide);
    });
    formulas.forEach((formula, k) => formula.style.setProperty("--mbx-fit", factors[k]));
  };

  window.addEventListener("beforeprint", () => {
    shown ??= dataset.theme;
    dataset.theme = "light";
    fit();
  });
  window.addEventListener("afterprint", () => {
    dataset.theme = shown;
    shown = undefined;
  });
})();
