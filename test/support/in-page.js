/**
 * What the tests ask of a page from inside, as `consoleLook`; put into each page beside axe. Plain JavaScript: a browser loads it
 * as it is.
 */
const LOOK_MS = 20;
const RESIZE_MS = 2_000;

globalThis.consoleLook = {
  /** Nothing loads any more, looked at twice: what was just clicked has begun to load by then. Told what does after `timeoutMs`. */
  async settled(timeoutMs) {
    const until = performance.now() + timeoutMs;
    for (let inRow = 0; inRow < 2; ) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const busy = document.querySelector(".loading, [aria-busy='true']");
      const isThere = document.querySelector("h1") !== null && busy === null;
      inRow = isThere ? inRow + 1 : 0;
      if (performance.now() > until) return busy === null ? "no heading" : nameOf(busy);
    }
    return "";
  },

  /** What is wider than the window, except in boxes that scroll by themselves; charts have a moment to follow it. */
  async overflow() {
    const width = document.documentElement.clientWidth;
    const until = performance.now() + RESIZE_MS;
    while (document.documentElement.scrollWidth > width && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (document.documentElement.scrollWidth <= width) return [];
    const scrolls = (element) => /auto|scroll|hidden/.test(getComputedStyle(element).overflowX);
    const isInBox = (element) => {
      for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement)
        if (scrolls(at)) return true;
      return false;
    };
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > width + 1 && !isInBox(element),
    );
    const told = wide.map(
      (element) => `${nameOf(element)} reaches ${Math.round(element.getBoundingClientRect().right)}`,
    );
    return told.length > 0 ? told.slice(0, 5) : [`the page is ${document.documentElement.scrollWidth} wide`];
  },

  /** What the keyboard reaches and does not show, and what it cannot reach and should. */
  focus() {
    const wrong = [];
    for (const element of document.querySelectorAll("[tabindex]"))
      if (element.tabIndex > 0) wrong.push(`${nameOf(element)} jumps the order`);
    const scope = document.querySelector("dialog[open]") ?? document.body;
    const before = document.activeElement;
    for (const element of scope.querySelectorAll("a, button, input, select, textarea, summary")) {
      if (element.disabled || !element.checkVisibility({ visibilityProperty: true })) continue;
      // What is hidden until it has the focus is seen then.
      if (element.tabIndex < 0) {
        if (!element.closest("[role='tablist'], [role='radiogroup']")) wrong.push(`${nameOf(element)} is out of reach`);
        continue;
      }
      element.focus({ preventScroll: true });
      if (document.activeElement !== element) wrong.push(`${nameOf(element)} takes no focus`);
      else if (!isMarked(element)) wrong.push(`${nameOf(element)} does not show its focus`);
    }
    if (before === null || before === document.body) document.activeElement?.blur();
    else before.focus({ preventScroll: true });
    return wrong;
  },

  /** Axe's findings: rule and where. */
  async axe() {
    const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target }) => target.join(" "))}`);
  },

  /** What has the focus. */
  focused() {
    return document.activeElement === null ? "" : nameOf(document.activeElement);
  },
};

function isMarked(element) {
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  return (outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1) || boxShadow !== "none";
}

function nameOf(element) {
  const text = (element.getAttribute("aria-label") ?? element.textContent ?? "").trim().replaceAll(/\s+/g, " ");
  return `<${element.localName}${element.id === "" ? "" : ` #${element.id}`}> ${text.slice(0, 30)}`.trim();
}

document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => {
  console.error(`content security policy: ${violatedDirective} ${blockedURI} ${sourceFile ?? ""}`);
});
