// Draws every map of a page. Where there is no script there is no map: what is on it stands in the page as text.
//
// A map is an empty element (see templates/desk/map.html, which writes it):
//   data-map        what is drawn, as JSON: {patient, rings, candidates, ruled_out}; each is left out where there is none
//                   patient {lat, lon, label}; rings [{outline, label}] around it, outline [[lat, lon]];
//                   candidates and ruled_out [{id, lat, lon, number, label}]
//   data-outline    address of the outline of the country
//   data-tiles, data-tiles-by   address of tiles and whose they are, if there are any
//
// To let somebody choose a position, name two inputs of the page by their id:
//   data-pick-lat, data-pick-lon   a click on the map (or Enter, for its middle) writes degrees into them, with the
//                   events `input` and `change` as if they were typed; what is typed there moves the mark
//   data-pick-said  what is read out then
//
// A row of the page with data-place="<id of a place>" lights up its mark, and a click on the mark goes to the link in
// that row. A checkbox with data-ruled-out shows the places that were ruled out. A part of a page that htmx puts in
// gets its maps too.
"use strict";

(() => {
  const COUNTRY = [[50.75, 3.35], [53.55, 7.2]];
  const STYLES = {
    near: { fillColor: "#e4e4df", color: "#a3a39b", weight: 1 },
    here: { fillColor: "#fbfaf5", color: "#6b7684", weight: 1.2 },
    water: { fillColor: "#cfe0ee", color: "#8fb0cc", weight: 1 },
  };
  // by these one finds one's way where the whole country is seen, and there is no room for more names
  const FAR = new Set([
    "Amsterdam", "Rotterdam", "Eindhoven", "Groningen", "Zwolle", "Enschede", "Arnhem", "Middelburg", "Maastricht",
    "Den Helder",
  ]);
  const drawn = new WeakMap();
  let outline;

  function element(kind, text) {
    const made = document.createElement("span");
    made.className = kind;
    made.textContent = text;
    return made;
  }

  function mark(place, kind, text, more) {
    // the size is that of the style sheet; the middle of the mark is the position
    const icon = L.divIcon({ className: `map-mark ${kind}`, html: element("map-text", text), iconSize: null });
    const made = L.marker([place.lat, place.lon], { icon, keyboard: false, ...more });
    if (place.label) made.bindTooltip(element("map-label", place.label));
    return made;
  }

  async function drawOutline(map, address) {
    outline = outline || fetch(address).then((answer) => answer.json());
    const found = await outline;
    const lands = found.features.filter((each) => each.properties.part !== "town");
    L.geoJSON(lands, {
      interactive: false, pane: "outline", attribution: "Natural Earth",
      style: (each) => ({ fillOpacity: 1, ...STYLES[each.properties.part] }),
    }).addTo(map);
    for (const town of found.features.filter((each) => each.properties.part === "town")) {
      const [lon, lat] = town.geometry.coordinates;
      const { name } = town.properties;
      mark({ lat, lon }, FAR.has(name) ? "town" : "town near-only", name, { interactive: false, pane: "towns" }).addTo(map);
    }
  }

  function drawTiles(map, address, whose) {
    L.tileLayer(address, { attribution: element("", whose || "").innerHTML, maxZoom: 19, pane: "outline" }).addTo(map);
  }

  function drawRings(map, rings) {
    for (const ring of rings) {
      L.polygon(ring.outline, {
        interactive: false, fill: false, color: "#154273", weight: 1.5, dashArray: "5 5",
      }).addTo(map);
      const north = ring.outline.reduce((highest, point) => (point[0] > highest[0] ? point : highest));
      const top = { lat: north[0], lon: north[1] };
      mark(top, "ring", ring.label, { interactive: false }).addTo(map);
    }
  }

  function rowOf(id) {
    return document.querySelector(`[data-place="${CSS.escape(id)}"]`);
  }

  function drawPlaces(layer, places, kind) {
    for (const place of places) {
      const made = mark(place, kind, place.number ? String(place.number) : "", { zIndexOffset: -(place.number || 500) });
      made.on("click", () => {
        const link = rowOf(place.id) && rowOf(place.id).querySelector("a");
        if (link) link.focus();
      });
      made.addTo(layer);
      const light = (on) => made.getElement() && made.getElement().classList.toggle("lit", on);
      const row = rowOf(place.id);
      if (!row) continue;
      for (const name of ["mouseenter", "focusin"]) row.addEventListener(name, () => light(true));
      for (const name of ["mouseleave", "focusout"]) row.addEventListener(name, () => light(false));
    }
  }

  function choosePosition(map, box) {
    const [lat, lon] = ["pickLat", "pickLon"].map((name) => document.getElementById(box.dataset[name]));
    if (!lat || !lon) return;
    let chosen;
    function show() {
      const at = { lat: Number.parseFloat(lat.value), lon: Number.parseFloat(lon.value) };
      if (chosen) chosen.remove();
      chosen = Math.abs(at.lat) <= 90 && Math.abs(at.lon) <= 180 ? mark(at, "patient", "+", { interactive: false }).addTo(map) : null;
      return chosen && at;
    }
    function pick(position) {
      lat.value = position.lat.toFixed(5);
      lon.value = position.lng.toFixed(5);
      for (const input of [lat, lon]) {
        for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true }));
      }
      const said = document.getElementById("said");
      if (said) said.textContent = `${box.dataset.pickSaid || ""} ${lat.value}, ${lon.value}`;
    }
    for (const input of [lat, lon]) input.addEventListener("input", show);
    map.on("click", (event) => pick(event.latlng));
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== box) return;
      event.preventDefault();
      pick(map.getCenter());
    });
    const at = show();
    if (at) map.setView([at.lat, at.lon], 11);
  }

  function fit(map, what) {
    const near = [what.patient, ...(what.candidates || []).slice(0, 5)].filter(Boolean).map((each) => [each.lat, each.lon]);
    if (near.length === 1) map.setView(near[0], 9);
    else map.fitBounds(near.length ? near : COUNTRY, { padding: [30, 30], maxZoom: 12 });
  }

  function draw(box) {
    const before = drawn.get(box);
    if (before && box.querySelector(".leaflet-map-pane")) return;
    if (before) before.remove();
    const what = JSON.parse(box.dataset.map || "{}");
    box.classList.add("drawn");
    const still = { zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false };
    const map = L.map(box, { ...still, scrollWheelZoom: false, minZoom: 6, maxZoom: 17, zoomSnap: 0.5, zoomControl: false });
    drawn.set(box, map);
    L.control.zoom({ zoomInTitle: box.dataset.nearer, zoomOutTitle: box.dataset.farther }).addTo(map);
    map.attributionControl.setPrefix(false);
    map.createPane("outline").classList.add("map-outline");
    map.createPane("towns").classList.add("map-towns");
    // the wheel scrolls the page, unless somebody is busy with the map
    map.on("focus", () => map.scrollWheelZoom.enable()).on("blur", () => map.scrollWheelZoom.disable());
    map.on("zoomend", () => box.classList.toggle("far", map.getZoom() < 7.5));
    fit(map, what);
    if (box.dataset.tiles) drawTiles(map, box.dataset.tiles, box.dataset.tilesBy);
    else drawOutline(map, box.dataset.outline);
    if (what.patient) {
      drawRings(map, what.rings || []);
      mark(what.patient, "patient", "+", { zIndexOffset: 1000 }).addTo(map);
    }
    drawPlaces(map, what.candidates || [], "candidate");
    const others = L.layerGroup();
    drawPlaces(others, what.ruled_out || [], "ruled-out");
    const wanted = box.parentElement.querySelector("[data-ruled-out]");
    if (wanted) {
      const show = () => (wanted.checked ? others.addTo(map) : others.remove());
      wanted.addEventListener("change", show);
      show();
    }
    if (box.dataset.pickLat) choosePosition(map, box);
    // a map in something that opens later has no size until then
    new ResizeObserver(() => {
      const empty = !map.getSize().x;
      map.invalidateSize({ pan: false });
      if (empty) fit(map, what);
    }).observe(box);
  }

  const drawAll = () => document.querySelectorAll("[data-map]").forEach(draw);
  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
})();
