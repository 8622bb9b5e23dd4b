// Splats on a canvas, by WebGL 2: one instanced quad a splat, drawn from far to
// near. The projection is EWA splatting (Zwicker et al. 2001) as in 3D Gaussian
// splatting (Kerbl et al. 2023).

const TEXTURE_WIDTH = 2048;
// More looks than this are not mixed; the uniforms have to fit.
const MOST_LOOKS = 64;
// Pixels^2 that every splat is widened by, so that none is missed by all
// pixels; splats are fitted with it.
const WIDENING = 0.3;

const SPLAT_VERTEX = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D u_centers;   // x, y, z, opacity
uniform sampler2D u_spreads;   // covariance: xx, xy, xz, yy
uniform sampler2D u_spreads2;  // yz, zz
uniform sampler2D u_colors;
uniform mat3 u_turn;    // world to camera: x right, y down, z forward
uniform vec3 u_eye;
uniform vec2 u_focal;   // pixels
uniform vec2 u_middle;  // pixels
uniform vec2 u_size;    // pixels
uniform float u_widening;
in vec2 a_corner;
in uint a_splat;
out vec3 v_color;
out vec2 v_offset;  // from the centre, in standard deviations
out float v_opacity;

void main() {
  int splat = int(a_splat);
  ivec2 place = ivec2(splat % ${TEXTURE_WIDTH}, splat / ${TEXTURE_WIDTH});
  vec4 center = texelFetch(u_centers, place, 0);
  vec3 seen = u_turn * (center.xyz - u_eye);
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // nowhere
  if (seen.z < 1e-6) return;
  vec2 at = u_focal * seen.xy / seen.z + u_middle;

  vec4 s = texelFetch(u_spreads, place, 0);
  vec2 s2 = texelFetch(u_spreads2, place, 0).xy;
  mat3 spread = mat3(s.x, s.y, s.z, s.y, s.w, s2.x, s.z, s2.x, s2.y);
  // The perspective's derivative, not taken too far outside the picture,
  // where it would stretch splats without end.
  vec2 most = 1.3 * 0.5 * u_size / u_focal;
  vec2 middle = (0.5 * u_size - u_middle) / u_focal;
  vec2 slope = clamp(seen.xy / seen.z, middle - most, middle + most);
  vec2 scale = u_focal / seen.z;
  vec3 across = vec3(scale.x, 0.0, -scale.x * slope.x) * u_turn;
  vec3 down = vec3(0.0, scale.y, -scale.y * slope.y) * u_turn;
  float xx = dot(across, spread * across) + u_widening;
  float yy = dot(down, spread * down) + u_widening;
  float xy = dot(across, spread * down);

  float half_sum = 0.5 * (xx + yy);
  float apart = length(vec2(0.5 * (xx - yy), xy));
  float major = half_sum + apart;
  float minor = max(half_sum - apart, 0.01);
  vec2 axis = abs(xy) > 1e-9 ? normalize(vec2(xy, major - xx))
    : (xx >= yy ? vec2(1.0, 0.0) : vec2(0.0, 1.0));
  // As far as one 255th of white can be told from nothing, and no farther than
  // splats are fitted.
  float reach = sqrt(clamp(2.0 * log(255.0 * center.w), 0.0, 8.0));
  vec2 radii = min(reach * sqrt(vec2(major, minor)), 2.0 * (u_size.x + u_size.y));
  vec2 corner = a_corner.x * radii.x * axis
    + a_corner.y * radii.y * vec2(-axis.y, axis.x);
  if (any(lessThan(at + radii.x, vec2(0.0)))
    || any(greaterThan(at - radii.x, u_size))) return;
  v_color = texelFetch(u_colors, place, 0).rgb;
  v_offset = a_corner * reach;
  v_opacity = center.w;
  vec2 ndc = 2.0 * (at + corner) / u_size - 1.0;
  gl_Position = vec4(ndc.x, -ndc.y, 0.0, 1.0);
}`;

const SPLAT_FRAGMENT = `#version 300 es
precision highp float;
in vec3 v_color;
in vec2 v_offset;
in float v_opacity;
out vec4 o_color;
void main() {
  float away = dot(v_offset, v_offset);
  float alpha = min(0.99, v_opacity * exp(-0.5 * away));
  if (alpha < 1.0 / 255.0 || away > 8.0) discard;
  o_color = vec4(v_color * alpha, alpha);
}`;

const MIX_VERTEX = `#version 300 es
in vec2 a_corner;
void main() { gl_Position = vec4(a_corner, 0.0, 1.0); }`;

const MIX_FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2DArray;
uniform sampler2DArray u_looks;
uniform float u_weights[${MOST_LOOKS}];
uniform int u_count;
out vec4 o_color;
void main() {
  vec3 sum = vec3(0.0);
  for (int i = 0; i < u_count; i++) {
    if (u_weights[i] > 0.0) {
      ivec3 place = ivec3(ivec2(gl_FragCoord.xy), i);
      sum += u_weights[i] * texelFetch(u_looks, place, 0).rgb;
    }
  }
  o_color = vec4(sum, 1.0);
}`;

