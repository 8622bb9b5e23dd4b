// Ties it together: what is drawn when, and who may move the eye.

const GLIDE = 900; // ms from one painting to another
const FLIGHT = 1500; // ms from one photograph to another, at most
const TOUR = 1000 / 1.1; // ms from one pose of the tour to the next
const IDLE = 3500; // ms until a tour has the window to itself
// Frames slower than this (ms) are drawn coarser while something moves.
const SLOW = 42;
const COARSEST = 0.5;

class Viewer {
  constructor(facts, splats, canvas) {
    this.facts = facts;
    this.canvas = canvas;
    this.renderer = new SplatRenderer(canvas, splats);
    this.splats = splats;
    this.sorter = new SortQueue(splats.positions, (order, number) => {
      this.renderer.setOrder(order);
      this.sorted = number;
      this.stale = true;
      this.wake();
    });
    const centers = facts.cameras.map(({ pose }) =>
      pose.slice(0, 3).map((row) => row[3]),
    );
    this.reach = new Reach(centers, facts.reach);
    this.mover = new Mover(facts.up, facts.nearest, this.reach);
    this.poses = facts.cameras.map((camera) => this.poseOf(camera));
    this.home = this.poseOf(facts.home);
    this.tour = facts.tour.map((camera) => this.poseOf(camera));
    this.pose = this.home;
    this.palette = new Palette(
      facts.looks.map((look) => look.name), (weights) => this.mix(weights),
    );
    this.panel = new Panel(facts, this.palette, {
      choose: (name) => this.choose(name),
      stand: (number) => this.stand(number),
      tour: () => this.setTour(!this.touring),
      home: () => this.fly(this.home),
      save: () => this.save(),
      free: (free) => (this.reach.free = free),
      stir: () => (this.glide = null),
      compare: (held) => this.compare(held),
    });
    this.hands = new Hands(canvas, this.handMoves());
    this.spin = { aside: 0, over: 0 };
    this.coarse = 1;
    this.waiters = [];
    this.listen();
    this.mix(this.palette.weights());
    this.resort();
  }

  // A pose where a camera stood: {pose: rows of the 4x4 matrix, fl_x, ...}.
  poseOf(camera) {
    const { pose, lens } = camera;
    const eye = pose.slice(0, 3).map((row) => row[3]);
    const turn = unitOf(turnOf(pose.slice(0, 3).map((row) => row.slice(0, 3))));
    const back = axesOf(turn)[2];
    const ahead = -dot(add(this.facts.focus, eye, -1), back);
    const distance = Math.max(ahead, 0.3 * this.facts.distance);
    return { eye, turn, distance, lens };
  }

  // --- what is shown ---

  mix(weights) {
    this.renderer.mix(this.palette.looks.map((name) => weights.get(name)));
    this.stale = true;
    this.wake();
  }

  choose(name) {
    if (this.palette.intensity < 0.05 && name !== this.palette.looks[0]) {
      this.palette.strength(1);
    }
    const end = this.palette.bring(name);
    const from = this.palette.place;
    const start = performance.now();
    const time = calm() ? 1 : GLIDE;
    this.glide = (now) => {
      const share = clamp((now - start) / time, 0, 1);
      this.palette.slide(from + (end - from) * ease(share));
      if (share === 1) {
        this.palette.settle();
        this.glide = null;
      }
      this.panel.show();
    };
    this.panel.label(this.facts.looks.find((look) => look.name === name));
    this.wake();
  }

  compare(held) {
    if (held === Boolean(this.comparing)) return;
    this.comparing = held;
    const first = this.palette.looks[0];
    this.mix(
      held
        ? new Map(this.palette.looks.map((n) => [n, n === first ? 1 : 0]))
        : this.palette.weights(),
    );
  }

  // --- where it is seen from ---

  place(pose) {
    this.pose = pose;
    this.stale = true;
    this.resort();
    this.panel.mark(this.standsAt());
    this.wake();
  }

  standsAt() {
    const near = 1e-4 * this.facts.distance;
    const found = this.facts.photographs.findIndex(
      ({ camera }) => apart(this.poses[camera].eye, this.pose.eye) < near,
    );
    return found < 0 ? null : found;
  }

  resort() {
    const back = axesOf(this.pose.turn)[2];
    this.asked = this.sorter.request(back.map((v) => -v), this.pose.eye);
  }

