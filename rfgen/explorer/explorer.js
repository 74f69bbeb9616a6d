// The exact curve under the sliders: a solver of kernel and random-feature ridge, a picture, and a widget around them.

// Equilibrium: gamma (n - df1)(k - df1) = ridge k.  With m = min(n, k) and the smaller gap g = m - df1 it reads
// df1(gamma) + g(gamma) = m, g = 2 r / (|x| + sqrt(x^2 + 4 r / k)), r = ridge / gamma, x = 1 - n / k; the m leading modes
// enter with what they have not learned, so that both sides are sums of positive terms.
function equilibrium({ values, counts }, n, k, ridge) {
  const m = Math.min(n, k);
  const x = k === Infinity ? 1 : Math.abs((k - n) / k);
  let total = 0, trace = 0, leading = 0, split = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] > 0) total += counts[i];
    trace += counts[i] * values[i];
    if (values[i] > 0 && leading + counts[i] <= m && split === i) { leading += counts[i]; split = i + 1; }
  }
  if (ridge === 0 && total <= m) return { gamma: 0, smaller: m - total, spread: 0 };
  const gap = (gamma) => {
    const r = ridge / gamma;
    return r === 0 ? 0 : 2 * r / (x + Math.sqrt(x * x + 4 * r / k));
  };
  const excess = (u) => {
    const gamma = Math.exp(u), r = ridge / gamma;
    let left = gap(gamma), right = m - leading, slopeLeft = 0, slopeRight = 0;
    const root = Math.sqrt(x * x + 4 * r / k);
    slopeLeft = root > 0 ? r / root : 0;
    for (let i = 0; i < values.length; i++) {
      const inverse = values[i] > 0 ? 1 / (values[i] + gamma) : 0; // gamma may be below 1e-308
      const learned = values[i] * inverse, missed = gamma * inverse;
      if (i < split) { right += counts[i] * missed; slopeRight += counts[i] * learned * missed; }
      else { left += counts[i] * learned; slopeLeft += counts[i] * learned * missed; }
    }
    return [Math.log(left) - Math.log(right), -slopeLeft / left - slopeRight / right];
  };
  let high = Math.log(Math.max(2 * trace / m, ridge > 0 ? 4 * ridge / (m * ((k === Infinity ? 0 : m / k) + 2 * x)) : 0));
  let low = high - 1, step = 1;
  while (excess(low)[0] < 0 && low > -740) { high = low; step *= 2; low = Math.max(low - step, -740); }
  let u = 0.5 * (low + high);
  for (let pass = 0; pass < 200; pass++) {
    const [value, slope] = excess(u);
    if (value > 0) low = u; else high = u;
    const newton = u - value / slope;
    const next = newton > low && newton < high ? newton : 0.5 * (low + high);
    const moved = Math.abs(next - u);
    u = next;
    if (moved <= 1e-15 * Math.max(Math.abs(u), 1)) break;
  }
  const gamma = Math.exp(u);
  let spread = 0;
  for (let i = 0; i < values.length; i++) {
    const inverse = values[i] > 0 ? 1 / (values[i] + gamma) : 0; // gamma may be below 1e-308
    spread += counts[i] * (values[i] * inverse) * (gamma * inverse);
  }
  return { gamma, smaller: ridge > 0 ? gap(gamma) : 0, spread };
}

// Risk of ridge regression on n samples and k features (Infinity: the kernel); with the gaps a = n - df1, b = k - df1 and
// s = df1 - df2, test = [sum_i v_i^2 (1 - L_i)(1 - L_i + L_i s/(b + s)) + noise] n/(a + b s/(b + s)).
export function risk(modes, { n, features = Infinity, ridge = 0, noise = 0 }) {
  const { gamma, smaller, spread: s } = equilibrium(modes, n, features, ridge);
  const a = n <= features ? smaller : smaller + (n - features);
  const b = n <= features ? smaller + (features - n) : smaller;
  const kernel = features === Infinity;
  const share = kernel ? 0 : b + s > 0 ? s / (b + s) : 1;
  let missed = 0, bias = 0;
  for (let i = 0; i < modes.values.length; i++) {
    const all = modes.values[i] + gamma;
    const left = all > 0 ? gamma / all : 1, learned = all > 0 ? modes.values[i] / all : 0;
    missed += modes.power[i] * left * (left + learned * share);
    bias += modes.power[i] * left * left;
  }
  const rest = (a + (kernel ? s : b * share)) / n;
  const test = missed + noise > 0 ? (missed + noise) / rest : 0; // not the limit at n = k = rank without noise
  const noisy = noise > 0 ? noise / rest : 0;
  const variance = test === Infinity ? Infinity : Math.max(test - bias - noisy, 0);
  return { test, bias, noise: noisy, variance, train: a === 0 ? 0 : (a / n) ** 2 * test };
}

