// <yard-copy text="…" label="…">: a button that copies its text. Without JavaScript there is no button.
class YardCopy extends HTMLElement {
  connectedCallback() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = "Copy";
    button.setAttribute("aria-label", this.getAttribute("label") || "Copy");
    button.addEventListener("click", () => this.copy(button));
    this.replaceChildren(button);
  }

  async copy(button) {
    const text = this.getAttribute("text") ?? "";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      this.copyOldWay(text); // plain http has no clipboard except on localhost
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }

  copyOldWay(text) {
    const area = document.createElement("textarea");
    area.value = text;
    this.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

customElements.define("yard-copy", YardCopy);
