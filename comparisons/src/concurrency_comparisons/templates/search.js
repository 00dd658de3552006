// The search of the whole site. Pagefind has made its index; it is loaded on demand.
(() => {
const box = document.querySelector(".search");
const input = box.querySelector("input");
const found = box.querySelector(".found");
let pagefind;
let asked = 0;
const common = new Set({{ common | sort | tojson }});

box.hidden = location.protocol === "file:"; // a page of a folder may not load an index

function result({ url, meta, excerpt, sub_results: parts }) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  const best = parts?.[0] ?? { url, excerpt };
  link.href = best.url.includes("#versions") ? url : best.url;
  link.textContent = meta.title;
  const text = document.createElement("small");
  text.innerHTML = best.excerpt; // Pagefind escapes it and adds <mark>
  item.append(link, text);
  return item;
}

// A page that answers a question comes before those that mention its words: see the
// metadata "asked" of the questions' pages.
async function load() {
  const module = await import("./pagefind/pagefind.js");
  await module.options({ ranking: { metaWeights: { title: 5, asked: 5 } } });
  return module;
}

async function search() {
  const mine = ++asked;
  const words = input.value.trim();
  if (!words) return found.replaceChildren();
  if (!found.hasChildNodes()) found.replaceChildren("Searching …");
  try {
    pagefind ??= await load();
    const all = words.split(/\s+/);
    const telling = all.filter((word) => !common.has(word.toLowerCase()));
    const answer = await pagefind.search((telling.length ? telling : all).join(" "));
    const results = await Promise.all(answer.results.slice(0, 8).map((each) => each.data()));
    if (mine !== asked) return;
    const list = document.createElement("ol");
    list.append(...results.map(result));
    found.replaceChildren(results.length ? list : `Nothing found for “${words}”.`);
  } catch {
    found.replaceChildren("The search index is missing: pip install pagefind, and make the site again.");
  }
}

input.addEventListener("input", search);
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    input.value = "";
    found.replaceChildren();
    input.focus();
  }
  if (event.key === "Enter" && event.target === input) found.querySelector("a")?.click();
  const links = [...found.querySelectorAll("a")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && links.length) {
    event.preventDefault();
    const at = links.indexOf(document.activeElement) + step;
    (links[at] ?? input).focus();
  }
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea")) {
    event.preventDefault();
    input.focus();
  }
});
})();
