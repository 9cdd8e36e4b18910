import { figuresOf, seriesOf, textOf } from './figures.mjs';
import { frame, kindOf, MARGIN, rule, text, WIDTH } from './svg.mjs';

const GAP = 56;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) / 2;
const PANEL_HEIGHT = 90;
const HEAD_HEIGHT = 52;
const FOOT_HEIGHT = 44;
/** Of the greatest value to the least, from where an axis is logarithmic. */
const LOGARITHMIC_FROM = 50;

const PANELS = [
  { name: 'cpuUs', head: 'CPU µs per request', left: MARGIN },
  { name: 'residentBytes', head: 'MB', left: MARGIN + PANEL_WIDTH + GAP },
];

/** CPU time and memory for each step of what grows: small multiples, the gateway beside Go. */
export function growthChartOf(scenarios) {
  const height = HEAD_HEIGHT + PANEL_HEIGHT + FOOT_HEIGHT;
  const groups = scenarios.map((scenario, index) => drawRow(scenario, MARGIN + index * height));
  const bottom = MARGIN + scenarios.length * height;
  const [blue, grey] = ['this gateway, everything on', 'Go httputil.ReverseProxy'];
  groups.push([
    `<circle class="own" cx="${MARGIN + 5}" cy="${bottom - 4}" r="4"/>${text(MARGIN + 16, bottom, blue)}`,
    `<circle class="peer" cx="${MARGIN + 245}" cy="${bottom - 4}" r="4"/>${text(MARGIN + 256, bottom, grey)}`,
  ]);
  return frame(bottom + MARGIN, 'CPU time and memory by what grows', groups);
}

function drawRow(scenario, top) {
  const panels = PANELS.flatMap((panel) => drawPanel(scenario, panel, top + HEAD_HEIGHT));
  return [text(MARGIN, top + 10, scenario.title, { kind: 'title' }), ...panels];
}

function drawPanel(scenario, { name, head, left }, top) {
  const lines = seriesOf(scenario).map((steps) => steps.map((target) => figuresOf(target)[name]));
  const axis = axisOf(lines.flat(), top);
  const steps = seriesOf(scenario)[0];
  const x = (index) => left + 24 + (index * (PANEL_WIDTH - 72)) / (steps.length - 1);
  const bottom = top + PANEL_HEIGHT;
  return [
    text(left, top - 22, axis.isLogarithmic ? `${head}, logarithmic` : head, { kind: 'unit' }),
    rule(left, bottom, left + PANEL_WIDTH, bottom),
    ...steps.map(({ label }, index) =>
      text(x(index), bottom + 16, label, { kind: 'unit', anchor: 'middle' }),
    ),
    ...seriesOf(scenario).map((series, at) => drawLine(series, lines[at], { name, x, axis })),
  ];
}

function drawLine(series, values, { name, x, axis }) {
  const kind = kindOf(series[0]);
  const points = values.map((value, index) => [x(index).toFixed(1), axis.at(value).toFixed(1)]);
  const circles = points.map(([cx, cy]) => `<circle class="${kind}" cx="${cx}" cy="${cy}" r="3"/>`);
  const [lastX, lastY] = points.at(-1);
  return (
    `<polyline class="${kind} line" points="${points.map((point) => point.join()).join(' ')}"/>${circles.join('')}` +
    text(Number(lastX) + 8, Number(lastY) + 4.5, textOf(name, values.at(-1)), { kind: 'unit' })
  );
}

/** From zero, unless the values are too far apart. */
function axisOf(values, top) {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const isLogarithmic = greatest / least > LOGARITHMIC_FROM;
  const share = isLogarithmic
    ? (value) => Math.log(value / least) / Math.log(greatest / least)
    : (value) => value / greatest;
  return { isLogarithmic, at: (value) => top + PANEL_HEIGHT - 4 - share(value) * (PANEL_HEIGHT - 8) };
}
