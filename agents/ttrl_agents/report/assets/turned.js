// The votes that turned between two evaluations: a matrix, and the list of them.

function turnedSection(data) {
  const cards = mainViews(data)
    .map((view) => turnedCard(data, view))
    .filter((card) => card !== null);
  if (!cards.length) return null;
  return section(
    "turned",
    "Votes that turned",
    note(
      "A mean hides both directions: each question is counted once, by the answer that most of its completions gave.",
    ),
    ...cards,
  );
}

// Of each pair of columns the main setting: greedy and other temperatures are in the browser.
function mainViews(data) {
  const main = data.scores.length ? data.scores[0].setting : "";
  return data.browser.views.filter(
    (view) =>
      view.columns.length === 2 &&
      data.browser.evaluations[view.columns[1].evaluation].setting === main,
  );
}

function turnedCard(data, view) {
  const [first, last] = view.columns.map(
    (column) => data.browser.evaluations[column.evaluation].questions,
  );
  const shared = Object.keys(last).filter((id) => id in first);
  const graded = shared.filter((id) => first[id].right !== null && last[id].right !== null);
  const open = (id) => openQuestion(id, view);
  if (!graded.length) return changedCard(view, shared, first, last, open);
  const cell = (before, after) =>
    graded.filter((id) => first[id].right === before && last[id].right === after);
  const lists = [
    ["From right to wrong", cell(true, false), "wrong"],
    ["From wrong to right", cell(false, true), "right"],
    [
      `Wrong with ${percent(data.confident)} of the votes or more, not turned`,
      cell(false, false).filter((id) => last[id].share >= data.confident),
      "wrong",
    ],
  ];
  return el(
    "div",
    { class: "card" },
    el("h3", {}, view.title),
    el(
      "div",
      { class: "turned-body" },
      matrix(view, cell),
      el(
        "div",
        { class: "lists" },
        lists.map(([title, ids, kind]) => turnedList(title, ids, kind, first, last, open)),
      ),
    ),
  );
}

function matrix(view, cell) {
  const [one, other] = view.columns.map((column) => column.title.split(":")[0]);
  const box = (before, after, kind) => {
    const total = cell(before, after).length;
    return el("td", { class: kind }, el("b", {}, total));
  };
  return el(
    "table",
    { class: "matrix" },
    el("caption", { class: "hidden" }, "Questions by whether their vote was right"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("td"),
        el("th", { scope: "col" }, `${other}: right`),
        el("th", { scope: "col" }, `${other}: wrong`),
      ),
    ),
    el(
      "tbody",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "row" }, `${one}: right`),
        box(true, true, ""),
        box(true, false, "wrong"),
      ),
      el(
        "tr",
        {},
        el("th", { scope: "row" }, `${one}: wrong`),
        box(false, true, "right"),
        box(false, false, ""),
      ),
    ),
  );
}

function turnedList(title, ids, kind, first, last, open) {
  if (!ids.length) return null;
  const sorted = [...ids].sort((a, b) => last[b].share - last[a].share);
  const rows = sorted.map((id) =>
    el(
      "li",
      {},
      el("button", { type: "button", class: "link", onclick: () => open(id) }, id),
      el("span", { class: "answer" }, winner(first[id])),
      el("span", { class: "share" }, percent(first[id].share)),
      el("span", { "aria-label": "to" }, "→"),
      el("span", { class: "answer" }, winner(last[id])),
      el("span", { class: "share" }, percent(last[id].share)),
    ),
  );
  return el(
    "details",
    { open: ids.length <= (kind === "wrong" ? 12 : 6) },
    el("summary", {}, `${title} `, badge(String(ids.length), kind)),
    el("ol", { class: "turned" }, rows),
  );
}

function changedCard(view, shared, first, last, open) {
  const changed = shared.filter((id) => winnerKey(first[id]) !== winnerKey(last[id]));
  const divided = shared.filter((id) => last[id].share < 0.5);
  return el(
    "div",
    { class: "card" },
    el("h3", {}, view.title),
    note(
      `${changed.length} of ${count(shared.length, "pseudo-label")} changed. No question has a label, so nothing says which are right.`,
    ),
    el(
      "div",
      { class: "lists" },
      turnedList("Changed", changed, "", first, last, open),
      turnedList("Most divided: less than half of the votes agree", divided, "", first, last, open),
    ),
  );
}

function winner(question) {
  const place = question.votes.indexOf(question.winner);
  return question.winner === null ? "no answer" : question.answers[place];
}

function winnerKey(question) {
  const place = question.votes.indexOf(question.winner);
  return question.winner === null ? null : (question.keys[place] ?? question.answers[place]);
}
