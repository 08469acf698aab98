// The browser: questions on one side, the completions of one of them on the other.

const browsing = {
  data: null,
  view: null,
  filter: "all",
  level: "",
  text: "",
  id: null,
  kind: "all",
  parts: null,
};

const FILTERS = {
  all: ["all", () => true],
  turned: ["turned", (first, last) => first && first.right !== last.right],
  lost: ["right → wrong", (first, last) => first && first.right === true && last.right === false],
  gained: ["wrong → right", (first, last) => first && first.right === false && last.right === true],
  changed: ["pseudo-label changed", (first, last) => first && winnerKey(first) !== winnerKey(last)],
  sure: [
    "confidently wrong",
    (first, last) => last.right === false && last.share >= browsing.data.confident,
  ],
  divided: ["votes disagree", (first, last) => last.share < 0.5],
  absent: ["no answer", (first, last) => last.votes.includes(-1)],
  truncated: ["truncated", (first, last) => last.finished.includes(0)],
};

function browserSection(data) {
  if (!data.browser.views.length) return null;
  browsing.data = data;
  browsing.view = data.browser.views[0];
  const parts = (browsing.parts = {
    filters: el("div", { class: "chips", role: "group", "aria-label": "Which questions" }),
    level: el("select", {
      "aria-label": "Level",
      onchange: (event) => change({ level: event.target.value }),
    }),
    list: el("ul", { class: "questions", "aria-label": "Questions" }),
    found: el("p", { class: "what", role: "status" }),
    detail: el("div", { class: "detail" }),
    view: el(
      "select",
      {
        "aria-label": "What is shown",
        onchange: (event) => setView(data.browser.views[event.target.value]),
      },
      data.browser.views.map((view, place) => el("option", { value: place }, view.title)),
    ),
  });
  rove(parts.list, "button");
  parts.list.addEventListener("focusin", (event) => {
    const button = event.target.closest("button[data-id]");
    if (button && button.dataset.id !== browsing.id) showQuestion(button.dataset.id);
  });
  const search = el("input", {
    type: "search",
    placeholder: "search texts",
    "aria-label": "Search in questions and completions",
    oninput: (event) => change({ text: event.target.value }),
  });
  const result = section(
    "questions",
    "Questions",
    data.browser.shortened ? note(data.browser.shortened) : null,
    el("div", { class: "toolbar" }, parts.view, parts.level, search),
    parts.filters,
    el(
      "div",
      { class: "browser" },
      el("div", { class: "card side" }, parts.found, parts.list),
      parts.detail,
    ),
  );
  setView(browsing.view);
  return result;
}

function setView(view) {
  browsing.view = view;
  browsing.parts.view.value = browsing.data.browser.views.indexOf(view);
  const [first, last] = sides();
  const levels = [...new Set(Object.values(last).map((question) => question.level))]
    .filter((level) => level !== null)
    .sort((a, b) => a - b);
  browsing.parts.level.replaceChildren(
    el("option", { value: "" }, "all levels"),
    ...levels.map((level) => el("option", { value: level }, `level ${level}`)),
  );
  browsing.parts.level.hidden = levels.length < 2;
  browsing.level = "";
  const labelled = Object.values(last).some((question) => question.right !== null);
  const telling = labelled ? "turned" : "changed";
  browsing.filter = first !== last && matching(telling).length ? telling : "all";
  change({});
}

function sides() {
  const found = browsing.view.columns.map(
    (column) => browsing.data.browser.evaluations[column.evaluation].questions,
  );
  return [found[0], found[found.length - 1]];
}

function matching(filter) {
  const [first, last] = sides();
  const needle = browsing.text.toLowerCase();
  return Object.keys(last).filter((id) => {
    const question = last[id];
    if (browsing.level !== "" && question.level !== Number(browsing.level)) return false;
    if (!FILTERS[filter][1](first === last ? null : first[id], question)) return false;
    return !needle || searchable(id, question).includes(needle);
  });
}

function searchable(id, question) {
  const texts = question.texts.map((segments) =>
    segments
      .map((each) => (Array.isArray(each) ? each[0] : typeof each === "string" ? each : ""))
      .join(""),
  );
  return [id, question.prompt, ...texts].join("\n").toLowerCase();
}