  fly(goal) {
    this.setTour(false);
    this.spin.aside = this.spin.over = 0;
    if (calm()) {
      this.flight = null;
      this.place(goal);
      return;
    }
    const from = this.pose;
    const turned = Math.abs(dot(from.turn, goal.turn));
    const far =
      apart(from.eye, goal.eye) / this.facts.distance + Math.acos(clamp(turned, 0, 1));
    const time = clamp(700 + 900 * far, 700, FLIGHT);
    const start = performance.now();
    this.flight = (now) => {
      const share = clamp((now - start) / time, 0, 1);
      if (share === 1) this.flight = null;
      this.place(onTheWay(from, goal, ease(share)));
    };
    this.wake();
  }

  stand(number) {
    this.standing = number;
    this.fly(this.poses[this.facts.photographs[number].camera]);
  }

  step(by) {
    const count = this.facts.photographs.length;
    if (count === 0) return;
    const now = this.standing ?? (by > 0 ? -1 : 0);
    this.stand((now + by + count) % count);
  }

  setTour(on) {
    if (Boolean(this.touring) === on || this.tour.length < 2) return;
    this.panel.touring(on);
    this.touring = null;
    if (!on) {
      document.body.classList.remove("idle");
      return;
    }
    this.flight = null;
    // It begins where it passes nearest.
    const ways = this.tour.map((pose) => apart(pose.eye, this.pose.eye));
    const first = ways.indexOf(Math.min(...ways));
    const from = this.pose;
    const start = performance.now();
    this.touring = (now) => {
      const passed = (now - start) / TOUR;
      const number = (first + Math.floor(passed)) % this.tour.length;
      const next = (number + 1) % this.tour.length;
      const pose = onTheWay(this.tour[number], this.tour[next], passed % 1);
      const joined = ease(clamp((now - start) / 2500, 0, 1));
      this.place(joined < 1 ? onTheWay(from, pose, joined) : pose);
    };
    this.wake();
  }

  // Stops whatever moves by itself.
  takeOver() {
    this.setTour(false);
    this.flight = null;
    this.spin.aside = this.spin.over = 0;
  }

  handMoves() {
    const move = (pose) => {
      this.standing = undefined;
      this.place(pose);
    };
    let latest = 0;
    return {
      begin: () => this.takeOver(),
      orbit: (aside, over) => {
        const now = performance.now();
        const passed = Math.max(now - latest, 8);
        latest = now;
        this.spin.aside = aside / passed;
        this.spin.over = over / passed;
        move(this.mover.orbit(this.pose, aside, over));
      },
      pan: (aside, up) => {
        this.spin.aside = this.spin.over = 0;
        move(this.mover.pan(this.pose, aside, up));
      },
      zoom: (factor) => move(this.mover.zoom(this.pose, factor)),
      look: (x, y) => this.lookAt(x, y),
      end: () => {
        // A hand that rested before it let go leaves nothing turning.
        if (performance.now() - latest > 60 || calm()) {
          this.spin.aside = this.spin.over = 0;
        }
        this.wake();
      },
    };
  }

  // Turns the eye to what is seen at a place of the window, and the scene
  // around it from then on.
  lookAt(x, y) {
    const { clientWidth, clientHeight } = this.canvas;
    const camera = this.cameraOn(clientWidth, clientHeight);
    const [right, down, ahead] = [0, 3, 6].map((k) => camera.turn.slice(k, k + 3));
    const { positions, opacities, count } = this.splats;
    let nearest = Infinity;
    let found = null;
    for (let i = 0; i < count; i++) {
      if (opacities[i] < 0.3) continue;
      const offset = [0, 1, 2].map((k) => positions[3 * i + k] - camera.eye[k]);
      const depth = dot(ahead, offset);
      if (depth <= 0 || depth >= nearest) continue;
      const u = (camera.focal[0] * dot(right, offset)) / depth + camera.middle[0];
      const v = (camera.focal[1] * dot(down, offset)) / depth + camera.middle[1];
      if (Math.hypot(u - x, v - y) > 6) continue;
      nearest = depth;
      found = add(camera.eye, offset);
    }
    if (!found) return;
    const distance = apart(found, this.pose.eye);
    const back = unitOf(add(this.pose.eye, found, -1));
    const turn = turnOf(rowsOf(levelAxes(back, axesOf(this.pose.turn)[1])));
    const goal = poseAt(found, unitOf(turn), distance, this.pose.lens);
    this.fly(goal);
  }

  // --- what is drawn when ---

