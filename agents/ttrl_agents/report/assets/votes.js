// The votes over time: a row is a question, a box is one visit.

const ROWS_AT_FIRST = 20;
const WIDE_VISITS = 14;

function votesSection(data) {
  if (!data.votes.length) return null;
  const two = data.subjects.length > 1;
  return section(
    "votes",
    "Votes over time",
    note(
      "A row is a question, a box one visit with the answer it elected",
      kindsShown(data).map((kind, place) => [place ? " " : ": ", kind]),
      "; the stronger its colour, the more of the votes. ",
      el("span", { class: "flip-key", "aria-hidden": "true" }, "●"),
      " The answer changed since the last visit.",
    ),
    ...data.votes.map((each) => votesCard(each, two)),
  );
}

function kindsShown(data) {
  const tones = new Set(
    data.votes.flatMap((each) =>
      each.questions.flatMap((question) => question.visits.map((visit) => tone(visit.right))),
    ),
  );
  return Object.entries({ right: "✓ right", wrong: "✗ wrong", unknown: "no label" })
    .filter(([kind]) => tones.has(kind))
    .map(([kind, words]) => el("span", { class: `box key ${kind}` }, words));
}

function votesCard(each, two) {
  const state = { order: "wrong", all: false };
  const body = el("tbody");
  const detail = el("div", { class: "visit-detail", "aria-live": "polite" });
  const most = Math.max(...each.questions.map((question) => question.visits.length));
  const more = el("button", {
    type: "button",
    class: "link",
    onclick: () => {
      state.all = true;
      draw();
    },
  });
  const order = el(
    "select",
    {
      "aria-label": "Order of the questions",
      onchange: (event) => {
        state.order = event.target.value;
        draw();
      },
    },
    Object.entries({
      wrong: "what went wrong first",
      flips: "most flips first",
      divided: "most divided first",
      name: "by name",
    }).map(([value, words]) => el("option", { value }, words)),
  );

  function draw() {
    const sorted = [...each.questions].sort(ORDERS[state.order]);
    const shown = state.all ? sorted : sorted.slice(0, ROWS_AT_FIRST);
    body.replaceChildren(...shown.map((question) => voteRow(question, most, show)));
    const first = body.querySelector(".box");
    more.textContent = `Show all ${each.questions.length} questions`;
    more.hidden = shown.length === sorted.length;
    const latest = first && [...first.closest("tr").querySelectorAll(".box")].at(-1);
    if (latest) latest.click();
  }

  function show(question, visit, button) {
    for (const box of body.querySelectorAll(".box.on")) box.classList.remove("on");
    button.classList.add("on");
    only([...body.querySelectorAll(".box")], button);
    detail.replaceChildren(visitDetail(question, visit));
  }

  rove(body, ".box", () => {
    const row = document.activeElement.closest("tr");
    return row ? row.querySelectorAll(".box").length : 1;
  });
  const compact = most > WIDE_VISITS ? "compact" : "";
  const heat = el(
    "table",
    { class: `heat ${compact}`, "--visits": most },
    el("caption", { class: "hidden" }, "Elected answers by question and visit"),
    body,
  );
  draw();
  return el(
    "div",
    { class: "card" },
    el(
      "div",
      { class: "toolbar" },
      two ? letter(each.subject) : null,
      el("label", {}, "Order ", order),
    ),
    el("div", { class: "votes-body" }, scroller("Votes over time", heat), detail),
    more,
  );
}

function voteRow(question, most, show) {
  const cells = question.visits.map((visit) => {
    const words = `Step ${visit.step}: ${visit.answer ?? "no answer"}, ${percent(visit.share)} of the votes, ${{ right: "right", wrong: "wrong", unknown: "no label" }[tone(visit.right)]}${visit.flip ? ", changed" : ""}`;
    const box = el(
      "button",
      {
        type: "button",
        tabindex: -1,
        class: `box ${tone(visit.right)} ${visit.flip ? "flip" : ""}`,
        "--share": visit.share,
        title: words,
        "aria-label": `${question.id}. ${words}`,
      },
      el("span", {}, visit.answer ?? "–"),
    );
    box.addEventListener("click", () => show(question, visit, box));
    return el("td", {}, box);
  });
  const name = el("th", { scope: "row" }, question.id);
  return el(
    "tr",
    {},
    name,
    cells,
    Array.from({ length: most - cells.length }, () => el("td")),
  );
}

function visitDetail(question, visit) {
  const most = visit.votes;
  const said = visit.elected ? "pseudo-label" : "most frequent";
  const rows = visit.tally.map(([answer, votes], place) =>
    place === visit.place
      ? bar(answer, votes, most, tone(visit.right), said)
      : bar(answer, votes, most, "", ""),
  );
  if (visit.others) rows.push(bar("others", visit.others, most, "", ""));
  if (visit.absent) rows.push(bar("no answer", visit.absent, most, "", ""));
  const facts = [
    `${percent(visit.share)} of ${visit.votes} votes agree`,
    { right: "the pseudo-label is right", wrong: "the pseudo-label is wrong", unknown: "no label" }[
      tone(visit.right)
    ],
    `mean reward ${number(visit.reward, 2)}`,
  ];
  if (visit.flip !== null)
    facts.push(visit.flip ? "changed since the last visit" : "as at the last visit");
  if (visit.abstained) facts.push("the reward abstained");
  return el(
    "div",
    {},
    el("h4", {}, `${question.id}, step ${visit.step}`),
    el("p", { class: "what" }, facts.join(" · ")),
    el("div", { class: "tally" }, rows),
    hasQuestion(question.id)
      ? el(
          "button",
          { type: "button", class: "link", onclick: () => openQuestion(question.id) },
          "Open this question below",
        )
      : null,
  );
}

function bar(answer, votes, most, kind, said) {
  return el(
    "div",
    { class: `bar ${kind}` },
    el("span", { class: "answer", title: answer }, answer),
    el("span", { class: "length" }, el("i", { "--share": votes / most })),
    el("span", { class: "votes" }, `${votes}${said ? ` · ${said}` : ""}`),
  );
}

const lastOf = (question) => question.visits[question.visits.length - 1];
const flipsOf = (question) => question.visits.filter((visit) => visit.flip).length;

// Turned to wrong, then wrong with many votes, then wrong with few, then what turned to right.
function trouble(question) {
  const last = lastOf(question);
  if (last.right === null) return flipsOf(question);
  const once = question.visits.some((visit) => visit.right);
  if (!last.right) return 10 + (once ? 10 : 0) + last.share;
  return question.visits.some((visit) => !visit.right) ? 5 : 0;
}

const ORDERS = {
  wrong: (a, b) => trouble(b) - trouble(a) || a.id.localeCompare(b.id),
  flips: (a, b) => flipsOf(b) - flipsOf(a) || a.id.localeCompare(b.id),
  divided: (a, b) => lastOf(a).share - lastOf(b).share || a.id.localeCompare(b.id),
  name: (a, b) => a.id.localeCompare(b.id),
};
