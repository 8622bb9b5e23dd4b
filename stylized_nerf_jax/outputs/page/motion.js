// Where the viewer looks from, and how it moves. No canvas, no page.
//
// A pose is {eye [3], turn [4], distance, lens}: the eye in the scene file's
// frame; the quaternion, w first, from the camera's axes (x right, y up,
// looking along -z) to that frame; how far before the eye the point lies that
// it turns around; and the lens {width, height, fx, fy, cx, cy} of a
// photograph, in its pixels.

const add = (a, b, share = 1) => a.map((value, i) => value + share * b[i]);
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const apart = (a, b) => Math.hypot(...a.map((value, i) => value - b[i]));
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const ease = (t) => t * t * t * (t * (6 * t - 15) + 10);

function times(a, b) {
  const [aw, ax, ay, az] = a;
  const [bw, bx, by, bz] = b;
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

// The turn by an angle, in radians, about a unit axis.
function turnAbout(axis, angle) {
  const sine = Math.sin(angle / 2);
  return [Math.cos(angle / 2), ...axis.map((value) => sine * value)];
}

// Columns of a turn's matrix: where right, up and back point.
function axesOf([w, x, y, z]) {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
  ];
}

// The quaternion of a rotation whose rows are given; the largest part first
// (Shepperd 1978).
function turnOf(rows) {
  const [[a, b, c], [d, e, f], [g, h, i]] = rows;
  const squared = [1 + a + e + i, 1 + a - e - i, 1 - a + e - i, 1 - a - e + i];
  const largest = squared.indexOf(Math.max(...squared));
  const four = 2 * Math.sqrt(squared[largest]);
  const parts = [
    [four / 4, (h - f) / four, (c - g) / four, (d - b) / four],
    [(h - f) / four, four / 4, (b + d) / four, (c + g) / four],
    [(c - g) / four, (b + d) / four, four / 4, (f + h) / four],
    [(d - b) / four, (c + g) / four, (f + h) / four, four / 4],
  ];
  return parts[largest];
}

function between(a, b, share) {
  let cosine = dot(a, b);
  if (cosine < 0) {
    b = b.map((value) => -value);
    cosine = -cosine;
  }
  if (cosine > 0.9999) return unitOf(add(a, add(b, a, -1), share));
  const angle = Math.acos(cosine);
  const first = Math.sin((1 - share) * angle) / Math.sin(angle);
  const second = Math.sin(share * angle) / Math.sin(angle);
  return a.map((value, i) => first * value + second * b[i]);
}

// The point that a pose turns around.
function pivotOf(pose) {
  return add(pose.eye, axesOf(pose.turn)[2], -pose.distance);
}

// A pose that looks at a pivot.
function poseAt(pivot, turn, distance, lens) {
  return { eye: add(pivot, axesOf(turn)[2], distance), turn, distance, lens };
}

// A pose on the way from one to another. It moves in an arc around what both
// look at, and not through it.
function onTheWay(first, second, share) {
  if (share >= 1) return second;
  const lens = {};
  for (const name of Object.keys(first.lens)) {
    lens[name] = (1 - share) * first.lens[name] + share * second.lens[name];
  }
  const [from, to] = [pivotOf(first), pivotOf(second)];
  const distance =
    first.distance ** (1 - share) * second.distance ** share;
  const turn = between(first.turn, second.turn, share);
  return poseAt(add(from, add(to, from, -1), share), turn, distance, lens);
}

// What the renderer needs of a pose on a canvas of some size.
function cameraOf(pose, width, height) {
  const { lens } = pose;
  const inside = Math.min(width / lens.width, height / lens.height);
  const over = Math.max(width / lens.width, height / lens.height);
  // The photograph covers the window. Of one that is far wider or higher it
  // shows more than of the photograph, rather than a small part of that.
  const scale = Math.min(over, 1.8 * inside);
  const [right, up, back] = axesOf(pose.turn);
  return {
    eye: pose.eye,
    turn: [...right, ...up.map((v) => -v), ...back.map((v) => -v)],
    focal: [lens.fx * scale, lens.fy * scale],
    middle: [
      width / 2 + (lens.cx - lens.width / 2) * scale,
      height / 2 + (lens.cy - lens.height / 2) * scale,
    ],
    fineness: scale,
  };
}

// Where the eye may go: near enough to some photograph's place that there is
// something to see.
class Reach {
  // centers: places [3] of the photographs; reach: how far from the nearest.
  constructor(centers, reach) {
    this.centers = centers;
    this.reach = reach;
    this.free = false;
  }

  from(eye) {
    return Math.min(...this.centers.map((center) => apart(center, eye)));
  }

  // How much of a step from one eye to another may be taken, 0 to 1: less and
  // less the farther out it leads.
  share(before, after) {
    if (this.free) return 1;
    const [was, is] = [this.from(before), this.from(after)];
    if (is <= was) return 1;
    return clamp((this.reach - is) / (0.4 * this.reach), 0, 1);
  }
}

// The moves of mouse, fingers and keys.
class Mover {
  // up: the direction [3] that stays up; nearest: least distance to a pivot.
  constructor(up, nearest, reach) {
    this.up = up;
    this.nearest = nearest;
    this.reach = reach;
  }

  held(pose, move) {
    const whole = move(1);
    const share = this.reach.share(pose.eye, whole.eye);
    return share === 1 ? whole : move(share);
  }

  // Turns around the pivot, by angles in radians.
  orbit(pose, aside, over) {
    const pivot = pivotOf(pose);
    return this.held(pose, (share) => {
      const back = axesOf(pose.turn)[2];
      // Not over the poles, where up is nowhere.
      const height = Math.asin(clamp(dot(back, this.up), -1, 1));
      const limit = Math.max(1.45, Math.abs(height));
      const pitch = clamp(height + share * over, -limit, limit) - height;
      let turn = times(turnAbout(this.up, share * aside), pose.turn);
      turn = times(turn, turnAbout([1, 0, 0], -pitch));
      return poseAt(pivot, unitOf(turn), pose.distance, pose.lens);
    });
  }

  // Moves across the picture, by shares of its height.
  pan(pose, aside, up) {
    const { lens, distance } = pose;
    const size = (distance * lens.height) / lens.fy;
    const [right, upwards] = axesOf(pose.turn);
    return this.held(pose, (share) => ({
      ...pose,
      eye: add(
        add(pose.eye, right, share * aside * size), upwards, share * up * size,
      ),
    }));
  }

  // Moves towards the pivot, or away; the distance is multiplied.
  zoom(pose, factor) {
    return this.held(pose, (share) => {
      const wanted = pose.distance * factor ** share;
      const distance = factor < 1 ? Math.max(wanted, this.nearest) : wanted;
      if (factor < 1 && distance >= pose.distance) return pose;
      return poseAt(pivotOf(pose), pose.turn, distance, pose.lens);
    });
  }
}
