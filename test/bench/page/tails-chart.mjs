import { figuresOf, textOf } from '../figures.mjs';
import { frame, kindOf, MARGIN, rule, text, WIDTH } from './svg.mjs';

const LABEL_WIDTH = 236;
const FIGURE_WIDTH = 72;
const ROW_HEIGHT = 22;
const HEAD_HEIGHT = 40;
const GAP = 26;

const LEFT = MARGIN + LABEL_WIDTH;
const RIGHT = WIDTH - MARGIN - FIGURE_WIDTH;

/** The circles of a row. */
const MARKS = [
  { name: 'p50Ms', head: 'p50', radius: 2.5 },
  { name: 'p90Ms', head: 'p90', radius: 3 },
  { name: 'p99Ms', head: 'p99', radius: 5 },
  { name: 'p999Ms', head: 'p99.9', radius: 3 },
  { name: 'maxMs', head: 'max', radius: 2.5 },
];

/** Percentiles of the latency of each target at fixed rates, on a logarithmic axis. */
export function tailsChartOf(scenarios) {
  const values = scenarios.flatMap(({ targets }) =>
    targets.flatMap((target) => MARKS.map(({ name }) => figuresOf(target)[name])),
  );
  const axis = axisOf(Math.min(...values), Math.max(...values));
  let top = MARGIN;
  const groups = scenarios.map((scenario) => {
    const group = drawGroup(scenario, top, axis);
    top += HEAD_HEIGHT + scenario.targets.length * ROW_HEIGHT + GAP;
    return group;
  });
  const heads = MARKS.map(({ head }) => head).join(', ');
  const note = `From left to right in each row: ${heads}. Milliseconds, less is better.`;
  groups.push([text(MARGIN, top, note, { kind: 'unit' })]);
  return frame(top + MARGIN, 'Latency percentiles by target at fixed rates', groups);
}

/** A logarithmic axis: whole powers of ten, and the position of a value between them. */
function axisOf(least, greatest) {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(greatest))];
  return {
    ticks: Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index)),
    at: (value) => LEFT + ((Math.log10(value) - from) / (to - from)) * (RIGHT - LEFT),
  };
}

function drawGroup({ title, rate, targets }, top, { ticks, at }) {
  const bottom = top + HEAD_HEIGHT + targets.length * ROW_HEIGHT - 4;
  const lines = [
    text(MARGIN, top + 10, title, { kind: 'title' }) +
      text(WIDTH - MARGIN, top + 10, `${rate.toLocaleString('en')} a second`, {
        kind: 'unit',
        anchor: 'end',
      }),
    text(WIDTH - MARGIN, top + 30, 'p99', { kind: 'unit', anchor: 'end' }),
  ];
  for (const tick of ticks) {
    lines.push(
      rule(at(tick), top + 34, at(tick), bottom) +
        text(at(tick), top + 30, `${tick.toLocaleString('en')} ms`, { kind: 'unit', anchor: 'middle' }),
    );
  }
  for (const [index, target] of targets.entries()) {
    lines.push(drawRow(target, top + HEAD_HEIGHT + (index + 0.5) * ROW_HEIGHT - 4, at));
  }
  return lines;
}

function drawRow(target, y, at) {
  const figures = figuresOf(target);
  const kind = kindOf(target);
  const place = (name) => at(figures[name]).toFixed(1);
  const circles = MARKS.map(({ name, radius }) => `<circle cx="${place(name)}" cy="${y}" r="${radius}"/>`);
  return (
    text(LEFT - 14, y + 4.5, target.title, { anchor: 'end' }) +
    `<g class="${kind}"><line x1="${place('p50Ms')}" y1="${y}" x2="${place('maxMs')}" y2="${y}"/>${circles.join('')}</g>` +
    text(WIDTH - MARGIN, y + 4.5, textOf('p99Ms', figures.p99Ms), { anchor: 'end' })
  );
}
