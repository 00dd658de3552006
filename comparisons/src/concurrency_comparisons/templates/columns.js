"use strict";
// Keeps the choice of columns in the address: ?columns=asyncio,trio. The style alone
// hides the columns whose boxes are not checked, with or without this script.
const boxes = [...document.querySelectorAll("input[name=columns]")];
const comparison = document.querySelector(".comparison");

function read() {
  const columns = new URLSearchParams(location.search).get("columns");
  const wanted = new Set((columns ?? "").split(","));
  const some = boxes.some((box) => wanted.has(box.value));
  for (const box of boxes) box.checked = !some || wanted.has(box.value);
  show();
}

function show() {
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const all = chosen.length === boxes.length;
  const search = all ? "" : `?columns=${chosen.join(",")}`;
  if (comparison) comparison.dataset.columns = chosen.length;
  for (const link of document.querySelectorAll("a[data-keep]")) link.search = search;
  return search;
}

function changed(event) {
  const status = document.querySelector(".chooser .status");
  const last = !boxes.some((box) => box.checked);
  if (last) event.target.checked = true;
  const search = show();
  history.replaceState(null, "", `${location.pathname}${search}${location.hash}`);
  status.textContent = last ? `${event.target.value} is the last column.` : "";
}

if (boxes.length) {
  for (const box of boxes) box.addEventListener("change", changed);
  addEventListener("popstate", read);
  read();
}
