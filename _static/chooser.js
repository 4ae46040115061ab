/* "Which model do I need?": a way back to the first question, and an address for each open answer. */
addEventListener("DOMContentLoaded", () => {
  const chooser = document.querySelector(".chooser");
  if (!chooser) return;
  const answers = [...chooser.querySelectorAll(".chooser-answer")];
  const again = document.createElement("button");

  const reveal = (answer) => {
    for (let fold = answer; fold; fold = fold.parentElement.closest(".chooser-answer"))
      fold.open = true;
  };
  const follow = () => {
    const asked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (asked && answers.includes(asked)) reveal(asked);
  };

  for (const answer of answers)
    answer.querySelector("summary").addEventListener("click", () => {
      const opens = !answer.open;
      const parent = answer.parentElement.closest(".chooser-answer");
      const place = opens ? answer.id : parent?.id;
      history.replaceState(null, "", place ? `#${place}` : location.pathname + location.search);
      if (opens) requestAnimationFrame(() => answer.scrollIntoView({block: "nearest"}));
    });
  again.type = "button";
  again.className = "chooser-again";
  again.textContent = "Start again";
  again.addEventListener("click", () => {
    for (const answer of answers) answer.open = false;
    history.replaceState(null, "", location.pathname + location.search);
    answers[0].querySelector("summary").focus();
  });
  chooser.append(again);
  addEventListener("hashchange", follow);
  follow();
});
