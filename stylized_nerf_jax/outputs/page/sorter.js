// Puts splats in the order in which they are drawn: from far to near.

// Makes a function (forward, eye) -> Uint32Array of splats' numbers, those
// behind the eye left out. It is handed to a worker as text, so it may use
// nothing but its own names.
//
//   positions: Float32Array of x, y, z.
function makeSorter(positions) {
  const BUCKETS = 1 << 16;
  const NEAREST = 1e-6;
  const count = positions.length / 3;
  const depths = new Float32Array(count);
  // Of positive floats the bits are in the order of the numbers, and nearly
  // their logarithms: what is close is told apart more finely than what is far.
  const bits = new Uint32Array(depths.buffer);
  const sizes = new Uint32Array(BUCKETS + 1);

  return function sort(forward, eye) {
    const [x, y, z] = forward;
    const offset = -(x * eye[0] + y * eye[1] + z * eye[2]);
    let low = 0xffffffff;
    let high = 0;
    let seen = 0;
    for (let i = 0, p = 0; i < count; i++, p += 3) {
      depths[i] =
        x * positions[p] + y * positions[p + 1] + z * positions[p + 2] + offset;
      if (!(depths[i] > NEAREST)) {
        depths[i] = 0;
        continue;
      }
      seen++;
      if (bits[i] < low) low = bits[i];
      if (bits[i] > high) high = bits[i];
    }
    sizes.fill(0);
    const scale = (BUCKETS - 1) / Math.max(high - low, 1);
    for (let i = 0; i < count; i++) {
      if (bits[i] !== 0) sizes[((high - bits[i]) * scale) | 0]++;
    }
    let start = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const size = sizes[bucket];
      sizes[bucket] = start;
      start += size;
    }
    const order = new Uint32Array(seen);
    for (let i = 0; i < count; i++) {
      if (bits[i] !== 0) order[sizes[((high - bits[i]) * scale) | 0]++] = i;
    }
    return order;
  };
}

// What the worker runs; it is handed to it as text, too.
function sortOnRequest(makeSorter) {
  let sort = null;
  self.onmessage = ({ data }) => {
    if (data.positions) {
      sort = makeSorter(data.positions);
      return;
    }
    const order = sort(data.forward, data.eye);
    self.postMessage({ order, number: data.number }, [order.buffer]);
  };
}

// Sorts beside the page, or, where no worker can be had, in it.
class SortQueue {
  // onOrder: called with the order and the number of the request.
  constructor(positions, onOrder) {
    this.onOrder = onOrder;
    this.number = 0;
    this.busy = false;
    this.waiting = null;
    this.last = null;
    this.positions = positions;
    try {
      const text = `(${sortOnRequest})(${makeSorter});`;
      const place = URL.createObjectURL(
        new Blob([text], { type: "text/javascript" }),
      );
      this.worker = new Worker(place);
      this.worker.onmessage = ({ data }) => this.take(data);
      this.worker.onerror = () => this.stayHere();
      this.worker.postMessage({ positions });
      URL.revokeObjectURL(place);
    } catch {
      this.stayHere();
    }
  }

  // Sorts in the page from now on.
  stayHere() {
    this.worker = null;
    this.sort = makeSorter(this.positions);
    this.busy = false;
    this.waiting ??= this.last;
    this.send();
  }

  // Asks for the order seen from a place; only the latest request waits.
  // Returns its number.
  request(forward, eye) {
    const number = ++this.number;
    this.waiting = { forward, eye, number };
    this.send();
    return number;
  }

  send() {
    if (this.busy || !this.waiting) return;
    this.last = this.waiting;
    this.waiting = null;
    this.busy = true;
    if (this.worker) {
      this.worker.postMessage(this.last);
    } else {
      const { forward, eye, number } = this.last;
      setTimeout(() => this.take({ order: this.sort(forward, eye), number }));
    }
  }

  take({ order, number }) {
    this.busy = false;
    this.onOrder(order, number);
    this.send();
  }
}
