/* Comments are loaded when the reader asks for them, and not before. */
document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector(".comments");
  if (!box) return;
  const page = document.documentElement;
  const button = box.querySelector("button");
  const status = box.querySelector('[role="status"]');
  const theme = () => (page.dataset.theme === "dark" ? "dark" : "light");

  const load = () => {
    const script = document.createElement("script");
    const settings = {...box.dataset, mapping: "specific", strict: "1", inputPosition: "top",
      reactionsEnabled: "0", emitMetadata: "0", lang: "en", theme: theme()};
    Object.assign(script.dataset, settings);
    script.crossOrigin = "anonymous";
    script.src = "https://giscus.app/client.js";
    script.addEventListener("load", () => {
      status.textContent = "";
      button.hidden = true;
    });
    script.addEventListener("error", () => {
      script.remove();
      button.disabled = false;
      status.textContent =
        "giscus.app could not be reached. Try again, or read the comments in GitHub Discussions.";
    });
    button.disabled = true;
    status.textContent = "Loading the comments …";
    box.append(script);
  };

  const follow = () =>
    box.querySelector("iframe.giscus-frame")?.contentWindow.postMessage(
      {giscus: {setConfig: {theme: theme()}}}, "https://giscus.app");

  button.addEventListener("click", load);
  new MutationObserver(follow).observe(page, {attributeFilter: ["data-theme"]});
  button.hidden = false;
});
