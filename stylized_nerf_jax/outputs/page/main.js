// Begins. `window.viewer` is for programs that drive the page: tests, or a
// page around it.

function sayPlainly(text) {
  const veil = byId("veil");
  veil.querySelector("p").textContent = text;
  veil.setAttribute("role", "alert");
}

async function begin() {
  const facts = JSON.parse(byId("facts").textContent);
  const planes = await inflate(bytesOf("splats"));
  byId("splats").remove();
  const splats = unpackSplats(planes, facts.splats);
  const viewer = new Viewer(facts, splats, byId("scene"));
  await viewer.settled();
  byId("veil").classList.add("gone");
  if (!calm() && location.hash !== "#still") viewer.setTour(true);
  return viewer;
}

const ready = begin();
ready.catch((error) => {
  console.error(error);
  sayPlainly(
    String(error.message).includes("no WebGL 2")
      ? "This scene needs WebGL 2, which this browser lacks or has switched " +
        "off. Firefox, Chrome, Edge and Safari of the last years have it."
      : `The scene could not be shown: ${error.message}`,
  );
});

// A promise whose failure was told already.
function handled(promise) {
  promise.catch(() => {});
  return promise;
}

window.viewer = {
  // Resolves when the first picture is on the screen.
  ready: handled(ready.then(() => {})),

  // Names of looks; the first is the scene as photographed.
  looks: handled(ready.then((viewer) => viewer.palette.looks)),

  // Stands somewhere: {pose: rows [4][4], OpenGL camera to the scene file's
  // frame, lens: {width, height, fx, fy, cx, cy} in pixels}. Resolves when it
  // is drawn.
  async setCamera(camera) {
    const viewer = await ready;
    viewer.takeOver();
    viewer.place(viewer.poseOf(camera));
    await viewer.settled();
  },

  // Where it stands: {pose, lens}, as `setCamera` takes them.
  async camera() {
    const { pose } = await ready;
    const rows = rowsOf(axesOf(pose.turn));
    const matrix = rows.map((row, i) => [...row, pose.eye[i]]);
    return { pose: [...matrix, [0, 0, 0, 1]], lens: pose.lens };
  },

  // Shows looks by their weights. Resolves when they are drawn.
  async setStyle(weights) {
    const viewer = await ready;
    viewer.glide = null;
    viewer.palette.set(weights);
    viewer.panel.show();
    await viewer.settled();
  },

  // Weights of all looks.
  async style() {
    return Object.fromEntries((await ready).palette.weights());
  },

  // Resolves when all is drawn and nothing moves but a tour.
  async settled() {
    await (await ready).settled();
  },

  // The canvas as a data URL of a PNG.
  async picture() {
    const viewer = await ready;
    viewer.draw();
    return viewer.canvas.toDataURL("image/png");
  },
};
