// The head of the page and the verdict.

function head(data) {
  const two = data.subjects.length > 1;
  const rows = data.subjects.map((subject, who) =>
    el(
      "div",
      { class: "subject" },
      two ? letter(who) : null,
      el(
        "div",
        {},
        two ? el("p", { class: "title" }, subject.title) : el("h1", {}, subject.title),
        el("p", { class: "facts" }, subject.facts.join(" · ")),
        el(
          "p",
          { class: "facts" },
          el("span", { class: "folder" }, subject.name),
          " ",
          badge(subject.status, statusKind(subject.status)),
          " ",
          subject.alarms === null
            ? null
            : badge(
                subject.alarms ? count(subject.alarms, "alarm") : "no alarm",
                subject.alarms ? "loud" : "quiet",
              ),
        ),
      ),
    ),
  );
  return el("header", {}, two ? el("h1", {}, "Two side by side") : null, ...rows);
}

function statusKind(status) {
  if (status === "finished" || status === "evaluation") return "quiet";
  return "loud";
}

function letter(who) {
  return el("span", { class: `letter subject-${who}` }, "AB"[who]);
}

function verdictSection(data) {
  const two = data.subjects.length > 1;
  const cards = data.verdicts.map((verdict, who) =>
    el(
      "div",
      { class: "card verdict" },
      el("p", { class: "headline" }, two ? letter(who) : null, two ? " " : null, verdict.headline),
      verdict.tiles.length ? el("dl", { class: "tiles" }, verdict.tiles.map(tile)) : null,
      el(
        "ul",
        {},
        verdict.sentences.map((sentence) => el("li", {}, sentence)),
      ),
    ),
  );
  if (data.compared.length) {
    const lines = data.compared.map((sentence) => el("li", {}, sentence));
    cards.unshift(
      el(
        "div",
        { class: "card verdict" },
        el("p", { class: "headline" }, "B against A"),
        el("ul", {}, lines),
      ),
    );
  }
  return section("verdict", "Verdict", ...cards);
}

function tile(each) {
  return el(
    "div",
    { class: `tile ${each.tone}` },
    el("dt", {}, each.name),
    el("dd", { class: "value" }, each.value),
    el("dd", { class: "change" }, each.note),
  );
}
