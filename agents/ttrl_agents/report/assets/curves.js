// The curves of one or two runs over their steps, with one cursor for all of them.

const charts = [];
let following = false;

function curvesSection(data) {
  const { runs, panels } = data.curves;
  if (!runs.some((run) => run.steps.length)) return null;
  const [withLabels, without] = [true, false].map((wanted) =>
    panels.filter(
      (panel) =>
        panel.needs_labels === wanted &&
        panel.curves.some(([key]) => runs.some((run) => run.metrics[key])),
    ),
  );
  const measured =
    withLabels.length > 0 &&
    withLabels.some((panel) =>
      panel.curves.some(
        ([key]) => key !== "majority_ratio" && runs.some((run) => run.metrics[key]),
      ),
    );
  const key = [
    "Faint: each step; bold: moving mean over a tenth of the run, both at the training temperature",
  ];
  if (runs.some((run) => run.evaluations.length))
    key.push("; points with bars: all questions, with 95 % intervals");
  if (runs.some((run) => run.alarms.length)) key.push("; dashed line: an alarm");
  return section(
    "curves",
    "Curves",
    note(key.join("") + ". Move along a chart with the pointer or with the arrow keys."),
    el("h3", {}, "What needs no label ", badge("label-free", "free")),
    el(
      "div",
      { class: "charts" },
      without.map((panel) => chartCard(panel, runs, data)),
    ),
    measured ? el("h3", {}, "What compares with labels ", badge("needs labels", "labels")) : null,
    measured
      ? el(
          "div",
          { class: "charts" },
          withLabels.map((panel) => chartCard(panel, runs, data)),
        )
      : null,
    extremes(panels, runs),
  );
}

function chartCard(panel, runs, data) {
  const title = panel.title.replace("@k", `@${runs[0].k}`);
  const readout = el("p", { class: "readout" });
  const holder = el("div", {
    class: "chart",
    tabindex: 0,
    role: "slider",
    "aria-label": `${title}, ${panel.what}`,
    "aria-valuemin": 0,
    "aria-valuemax": 1,
    "aria-valuenow": 0,
  });
  charts.push({ panel, runs, holder, readout, plot: null });
  const points = panel.score ? scoreKeys(panel, runs, data) : null;
  return el(
    "div",
    { class: "card" },
    el("h4", {}, title),
    el("p", { class: "what" }, panel.what),
    holder,
    readout,
    points,
  );
}

function scoreKeys(panel, runs, data) {
  const names = new Map();
  runs.forEach((run, who) =>
    run.evaluations
      .filter((each) => each.score === panel.score)
      .forEach((each) => names.set(`${who}${each.split}`, [who, each])),
  );
  if (!names.size) return null;
  const two = data.subjects.length > 1;
  return el(
    "p",
    { class: "readout" },
    [...names.values()].map(([who, each]) =>
      el(
        "span",
        { class: "entry" },
        el("span", {
          class: `point ${each.split} subject-${two ? who : each.split === "held_out" ? 1 : 0}`,
          "aria-hidden": "true",
        }),
        `${two ? `${"AB"[who]}: ` : ""}${each.name}`,
      ),
    ),
  );
}

// Builds every chart anew: their colours and widths are those of the moment.
function drawCharts() {
  const style = getComputedStyle(document.body);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  for (const chart of charts) drawChart(chart, color);
}

function drawChart(chart, color) {
  const { panel, runs, holder } = chart;
  if (chart.plot) chart.plot.destroy();
  const steps = [...new Set(runs.flatMap((run) => run.steps))].sort((a, b) => a - b);
  const curves = seriesOf(panel, runs, color);
  const align = (run, values) => {
    const at = new Map(run.steps.map((step, place) => [step, values[place]]));
    return steps.map((step) => at.get(step) ?? null);
  };
  const columns = curves.flatMap(({ run, metric }) => [
    align(run, metric.steps),
    align(run, metric.mean),
  ]);
  const lines = curves.flatMap(({ stroke, dash }) => [
    { stroke: stroke + "55", width: 1, points: { show: false }, spanGaps: true },
    { stroke, dash, width: 2, points: { show: false }, spanGaps: true },
  ]);
  const last = Math.max(1, ...runs.map((run) => run.planned));
  const axis = {
    stroke: color("dim"),
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  holder.setAttribute("aria-valuemin", steps[0]);
  holder.setAttribute("aria-valuemax", steps[steps.length - 1]);
  chart.plot = new uPlot(
    {
      width: Math.max(200, holder.clientWidth),
      height: 170,
      legend: { show: false },
      padding: [12, 10, 0, 0],
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: [0, last] },
        y: {
          // An estimate of the KL divergence can be below 0.
          range: (plot, low, high) =>
            panel.share ? [0, 1.02] : [Math.min(low, 0) * 1.08, Math.max(high, 1e-3) * 1.08],
        },
      },
      axes: [
        { ...axis, size: 26 },
        { ...axis, size: 44 },
      ],
      series: [{}, ...lines],
      hooks: {
        draw: [(plot) => drawMarks(plot, panel, runs, color)],
        setCursor: [(plot) => follow(chart, plot.cursor.idx ?? null)],
      },
    },
    [steps, ...columns],
    holder,
  );
  Object.assign(chart, { steps, curves, columns });
  holder.onkeydown = (event) => moveCursor(event, chart);
  showValues(chart, null);
}

function seriesOf(panel, runs, color) {
  const palette = ["a", "c", "d"];
  return panel.curves.flatMap(([key, name], place) =>
    runs.flatMap((run, who) => {
      if (!run.metrics[key]) return [];
      const several = panel.curves.length > 1;
      const stroke = color(several ? palette[place] : "ab"[who]);
      const whose = runs.length > 1 ? `${"AB"[who]} ` : "";
      return [
        {
          run,
          metric: run.metrics[key],
          stroke,
          dash: several && who ? [5, 4] : undefined,
          name: `${whose}${name}`,
        },
      ];
    }),
  );
}

