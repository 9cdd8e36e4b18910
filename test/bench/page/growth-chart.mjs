import { figuresOf, seriesOf, textOf } from '../figures.mjs';
import { frame, kindOf, MARGIN, rule, text, WIDTH } from './svg.mjs';

const GAP = 56;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) / 2;
const PANEL_HEIGHT = 90;
const HEAD_HEIGHT = 52;
const FOOT_HEIGHT = 44;
const TEXT_HEIGHT = 13;
const LEGEND_WIDTH = 240;
/** An axis is logarithmic if the greatest value is more than so many times the least. */
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
  groups.push(drawLegend(scenarios, bottom));
  return frame(bottom + MARGIN, 'CPU time and memory by what grows', groups);
}

/** The colour of each target that any scenario has. */
function drawLegend(scenarios, bottom) {
  const targets = new Map(
    scenarios.flatMap((scenario) => scenario.targets).map((target) => [target.key, target]),
  );
  return [...targets.values()].map((target, index) => {
    const left = MARGIN + index * LEGEND_WIDTH;
    const circle = `<circle class="${kindOf(target)}" cx="${left + 5}" cy="${bottom - 4}" r="4"/>`;
    return circle + text(left + 16, bottom, target.title);
  });
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
    ...seriesOf(scenario).map((series, at) => drawLine(series, lines[at], { x, axis })),
    ...drawEnds(lines, { name, left: x(steps.length - 1) + 8, axis }),
  ];
}

function drawLine(series, values, { x, axis }) {
  const kind = kindOf(series[0]);
  const points = values.map((value, index) => [x(index).toFixed(1), axis.at(value).toFixed(1)]);
  const circles = points.map(([cx, cy]) => `<circle class="${kind}" cx="${cx}" cy="${cy}" r="3"/>`);
  return `<polyline class="${kind} line" points="${points.map((point) => point.join()).join(' ')}"/>${circles.join('')}`;
}

/** The last figure of each line beside its end, from the lowest end to the highest, none over another. */
function drawEnds(lines, { name, left, axis }) {
  let free = Infinity;
  const ends = lines.map((values) => values.at(-1)).toSorted((one, other) => one - other);
  return ends.map((value) => {
    const y = Math.min(axis.at(value) + 4.5, free);
    free = y - TEXT_HEIGHT;
    return text(left, y.toFixed(1), textOf(name, value), { kind: 'unit' });
  });
}

/** An axis from zero, or a logarithmic one if the values are too far apart. */
function axisOf(values, top) {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const isLogarithmic = greatest / least > LOGARITHMIC_FROM;
  const share = isLogarithmic
    ? (value) => Math.log(value / least) / Math.log(greatest / least)
    : (value) => value / greatest;
  return { isLogarithmic, at: (value) => top + PANEL_HEIGHT - 4 - share(value) * (PANEL_HEIGHT - 8) };
}
