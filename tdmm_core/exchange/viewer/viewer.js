"use strict";
// The viewer of one motion: unpacks it, poses the face by its units, paints it as the renderer does, and plays, scrubs and orbits.
(async function () {
  const told = JSON.parse(document.getElementById("motion").textContent);
  const find = (id) => document.getElementById(id);

  // ---- what the page carries -----------------------------------------------------------------------------------------------------
  const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, f4: Float32Array };
  async function unpacked(text) {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = await new Response(stream).arrayBuffer();
    const arrays = {};
    for (const [name, type, start, count] of told.arrays) arrays[name] = new TYPES[type](bytes, start, count);
    return arrays;
  }
  const a = await unpacked(told.packed);
  const T = told.frames, U = told.units.length, V = a.rest.length / 3, length_s = (T - 1) / told.fps;

  // ---- posing --------------------------------------------------------------------------------------------------------------------
  const rest = Float32Array.from(a.rest, (x) => x * told.step);
  const position = new Float32Array(3 * V), normal = new Float32Array(3 * V), occlusion = new Float32Array(V), strength = new Float32Array(U);
  const triangles = a.triangles;

  function pose(time_s) {
    const place = Math.min(Math.max(time_s * told.fps, 0), T - 1), i = Math.min(Math.floor(place), Math.max(T - 2, 0)), share = place - i;
    const j = Math.min(i + 1, T - 1);
    position.set(rest);
    for (let v = 0; v < V; v++) occlusion[v] = a.occlusion[v] / 255;
    for (let u = 0; u < U; u++) {
      const w = strength[u] = (a.weights[i * U + u] * (1 - share) + a.weights[j * U + u] * share) / 65535;
      if (w === 0) continue;
      const step = w * told.unit_steps[u];
      for (let k = a.move_starts[u]; k < a.move_starts[u + 1]; k++) {
        const p = 3 * a.move_rows[k];
        position[p] += step * a.moves[3 * k];
        position[p + 1] += step * a.moves[3 * k + 1];
        position[p + 2] += step * a.moves[3 * k + 2];
      }
      for (let k = a.shade_starts[u]; k < a.shade_starts[u + 1]; k++) occlusion[a.shade_rows[k]] += w * a.shades[k] / 127;
    }
    for (let v = 0; v < V; v++) occlusion[v] = Math.min(Math.max(occlusion[v], 0), 1);
    normals();
    return between(i, j, share);
  }

  function normals() {
    normal.fill(0);
    for (let t = 0; t < triangles.length; t += 3) {
      const p = 3 * triangles[t], q = 3 * triangles[t + 1], r = 3 * triangles[t + 2];
      const ax = position[q] - position[p], ay = position[q + 1] - position[p + 1], az = position[q + 2] - position[p + 2];
      const bx = position[r] - position[p], by = position[r + 1] - position[p + 1], bz = position[r + 2] - position[p + 2];
      const x = ay * bz - az * by, y = az * bx - ax * bz, z = ax * by - ay * bx;
      for (const at of [p, q, r]) { normal[at] += x; normal[at + 1] += y; normal[at + 2] += z; }
    }
  }

  function between(i, j, share) {
    const q = [0, 1, 2, 3].map((k) => a.turns[4 * i + k] * (1 - share) + a.turns[4 * j + k] * share);
    const size = Math.hypot(...q), [x, y, z, w] = q.map((c) => c / size);
    const moved = [0, 1, 2].map((k) => a.places[3 * i + k] * (1 - share) + a.places[3 * j + k] * share);
    const turn = [
      1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w),
      2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w),
      2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y),
    ];
    return { turn, moved };
  }

  // ---- painting ------------------------------------------------------------------------------------------------------------------
  const canvas = find("face");
  const gl = canvas.getContext("webgl", { antialias: true, alpha: true, premultipliedAlpha: true });
  if (!gl) { find("hint").textContent = "The face needs WebGL, which this browser does not give; the curves are on the right."; }

  const VERTEX = `
    attribute vec3 position, normal, eye; attribute vec2 uv; attribute vec4 looks; attribute float occlusion;
    uniform mat3 turn, orbit; uniform vec3 moved, centre; uniform vec4 lens;
    varying vec3 toward, facing, eyeward, inside; varying vec2 at; varying vec4 look; varying float open;
    void main() {
      vec3 world = orbit * (turn * position + moved - centre);
      facing = orbit * (turn * normalize(normal));
      toward = vec3(0.0, 0.0, lens.z) - world;
      eyeward = eye; at = uv; look = looks; open = occlusion; inside = position;
      float depth = lens.z - world.z;
      float far = lens.z + 0.5;
      gl_Position = vec4(world.x * lens.x, world.y * lens.y, ((far + lens.w) * depth - 2.0 * far * lens.w) / (far - lens.w), depth);
    }`;
  const FRAGMENT = `
    precision highp float;
    uniform sampler2D paint; uniform int kind; uniform vec3 palette[8]; uniform vec3 lights[4]; uniform float iris; uniform vec3 marks;
    varying vec3 toward, facing, eyeward, inside; varying vec2 at; varying vec4 look; varying float open;
    float gloss(vec3 n, vec3 v, vec3 l, float power) { return pow(max(dot(n, normalize(v + l)), 0.0), power); }
    vec3 skin(vec3 n, vec3 v) {
      vec3 painted = look.x > 0.01 ? texture2D(paint, at).rgb * look.x : vec3(0.0);
      float key = dot(n, lights[0]), fill = dot(n, lights[1]), sky = 0.72 + 0.28 * n.y;
      float shine = gloss(n, v, lights[0], 16.0) * 0.05 + painted.r * gloss(n, v, lights[0], 64.0) * 0.16;
      float grazing = 1.0 - max(dot(n, v), 0.0);
      float bare = (shine * lights[3].x * (1.0 - painted.g) + 0.10 * grazing * grazing * grazing * grazing * lights[3].z) * open;
      vec3 c = palette[0] * (1.0 - painted.b * vec3(0.02, 0.15, 0.22));
      c += (palette[1] - c) * painted.r * 0.85;
      c += (palette[2] - c) * painted.g;
      c *= 1.0 - 0.72 * look.y;
      vec3 closed = open * (1.0 + (1.0 - open) * vec3(0.22, 0.0, -0.22)), wrap = vec3(0.34, 0.22, 0.10);
      vec3 lamps = max((key + wrap) / (1.0 + wrap), 0.0) * lights[3].x + max((fill + wrap) / (1.0 + wrap), 0.0) * lights[3].y;
      return c * (lamps * (0.45 + 0.55 * closed) + lights[3].z * sky * closed) + bare;
    }
    vec3 eyeball(vec3 n, vec3 v) {
      float radius = atan(length(eyeward.xy), eyeward.z) / iris, around = atan(eyeward.y, eyeward.x);
      float fibres = 0.5 + 0.5 * sin(around * 23.0 + 2.0 * sin(around * 7.0)) * sin(around * 41.0 + 1.3);
      float within = 1.0 - smoothstep(0.93, 1.03, radius), pupil = 1.0 - smoothstep(0.35, 0.45, radius), limbus = smoothstep(0.66, 0.98, radius);
      float glow = 0.72 + 0.38 * fibres * smoothstep(0.40, 0.6, radius) + 0.45 * (1.0 - smoothstep(0.40, 0.75, radius));
      float light = max((dot(n, lights[0]) + 0.4) / 1.4, 0.0) * lights[3].x + max((dot(n, lights[1]) + 0.4) / 1.4, 0.0) * lights[3].y
        + lights[3].z * (0.78 + 0.22 * n.y);
      float caustic = 1.0 + 0.5 * within * (1.0 - pupil) * max(-dot(eyeward.xy, lights[0].xy) / sin(iris), 0.0);
      float spark = smoothstep(0.40, 0.75, gloss(n, v, lights[2], 512.0)) * 0.9 * lights[3].x + gloss(n, v, lights[1], 512.0) * 0.30 * lights[3].y;
      float shadow = 0.42 + 0.58 * (0.85 - 0.55 * smoothstep(-0.001, 0.007, inside.y - marks.x));
      vec3 white = palette[4] * (1.0 - smoothstep(0.35, 0.95, abs(eyeward.x)) * vec3(0.06, 0.18, 0.26));
      vec3 c = palette[3] * glow * (1.0 - 0.72 * limbus) * caustic * (1.0 - 0.97 * pupil);
      return mix(white, c, within) * light * shadow + spark * (0.25 + 0.75 * shadow);
    }
    vec3 mouth(vec3 n, vec3 v) {
      float into = smoothstep(-0.040, -0.004, inside.z - marks.y), key = max((dot(n, lights[0]) + 0.5) / 1.5, 0.0);
      float light, dark, wet = kind == 2 ? 0.0 : gloss(n, v, lights[0], 32.0) * 0.16 * lights[3].x;
      if (kind == 3) {
        light = (0.45 + 0.25 * key) * lights[3].x + lights[3].z * 0.75;
        dark = (0.40 + 0.60 * sqrt(open)) * (0.10 + 0.90 * sqrt(into));
      } else {
        light = (key * lights[3].x * 0.8 + lights[3].z * 0.9) * (0.35 + 0.65 * max(dot(n, v), 0.0));
        dark = mix(kind == 4 ? 0.15 : 0.0, 1.0, sqrt(open)) * (0.3 + 0.7 * into);
      }
      vec3 c = kind == 2 ? palette[5] : kind == 3 ? palette[6] : palette[7];
      return (c * light + wet) * dark;
    }
    void main() {
      vec3 n = normalize(facing), v = normalize(toward);
      vec3 c = kind == 1 ? eyeball(n, v) : kind > 1 && kind < 5 ? mouth(n, v) : skin(n, v);
      c = mix(c, 0.7 + 0.3 * (1.0 - exp(-(c - 0.7) / 0.3)), step(0.7, c));
      c = mix(c * 12.92, 1.055 * pow(max(c, 0.0), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
      gl_FragColor = vec4(c, 1.0) * look.z;
    }`;

  let program, buffers = {}, named = {};
  function compile(kind, source) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    return shader;
  }
  function attribute(name, array, size, type, normalized) {
    const buffer = gl.createBuffer(), where = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, array, array === position || array === normal || array === occlusion ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, size, type, normalized, 0, 0);
    buffers[name] = buffer;
  }
  async function prepare() {
    program = gl.createProgram();
    gl.attachShader(program, compile(gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compile(gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    attribute("position", position, 3, gl.FLOAT, false);
    attribute("normal", normal, 3, gl.FLOAT, false);
    attribute("occlusion", occlusion, 1, gl.FLOAT, false);
    attribute("uv", Float32Array.from(a.uv, (x) => x / 65535), 2, gl.FLOAT, false);
    attribute("looks", a.looks, 4, gl.UNSIGNED_BYTE, true);
    attribute("eye", Float32Array.from(a.eye, (x) => x / 32767), 3, gl.FLOAT, false);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    for (const name of ["turn", "orbit", "moved", "centre", "lens", "paint", "kind", "palette", "lights", "iris", "marks"])
      named[name] = gl.getUniformLocation(program, name);
    gl.uniform3fv(named.palette, told.palette);
    gl.uniform3fv(named.lights, told.lights);
    gl.uniform1f(named.iris, told.iris_rad);
    gl.uniform3fv(named.marks, told.marks);
    gl.uniform3fv(named.centre, told.centre);
    const picture = new Image();
    picture.src = told.paint;
    await picture.decode();
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, picture);
    for (const [what, how] of [[gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE], [gl.TEXTURE_MIN_FILTER, gl.LINEAR]])
      gl.texParameteri(gl.TEXTURE_2D, what, how);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE); // as the renderer: what turns its back is not drawn
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  const view = { yaw: 0, pitch: 0, near: 1 };
  function sized(target) {
    const scale = window.devicePixelRatio || 1, width = Math.round(target.clientWidth * scale), height = Math.round(target.clientHeight * scale);
    if (target.width !== width || target.height !== height) { target.width = width; target.height = height; }
    return [width, height, scale];
  }
  function drawFace(head) {
    if (!program) return;
    const [width, height] = sized(canvas), smaller = Math.min(width, height);
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    for (const [name, array] of [["position", position], ["normal", normal], ["occlusion", occlusion]]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, array);
    }
    const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
    const distance = told.distance / view.near, focal = 2 * told.distance / told.height;
    gl.uniformMatrix3fv(named.orbit, false, [cy, sp * sy, -cp * sy, 0, cp, sp, sy, -sp * cy, cp * cy]);
    gl.uniformMatrix3fv(named.turn, false, head.turn);
    gl.uniform3fv(named.moved, head.moved);
    gl.uniform4f(named.lens, focal * smaller / width, focal * smaller / height, distance, Math.max(distance - 0.35, 0.02));
    for (const [kind, start, count] of told.groups) {
      gl.uniform1i(named.kind, kind);
      gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_SHORT, 2 * start);
    }
  }

  // ---- curves --------------------------------------------------------------------------------------------------------------------
  const sheet = find("curves"), LABEL = 0.34;
  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name); }
  function drawCurves(time_s) {
    const [width, height, scale] = sized(sheet), ink = sheet.getContext("2d"), rows = told.curves, left = width * LABEL;
    ink.clearRect(0, 0, width, height);
    const tall = Math.min(height / rows.length, 42 * scale), run = width - left - 2 * scale;
    ink.font = `${Math.min(12 * scale, tall * 0.55)}px system-ui, sans-serif`;
    ink.textBaseline = "middle";
    rows.forEach((row, r) => {
      const floor = (r + 0.9) * tall, high = 0.78 * tall, signed = row.low < 0, span = row.high - row.low;
      const y = (value) => floor - high * (value - row.low) / span;
      ink.fillStyle = colour("--faint");
      ink.fillText(row.name, 0, floor - high / 2, left - 8 * scale);
      ink.beginPath();
      row.values.forEach((value, i) => {
        const x = left + (T > 1 ? i / (T - 1) : 0) * run;
        i === 0 ? ink.moveTo(x, y(value)) : ink.lineTo(x, y(value));
      });
      ink.strokeStyle = colour(signed ? "--head" : "--curve");
      ink.lineWidth = 1.4 * scale;
      ink.stroke();
      ink.lineTo(left + run, y(0)); ink.lineTo(left, y(0)); ink.closePath();
      ink.globalAlpha = 0.14; ink.fillStyle = ink.strokeStyle; ink.fill(); ink.globalAlpha = 1;
    });
    const x = left + (length_s > 0 ? time_s / length_s : 0) * run;
    ink.strokeStyle = colour("--ink"); ink.lineWidth = scale;
    ink.beginPath(); ink.moveTo(x, 0); ink.lineTo(x, tall * rows.length); ink.stroke();
  }

  // ---- time ----------------------------------------------------------------------------------------------------------------------
  const bar = find("time"), play = find("play").querySelector("path");
  let now = 0, playing = false, last = 0;
  bar.max = length_s;
  function show() {
    const head = pose(now);
    if (gl) drawFace(head);
    drawCurves(now);
    bar.value = now;
    find("clock").textContent = `${now.toFixed(2)} / ${length_s.toFixed(2)} s`;
  }
  function run(on) {
    playing = on;
    play.setAttribute("d", on ? "M7 5h4v14H7zM13 5h4v14h-4z" : "M8 5v14l11-7z");
    if (on) { if (now >= length_s) now = 0; last = performance.now(); requestAnimationFrame(tick); }
  }
  function tick(at) {
    if (!playing) return;
    now += Math.max(at - last, 0) / 1000 * Number(find("speed").value);
    last = at;
    if (now > length_s) now = length_s > 0 ? now % length_s : 0;
    show();
    requestAnimationFrame(tick);
  }
  function go(time_s) { run(false); now = Math.min(Math.max(time_s, 0), length_s); show(); }

  find("play").onclick = () => run(!playing);
  bar.oninput = () => go(Number(bar.value));
  document.onkeydown = (e) => {
    if (e.target.tagName === "SELECT") return;
    if (e.key === " ") { e.preventDefault(); run(!playing); }
    if (e.key === "ArrowRight" || e.key === "ArrowLeft") { e.preventDefault(); go(now + (e.key === "ArrowRight" ? 1 : -1) / told.fps); }
  };
  function scrub(e) {
    const box = sheet.getBoundingClientRect();
    go((e.clientX - box.left - box.width * LABEL) / (box.width * (1 - LABEL)) * length_s);
  }
  sheet.onpointerdown = (e) => { sheet.setPointerCapture(e.pointerId); scrub(e); };
  sheet.onpointermove = (e) => { if (e.buttons) scrub(e); };

  // ---- looking around ------------------------------------------------------------------------------------------------------------
  canvas.onpointerdown = (e) => { canvas.setPointerCapture(e.pointerId); find("hint").style.opacity = 0; };
  canvas.onpointermove = (e) => {
    if (!e.buttons) return;
    view.yaw += e.movementX * 0.008;
    view.pitch = Math.min(Math.max(view.pitch + e.movementY * 0.008, -1.2), 1.2);
    if (!playing) show();
  };
  canvas.onwheel = (e) => { e.preventDefault(); view.near = Math.min(Math.max(view.near * Math.exp(-e.deltaY * 0.001), 0.5), 4); if (!playing) show(); };
  canvas.ondblclick = () => { Object.assign(view, { yaw: 0, pitch: 0, near: 1 }); if (!playing) show(); };
  window.onresize = show;

  if (gl) await prepare();
  const asked = parseFloat(location.hash.slice(1)); // page.html#1.5 opens at that second
  Number.isFinite(asked) ? go(asked) : (show(), run(!matchMedia("(prefers-reduced-motion: reduce)").matches));
})();
