// What `splat_packing.py` packed, as numbers again.

// Returns the bytes of an element's base64 text.
function bytesOf(id) {
  const text = document.getElementById(id).textContent.trim();
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Returns splats as `SplatRenderer` takes them.
//
//   planes: of N bytes each, one after the other: low and high bytes of x, y
//     and z, three scales, four parts of the quaternion, opacity, and red,
//     green and blue of each look.
//   facts: {count, focus [3], radius, log_scales [2], looks}.
function unpackSplats(planes, facts) {
  const count = facts.count;
  let read = 0;
  const plane = () => planes.subarray(read * count, ++read * count);

  const positions = new Float32Array(3 * count);
  for (let axis = 0; axis < 3; axis++) {
    const low = plane();
    const high = plane();
    for (let i = 0; i < count; i++) {
      positions[3 * i + axis] = ((high[i] << 8) | low[i]) / 16383.75 - 2;
    }
  }
  expand(positions, facts.focus, facts.radius);

  const [least, most] = facts.log_scales;
  const scales = [plane(), plane(), plane()];
  const sizes = Float32Array.from({ length: 256 }, (_, byte) =>
    Math.exp(2 * (least + ((most - least) * byte) / 255)),
  );
  const turns = [plane(), plane(), plane(), plane()];
  const spreads = new Float32Array(6 * count);
  for (let i = 0; i < count; i++) {
    const [w, x, y, z] = unitOf(turns.map((part) => part[i] - 128));
    const axes = [
      [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
      [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
      [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
    ];
    for (let k = 0; k < 3; k++) {
      const [a, b, c] = axes[k];
      const squared = sizes[scales[k][i]];
      spreads[6 * i] += squared * a * a;
      spreads[6 * i + 1] += squared * a * b;
      spreads[6 * i + 2] += squared * a * c;
      spreads[6 * i + 3] += squared * b * b;
      spreads[6 * i + 4] += squared * b * c;
      spreads[6 * i + 5] += squared * c * c;
    }
  }
  const opacities = Float32Array.from(plane(), (byte) => byte / 255);
  const looks = facts.looks.map(() => {
    const channels = [plane(), plane(), plane()];
    const colors = new Uint8Array(3 * count);
    for (let k = 0; k < 3; k++) {
      for (let i = 0; i < count; i++) colors[3 * i + k] = channels[k][i];
    }
    return colors;
  });
  return { count, positions, opacities, spreads, looks };
}

// Undoes the contraction of space into the ball of 2 (mip-NeRF 360, equation
// 10), in place.
function expand(positions, focus, radius) {
  for (let p = 0; p < positions.length; p += 3) {
    const norm = Math.hypot(
      positions[p], positions[p + 1], positions[p + 2],
    );
    const stretch =
      norm <= 1 ? radius : radius / (norm * Math.max(2 - norm, 1e-5));
    for (let k = 0; k < 3; k++) {
      positions[p + k] = focus[k] + stretch * positions[p + k];
    }
  }
}

function unitOf(vector) {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