// Eigenvalues i^-alpha and powers i^-beta of so many modes, one level each.
export function powerLaw(alpha, beta, count) {
  const index = Float64Array.from({ length: count }, (_, i) => i + 1);
  return { values: index.map((i) => i ** -alpha), counts: index.map(() => 1), power: index.map((i) => i ** -beta) };
}

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640, HEIGHT = 400, LEFT = 62, RIGHT = 24, TOP = 30, BOTTOM = 46;
const COLOURS = { bias: "#3b6ea8", variance: "#d98032", noise: "#9a9a9a", test: "#222", train: "#2c8a5b" };
const NAMES = { n: "samples n", features: "random features k", ridge: "ridge δ", noise: "noise σ²" };
// Values that span more than this factor are drawn on a logarithmic axis, as by rg.plot.
const LOG_FACTOR = 20;
// Of the least test risk, how far below the picture goes.
const DEPTH = 20;

// Makes the children of `svg` those of `parts`, [tag, attributes, text] each, and touches only what is another: a page with
// many styles takes longer to find those of new nodes than to move old ones.
function patch(svg, parts) {
  while (svg.childNodes.length > parts.length) svg.lastChild.remove();
  parts.forEach(([tag, attributes, text], i) => {
    let at = svg.childNodes[i];
    if (at?.tagName !== tag) {
      const made = document.createElementNS(SVG, tag);
      if (at) at.replaceWith(made); else svg.append(made);
      at = made;
      at.told = {};
    }
    for (const name of Object.keys(at.told)) if (!(name in attributes)) at.removeAttribute(name);
    for (const [name, value] of Object.entries(attributes)) if (at.told[name] !== value) at.setAttribute(name, value);
    at.told = attributes;
    if (at.textContent !== text) at.textContent = text;
  });
}

export function tidy(value) {
  if (value === Infinity) return "∞";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(1).replace(".0", "");
  return String(+value.toPrecision(3));
}

function scale(values, from, to) {
  const finite = values.filter((value) => Number.isFinite(value));
  const positive = finite.filter((value) => value > 0);
  let low = Math.min(...finite), high = Math.max(...finite);
  const log = positive.length === finite.length && high > LOG_FACTOR * low;
  if (!log) { low = Math.min(low, 0); high += high === low ? 1 : 0.04 * (high - low); }
  const f = log ? Math.log10 : (value) => value;
  const place = (value) => from + (to - from) * (f(value) - f(low)) / (f(high) - f(low) || 1);
  const ticks = [];
  if (log) {
    const whole = Math.floor(Math.log10(high)) - Math.ceil(Math.log10(low));
    const steps = whole >= 4 ? [1] : whole >= 2 ? [1, 3] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const digit of steps) {
        const tick = digit * 10 ** power;
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
  } else {
    const rough = (high - low) / 5, base = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * base).find((one) => one >= rough);
    for (let tick = Math.ceil(low / step) * step; tick <= high * 1.0001; tick += step) ticks.push(+tick.toPrecision(6));
  }
  return { place, ticks, low };
}

