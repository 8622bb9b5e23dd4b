// Mouse, fingers and keys on the canvas, told as moves.

const ORBIT_SPEED = 4; // radians a window's shorter side

class Hands {
  // canvas: listened to.
  // moves: {orbit(aside, over), pan(aside, up), zoom(factor), look(x, y),
  //   begin(), end()}.
  constructor(canvas, moves) {
    this.canvas = canvas;
    this.moves = moves;
    this.pointers = new Map();
    this.tapped = { time: 0, x: 0, y: 0 };
    const on = (name, does, options) =>
      canvas.addEventListener(name, does.bind(this), options);
    on("pointerdown", this.down);
    on("pointermove", this.move);
    on("pointerup", this.up);
    on("pointercancel", this.up);
    on("wheel", this.wheel, { passive: false });
    on("contextmenu", (event) => event.preventDefault());
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus({ preventScroll: true });
    const pans = event.button !== 0 || event.shiftKey || event.ctrlKey;
    this.pointers.set(event.pointerId, {
      x: event.clientX,
      y: event.clientY,
      pans,
    });
    this.travelled = this.pointers.size === 1 ? 0 : Infinity;
    this.moves.begin();
  }

  move(event) {
    const held = this.pointers.get(event.pointerId);
    if (!held) return;
    const before = this.grip();
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    held.x = event.clientX;
    held.y = event.clientY;
    this.travelled += Math.hypot(dx, dy);
    const { clientWidth, clientHeight } = this.canvas;
    const side = Math.min(clientWidth, clientHeight);
    if (this.pointers.size === 1 && !held.pans) {
      const speed = ORBIT_SPEED / side;
      this.moves.orbit(-dx * speed, dy * speed);
      return;
    }
    const after = this.grip();
    this.moves.pan(
      (before.x - after.x) / clientHeight, (after.y - before.y) / clientHeight,
    );
    if (before.size > 0 && after.size > 0) {
      this.moves.zoom(before.size / after.size);
    }
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.pointers.size > 0) return;
    this.moves.end();
    if (event.type !== "pointerup" || this.travelled > 6) return;
    const { time, x, y } = this.tapped;
    const now = { time: event.timeStamp, x: event.clientX, y: event.clientY };
    const twice =
      now.time - time < 350 && Math.hypot(now.x - x, now.y - y) < 24;
    this.tapped = twice ? { time: 0, x: 0, y: 0 } : now;
    if (twice) this.moves.look(now.x, now.y);
  }

  // The middle of all fingers, and how far two are apart.
  grip() {
    const all = [...this.pointers.values()];
    const x = all.reduce((sum, one) => sum + one.x, 0) / all.length;
    const y = all.reduce((sum, one) => sum + one.y, 0) / all.length;
    const size =
      all.length > 1 ? Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y) : 0;
    return { x, y, size };
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.moves.begin();
    if (event.shiftKey) {
      const high = this.canvas.clientHeight;
      this.moves.pan(
        (event.deltaX * lines) / high, (-event.deltaY * lines) / high,
      );
    } else {
      this.moves.zoom(Math.exp(clamp(event.deltaY * lines, -120, 120) * 0.0015));
    }
    this.moves.end();
  }
}
