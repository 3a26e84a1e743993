// <yard-chart>: says the value nearest to the pointer. The values are the <title>s that the server drew.
class YardChart extends HTMLElement {
  connectedCallback() {
    this.addEventListener("pointermove", (event) => this.point(event));
    this.addEventListener("pointerleave", () => this.clear());
  }

  point(event) {
    const marks = [...this.querySelectorAll("circle, .bars rect")];
    const nearest = marks
      .map((mark) => ({ mark, box: mark.getBoundingClientRect() }))
      .map(({ mark, box }) => ({ mark, box, far: this.distance(event, box, mark.tagName === "circle") }))
      .reduce((best, each) => (each.far < best.far ? each : best), { far: 60 });
    if (!nearest.mark) return this.clear();
    this.show(nearest.mark, nearest.box);
  }

  distance(event, box, free) {
    const x = Math.abs(event.clientX - (box.left + box.right) / 2);
    return free ? Math.hypot(x, (event.clientY - box.top) / 4) : x;
  }

  show(mark, box) {
    this.clear();
    this.near = mark;
    mark.classList.add("near");
    const here = this.getBoundingClientRect();
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.textContent = mark.querySelector("title")?.textContent ?? "";
    this.append(tip);
    const half = tip.offsetWidth / 2;
    const middle = (box.left + box.right) / 2 - here.left;
    tip.style.left = `${Math.min(Math.max(middle, half), here.width - half)}px`;
    tip.style.top = `${box.top - here.top}px`;
  }

  clear() {
    this.near?.classList.remove("near");
    this.querySelector(".tip")?.remove();
  }
}

customElements.define("yard-chart", YardChart);
