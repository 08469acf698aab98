// B against A: paired differences, and how far each question differs.

function pairsSection(data) {
  if (!data.pairs.length) return null;
  const main = new Set(mainViews(data).map((view) => view.title));
  const cards = (wanted) =>
    data.pairs
      .filter((pair) => main.has(pair.title) === wanted)
      .map((pair) => pairCard(pair, data));
  const others = cards(false);
  return section(
    "pairs",
    "B against A, question by question",
    cards(true),
    others.length
      ? el("details", {}, el("summary", {}, "At the other temperatures"), others)
      : null,
  );
}

function pairCard(pair, data) {
  const view = data.browser.views.find((each) => each.title === pair.title);
  const rows = pair.scores.map((score) => [
    score.name,
    String(score.questions),
    number(score.a),
    number(score.b),
    `${points(score.mean)} [${points(score.low)}, ${points(score.high)}]`,
    score.p < 0.0001 ? "<0.0001" : score.p.toFixed(4),
    `${score.wins} / ${score.ties} / ${score.losses}`,
  ]);
  const heads = [
    "score",
    "questions",
    "A",
    "B",
    "B − A, points [95 %]",
    "p",
    "better / same / worse",
  ];
  return el(
    "div",
    { class: "card" },
    el("h3", {}, pair.title),
    pair.note ? note(pair.note) : null,
    rows.length
      ? scroller(
          pair.title,
          table("Paired over questions; p of the exact permutation test", heads, rows, "figures"),
        )
      : null,
    pair.questions.length ? differenceBars(pair, view) : null,
  );
}

function differenceBars(pair, view) {
  const bars = pair.questions.map(([id, a, b]) => {
    const words = `${id}: A ${number(a)}, B ${number(b)}, ${points(b - a)} points`;
    return el("button", {
      type: "button",
      tabindex: -1,
      class: `difference ${b > a ? "up" : b < a ? "down" : ""}`,
      "--size": Math.abs(b - a),
      title: words,
      "aria-label": words,
      onclick: () => openQuestion(id, view),
    });
  });
  if (bars.length) bars[0].tabIndex = 0;
  const chart = el(
    "div",
    { class: "differences", role: "group", "aria-label": "Difference of each question" },
    bars,
  );
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = bars[bars.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    only(bars, next);
    next.focus();
  });
  return el(
    "div",
    {},
    note(
      `Each bar is a question, from where B is most above A to where it is most below; full height is 100 points of ${pair.scores[0].name}.`,
    ),
    chart,
  );
}
