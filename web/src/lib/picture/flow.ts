// Where an amount goes, from layer to layer.

import { NODE_PX, type Placed } from '../flow';
import { framed, PAD, round, shortened, text, WIDTH, type Framed } from './frame';

export interface FlowPicture extends Framed {
  flow: Placed;
  layers: ReadonlyArray<string>;
  /** Of the bands out of a layer's nodes, in turn. */
  colours: ReadonlyArray<string>;
  format: (value: number) => string;
}

const TOP = 24;
const NAME_PX = 190;

export function flowPicture({ flow, layers, colours, format, ...frame }: FlowPicture): string {
  const scale = (WIDTH - 2 * PAD - NAME_PX) / flow.width;
  const firsts = flow.nodes.filter(({ layer }) => layer === 0);
  const colourOf = (value: string | null) => colours[firsts.findIndex((node) => node.value === value) % colours.length] ?? colours[0];
  const bands = flow.bands.map(({ from, path }) => `<path d="${path}" fill="${from.layer === 0 ? colourOf(from.value) : frame.palette.ink3}" fill-opacity="0.35"/>`);
  const nodes = flow.nodes.map((node) => `<rect x="${round(node.x)}" y="${round(node.y)}" width="${NODE_PX}" height="${round(node.height)}" fill="${frame.palette.ink}"/>`);
  const names = flow.nodes.map((node) => {
    const x = PAD + (node.x + NODE_PX) * scale + 6;
    return text(x, TOP + node.y + 12, shortened(node.value === null ? `${node.of} others` : node.value || 'none', 24), frame.palette.ink) + text(x, TOP + node.y + 26, format(node.amount), frame.palette.ink2);
  });
  const heads = layers.map((name, layer) => text(PAD + (layer / Math.max(1, layers.length - 1)) * (flow.width - NODE_PX) * scale, 10, name, frame.palette.ink3));
  const drawing = `<g transform="translate(${PAD} ${TOP}) scale(${round(scale)} 1)">${[...bands, ...nodes].join('\n')}</g>`;
  return framed(frame, TOP + flow.height + 20, [drawing, ...heads, ...names].join('\n'));
}
