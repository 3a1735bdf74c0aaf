// The 18 steps as a table, and a history as a time line.

import { h, theirs } from "./dom.js";
import { timeOf } from "./parts.js";
import { STANDINGS, stepsOf } from "./steps.js";

export function stepTable(own, other) {
  const [here, there] = own.type === "PROVIDER" ? ["Here (provider)", "Consumer"] : ["Here (consumer)", "Provider"];
  const column = (text, style) => h("th", { scope: "col", role: "columnheader", class: style }, text);
  const heads = [column("No", "number"), column("Step"), column("Standing", "mark"), column(here, "side")];
  if (other) heads.push(column(there, "side"));
  return h(
    "table",
    { class: "steps stacked", role: "table" },
    h("caption", { class: "unseen" }, "The 18 steps of the transfer"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    h(
      "tbody",
      { role: "rowgroup" },
      stepsOf(own, other).map((step) => row(step, Boolean(other))),
    ),
  );
}

function row({ number, who, what, standing, own, other }, hasOther) {
  const [sign, words] = STANDINGS[standing];
  const cell = (style, ...content) => h("td", { role: "cell", class: style }, ...content);
  return h(
    "tr",
    {
      role: "row",
      "data-key": `step-${number}`,
      class: standing,
      "aria-current": standing === "active" ? "step" : null,
    },
    cell("number", String(number)),
    cell(null, h("span", { class: "muted" }, `${who} `), what),
    cell("mark", h("span", { "aria-hidden": "true" }, `${sign} `), words),
    sideCell(own, hasOther ? "here" : ""),
    hasOther ? sideCell(other, "there") : null,
  );
}

// When a side noted the step, and how often where that was more than once. Where there is no heading above it, `label`
// says which side it is.
function sideCell(lines, label) {
  if (!lines.length) return h("td", { role: "cell", class: "side muted empty-cell" }, "–");
  const last = lines[lines.length - 1];
  return h(
    "td",
    { role: "cell", class: "side" },
    label ? h("span", { class: "narrow-only muted", "aria-hidden": "true" }, `${label} `) : null,
    timeOf(last.at, { day: false, millis: true }),
    lines.length > 1 ? h("span", { class: "muted small" }, ` (${lines.length} notes)`) : null,
  );
}

export function timeLine(history) {
  if (!history?.length) return h("p", { class: "muted" }, "Nothing has been noted.");
  let entered = "";
  const item = (line, index) => {
    const isNew = line.state !== entered;
    entered = line.state;
    return h(
      "li",
      { "data-key": `line-${index}`, class: line.state === "TERMINATED" && isNew ? "bad" : null },
      h(
        "div",
        { class: "small muted" },
        timeOf(line.at, { day: false, millis: true }),
        line.step ? ` · step ${line.step}` : "",
      ),
      isNew ? h("div", { class: "entered" }, theirs(line.state)) : null,
      h("div", {}, theirs(line.what)),
    );
  };
  return h("ol", { class: "times" }, history.map(item));
}
