"use strict";
(() => {
  const root = document.documentElement;
  root.dataset.script = "on";

  // one switch for all code; each cell keeps its own fold
  const all = document.getElementById("nb-all-code");
  const folds = () => document.querySelectorAll("details.code");
  all?.addEventListener("change", () => folds().forEach((fold) => { fold.open = all.checked; }));

  // the table of contents is folded where it is not beside the text
  const toc = document.querySelector(".toc details");
  const beside = matchMedia("(min-width: 1100px)");
  if (toc) {
    const fold = () => { toc.open = beside.matches; };
    fold();
    beside.addEventListener("change", fold);
  }

  // paper has no folds: contents open, code as it is on the screen
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open]):not(.code):not(.as-table):not(.toc *)")];
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));

  // columns of a comparison sort by a click on their heading
  document.querySelectorAll("th[data-sort] button").forEach((button) => {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const down = head.getAttribute("aria-sort") === "ascending";
      const body = head.closest("table").tBodies[0];
      const place = head.cellIndex;
      const key = (row) => row.cells[place].dataset.key ?? "";
      const rows = [...body.rows].sort((one, other) => {
        const a = key(one), b = key(other);
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = head.dataset.sort === "n" ? a - b : a.localeCompare(b, "en", { numeric: true });
        return down ? -order : order;
      });
      head.parentNode.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows);
    });
  });

  // libraries travel compressed inside the page
  const loading = new Map();
  const load = (name) => {
    if (!loading.has(name)) loading.set(name, inflate(name));
    return loading.get(name);
  };
  const inflate = async (name) => {
    const packed = document.querySelector(`script.nb-lib[data-lib="${name}"]`);
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const source = await new Response(stream).blob();
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    await new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject });
      document.head.append(script);
    });
    URL.revokeObjectURL(address);
  };

  const draw = {
    async plotly(place, spec) {
      await load("plotly");
      const layout = { ...spec.layout, autosize: spec.layout.width === undefined };
      await Plotly.newPlot(place, { data: spec.data, layout, frames: spec.frames, config: { responsive: true, displaylogo: false } });
    },
    async bokeh(place, spec) {
      for (const packed of document.querySelectorAll('script.nb-lib[data-lib^="bokeh"]')) await load(packed.dataset.lib);
      for (const item of spec.items) {
        for (const id of Object.values(item.roots ?? {})) place.append(Object.assign(document.createElement("div"), { id }));
      }
      await Bokeh.embed.embed_items(spec.docs, spec.items);
    },
  };

  document.querySelectorAll(".chart-js").forEach(async (place) => {
    const spec = JSON.parse(place.querySelector('script[type="application/json"]').textContent);
    const note = place.querySelector(".notice");
    const target = document.createElement("div");
    place.append(target);
    try {
      await draw[place.dataset.chart](target, spec);
      note.remove();
      place.dataset.drawn = "yes";
    } catch (error) {
      note.textContent = `This chart could not be drawn: ${error.message ?? error}`;
      place.dataset.drawn = "no";
    }
  });
})();
