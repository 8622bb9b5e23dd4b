"use strict";
for (const dial of document.querySelectorAll(".pair input")) {
  const pair = dial.parentElement;
  const show = () => pair.style.setProperty("--split", dial.value + "%");
  dial.addEventListener("input", show);
  show();
}
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
if (!still && "IntersectionObserver" in window) {
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) target.play().catch(() => {});
      else target.pause();
    }
  }, { threshold: 0.4 });
  for (const film of document.querySelectorAll("video")) watch.observe(film);
}
