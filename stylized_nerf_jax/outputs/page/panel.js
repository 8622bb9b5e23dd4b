// The panel of paintings, dials and photographs, and the buttons above.

const ICONS = {
  compare: '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z"/><circle cx="12" cy="12" r="2.8"/>',
  tour: '<path d="M7 4.5v15l12-7.5Z"/>',
  pause: '<path d="M8 5v14M16 5v14"/>',
  home: '<path d="M4 11.5 12 4.5l8 7M6.5 10v9h11v-9"/>',
  save: '<path d="M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14"/>',
  full: '<path d="M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15"/>',
  about: '<circle cx="12" cy="12" r="8.5"/><path d="M9.6 9.4a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.2.9-1.2 1.8M12 16.4v.1"/>',
  fold: '<path d="m6 9.5 6 6 6-6"/>',
};

const byId = (id) => document.getElementById(id);
const icon = (name) =>
  `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;

class Panel {
  // facts: of the page; palette: a Palette; acts: {choose(name), stand(number),
  //   tour(), home(), save(), free(bool), stir()}.
  constructor(facts, palette, acts) {
    this.facts = facts;
    this.palette = palette;
    this.acts = acts;
    for (const id of ["compare", "tour", "home", "save", "full", "about"]) {
      byId(id).innerHTML = icon(id);
    }
    byId("fold").innerHTML = icon("fold");
    this.hangPaintings();
    this.layPhotographs();
    this.wireDials();
    this.wireTools();
    byId("credits").innerHTML = facts.credits;
    this.show();
  }

  hangPaintings() {
    const wall = byId("paintings");
    this.paintings = this.facts.looks.map((look, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = number === 0 ? "painting photographed" : "painting";
      const key = number < 10 ? ` (${number})` : "";
      button.title = `${look.text}${key}`;
      button.setAttribute("aria-label", look.text);
      const image = document.createElement("img");
      image.src = look.thumbnail;
      image.alt = "";
      image.draggable = false;
      button.append(image);
      button.addEventListener("click", () => this.acts.choose(look.name));
      wall.append(button);
      return button;
    });
    // A mouse wheel goes along the row, as a finger does.
    for (const row of [wall, byId("photographs")]) {
      row.addEventListener("wheel", (event) => {
        if (event.deltaX === 0) row.scrollLeft += event.deltaY;
      }, { passive: true });
    }
  }

  layPhotographs() {
    const strip = byId("photographs");
    strip.hidden = this.facts.photographs.length === 0;
    this.photographs = this.facts.photographs.map((photograph, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "photograph";
      button.title = photograph.name;
      button.setAttribute("aria-label", `Photograph ${photograph.name}`);
      const image = document.createElement("img");
      image.src = photograph.thumbnail;
      image.alt = "";
      image.draggable = false;
      button.append(image);
      button.addEventListener("click", () => this.acts.stand(number));
      strip.append(button);
      return button;
    });
  }

  wireDials() {
    const { palette } = this;
    const of = (event) => event.target.value / 1000;
    byId("blend-slider").addEventListener("input", (event) => {
      this.acts.stir();
      palette.slide(of(event));
      this.show();
    });
    byId("intensity-slider").addEventListener("input", (event) => {
      palette.strength(of(event));
      this.show();
    });
    // One painting alone is not blended with another.
    byId("blend").hidden = this.facts.looks.length < 3;
    byId("intensity").hidden = this.facts.looks.length < 2;
  }

  wireTools() {
    const { acts } = this;
    byId("tour").addEventListener("click", () => acts.tour());
    byId("home").addEventListener("click", () => acts.home());
    byId("save").addEventListener("click", () => acts.save());
    byId("full").addEventListener("click", () => this.fullScreen());
    byId("full").hidden = !document.fullscreenEnabled;
    byId("about").addEventListener("click", () => this.help());
    byId("free").addEventListener("change", (event) =>
      acts.free(event.target.checked),
    );
    byId("fold").addEventListener("click", () => {
      const folded = byId("panel").classList.toggle("folded");
      byId("fold").setAttribute("aria-expanded", String(!folded));
      const says = folded ? "Show the panel" : "Hide the panel";
      byId("fold").setAttribute("aria-label", says);
      byId("fold").title = says;
    });
    const compare = byId("compare");
    const hold = (held) => (event) => {
      event.preventDefault();
      acts.compare(held);
    };
    compare.addEventListener("pointerdown", hold(true));
    for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) {
      compare.addEventListener(name, hold(false));
    }
    compare.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") hold(true)(event);
    });
    compare.addEventListener("keyup", hold(false));
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => {});
  }

  help() {
    const dialog = byId("help");
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  // Shows where the dials stand.
  show() {
    const { palette, facts } = this;
    const text = (name) => facts.looks.find((look) => look.name === name);
    const [left, right] = palette.ends;
    const slide = (id, share) => {
      byId(id).value = Math.round(1000 * share);
      byId(id).style.setProperty("--share", `${100 * share}%`);
    };
    slide("blend-slider", palette.place);
    slide("intensity-slider", palette.intensity);
    byId("blend-left").textContent = text(left).short;
    byId("blend-right").textContent = text(right).short;
    const { chosen } = palette;
    facts.looks.forEach((look, number) => {
      const button = this.paintings[number];
      button.setAttribute("aria-pressed", String(look.name === chosen));
      const partner = palette.ends.includes(look.name) && look.name !== chosen;
      button.classList.toggle("partner", partner && number > 0);
    });
    this.label(text(chosen));
  }

  // The label on the wall.
  label(look) {
    if (this.labelled === look.name) return;
    this.labelled = look.name;
    const work = byId("work");
    work.replaceChildren();
    const piece = (tag, content) => {
      const element = document.createElement(tag);
      element.textContent = content;
      return element;
    };
    if (look.artist) work.append(`${look.artist}, `);
    work.append(piece("em", look.title));
    if (look.year) work.append(" ", piece("span", look.year));
  }

  // Marks the photograph whose place the viewer stands at; null: none.
  mark(number) {
    if (this.marked === number) return;
    this.marked = number;
    this.photographs.forEach((button, i) => {
      if (i === number) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    if (number === null) return;
    const button = this.photographs[number];
    const strip = byId("photographs");
    strip.scrollTo({
      left: button.offsetLeft - (strip.clientWidth - button.offsetWidth) / 2,
      behavior: calm() ? "auto" : "smooth",
    });
  }

  touring(on) {
    byId("tour").setAttribute("aria-pressed", String(on));
    byId("tour").innerHTML = icon(on ? "pause" : "tour");
  }
}

// Whether the reader asked for little motion.
function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
