// Light or dark: follows the system until pressed, then a cookie tells the server, so that no page flashes.
class YardTheme extends HTMLElement {
  connectedCallback() {
    document.documentElement.classList.add("scripted");
    const button = document.createElement("button");
    button.className = "small";
    button.type = "button";
    button.addEventListener("click", () => {
      this.choose(this.dark ? "light" : "dark");
      this.label(button);
    });
    this.label(button);
    this.replaceChildren(button);
  }

  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  choose(theme) {
    document.documentElement.dataset.theme = theme;
    const path = this.getAttribute("path") || "/";
    document.cookie = `modelyard-theme=${theme}; path=${path}; max-age=31536000; samesite=lax`;
  }

  label(button) {
    button.textContent = this.dark ? "☀" : "☾";
    button.setAttribute("aria-label", this.dark ? "Use the light theme" : "Use the dark theme");
  }
}

customElements.define("yard-theme", YardTheme);
