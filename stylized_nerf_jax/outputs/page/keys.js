// What keys do.

const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
const TURN = 0.05; // radians
const SHIFT = 0.04; // of the picture's height
const STEP = 1.08;

// Does what a pressed key asks of a viewer. Keys that a slider or a button
// takes are left to it.
function pressed(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (byId("help").open) return;
  const { key } = event;
  const slides = event.target.type === "range";
  const presses = event.target.closest?.("button, input, a");
  if (slides && (key in ARROWS || key === "Home")) return;
  if (key === " " && presses) return;
  if (move(viewer, key, event.shiftKey) || act(viewer, key)) {
    event.preventDefault();
  }
}

function move(viewer, key, across) {
  const { mover, pose } = viewer;
  let found;
  if (key in ARROWS) {
    const [aside, up] = ARROWS[key];
    found = across
      ? mover.pan(pose, SHIFT * aside, SHIFT * up)
      : mover.orbit(pose, TURN * aside, TURN * up);
  } else if (key === "+" || key === "=") found = mover.zoom(pose, 1 / STEP);
  else if (key === "-") found = mover.zoom(pose, STEP);
  else return false;
  viewer.takeOver();
  viewer.standing = undefined;
  viewer.place(found);
  return true;
}

function act(viewer, key) {
  const look = /^[0-9]$/.test(key) && viewer.facts.looks[key];
  if (look) viewer.choose(look.name);
  else if (key === "[") viewer.step(-1);
  else if (key === "]") viewer.step(1);
  else if (key === "c") viewer.compare(true);
  else if (key === " ") viewer.setTour(!viewer.touring);
  else if (key === "r" || key === "Home") viewer.fly(viewer.home);
  else if (key === "s") viewer.save();
  else if (key === "f") viewer.panel.fullScreen();
  else if (key === "h" || key === "?") viewer.panel.help();
  else return false;
  return true;
}
