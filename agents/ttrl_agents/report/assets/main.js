// Opens the data and shows it.

let report = null;

async function openData() {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (each) =>
    each.charCodeAt(0),
  );
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text(), (key, value) =>
    typeof value === "string" ? visible(value) : value,
  );
}

function showReport(data) {
  report = data;
  const sections = [
    verdictSection(data),
    scoresSection(data),
    pairsSection(data),
    curvesSection(data),
    alarmsSection(data),
    votesSection(data),
    turnedSection(data),
    browserSection(data),
    settingsSection(data),
  ].filter((each) => each !== null);
  const links = sections.map((each) =>
    el("a", { href: `#${each.id}` }, each.querySelector("h2").textContent),
  );
  document
    .getElementById("page")
    .replaceChildren(
      el("a", { class: "skip", href: "#verdict" }, "To the verdict"),
      head(data),
      el("nav", { "aria-label": "Sections" }, links),
      el("main", {}, sections),
      el(
        "footer",
        {},
        `Made by ${data.made_by}, ttrl report. This file makes no request; what models wrote is shown as text.`,
      ),
    );
  drawCharts();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    drawCharts();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
  addEventListener("beforeprint", () => {
    document.body.classList.add("printing");
    drawCharts();
  });
  addEventListener("afterprint", () => {
    document.body.classList.remove("printing");
    drawCharts();
  });
  document.body.dataset.ready = "true";
}

openData().then(showReport);
