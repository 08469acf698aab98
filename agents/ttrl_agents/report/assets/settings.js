// Alarms, options, versions, fingerprints, commands.

function alarmsSection(data) {
  const runs = data.curves.runs;
  if (!runs.some((run) => run.alarms.length)) return null;
  const rows = runs.flatMap((run, who) =>
    run.alarms.map((alarm) => [
      runs.length > 1 ? `${"AB"[who]} ${alarm.step}` : String(alarm.step),
      alarm.kind,
      alarm.message,
    ]),
  );
  return section(
    "alarms",
    "Alarms",
    note(
      "An alarm needs no labels. By default it only warns: train again ",
      "with --on-collapse reduce or stop, a lower --learning-rate, or a --kl-coef.",
    ),
    el(
      "div",
      { class: "card" },
      scroller("Alarms", table("What was seen, and when", ["step", "kind", "message"], rows)),
    ),
  );
}

function settingsSection(data) {
  const two = data.subjects.length > 1;
  const parts = [];
  if (data.differences.length) {
    parts.push(
      el(
        "div",
        { class: "card" },
        el("h3", {}, "Options that differ"),
        scroller(
          "Options that differ",
          table(
            "Options of A and B",
            ["option", "A", "B"],
            data.differences.map(([name, a, b]) => [el("code", {}, name), a, b]),
          ),
        ),
      ),
    );
  }
  data.settings.forEach((each, who) => parts.push(settingsCard(each, two ? letter(who) : null)));
  return section("settings", "How it was made", ...parts);
}

function settingsCard(each, who) {
  const chosen = each.options.filter(([, , usual]) => !usual);
  const commands = each.commands.length ? each.commands : ["not noted"];
  return el(
    "div",
    { class: "card" },
    el("h3", {}, who, who ? " " : null, each.name),
    el("p", { class: "what" }, commands.length > 1 ? "Commands" : "Command"),
    el("pre", { class: "command" }, commands.join("\n")),
    el(
      "p",
      { class: "what" },
      each.again.startsWith("ttrl train")
        ? "The same run again, in a new folder"
        : "The same evaluation",
    ),
    el("pre", { class: "command" }, each.again),
    el(
      "div",
      { class: "two-tables" },
      scroller(
        "Options given, or chosen for this machine",
        table(
          "Options given, or chosen for this machine",
          ["option", "value"],
          chosen.map(([name, value]) => [el("code", {}, name), value]),
        ),
      ),
      each.versions.length
        ? scroller("Versions", table("Versions", ["what", "version"], each.versions))
        : null,
    ),
    el(
      "details",
      {},
      el("summary", {}, `All ${each.options.length} options`),
      scroller(
        "All options",
        table(
          "Options",
          ["option", "value"],
          each.options.map(([name, value]) => [el("code", {}, name), value]),
        ),
      ),
    ),
    el(
      "details",
      {},
      el("summary", {}, "Fingerprints of weights and questions"),
      scroller(
        "Fingerprints",
        table(
          "Of each evaluation",
          ["evaluation", "weights", "questions", "seed"],
          each.fingerprints.map((row) => row.map((cell) => el("code", {}, cell))),
        ),
      ),
    ),
  );
}
