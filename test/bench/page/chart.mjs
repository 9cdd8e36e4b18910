import { figuresOf, textOf } from './figures.mjs';

const WIDTH = 760;
const MARGIN = 24;
const LABEL_WIDTH = 236;
const FIGURE_WIDTH = 64;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 24;
const HEAD_HEIGHT = 34;
const GAP = 22;

/** Readable on a light and on a dark page, whichever the reader's system prefers. */
const STYLE = `
    .page { fill: #ffffff } text { fill: #1f2328; font: 13px system-ui, sans-serif }
    .title { font-weight: 600 } .unit { fill: #59636e } .peer { fill: #9aa4af } .own { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } text { fill: #e6edf3 } .unit { fill: #9198a1 } .peer { fill: #57606a } .own { fill: #58a6ff }
    }`;

/** CPU time of each target, a group of bars for each scenario; the less the better. */
export function chartOf({ scenarios }) {
  const groups = scenarios.filter(({ targets }) => 'cpuUs' in targets[0].rounds[0]);
  let top = MARGIN;
  const drawn = groups.map((scenario) => {
    const group = drawGroup(scenario, top);
    top += HEAD_HEIGHT + scenario.targets.length * ROW_HEIGHT + GAP;
    return group;
  });
  const height = top - GAP + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="CPU time by target and scenario">
  <style>${STYLE}
  </style>
  <rect class="page" width="${WIDTH}" height="${height}" rx="8"/>
${drawn.join('\n')}
</svg>
`;
}

function drawGroup({ title, unit, targets }, top) {
  const values = targets.map((target) => figuresOf(target).cpuUs);
  const scale = (WIDTH - 2 * MARGIN - LABEL_WIDTH - FIGURE_WIDTH) / Math.max(...values);
  const bars = targets.map((target, index) =>
    drawBar(target, values[index], top + HEAD_HEIGHT + index * ROW_HEIGHT, scale),
  );
  const head = `<text class="title" x="${MARGIN}" y="${top + 14}">${escape(title)}</text>`;
  const right = WIDTH - MARGIN;
  const note = `<text class="unit" x="${right}" y="${top + 14}" text-anchor="end">CPU µs per ${unit}, less is better</text>`;
  return `  <g>\n    ${[head + note, ...bars].join('\n    ')}\n  </g>`;
}

function drawBar({ key, title }, value, y, scale) {
  const x = MARGIN + LABEL_WIDTH;
  const width = Math.max(1, value * scale).toFixed(1);
  const kind = key.startsWith('gateway') ? 'own' : 'peer';
  const middle = y + BAR_HEIGHT / 2 + 4.5;
  return (
    `<text x="${x - 10}" y="${middle}" text-anchor="end">${escape(title)}</text>` +
    `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>` +
    `<text x="${x + Number(width) + 8}" y="${middle}">${textOf('cpuUs', value)}</text>`
  );
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('`', '');
}
