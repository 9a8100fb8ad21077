"use strict";
// Draws the pictures with plotly.js, each when it comes into view. Colours are the page's.

(function plots() {
  const data = JSON.parse(document.getElementById("plots").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const config = { displayModeBar: false, responsive: true, displaylogo: false, scrollZoom: false, doubleClick: "reset" };

  function layout(more) {
    const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), automargin: true, fixedrange: true };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("text") },
      margin: { l: 44, r: 8, t: 8, b: 34 }, hoverlabel: { font: { size: 12 } }, dragmode: false,
    };
    return { ...base, ...more, xaxis: { ...axis, ...(more.xaxis || {}) }, yaxis: { ...axis, ...(more.yaxis || {}) } };
  }

  // Names that begin alike must still differ when they are cut.
  const cut = (text, most) => (text.length <= most ? text : text.slice(0, Math.ceil(most / 2) - 1) + "…" + text.slice(text.length - Math.floor(most / 2)));

  const draw = {
    hist(p) {
      const time = typeof p.edges[0] === "string";
      const edges = time ? p.edges.map((e) => Date.parse(e + "Z")) : p.edges;
      const mids = edges.slice(1).map((e, i) => (e + edges[i]) / 2), widths = edges.slice(1).map((e, i) => e - edges[i]);
      const at = time ? mids.map((m) => new Date(m).toISOString()) : mids;
      const traces = [{ type: "bar", name: p.own, x: at, y: p.synthetic, width: widths, marker: { color: colour("own-fill"), line: { color: colour("own"), width: 1 } }, hovertemplate: "%{y:.2%} " + p.own + "<extra></extra>" }];
      if (p.real) {
        const x = [], y = [];
        p.real.forEach((share, i) => { x.push(edges[i], edges[i + 1]); y.push(share, share); });
        traces.push({ type: "scatter", mode: "lines", name: "real", x: time ? x.map((e) => new Date(e).toISOString()) : x, y, line: { color: colour("real"), width: 2.4 }, hovertemplate: "%{y:.2%} real<extra></extra>" });
      }
      return [traces, layout({ bargap: 0, hovermode: "closest", yaxis: { tickformat: ".0%", rangemode: "tozero", nticks: 5 }, xaxis: { type: time ? "date" : "linear", showgrid: false, nticks: 7 } })];
    },
    bars(p) {
      const short = p.labels.map((l) => cut(l, 18)), rows = p.labels.map((_, i) => i);
      const trace = (name, values, fill, line) => ({ type: "bar", orientation: "h", name, y: rows, x: values, text: p.labels, textposition: "none", marker: { color: fill, line: { color: line, width: 1 } }, hovertemplate: "%{text}: %{x:.2%} " + name + "<extra></extra>" });
      const traces = [trace(p.own, p.synthetic, colour("own-fill"), colour("own"))];
      // Real on top of its pair; hollow, so that the two differ without colour too.
      if (p.real) traces.push(trace("real", p.real, "rgba(0,0,0,0)", colour("real")));
      if (p.real) traces[1].marker.line.width = 2;
      return [traces, layout({ barmode: "group", bargap: 0.25, yaxis: { tickvals: rows, ticktext: short, autorange: "reversed", showgrid: false }, xaxis: { tickformat: ".0%", rangemode: "tozero", nticks: 5 } })];
    },
    heat(p, box) {
      const scale = [[0, colour("heat-low")], [0.5, colour("heat-mid")], [1, colour("heat-high")]];
      const shortest = p.labels.map((l) => cut(l, 15)), ticks = p.labels.map((_, i) => i);
      const words = p.z.map((row, i) => row.map((v, j) => p.labels[i] + " and " + p.labels[j] + ": " + (v === null ? "no figure" : v.toFixed(2))));
      const axis = { tickvals: ticks, ticktext: shortest, showgrid: false, tickfont: { size: p.labels.length > 24 ? 8 : 10 } };
      const narrow = box.clientWidth < 420 && p.labels.length > 12;  // both axes have the same names
      return [[{ type: "heatmap", z: p.z, text: words, hovertemplate: "%{text}<extra></extra>", zmin: -1, zmax: 1, colorscale: scale, xgap: 1, ygap: 1, colorbar: { thickness: 10, len: 0.9, outlinewidth: 0, tickfont: { size: 10 } } }],
        layout({ xaxis: { ...axis, tickangle: -90, showticklabels: !narrow }, yaxis: { ...axis, autorange: "reversed" }, margin: { l: 20, r: 8, t: 8, b: 20 } })];
    },
    scatter(p) {
      const trace = (name, points, symbol, shade) => ({ type: "scatter", mode: "markers", name, x: points.map((q) => q[0]), y: points.map((q) => q[1]), marker: { symbol, size: 5, color: shade, opacity: 0.55, line: { width: 1, color: shade } }, hoverinfo: "skip" });
      const traces = [trace(p.own, p.synthetic, "circle", colour("own"))];
      if (p.real) traces.unshift(trace("real", p.real, "x-thin", colour("real")));
      return [traces, layout({ showlegend: true, legend: { orientation: "h", y: 1.08 }, margin: { l: 44, r: 8, t: 30, b: 40 }, xaxis: { title: { text: p.axes[0], font: { size: 11 } } }, yaxis: { title: { text: p.axes[1], font: { size: 11 } } } })];
    },
    lines(p) {
      const shades = ["own", "real", "floor", "pass", "quiet"].map(colour), dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
      const traces = p.series.map((s, i) => {
        const trace = { type: "scatter", mode: p.points ? "lines+markers" : "lines", name: s.name, x: p.x, y: s.y, line: { color: shades[i % 5], dash: dashes[i % 5], width: 2 } };
        if (s.low && s.low.every((v) => v !== null)) trace.error_y = { type: "data", symmetric: false, array: s.high.map((h, j) => h - s.y[j]), arrayminus: s.low.map((l, j) => s.y[j] - l), color: shades[i % 5], thickness: 1.2 };
        return trace;
      });
      const shapes = [];
      if (p.mark !== null && p.mark !== undefined) shapes.push({ type: "line", xref: "x", yref: "paper", x0: p.mark, x1: p.mark, y0: 0, y1: 1, line: { color: colour("quiet"), dash: "dash", width: 1.5 } });
      if (p.limit !== null && p.limit !== undefined) shapes.push({ type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: p.limit, y1: p.limit, line: { color: colour("limit"), width: 2 } });
      const y = { nticks: 5, rangemode: p.zero ? "tozero" : "normal" };
      if (p.limit !== null && p.limit !== undefined) {
        const all = [p.limit, ...p.series.flatMap((s) => [...s.y, ...(s.low || []), ...(s.high || [])])].filter((v) => typeof v === "number");
        const low = Math.min(...all), high = Math.max(...all), room = (high - low || 1) * 0.1;
        y.range = [low - room, high + room];
      }
      return [traces, layout({ shapes, showlegend: p.series.length > 1, legend: { orientation: "h", y: 1.15 }, margin: { l: 44, r: 8, t: p.series.length > 1 ? 24 : 8, b: 36 }, xaxis: { title: { text: p.xtitle || "", font: { size: 11 } }, type: p.points ? "category" : "linear", nticks: 6 }, yaxis: y })];
    },
  };

  function show(box) {
    const p = data[+box.dataset.plot];
    if (p.t === "bars") box.style.height = Math.max(120, 44 + p.labels.length * (p.real ? 26 : 18)) + "px";
    const [traces, shape] = draw[p.t](p, box);
    Plotly.react(box, traces, shape, config);
    box.classList.add("drawn");
  }

  const boxes = [...document.querySelectorAll(".plot")];
  const seen = new IntersectionObserver((entries) => entries.forEach((e) => {
    if (e.isIntersecting) { seen.unobserve(e.target); show(e.target); }
  }), { rootMargin: "300px" });
  boxes.forEach((b) => seen.observe(b));
  document.addEventListener("synth-theme", () => boxes.filter((b) => b.classList.contains("drawn")).forEach(show));
  addEventListener("beforeprint", () => boxes.filter((b) => !b.classList.contains("drawn")).forEach(show));
})();