function change(changes) {
  Object.assign(browsing, changes);
  const { parts } = browsing;
  const [first, last] = sides();
  const graded = Object.values(last).some((question) => question.right !== null);
  const useful = Object.keys(FILTERS).filter((name) => {
    if (["turned", "lost", "gained"].includes(name)) return graded && first !== last;
    if (name === "sure") return graded;
    return name !== "changed" || (!graded && first !== last);
  });
  parts.filters.replaceChildren(
    ...useful.map((name) => {
      const total = matching(name).length;
      return el(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": String(name === browsing.filter),
          onclick: () => change({ filter: name }),
        },
        `${FILTERS[name][0]} `,
        el("span", { class: "total" }, total),
      );
    }),
  );
  const ids = matching(browsing.filter);
  parts.found.textContent = `${count(ids.length, "question")} of ${Object.keys(last).length}`;
  parts.list.replaceChildren(
    ...ids.map((id) => questionItem(id, first === last ? null : first[id], last[id])),
  );
  if (ids.length) showQuestion(ids.includes(browsing.id) ? browsing.id : ids[0]);
  else parts.detail.replaceChildren(note("No question of this kind."));
}

function questionItem(id, first, last) {
  const right = (question) =>
    question.correct === null ? "" : `${question.correct.reduce((sum, each) => sum + each, 0)}`;
  const way = first ? `${mark(first.right)} → ${mark(last.right)}` : mark(last.right);
  const answers =
    first && winnerKey(first) !== winnerKey(last)
      ? `${winner(first)} → ${winner(last)}`
      : winner(last);
  const counts =
    last.correct === null
      ? percent(last.share)
      : `${first && first.correct !== null ? `${right(first)} → ` : ""}${right(last)} of ${last.votes.length} right`;
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", tabindex: -1, "data-id": id, onclick: () => showQuestion(id) },
      el("span", { class: "id" }, id),
      el("span", { class: `way ${tone(last.right)}` }, last.right === null ? "" : way),
      el("span", { class: "answer" }, answers),
      el("span", { class: "what" }, counts),
    ),
  );
}

function showQuestion(id) {
  browsing.id = id;
  const buttons = [...browsing.parts.list.querySelectorAll("button")];
  const chosen = buttons.find((button) => button.dataset.id === id);
  for (const button of buttons) button.setAttribute("aria-current", String(button === chosen));
  only(buttons, chosen);
  const { columns } = browsing.view;
  const groups = columns
    .map((column) => [
      column.title,
      browsing.data.browser.evaluations[column.evaluation].questions[id],
    ])
    .filter(([, group]) => group);
  const last = groups[groups.length - 1][1];
  const kinds = el(
    "select",
    {
      "aria-label": "Which completions",
      onchange: (event) => {
        browsing.kind = event.target.value;
        showQuestion(id);
      },
    },
    Object.entries(KINDS).map(([value, [words]]) =>
      el("option", { value, selected: value === browsing.kind }, `completions: ${words}`),
    ),
  );
  browsing.parts.detail.replaceChildren(
    el(
      "div",
      { class: "card" },
      el("h3", {}, id, last.level === null ? null : badge(`level ${last.level}`, "quiet")),
      el("pre", { class: "prompt" }, last.prompt),
      el("div", { class: "toolbar" }, kinds),
      el(
        "div",
        { class: `columns ${groups.length > 1 ? "two" : ""}` },
        groups.map(([title, group]) => groupColumn(title, group, browsing.kind, false)),
      ),
    ),
  );
}

function hasQuestion(id) {
  return Boolean(viewWith(id));
}

function viewWith(id) {
  const { views, evaluations } = report.browser;
  return views.find(
    (view) => id in evaluations[view.columns[view.columns.length - 1].evaluation].questions,
  );
}

function openQuestion(id, view = viewWith(id)) {
  browsing.text = "";
  document.querySelector("#questions input[type=search]").value = "";
  if (browsing.view !== view) setView(view);
  browsing.id = id;
  change({ filter: matching(browsing.filter).includes(id) ? browsing.filter : "all", level: "" });
  document.getElementById("questions").scrollIntoView();
  browsing.parts.list.querySelector("button[aria-current=true]")?.focus({ preventScroll: true });
  browsing.parts.list
    .querySelector("button[aria-current=true]")
    ?.scrollIntoView({ block: "nearest" });
}
