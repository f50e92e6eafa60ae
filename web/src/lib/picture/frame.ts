// A chart as a picture: an SVG that says by itself what it shows: title, range, legend, units. Text of telemetry goes
// in as escaped text and nothing else.

/** The colours of the theme that the picture is made in. */
export interface Palette {
  paper: string;
  ink: string;
  ink2: string;
  ink3: string;
  rule: string;
  font: string;
  serif: string;
}

export interface Mark {
  label: string;
  colour: string;
  /** Dashes of a line; a bar has none. */
  dash?: ReadonlyArray<number>;
}

export interface Framed {
  title: string;
  /** Range, zone and conditions, a line. */
  about: string;
  /** What the figures are counted in. */
  unit: string;
  legend: ReadonlyArray<Mark>;
  palette: Palette;
}

export const WIDTH = 960;
export const PAD = 24;
const LINE_PX = 18;
const CHAR_PX = 6.6;

/** Where the drawing begins, below what the frame says. */
export function topOf({ legend }: Framed): number {
  return PAD + 30 + LINE_PX + (legend.length ? LINE_PX + 6 : 0) + 8;
}

/** The whole picture around a drawing of that height. */
export function framed(of: Framed, height: number, drawing: string): string {
  const { palette, title, about, unit } = of;
  const whole = topOf(of) + height + PAD;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${whole}" viewBox="0 0 ${WIDTH} ${whole}" font-family="${escaped(palette.font)}" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="${palette.paper}"/>`,
    `<rect x="${PAD}" y="${PAD - 8}" width="${WIDTH - 2 * PAD}" height="2" fill="${palette.ink}"/>`,
    text(PAD, PAD + 18, shortened(title, 90), palette.ink, `font-size="18" font-weight="600" font-family="${escaped(palette.serif)}"`),
    text(WIDTH - PAD, PAD + 18, unit, palette.ink2, 'text-anchor="end"'),
    text(PAD, PAD + 38, shortened(about, 138), palette.ink2),
    legendOf(of),
    `<g transform="translate(0 ${topOf(of)})">${drawing}</g>`,
    '</svg>',
  ].join('\n');
}

function legendOf({ legend, palette }: Framed): string {
  const y = PAD + 30 + LINE_PX + 14;
  let x = PAD;
  const marks = legend.map(({ label, colour, dash }) => {
    const said = shortened(label, 40);
    const mark = dash
      ? `<line x1="${x}" x2="${x + 22}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash.join(' ')}"/>`
      : `<rect x="${x + 6}" y="${y - 10}" width="10" height="12" fill="${colour}"/>`;
    const at = x + 28;
    x = at + said.length * CHAR_PX + 22;
    return mark + text(at, y, said, palette.ink2);
  });
  return marks.join('');
}

export function text(x: number, y: number, said: string, fill: string, more = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${fill}" ${more}>${escaped(said)}</text>`;
}

export function shortened(said: string, most: number): string {
  return said.length > most ? `${said.slice(0, most - 1)}…` : said;
}

/** What XML does not allow at all is left out; what it reads as its own is written as text. */
export function escaped(said: string): string {
  return said
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '')
    .replace(/[&<>"']/g, (symbol) => `&#${symbol.charCodeAt(0)};`);
}

export const round = (value: number): number => Math.round(value * 100) / 100;