function drawMarks(plot, panel, runs, color) {
  plot.ctx.save();
  runs.forEach((run, who) => {
    run.alarms.forEach((alarm, place) => {
      const words = runs.length > 1 ? `${"AB"[who]} ${alarm.kind}` : alarm.kind;
      drawAlarm(plot, alarm.step, words, place % 3, color);
    });
    for (const each of run.evaluations.filter((one) => one.score === panel.score)) {
      const held = each.split === "held_out";
      const stroke = color(runs.length > 1 ? "ab"[who] : held ? "b" : "a");
      drawPoint(plot, each, stroke, held, color("paper"));
    }
  });
  plot.ctx.restore();
}

function drawAlarm(plot, step, words, row, color) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  const x = plot.valToPos(step, "x", true);
  ctx.strokeStyle = color("alarm");
  ctx.lineWidth = 1.2 * ratio;
  ctx.setLineDash([5 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
  const toTheRight = x < bbox.left + 0.7 * bbox.width;
  const at = [x + (toTheRight ? 4 : -4) * ratio, bbox.top + (10 + 12 * row) * ratio];
  ctx.textAlign = toTheRight ? "left" : "right";
  ctx.font = `${10 * ratio}px system-ui, sans-serif`;
  ctx.lineWidth = 3 * ratio;
  ctx.strokeStyle = color("paper"); // a halo, so that the word is legible on a curve
  ctx.strokeText(words, ...at);
  ctx.fillStyle = color("alarm");
  ctx.fillText(words, ...at);
}

function drawPoint(plot, each, stroke, square, paper) {
  const { ctx } = plot;
  const ratio = devicePixelRatio || 1;
  const x = plot.valToPos(each.step, "x", true) + (square ? 3 : -3) * ratio;
  const [y, low, high] = [each.mean, each.low, each.high].map((value) =>
    plot.valToPos(value, "y", true),
  );
  ctx.strokeStyle = stroke;
  ctx.fillStyle = square ? paper : stroke;
  ctx.lineWidth = 1.6 * ratio;
  ctx.beginPath();
  ctx.moveTo(x, low);
  ctx.lineTo(x, high);
  ctx.stroke();
  ctx.beginPath();
  if (square) ctx.rect(x - 3.5 * ratio, y - 3.5 * ratio, 7 * ratio, 7 * ratio);
  else ctx.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
  ctx.fill();
  ctx.stroke();
}

// Moves the cursors of all charts to where that of one has been moved.
function follow(leader, place) {
  if (following) return;
  following = true;
  for (const chart of charts.filter((each) => each.plot)) {
    showValues(chart, place);
    const left = place === null ? -10 : chart.plot.valToPos(chart.steps[place], "x");
    if (chart !== leader) chart.plot.setCursor({ left, top: place === null ? -10 : 0 });
  }
  following = false;
}

// Shows the values at a step; without one, the last that each curve has.
function showValues(chart, place) {
  const { steps, curves, columns } = chart;
  const entries = curves.map((curve, index) => {
    const [values, means] = [columns[2 * index], columns[2 * index + 1]];
    const at = place ?? means.findLastIndex((value) => value !== null);
    const digits = Math.abs(means[at] ?? values[at] ?? 0) >= 100 ? 0 : 3;
    const words = `${curve.name} ${number(values[at], digits)} (mean ${number(means[at], digits)})`;
    const swatch = el("i", {
      class: `swatch ${curve.dash ? "dashed" : ""}`,
      "--stroke": curve.stroke,
    });
    return el("span", { class: "entry" }, swatch, words.trim());
  });
  const step = place === null ? "at the end" : `step ${steps[place]}`;
  chart.readout.replaceChildren(el("span", { class: "entry" }, step), ...entries);
  chart.holder.setAttribute("aria-valuenow", steps[place ?? steps.length - 1]);
  const spoken = chart.readout.textContent.replaceAll("(", ", ").replaceAll(")", ";");
  chart.holder.setAttribute("aria-valuetext", spoken);
}

function moveCursor(event, { plot, steps }) {
  const place = plot.cursor.idx ?? steps.length - 1;
  const moves = {
    ArrowLeft: place - 1,
    ArrowRight: place + 1,
    Home: 0,
    End: steps.length - 1,
    PageUp: place - 10,
    PageDown: place + 10,
  };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const next = Math.max(0, Math.min(steps.length - 1, moves[event.key]));
  plot.setCursor({ left: plot.valToPos(steps[next], "x"), top: plot.over.clientHeight / 2 });
}

function extremes(panels, runs) {
  const rows = [];
  const seen = new Set();
  for (const panel of panels) {
    for (const [key, name] of panel.curves) {
      if (seen.has(key)) continue;
      seen.add(key);
      runs.forEach((run, who) => {
        const values = (run.metrics[key]?.mean ?? []).filter((value) => value !== null);
        if (!values.length) return;
        const title = name || panel.title.replace("@k", `@${run.k}`);
        const digits = Math.max(...values) >= 100 ? 0 : 3;
        const shown = [
          values[0],
          values[values.length - 1],
          Math.min(...values),
          Math.max(...values),
        ];
        rows.push([
          runs.length > 1 ? `${"AB"[who]}: ${title}` : title,
          ...shown.map((value) => number(value, digits)),
        ]);
      });
    }
  }
  const heads = ["metric", "first", "last", "lowest", "highest"];
  return el(
    "details",
    {},
    el("summary", {}, "The curves as numbers"),
    scroller("The curves as numbers", table("Of the moving means", heads, rows, "figures")),
  );
}