  wake() {
    if (this.awake) return;
    this.awake = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.awake = false;
    const passed = this.moving ? now - this.latest : 0;
    this.latest = now;
    this.glide?.(now);
    if (this.flight) this.flight(now);
    else if (this.touring) this.touring(now);
    else this.drift(passed);
    const { glide, flight, spin, hands } = this;
    const busy = Boolean(
      glide || flight || spin.aside || spin.over || hands.pointers.size,
    );
    this.moving = busy || Boolean(this.touring);
    this.keepUp(passed);
    if (this.stale || this.fit()) {
      this.fit();
      this.stale = false;
      this.draw();
    }
    if (this.moving) this.wake();
    if (!busy) this.tell();
  }

  // Turns on after the hand has let go, less and less.
  drift(passed) {
    if (this.hands.pointers.size > 0) return;
    const { spin } = this;
    if (!spin.aside && !spin.over) return;
    const time = Math.min(passed || 16, 50);
    this.place(
      this.mover.orbit(this.pose, spin.aside * time, spin.over * time),
    );
    const kept = Math.exp(-time / 180);
    spin.aside *= kept;
    spin.over *= kept;
    if (Math.hypot(spin.aside, spin.over) < 2e-5) spin.aside = spin.over = 0;
  }

  // Draws coarser while something moves too slowly, and finely at rest.
  keepUp(passed) {
    const before = this.coarse;
    if (!this.moving) this.coarse = 1;
    else if (passed > SLOW) this.slowFrames = (this.slowFrames || 0) + 1;
    else this.slowFrames = Math.max((this.slowFrames || 0) - 1, 0);
    if (this.slowFrames > 4 && this.moving) {
      this.coarse = Math.max(this.coarse * 0.75, COARSEST);
      this.slowFrames = 0;
    }
    if (this.coarse !== before) this.stale = true;
  }

  // Gives the canvas as many pixels as the window has. Returns whether they
  // are others than before.
  fit() {
    const fineness = Math.min(devicePixelRatio || 1, 2) * this.coarse;
    const width = Math.max(1, Math.round(this.canvas.clientWidth * fineness));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * fineness));
    if (this.canvas.width === width && this.canvas.height === height) {
      return false;
    }
    this.canvas.width = width;
    this.canvas.height = height;
    return true;
  }

  draw() {
    const { width, height } = this.canvas;
    this.renderer.draw(this.cameraOn(width, height), this.facts.background);
  }

  // The camera of a canvas. In a high window the panel hides much of the
  // picture: its middle is that of what is left.
  cameraOn(width, height) {
    const camera = cameraOf(this.pose, width, height);
    if (height > 1.2 * width) {
      const hidden = byId("panel").offsetHeight / this.canvas.clientHeight;
      camera.middle[1] -= 0.5 * hidden * height;
    }
    return camera;
  }

  // Resolves once what is asked for is on the screen, and nothing moves but a
  // tour.
  settled() {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      this.wake();
    });
  }

  tell() {
    if (this.stale) return;
    if (this.sorted !== this.asked && !this.touring) return;
    for (const resolve of this.waiters.splice(0)) resolve();
  }

  save() {
    this.draw();
    this.canvas.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${this.facts.title} - ${this.palette.chosen}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 5000);
    });
  }

  // --- keys, and what else happens around ---

  listen() {
    const resized = () => {
      this.stale = true;
      this.wake();
    };
    addEventListener("resize", resized);
    new ResizeObserver(resized).observe(byId("panel"));
    addEventListener("keydown", (event) => pressed(this, event));
    addEventListener("keyup", (event) => {
      if (event.key === "c") this.compare(false);
    });
    addEventListener("blur", () => this.compare(false));
    let timer;
    const stir = () => {
      document.body.classList.remove("idle");
      clearTimeout(timer);
      timer = setTimeout(() => {
        const inPanel = byId("panel").matches(":hover, :focus-within");
        if (this.touring && !inPanel && !byId("help").open) {
          document.body.classList.add("idle");
        }
      }, IDLE);
    };
    for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) {
      addEventListener(name, stir);
    }
    stir();
    this.canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
    });
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.renderer.setUp();
      this.mix(this.palette.weights());
    });
  }
}

// Right, up and back of an eye whose back is given, its up as near as can be.
function levelAxes(back, up) {
  const right = unitOf(cross(up, back));
  return [right, cross(back, right), back];
}

function cross(a, b) {
  return [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
}

// Rows of the matrix whose columns are given.
function rowsOf(columns) {
  return [0, 1, 2].map((k) => columns.map((column) => column[k]));
}
