"use strict";
// What changes by itself asks for its new state with each tick, as long as somebody looks.
setInterval(() => { if (document.visibilityState === "visible") htmx.trigger(document.body, "tick"); }, 2000);

// `/` goes to the search field, `g` and a letter to a page; off while somebody writes.
{
  const places = { h: "/", r: "/runs" };
  let awaited = 0;
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, [contenteditable]")) return;
    if (awaited && Date.now() - awaited < 1500 && places[event.key]) location.assign(places[event.key]);
    awaited = event.key === "g" ? Date.now() : 0;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); } else location.assign("/runs");
    }
  });
}
