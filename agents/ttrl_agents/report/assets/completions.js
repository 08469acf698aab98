// The completions of one question: their tally, and each of them with its answer marked.

const FOLD_FROM = 1500;
const FOLD_KEPT = 500;

const KINDS = {
  all: ["all", () => true],
  disagrees: ["disagree with the vote", (group, i) => group.votes[i] !== group.winner],
  wrong: ["wrong", (group, i) => group.correct !== null && !group.correct[i]],
  absent: ["no answer", (group, i) => group.votes[i] < 0],
  truncated: ["truncated", (group, i) => !group.finished[i]],
};

function groupColumn(title, group, kind, whole) {
  const shown = group.answers.map((answer, i) => i).filter((i) => KINDS[kind][1](group, i));
  return el(
    "div",
    { class: "group" },
    el(
      "h4",
      {},
      title,
      " ",
      badge(
        group.right === null ? "no label" : group.right ? "✓ vote right" : "✗ vote wrong",
        tone(group.right),
      ),
    ),
    tally(group),
    shown.length
      ? shown.map((i) => completion(group, i, whole))
      : note("No completion of this kind."),
  );
}

function tally(group) {
  const classes = new Map();
  group.votes.forEach((vote, i) => {
    if (!classes.has(vote)) classes.set(vote, { vote, first: i, votes: 0, spellings: new Set() });
    const each = classes.get(vote);
    each.votes += 1;
    if (vote >= 0) each.spellings.add(group.answers[i]);
  });
  const ranked = [...classes.values()].sort(
    (a, b) => (a.vote < 0) - (b.vote < 0) || b.votes - a.votes,
  );
  const most = group.votes.length;
  return el(
    "div",
    { class: "tally" },
    ranked.map((each) => {
      if (each.vote < 0) return bar("no answer", each.votes, most, "", "");
      const answer = group.answers[each.first];
      const right = group.correct === null ? null : Boolean(group.correct[each.first]);
      const said = [
        each.vote === group.winner ? "pseudo-label" : "",
        right === null ? "" : right ? "right" : "wrong",
      ]
        .filter(Boolean)
        .join(", ");
      const key = group.keys[each.first];
      const more = [...each.spellings].filter((spelling) => spelling !== answer);
      return [
        bar(
          answer,
          each.votes,
          most,
          right === null ? "" : right ? "right" : each.vote === group.winner ? "wrong" : "",
          said,
        ),
        key !== null && key !== answer
          ? el("p", { class: "also" }, "key ", el("code", {}, key))
          : null,
        more.length
          ? el(
              "p",
              { class: "also" },
              "also written ",
              more.flatMap((spelling, i) => [i ? ", " : "", el("code", {}, spelling)]),
            )
          : null,
      ];
    }),
  );
}

function completion(group, i, whole) {
  const agrees = group.votes[i] >= 0 && group.votes[i] === group.winner;
  const right = group.correct === null ? null : Boolean(group.correct[i]);
  const facts = [
    el("span", { class: "place" }, String(i + 1)),
    badge(
      group.votes[i] < 0 ? "no answer" : agrees ? "agrees" : "disagrees",
      agrees ? "agrees" : "",
    ),
    right === null ? null : badge(right ? "✓ right" : "✗ wrong", tone(right)),
    group.finished[i] ? null : badge("truncated", "loud"),
    el(
      "span",
      { class: "what" },
      `${count(group.tokens[i], "token")}${group.rules[i] ? ` · ${group.rules[i]}` : ""}`,
    ),
  ];
  const text = el("pre", {});
  fill(text, group.texts[i], tone(right), whole);
  return el(
    "article",
    { class: `completion ${tone(right)}`, "aria-label": `Completion ${i + 1}` },
    el("div", { class: "facts" }, facts),
    text,
  );
}

// A long text is folded to its beginning, its end and what is around its answer.
function fill(target, segments, kind, whole) {
  const size = segments.reduce(
    (sum, each) => sum + (typeof each === "string" ? each.length : 0),
    0,
  );
  const fold = !whole && size > FOLD_FROM;
  target.replaceChildren(
    ...segments.flatMap((each, place) => {
      if (typeof each === "number")
        return el(
          "span",
          { class: "gap" },
          ` … ${count(each, "character")} left out of this report … `,
        );
      if (Array.isArray(each)) return el("mark", { class: kind }, each[0]);
      if (!fold || each.length <= 2 * FOLD_KEPT) return each;
      const hidden = each.length - 2 * FOLD_KEPT;
      const unfold = el(
        "button",
        { type: "button", class: "link", onclick: () => fill(target, segments, kind, true) },
        `… show ${count(hidden, "more character")} …`,
      );
      return [each.slice(0, FOLD_KEPT), unfold, each.slice(-FOLD_KEPT)];
    }),
  );
}
