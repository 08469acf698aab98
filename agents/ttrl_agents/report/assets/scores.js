// Scores before and after, with their intervals, for each sampling setting and level.

function scoresSection(data) {
  if (!data.scores.some((each) => each.rows.length)) return null;
  const two = data.subjects.length > 1;
  const moments = new Set(
    data.scores.flatMap((each) =>
      each.rows.flatMap((row) => row.points.map((point) => point.moment)),
    ),
  );
  const legend = [];
  if (moments.has("before"))
    legend.push(dotKey("before", 0), " before training ", dotKey("after", 0), " after training · ");
  const blocks = data.scores.map((each, place) =>
    el(
      "div",
      { class: "card" },
      el(
        "h3",
        {},
        each.setting,
        place === 0 && data.scores.length > 1 ? badge("main setting", "quiet") : null,
      ),
      scoreRows(each.rows, two, true),
      each.levels.length
        ? el(
            "details",
            {},
            el("summary", {}, "By level"),
            each.levels.map((level) => [
              el("h4", {}, `Level ${level.level}`),
              scoreRows(level.rows, two, false),
            ]),
          )
        : null,
    ),
  );
  const title = moments.has("before") ? "Before and after" : "Scores";
  const who = two ? [letter(0), " and ", letter(1), " in their colours · "] : [];
  return section(
    "scores",
    title,
    note(...who, ...legend, "lines: 95 % intervals over questions"),
    el("div", { class: "blocks" }, blocks),
  );
}

function dotKey(moment, who) {
  return el("span", {
    class: `dot key ${moment || "after"} subject-${who}`,
    "aria-hidden": "true",
  });
}

function scoreRows(rows, two, ticks) {
  const parts = rows.map((row) =>
    el(
      "div",
      { class: "score" },
      el("div", { class: "name" }, el("b", {}, row.name), row.asked ? ` ${row.asked}` : ""),
      el("div", { class: "numbers" }, valuesOf(row, two)),
      el(
        "div",
        { class: "track", "aria-hidden": "true", "--lines": row.points.length },
        row.points.map(whisker),
      ),
    ),
  );
  if (ticks)
    parts.push(
      el(
        "div",
        { class: "score axis", "aria-hidden": "true" },
        el(
          "div",
          { class: "ticks" },
          [0, 25, 50, 75, 100].map((tick) => el("span", { "--at": `${tick}%` }, `${tick} %`)),
        ),
      ),
    );
  return el("div", { class: "score-rows" }, parts);
}

function whisker(point, line) {
  const marks = [];
  const kind = `subject-${point.subject} ${point.moment || "after"}`;
  if (point.low !== null) {
    marks.push(
      el("i", {
        class: `interval ${kind}`,
        "--from": `${100 * point.low}%`,
        "--to": `${100 * point.high}%`,
        "--row": line,
      }),
    );
  }
  marks.push(el("i", { class: `dot ${kind}`, "--at": `${100 * point.mean}%`, "--row": line }));
  return marks;
}

function valuesOf(row, two) {
  const bySubject = new Map();
  for (const point of row.points) {
    if (!bySubject.has(point.subject)) bySubject.set(point.subject, []);
    bySubject.get(point.subject).push(point);
  }
  return [...bySubject].map(([who, values]) =>
    el(
      "div",
      {
        title: values
          .map((point) =>
            `${point.moment} ${number(point.mean)} [${number(point.low)}, ${number(point.high)}]`.trim(),
          )
          .join("\n"),
      },
      two ? `${"AB"[who]} ` : "",
      values.map((point) => number(point.mean)).join(" → "),
    ),
  );
}
