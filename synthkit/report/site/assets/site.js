"use strict";
// Theme, search, and walking the lineage by keyboard. Everything else works without a script.

(function theme() {
  const root = document.documentElement, button = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => button.setAttribute("aria-label", dark() ? "Show it light" : "Show it dark");
  const changed = () => { name(); document.dispatchEvent(new Event("synth-theme")); };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("synth-theme", root.dataset.theme); } catch (e) { /* private windows keep nothing */ }
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  name();
})();

(function search() {
  const MOST = 20;
  const input = document.getElementById("search"), list = document.getElementById("search-results");
  const status = document.getElementById("search-status"), root = document.documentElement.dataset.root;
  const index = window.SYNTH_INDEX || [];
  let found = [], at = -1;

  function score(entry, words) {
    const name = entry.n.toLowerCase(), text = name + " " + entry.k + " " + entry.d.toLowerCase();
    if (!words.every((w) => text.includes(w))) return 0;
    const kind = { table: 3, source: 3, exposure: 2, column: 1, audit: 0 }[entry.k];
    const first = words[0];
    return 1 + kind + (name === first ? 40 : name.startsWith(first) ? 20 : name.includes(first) ? 10 : 0);
  }

  function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = words.length ? index.map((e) => [score(e, words), e]).filter((p) => p[0]).sort((a, b) => b[0] - a[0]).map((p) => p[1]) : [];
    const more = found.length - MOST;
    found = found.slice(0, MOST);
    at = found.length ? 0 : -1;
    list.replaceChildren(...found.map((entry, i) => {
      const item = document.createElement("li"), small = document.createElement("small");
      item.id = "found-" + i;
      item.setAttribute("role", "option");
      item.append(entry.n);
      small.textContent = entry.k + (entry.d ? " · " + entry.d : "");
      item.append(small);
      item.addEventListener("mousedown", (e) => { e.preventDefault(); open(i); });
      return item;
    }));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    status.textContent = !words.length ? "" : !found.length ? "nothing found" : found.length + (more > 0 ? " of " + (more + MOST) : "") + " found";
    mark();
  }

  function mark() {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    if (at >= 0) { input.setAttribute("aria-activedescendant", "found-" + at); list.children[at].scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  }

  function open(i) { location.href = root + found[i].p; close(); }
  function close() { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); }

  input.addEventListener("input", show);
  input.addEventListener("focus", () => { if (input.value) show(); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (e) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (found.length) { at = (at + (e.key === "ArrowDown" ? 1 : found.length - 1)) % found.length; mark(); }
    } else if (e.key === "Enter" && at >= 0 && !list.hidden) { e.preventDefault(); open(at); }
    else if (e.key === "Escape") { close(); }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) { e.preventDefault(); input.focus(); }
  });
})();

(function lineage() {
  const nodes = new Map([...document.querySelectorAll(".node")].map((n) => [n.dataset.id, n]));
  if (!nodes.size) return;
  const edges = [...document.querySelectorAll(".edge")];
  const middle = (n) => { const r = n.querySelector("rect"); return [+r.getAttribute("x"), +r.getAttribute("y")]; };
  const order = [...nodes.values()];
  // One stop for Tab, as in any widget that the arrows walk; Tab comes back to where one was.
  order.forEach((n, i) => n.setAttribute("tabindex", i ? "-1" : "0"));

  function step(from, key) {
    const id = from.dataset.id, [x, y] = middle(from);
    if (key === "Home") return order[0];
    if (key === "End") return order[order.length - 1];
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const ahead = key === "ArrowRight";
      const near = edges.filter((e) => (ahead ? e.dataset.parent : e.dataset.child) === id).map((e) => nodes.get(ahead ? e.dataset.child : e.dataset.parent));
      return near.sort((a, b) => Math.abs(middle(a)[1] - y) - Math.abs(middle(b)[1] - y))[0];
    }
    const layer = order.filter((n) => middle(n)[0] === x).sort((a, b) => middle(a)[1] - middle(b)[1]);
    return layer[layer.indexOf(from) + (key === "ArrowDown" ? 1 : -1)];
  }

  function near(id) { edges.forEach((e) => e.classList.toggle("near", e.dataset.parent === id || e.dataset.child === id)); }

  order.forEach((node) => {
    node.addEventListener("focus", () => {
      order.forEach((n) => n.setAttribute("tabindex", n === node ? "0" : "-1"));
      near(node.dataset.id);
    });
    node.addEventListener("blur", () => near(null));
    node.addEventListener("mouseenter", () => near(node.dataset.id));
    node.addEventListener("mouseleave", () => near(null));
    node.addEventListener("keydown", (e) => {
      if (!/^(Arrow|Home$|End$)/.test(e.key)) return;
      e.preventDefault();
      const next = step(node, e.key);
      if (next) { next.focus(); next.scrollIntoView({ block: "nearest", inline: "center" }); }
    });
  });
})();
