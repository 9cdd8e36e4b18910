export const WIDTH = 760;
export const MARGIN = 24;

/** Colours for a light and for a dark page, as the reader's system prefers. */
const STYLE = `
    .page { fill: #ffffff } text { fill: #1f2328; font: 13px system-ui, sans-serif }
    .title { font-weight: 600 } .unit { fill: #59636e; font-size: 12px } .rule { stroke: #d1d9e0 }
    .peer { fill: #9aa4af; stroke: #9aa4af } .own { fill: #0969da; stroke: #0969da } .line { fill: none; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } text { fill: #e6edf3 } .unit { fill: #9198a1 } .rule { stroke: #3d444d }
      .peer { fill: #6e7781; stroke: #6e7781 } .own { fill: #58a6ff; stroke: #58a6ff } .line { fill: none }
    }`;

/** A drawing of the full width. @param label text for screen readers */
export function frame(height, label, groups) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  <rect class="page" width="${WIDTH}" height="${height}" rx="8"/>
${groups.map((lines) => `  <g>\n    ${lines.join('\n    ')}\n  </g>`).join('\n')}
</svg>
`;
}

export function text(x, y, content, { kind, anchor = 'start' } = {}) {
  const name = kind ? ` class="${kind}"` : '';
  const side = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text${name} x="${x}" y="${y}"${side}>${escape(content)}</text>`;
}

export function rule(x1, y1, x2, y2) {
  return `<line class="rule" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

/** The class of the elements of a target. */
export function kindOf({ key }) {
  return key.startsWith('gateway') ? 'own' : 'peer';
}

function escape(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('`', '');
}
