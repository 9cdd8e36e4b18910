import { figuresOf, textOf } from '../figures.mjs';
import { frame, kindOf, MARGIN, text, WIDTH } from './svg.mjs';

const LABEL_WIDTH = 236;
const FIGURE_WIDTH = 64;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 24;
const HEAD_HEIGHT = 34;
const GAP = 22;

/** CPU time of each target, a group of bars for each scenario; the less the better. */
export function cpuChartOf(scenarios) {
  let top = MARGIN;
  const groups = scenarios.map((scenario) => {
    const group = drawGroup(scenario, top);
    top += HEAD_HEIGHT + scenario.targets.length * ROW_HEIGHT + GAP;
    return group;
  });
  return frame(top - GAP + MARGIN, 'CPU time by target and scenario', groups);
}

function drawGroup({ title, unit, targets }, top) {
  const values = targets.map((target) => figuresOf(target).cpuUs);
  const scale = (WIDTH - 2 * MARGIN - LABEL_WIDTH - FIGURE_WIDTH) / Math.max(...values);
  const bars = targets.map((target, index) =>
    drawBar(target, values[index], top + HEAD_HEIGHT + index * ROW_HEIGHT, scale),
  );
  const note = `CPU µs per ${unit}, less is better`;
  return [
    text(MARGIN, top + 14, title, { kind: 'title' }) +
      text(WIDTH - MARGIN, top + 14, note, { kind: 'unit', anchor: 'end' }),
    ...bars,
  ];
}

function drawBar(target, value, y, scale) {
  const x = MARGIN + LABEL_WIDTH;
  const width = Math.max(1, value * scale).toFixed(1);
  const middle = y + BAR_HEIGHT / 2 + 4.5;
  return (
    text(x - 10, middle, target.title, { anchor: 'end' }) +
    `<rect class="${kindOf(target)}" x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>` +
    text(x + Number(width) + 8, middle, textOf('cpuUs', value))
  );
}