class SplatRenderer {
  // Throws an Error where the browser has no WebGL 2.
  //
  //   splats: {count, positions [3 N], opacities [N], spreads [6 N], all
  //     Float32Array, looks: Uint8Array of r, g, b for each look}.
  constructor(canvas, splats) {
    this.canvas = canvas;
    this.splats = splats;
    this.gl = canvas.getContext("webgl2", {
      alpha: false,
      antialias: false,
      depth: false,
      powerPreference: "high-performance",
    });
    if (!this.gl) throw new Error("no WebGL 2");
    this.weights = new Float32Array(MOST_LOOKS);
    this.order = new Uint32Array(0);
    this.setUp();
  }

  // Puts all on the graphics card; again, where it lost its memory.
  setUp() {
    const { gl, splats } = this;
    this.program = this.link(SPLAT_VERTEX, SPLAT_FRAGMENT);
    this.mixer = this.link(MIX_VERTEX, MIX_FRAGMENT);
    const rows = Math.max(1, Math.ceil(splats.count / TEXTURE_WIDTH));
    this.rows = rows;
    const padded = (values, channels) => {
      const whole = new Float32Array(TEXTURE_WIDTH * rows * channels);
      whole.set(values);
      return whole;
    };
    const centers = new Float32Array(4 * splats.count);
    const first = new Float32Array(4 * splats.count);
    const second = new Float32Array(2 * splats.count);
    for (let i = 0; i < splats.count; i++) {
      for (let k = 0; k < 3; k++) {
        centers[4 * i + k] = splats.positions[3 * i + k];
      }
      centers[4 * i + 3] = splats.opacities[i];
      for (let k = 0; k < 4; k++) first[4 * i + k] = splats.spreads[6 * i + k];
      for (let k = 0; k < 2; k++) {
        second[2 * i + k] = splats.spreads[6 * i + 4 + k];
      }
    }
    const { RGBA32F, RG32F, RGBA, RG } = gl;
    this.textures = [
      this.floats(RGBA32F, RGBA, padded(centers, 4)),
      this.floats(RGBA32F, RGBA, padded(first, 4)),
      this.floats(RG32F, RG, padded(second, 2)),
    ];
    this.makeLooks();
    this.makeQuads();
    this.mix(this.weights);
    this.setOrder(this.order);
  }

