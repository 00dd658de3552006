// Functions that return what a reader sees on a page. The tests add them to every page.

globalThis.eyes = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const shown = (e) => e.getClientRects().length > 0;
  const name = (e) => [e.tagName.toLowerCase(), ...e.classList].join(".");
  const text = (e) => e?.textContent.trim() ?? "";

  // Room

  const isPage = (e) => e === document.body || e === document.documentElement;
  const scrolls = (e) =>
    !isPage(e) && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const insideScroller = (e) =>
    e.parentElement !== null &&
    (scrolls(e.parentElement) || insideScroller(e.parentElement));

  // Elements that are wider than the page, or cut off without a sign.
  function overflows() {
    const width = document.documentElement.clientWidth + 1;
    const found = new Set();
    if (document.documentElement.scrollWidth > width) found.add("the page scrolls");
    for (const e of all("body *")) {
      const box = e.getBoundingClientRect();
      if (box.width < 2 || box.height < 2 || box.right < 0) continue;
      if (box.right > width && !insideScroller(e)) found.add(name(e) + " sticks out");
      if (e.scrollWidth <= e.clientWidth + 1 || e.closest("svg")) continue;
      const { display, overflowX } = getComputedStyle(e);
      const cuts = display !== "inline" && ["hidden", "clip"].includes(overflowX);
      if (cuts) found.add(name(e) + " is cut off");
    }
    return [...found];
  }

  // Lines of code that need more than one line on the screen.
  function wrapped(selector) {
    return all(selector)
      .filter((e) => shown(e) && text(e) && !e.closest("details:not([open])"))
      .filter((e) => e.getClientRects()[0].height > 1.6 * parseFloat(getComputedStyle(e).lineHeight))
      .map(text);
  }

  // Elements that can only be read by scrolling sideways. On paper they are lost.
  const scrollers = () =>
    all("body *")
      .filter((e) => shown(e) && scrolls(e) && e.scrollWidth > e.clientWidth + 1)
      .map(name);

  // Go to the end of the longest block: which of its headings are on the screen, and
  // not under something else?
  function headingsAtTheEnd(block, heading) {
    const height = (e) => e.getBoundingClientRect().height;
    const longest = all(block).reduce((a, b) => (height(a) < height(b) ? b : a));
    longest.scrollIntoView({ block: "end", behavior: "instant" });
    return all(heading, longest)
      .filter(shown)
      .map((e) => {
        const box = e.getBoundingClientRect();
        const top = document.elementFromPoint(box.left + 3, box.top + box.height / 2);
        const within = box.top >= -1 && box.bottom <= innerHeight;
        return { name: text(e), seen: within && e.contains(top) };
      });
  }

  // Colours: relative luminance and contrast as WCAG 2 defines them

  const brush = document
    .createElement("canvas")
    .getContext("2d", { willReadFrequently: true });

  function paint(colour) {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  }

  function luminance(colour) {
    const [r, g, b] = paint(colour).map((value) => {
      const v = value / 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ground(e) {
    const colour = getComputedStyle(e).backgroundColor;
    if (paint(colour)[3] > 0) return colour;
    return e.parentElement ? ground(e.parentElement) : "Canvas";
  }

  const brightness = () => luminance(ground(document.body));

  // Axe looks at text in pictures not at all.
  function faintLetters() {
    const contrast = (e) => {
      const [a, b] = [luminance(getComputedStyle(e).fill), luminance(ground(e))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    return all("svg text").filter((e) => text(e) && contrast(e) < 4.5).map(text);
  }

  function pictures() {
    return all("svg:not([aria-hidden=true])").map((svg) => {
      const frame = svg.getBoundingClientRect();
      const outside = (e) => {
        const box = e.getBoundingClientRect();
        const across = box.left < frame.left - 1 || box.right > frame.right + 1;
        return across || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
      };
      return {
        role: svg.getAttribute("role"),
        title: text(svg.querySelector(":scope > title")),
        description: text(svg.querySelector(":scope > desc")),
        clipped: all("text", svg).filter(outside).map(text),
      };
    });
  }

  // The element that has the focus: is it marked, or under something else?
  function focus() {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const box = e.getClientRects()[0] ?? e.getBoundingClientRect();
    const within = (value, end) => Math.min(Math.max(value, 0), end - 1);
    const top = document.elementFromPoint(
      within(box.left + box.width / 2, innerWidth),
      within(box.top + Math.min(box.height, 20) / 2, innerHeight),
    );
    return {
      what: e.outerHTML.slice(0, 120),
      nothing: isPage(e),
      column: e.matches("input[name=columns]") ? e.value : "",
      marked: outlined || style.boxShadow !== "none",
      hidden: !(e.contains(top) || top?.contains(e) || top?.closest("label")?.control === e),
    };
  }

  // Leave only the first of many that are alike.
  const shorten = (selector, count) =>
    all(selector)
      .slice(count)
      .forEach((e) => e.remove());

  // What a page says of itself

  const links = () =>
    all("[href], [src]").map((e) => e.getAttribute("href") ?? e.getAttribute("src"));
  const ids = () => all("[id]").map((e) => e.id);
  const levels = () => all("h1, h2, h3, h4, h5, h6").map((e) => Number(e.tagName[1]));

  return {
    ...{ overflows, wrapped, scrollers, headingsAtTheEnd, brightness, faintLetters },
    ...{ pictures, focus, shorten, links, ids, levels },
  };
})();
