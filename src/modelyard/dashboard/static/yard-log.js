// <yard-log stream="…">: goes on with the log that the server rendered, from Server-Sent Events.
//
// What comes is user code's output: escape sequences are removed, a line is shown up to MAX_LINE characters and
// counted beyond, and only the last MAX_LINES lines are kept, so that no output can make the page grow without bound.
const MAX_LINE = 2000;
const MAX_LINES = 5000;
const ESCAPES = /\x1b\[[0-?]*[ -\/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]/g;
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

class YardLog extends HTMLElement {
  connectedCallback() {
    this.pre = this.querySelector("pre");
    this.follow = true;
    this.line = ""; // the last line while it grows
    this.beyond = 0; // characters of it that are not kept
    this.pending = [];
    this.pre.scrollTop = this.pre.scrollHeight;
    const url = this.getAttribute("stream");
    if (!url) return;
    this.addBar();
    this.open(url);
  }

  disconnectedCallback() {
    this.source?.close();
  }

  open(url) {
    const text = this.pre.textContent;
    const cut = text.lastIndexOf("\n") + 1;
    this.line = text.slice(cut);
    this.done = document.createTextNode(text.slice(0, cut));
    this.last = document.createTextNode(this.line);
    this.pre.replaceChildren(this.done, this.last);
    this.source = new EventSource(url);
    this.source.addEventListener("log", (event) => this.take(JSON.parse(event.data).text));
    this.source.addEventListener("end", () => {
      this.source.close();
      this.status.textContent = "ended";
    });
    this.source.addEventListener("open", () => (this.status.textContent = "live"));
    this.source.addEventListener("error", () => (this.status.textContent = "connecting again…"));
  }

  addBar() {
    const bar = document.createElement("div");
    bar.className = "log-bar";
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      this.follow = box.checked;
      this.scroll();
    });
    label.append(box, " Follow");
    this.status = document.createElement("span");
    this.status.setAttribute("role", "status");
    this.status.textContent = "connecting…";
    bar.append(label, this.status);
    this.append(bar);
  }

  take(text) {
    this.pending.push(text);
    if (!this.drawing) this.drawing = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.drawing = 0;
    const text = this.pending.join("").replace(ESCAPES, "").replaceAll("\r\n", "\n");
    this.pending = [];
    const parts = text.split("\n");
    const ended = [];
    parts.forEach((part, index) => {
      this.grow(part);
      if (index < parts.length - 1) {
        ended.push(this.shown() + "\n");
        this.line = "";
        this.beyond = 0;
      }
    });
    if (ended.length) this.keep(ended);
    this.last.data = this.shown();
    this.scroll();
  }

  grow(part) {
    const rewritten = part.lastIndexOf("\r");
    if (rewritten >= 0) {
      this.line = "";
      this.beyond = 0;
      part = part.slice(rewritten + 1);
    }
    part = part.replace(CONTROLS, "");
    const room = Math.max(0, MAX_LINE - this.line.length);
    this.line += part.slice(0, room);
    this.beyond += Math.max(0, part.length - room);
  }

  shown() {
    return this.beyond ? `${this.line} … [${this.beyond.toLocaleString("en")} more characters in the download]` : this.line;
  }

  keep(ended) {
    const lines = (this.done.data + ended.join("")).split("\n");
    this.done.data = (lines.length > MAX_LINES ? lines.slice(-MAX_LINES) : lines).join("\n");
  }

  scroll() {
    if (this.follow) this.pre.scrollTop = this.pre.scrollHeight;
  }
}

customElements.define("yard-log", YardLog);