  makeLooks() {
    const { gl, splats, rows } = this;
    this.looks = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.looks);
    gl.texStorage3D(
      gl.TEXTURE_2D_ARRAY, 1, gl.RGBA8, TEXTURE_WIDTH, rows, splats.looks.length,
    );
    this.nearest(gl.TEXTURE_2D_ARRAY);
    const layer = new Uint8Array(4 * TEXTURE_WIDTH * rows);
    splats.looks.forEach((colors, number) => {
      for (let i = 0; i < splats.count; i++) {
        for (let k = 0; k < 3; k++) layer[4 * i + k] = colors[3 * i + k];
      }
      gl.texSubImage3D(
        gl.TEXTURE_2D_ARRAY, 0, 0, 0, number, TEXTURE_WIDTH, rows, 1,
        gl.RGBA, gl.UNSIGNED_BYTE, layer,
      );
    });
    this.colors = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.colors);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, TEXTURE_WIDTH, rows);
    this.nearest(gl.TEXTURE_2D);
    this.frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.colors, 0,
    );
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  makeQuads() {
    const { gl } = this;
    this.corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    const square = new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]);
    gl.bufferData(gl.ARRAY_BUFFER, square, gl.STATIC_DRAW);
    this.numbers = gl.createBuffer();
    this.quads = gl.createVertexArray();
    gl.bindVertexArray(this.quads);
    this.bindCorners(this.program);
    const splat = gl.getAttribLocation(this.program, "a_splat");
    gl.bindBuffer(gl.ARRAY_BUFFER, this.numbers);
    gl.enableVertexAttribArray(splat);
    gl.vertexAttribIPointer(splat, 1, gl.UNSIGNED_INT, 0, 0);
    gl.vertexAttribDivisor(splat, 1);
    this.square = gl.createVertexArray();
    gl.bindVertexArray(this.square);
    this.bindCorners(this.mixer);
    gl.bindVertexArray(null);
  }

  bindCorners(program) {
    const { gl } = this;
    const corner = gl.getAttribLocation(program, "a_corner");
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  }

  // Colours splats with the weighted mean of their looks.
  //
  //   weights: of each look, in their order; they sum to 1.
  mix(weights) {
    const { gl } = this;
    this.weights.fill(0);
    this.weights.set(weights.slice(0, MOST_LOOKS));
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.viewport(0, 0, TEXTURE_WIDTH, this.rows);
    gl.disable(gl.BLEND);
    gl.useProgram(this.mixer);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, null);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.looks);
    const place = (name) => gl.getUniformLocation(this.mixer, name);
    gl.uniform1i(place("u_looks"), 0);
    gl.uniform1fv(place("u_weights"), this.weights);
    gl.uniform1i(
      place("u_count"), Math.min(this.splats.looks.length, MOST_LOOKS),
    );
    gl.bindVertexArray(this.square);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  // Takes the order in which splats are drawn: Uint32Array of their numbers.
  setOrder(order) {
    const { gl } = this;
    this.order = order;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.numbers);
    gl.bufferData(gl.ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
  }

  // Draws.
  //
  //   camera: {eye [3], turn [9] world to camera by rows, focal [2], middle
  //     [2], fineness}, all lengths in pixels of the canvas; fineness is how
  //     many of these go on one of the pictures that splats were fitted to.
  //   background: r, g, b in [0, 1].
  draw(camera, background) {
    const { gl, program, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...background, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(program);
    const names = ["u_centers", "u_spreads", "u_spreads2", "u_colors"];
    [...this.textures, this.colors].forEach((texture, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(gl.getUniformLocation(program, names[unit]), unit);
    });
    const place = (name) => gl.getUniformLocation(program, name);
    gl.uniformMatrix3fv(place("u_turn"), true, camera.turn);
    gl.uniform3fv(place("u_eye"), camera.eye);
    gl.uniform2fv(place("u_focal"), camera.focal);
    gl.uniform2fv(place("u_middle"), camera.middle);
    gl.uniform2f(place("u_size"), canvas.width, canvas.height);
    // On a finer canvas than that of the photographs they cover as much as
    // they did there, and no holes open between them.
    const widening = WIDENING * Math.max(1, camera.fineness ** 2);
    gl.uniform1f(place("u_widening"), widening);
    gl.bindVertexArray(this.quads);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.order.length);
    gl.bindVertexArray(null);
  }

  floats(format, channels, values) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(
      gl.TEXTURE_2D, 0, format, TEXTURE_WIDTH, this.rows, 0,
      channels, gl.FLOAT, values,
    );
    this.nearest(gl.TEXTURE_2D);
    return texture;
  }

  nearest(kind) {
    const { gl } = this;
    gl.texParameteri(kind, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(kind, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  link(vertex, fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) {
        throw new Error(gl.getShaderInfoLog(shader));
      }
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error(gl.getProgramInfoLog(program));
    }
    return program;
  }
}
