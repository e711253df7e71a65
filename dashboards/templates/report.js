// Draws the charts from the figures that the page already shows. The tables need none of this.
(function () {
  "use strict";
  if (typeof echarts === "undefined") { return; }
  var report = JSON.parse(document.getElementById("data").textContent);
  var currency = report.reporting.currency;
  var charts = [];

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function rounded(value) { return value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }); }

  function base() {
    return {
      animation: false,
      textStyle: { fontFamily: "system-ui, sans-serif", color: colour("--ink") },
      grid: { left: 10, right: 90, top: 36, bottom: 8, containLabel: true },
      // Rich text is drawn on the canvas: it needs no inline style, which the page's policy forbids.
      tooltip: {
        trigger: "item", renderMode: "richText", backgroundColor: colour("--card"), borderColor: colour("--line"),
        textStyle: { color: colour("--ink") },
        formatter: function (p) { return p.seriesName + "\n" + p.name + ": " + rounded(p.value) + " " + currency; }
      },
      xAxis: {
        type: "value", axisLabel: { color: colour("--soft") }, splitLine: { lineStyle: { color: colour("--line") } }
      },
      yAxis: {
        type: "category", inverse: true, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } },
        axisLabel: { color: colour("--ink") }
      }
    };
  }

  function place(item) { return item.region + "  " + (item.cell || ""); }

  function regions() {
    var names = [], sums = {}, kinds = [], values = {};
    function add(name, kind, value) {
      if (names.indexOf(name) < 0) { names.push(name); }
      if (kinds.indexOf(kind) < 0) { kinds.push(kind); }
      values[kind] = values[kind] || {};
      values[kind][name] = (values[kind][name] || 0) + value;
      sums[name] = (sums[name] || 0) + value;
    }
    report.items.forEach(function (item) {
      if (item.source === "gate" && item.reporting) { add(place(item), "Told as a sum by the gate", Number(item.reporting.billed)); }
    });
    report.services.forEach(function (row) {
      if (row.reportingBilled !== null && Number(row.reportingBilled) !== 0) {
        add(place(row), row.service, Number(row.reportingBilled));
      }
    });
    if (!names.length) { return null; }
    names.sort(function (a, b) { return sums[b] - sums[a]; });
    var palette = ["--s1", "--s3", "--s4", "--s5", "--s6"];
    var option = base();
    option.yAxis.data = names;
    option.legend = { top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: colour("--soft") } };
    option.series = kinds.map(function (kind, index) {
      return {
        name: kind, type: "bar", stack: "all", barMaxWidth: 30,
        itemStyle: { color: colour(kind === "Told as a sum by the gate" ? "--s2" : palette[index % palette.length]) },
        data: names.map(function (name) { return values[kind][name] || 0; })
      };
    });
    option.series.push({
      name: "Sum", type: "bar", stack: "all", data: names.map(function () { return 0; }), silent: true,
      label: {
        show: true, position: "right", color: colour("--ink"), fontWeight: 600,
        formatter: function (p) { return rounded(sums[p.name]) + " " + currency; }
      }
    });
    option.legend.data = kinds;
    return { option: option, rows: names.length };
  }

  function services() {
    var rows = report.services.filter(function (row) { return row.reportingBilled !== null && Number(row.reportingBilled) > 0; });
    rows.sort(function (a, b) { return Number(b.reportingBilled) - Number(a.reportingBilled); });
    rows = rows.slice(0, 10);
    if (rows.length < 2) { return null; }
    var option = base();
    option.grid.top = 8;
    option.yAxis.data = rows.map(function (row) { return row.sku + "  " + (row.cell || ""); });
    option.series = [{
      name: "Billed", type: "bar", barMaxWidth: 20,
      data: rows.map(function (row) {
        return { value: Number(row.reportingBilled), itemStyle: { color: colour(row.world === "cn" ? "--cn" : "--row") } };
      }),
      label: {
        show: true, position: "right", color: colour("--ink"),
        formatter: function (p) { return rounded(p.value) + " " + currency; }
      }
    }];
    return { option: option, rows: rows.length };
  }

  function draw() {
    charts.forEach(function (chart) { chart.dispose(); });
    charts = [];
    [["chart-regions", regions(), 52], ["chart-services", services(), 34]].forEach(function (entry) {
      var place = document.getElementById(entry[0]);
      if (!place || !entry[1]) { return; }
      place.hidden = false;
      place.style.height = (entry[1].rows * entry[2] + 76) + "px";
      var chart = echarts.init(place, null, { renderer: "canvas" });
      chart.setOption(entry[1].option);
      charts.push(chart);
    });
  }

  draw();
  window.addEventListener("resize", function () { charts.forEach(function (chart) { chart.resize(); }); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}());