// The picture of a curve { x, test, bias, variance, noise, train } with measured points { x, test, test_se }, as SVG.
export function draw(svg, axis, curve, runs) {
  const parts = [], add = (tag, attributes, text = "") => parts.push([tag, attributes, text]);
  const lines = ["test", "train"].filter((name) => curve[name]);
  const shaded = ["bias", "variance", "noise"].filter((name) => curve[name]);
  const finite = (value) => Number.isFinite(value);
  const dots = runs?.x?.length ? runs : { x: [], test: [], test_se: [] };
  const tests = [...curve.test, ...dots.test].filter((value) => finite(value) && value > 0);
  const least = Math.min(...tests) / DEPTH; // a training error may go to 0, and would press all else to the top
  const heights = [...tests, ...(curve.train ?? []).filter((value) => finite(value) && value > 0).map((value) => Math.max(value, least))];
  // 0 has no place on the axis of a geometric grid that begins with it
  const geometric = Math.max(...curve.x) > 10 * curve.x[curve.x.length >> 1];
  const inside = (at) => at > 0 || !geometric;
  const across = scale([...curve.x, ...dots.x].filter(inside), LEFT, WIDTH - RIGHT);
  const up = scale(heights.length ? heights : [0, 1], HEIGHT - BOTTOM, TOP);
  const y = (value) => Math.min(Math.max(up.place(value), TOP - 10), HEIGHT - BOTTOM);
  for (const tick of across.ticks) {
    const at = across.place(tick);
    add("line", { x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM, stroke: "#8883", "stroke-width": 1 });
    add("text", { x: at, y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, tidy(tick));
  }
  for (const tick of up.ticks) {
    const at = up.place(tick);
    add("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at, stroke: "#8883", "stroke-width": 1 });
    add("text", { x: LEFT - 7, y: at + 4, "text-anchor": "end" }, tidy(tick));
  }
  add("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, NAMES[axis] ?? axis);
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  add("text", { x: 15, y: middle, "text-anchor": "middle", transform: `rotate(-90 15 ${middle})` }, "risk");
  let below = curve.x.map(() => 0);
  for (const name of shaded) {
    const above = below.map((value, i) => value + Math.max(curve[name][i] ?? 0, 0));
    const kept = curve.x.map((_, i) => i).filter((i) => finite(above[i]) && inside(curve.x[i]));
    const edge = (level, i) => `${across.place(curve.x[i]).toFixed(2)},${(level[i] > 0 ? y(level[i]) : HEIGHT - BOTTOM).toFixed(2)}`;
    const points = [...kept.map((i) => edge(above, i)), ...kept.slice().reverse().map((i) => edge(below, i))];
    add("polygon", { points: points.join(" "), fill: COLOURS[name], opacity: 0.28, "data-part": name });
    below = above;
  }
  for (const name of lines) {
    let path = "", pen = "M";
    curve[name].forEach((value, i) => {
      if (!(value > 0) || !inside(curve.x[i])) { pen = "M"; return; } // what is infinite leaves the picture at its top
      path += `${pen}${across.place(curve.x[i]).toFixed(2)},${y(value).toFixed(2)}`;
      pen = "L";
    });
    const stroke = name === "test" ? "currentColor" : COLOURS[name];
    add("path", { d: path, fill: "none", stroke, "stroke-width": 2, "data-line": name });
  }
  dots.x.forEach((at, i) => {
    if (!finite(dots.test[i]) || !inside(at)) return;
    const left = across.place(at), [top, bottom] = [dots.test[i] + dots.test_se[i], dots.test[i] - dots.test_se[i]];
    const ends = { y1: y(top), y2: bottom > 0 ? y(bottom) : HEIGHT - BOTTOM };
    add("line", { x1: left, x2: left, ...ends, stroke: "currentColor", "stroke-width": 1.2 });
    add("circle", { cx: left, cy: y(dots.test[i]), r: 3.5, fill: "currentColor", "data-run": i });
  });
  const legend = [...lines.map((name) => [name, name === "test" ? "currentColor" : COLOURS[name], 1]),
    ...shaded.map((name) => [name, COLOURS[name], 0.45])];
  legend.forEach(([name, fill, opacity], i) => {
    const left = LEFT + 10 + 84 * i;
    add("rect", { x: left, y: 8, width: 14, height: 8, fill, opacity });
    add("text", { x: left + 19, y: 16 }, name);
  });
  patch(svg, parts);
}

const STYLE = `
.rfgen-explorer { font: 14px system-ui, sans-serif; display: flex; flex-wrap: wrap; gap: 18px; max-width: 1000px; }
.rfgen-explorer svg { flex: 1 1 420px; max-width: 640px; min-width: 300px; font: 12px system-ui, sans-serif; }
.rfgen-explorer svg text { fill: currentColor; }
.rfgen-explorer .controls { flex: 1 1 240px; max-width: 320px; }
.rfgen-explorer [hidden] { display: none; }
.rfgen-explorer label:not([hidden]) { display: block; margin-bottom: 9px; }
.rfgen-explorer label span { float: right; font-variant-numeric: tabular-nums; }
.rfgen-explorer input[type=range] { width: 100%; margin: 2px 0; }
.rfgen-explorer button, .rfgen-explorer select { font: inherit; margin: 4px 6px 4px 0; padding: 3px 10px; }
.rfgen-explorer progress { width: 100%; }
.rfgen-explorer .said { min-height: 1.3em; opacity: 0.75; }`;

// Sliders { name: { values, at } }, a picture, and buttons.  `compute(settings, x)` calls `show(curve)`, now or later;
// `simulate(settings, x)`, if there is one, calls `measured(runs, share)`; `code(settings, x)` is what one would type, now or
// later.
export function explorer(host, { sliders, x, compute, simulate, code }) {
  const root = document.createElement("div");
  root.className = "rfgen-explorer";
  root.innerHTML = `<style>${STYLE}</style><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"></svg><div class="controls"></div>`;
  const svg = root.querySelector("svg"), controls = root.querySelector(".controls");
  const settings = Object.fromEntries(Object.entries(sliders).map(([name, { values, at }]) => [name, values[at]]));
  let axis = x, curve = null, runs = null;
  let due = false; // drawn once a frame, whatever comes in between
  const redraw = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; if (curve) draw(svg, axis, curve, runs); });
  };
  const show = (found) => { curve = found; redraw(); };
  const ask = () => { runs = null; if (bar) bar.hidden = true; compute({ ...settings }, axis, show); };
  const along = document.createElement("label");
  along.textContent = "along ";
  const choice = document.createElement("select");
  choice.append(...Object.keys(sliders).map((name) => new Option(NAMES[name] ?? name, name, name === x, name === x)));
  along.append(choice);
  controls.append(along);
  const rows = {};
  for (const [name, { values, at }] of Object.entries(sliders)) {
    const row = document.createElement("label"), shown = document.createElement("span"), range = document.createElement("input");
    Object.assign(range, { type: "range", min: 0, max: values.length - 1, step: 1, value: at, name });
    shown.textContent = tidy(values[at]);
    row.append(NAMES[name] ?? name, shown, range);
    range.addEventListener("input", () => {
      settings[name] = values[+range.value];
      shown.textContent = tidy(settings[name]);
      ask();
    });
    rows[name] = row;
    row.hidden = name === axis;
    controls.append(row);
  }
  choice.addEventListener("change", () => {
    rows[axis].hidden = false;
    axis = choice.value;
    rows[axis].hidden = true;
    ask();
  });
  const said = document.createElement("div");
  said.className = "said";
  const button = (text, act) => {
    const made = document.createElement("button");
    made.textContent = text;
    made.addEventListener("click", act);
    controls.append(made);
    return made;
  };
  let bar = null;
  if (simulate) {
    bar = document.createElement("progress");
    bar.hidden = true;
    button("simulate", () => {
      bar.hidden = false;
      bar.removeAttribute("value");
      simulate({ ...settings }, axis, (found, share) => {
        runs = found;
        bar.value = share;
        bar.hidden = share >= 1;
        redraw();
      });
    });
  }
  button("copy the code", async () => {
    const text = await code({ ...settings }, axis);
    try { await navigator.clipboard.writeText(text); said.textContent = "copied"; } catch { said.textContent = text; }
  });
  button("save the picture", () => {
    const copy = svg.cloneNode(true);
    copy.setAttribute("xmlns", SVG);
    copy.setAttribute("style", "color: #222; background: white; font: 12px sans-serif");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    link.download = "curve.svg";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  if (bar) controls.append(bar);
  controls.append(said);
  host.append(root);
  ask();
  return { say: (text) => { said.textContent = text; } };
}

// A picture's curve by the solver of this module: no kernel, no server.
export function solved(modes, values, settings, axis) {
  const curve = { x: [], test: [], bias: [], variance: [], noise: [], train: [] };
  for (const at of values) {
    const point = risk(modes, { ...settings, [axis]: at });
    curve.x.push(at);
    for (const [name, value] of Object.entries(point)) curve[name].push(value);
  }
  return curve;
}

// A grid with the interpolation threshold at one of its points: the nearest, so that it is as long as before.
export function withPeak(values, peak) {
  const gaps = values.map((value) => Math.abs(Math.log(value / peak)));
  const at = gaps.indexOf(Math.min(...gaps));
  return at > 0 && at < values.length - 1 ? values.with(at, peak) : values;
}

// Pictures that are asked for before the first has come: Python computes one while the other is drawn.
const AHEAD = 2;

// The widget: Python computes.  Of what waits only the latest settings are asked for.
function render({ model, el }) {
  const view = Math.random().toString(36); // of several that one widget has
  let flying = 0, waiting = null, show = () => {}, measured = () => {}, typed = () => {};
  const ask = (what, settings, axis) => model.send({ ask: what, settings, axis, view });
  const send = (asked) => {
    if (flying === AHEAD) { waiting = asked; return; }
    flying++;
    ask("curve", ...asked);
  };
  const listen = (said, buffers) => {
    const { curve, runs, code } = said;
    if ((curve ?? runs ?? code)?.view !== view) return;
    if (curve) {
      flying--;
      shown.say(curve.failure ?? "");
      if (!curve.failure) show(columns(curve.names, buffers[0]));
      if (waiting) { const next = waiting; waiting = null; send(next); }
    } else if (runs) {
      if (runs.failure) shown.say(runs.failure);
      measured(runs, runs.share);
    } else typed(code.text);
  };
  model.on("msg:custom", listen);
  const sliders = structuredClone(model.get("sliders"));
  for (const own of Object.values(sliders)) own.values = own.values.map((value) => value ?? Infinity); // as JSON has it
  const shown = explorer(el, {
    sliders, x: model.get("x"),
    compute: (settings, axis, done) => { show = done; send([settings, axis]); },
    simulate: (settings, axis, done) => { measured = done; ask("runs", settings, axis); },
    code: (settings, axis) => new Promise((done) => { typed = done; ask("code", settings, axis); }),
  });
  return () => model.off("msg:custom", listen);
}

// Rows of numbers that came as bytes, by name.
function columns(names, bytes) {
  const all = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const count = all.length / names.length;
  return Object.fromEntries(names.map((name, i) => [name, Array.from(all.subarray(i * count, (i + 1) * count))]));
}

export default { render };
