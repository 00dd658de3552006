"use strict";
// Keeps the choice of columns in the address: ?columns=asyncio,trio. The style alone
// hides the columns whose boxes are not checked, with or without this script.
const boxes = [...document.querySelectorAll("input[name=columns]")];
const comparison = document.querySelector(".comparison");
const first = boxes.filter((box) => box.checked).map((box) => box.value);

// A third column by default if the longest lines of three fit side by side: 7 pixels for
// a character, 42 for the margins of a column.
function byDefault() {
  if (!comparison) return first;
  const wide = (name) => {
    const heading = document.querySelector(`.study-heading.of-${name}`);
    return heading ? heading.dataset.width * 7 + 42 : Infinity;
  };
  const room = comparison.clientWidth || innerWidth;
  const left = room - first.map(wide).reduce((a, b) => a + b, 0);
  const third = boxes.find((box) => !box.checked && !box.closest("details"));
  return third && wide(third.value) <= left ? [...first, third.value] : first;
}

function read() {
  const columns = new URLSearchParams(location.search).get("columns");
  const wanted = new Set((columns ?? "").split(","));
  const some = boxes.some((box) => wanted.has(box.value));
  const standard = byDefault();
  for (const box of boxes)
    box.checked = some ? wanted.has(box.value) : standard.includes(box.value);
  for (const box of boxes)
    if (box.checked && box.closest("details")) box.closest("details").open = true;
  show(some);
}

function show(keep) {
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const search = keep ? `?columns=${chosen.join(",")}` : "";
  if (comparison) comparison.dataset.columns = Math.min(chosen.length, 6);
  for (const link of document.querySelectorAll("a[data-keep]")) link.search = search;
  return search;
}

function changed(event) {
  const status = document.querySelector(".chooser .status");
  const last = !boxes.some((box) => box.checked);
  if (last) event.target.checked = true;
  const search = show(true);
  history.replaceState(null, "", `${location.pathname}${search}${location.hash}`);
  status.textContent = last ? `${event.target.value} is the last column.` : "";
}

// Code that the address points to may be in a column that is not shown.
function reveal() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  const study = [...target.classList].find((name) => name.startsWith("of-"));
  const box = boxes.find((each) => `of-${each.value}` === study);
  if (box && !box.checked) {
    box.checked = true;
    show(true);
  }
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}

if (boxes.length) {
  for (const box of boxes) box.addEventListener("change", changed);
  addEventListener("popstate", read);
  read();
}
addEventListener("hashchange", reveal);
reveal();

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const text = button.nextElementSibling.textContent.replaceAll("<\\/", "</");
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
