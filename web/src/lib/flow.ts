// Where an amount goes: rows by several things become layers of nodes with bands between them. What is little is put
// together at the end of its layer.

export interface FlowRow {
  /** Its value in each layer. */
  by: ReadonlyArray<string>;
  value: number;
}

export interface Node {
  layer: number;
  /** Null: what is too little to have a place of its own. */
  value: string | null;
  /** How many values it stands for. */
  of: number;
  amount: number;
}

export interface Band {
  from: Node;
  to: Node;
  amount: number;
}

export interface Flow {
  layers: Node[][];
  bands: Band[];
}

const MOST = 8;

/** Rows of nothing have no place; at most so many nodes of a layer have a name. */
export function flowOf(rows: ReadonlyArray<FlowRow>, most = MOST): Flow {
  const counted = rows.filter(({ value }) => value > 0);
  const depth = counted[0]?.by.length ?? 0;
  const layers = Array.from({ length: depth }, (_, layer) => layerOf(counted, layer, most));
  const find = (layer: number, value: string) => layers[layer]!.find((node) => node.value === value) ?? layers[layer]!.at(-1)!;
  const bands = new Map<Node, Map<Node, Band>>();
  for (const { by, value } of counted) {
    for (let layer = 0; layer + 1 < depth; layer += 1) {
      const [from, to] = [find(layer, by[layer]!), find(layer + 1, by[layer + 1]!)];
      const own = bands.get(from) ?? new Map<Node, Band>();
      bands.set(from, own);
      const band = own.get(to) ?? { from, to, amount: 0 };
      band.amount += value;
      own.set(to, band);
    }
  }
  return { layers, bands: [...bands.values()].flatMap((own) => [...own.values()]) };
}

function layerOf(rows: ReadonlyArray<FlowRow>, layer: number, most: number): Node[] {
  const sums = new Map<string, number>();
  for (const { by, value } of rows) sums.set(by[layer]!, (sums.get(by[layer]!) ?? 0) + value);
  const nodes = [...sums].sort((one, other) => other[1] - one[1]).map(([value, amount]): Node => ({ layer, value, of: 1, amount }));
  // One alone is no crowd: it keeps its name.
  if (nodes.length <= most + 1) return nodes;
  const rest = nodes.slice(most);
  return [...nodes.slice(0, most), { layer, value: null, of: rest.length, amount: rest.reduce((sum, { amount }) => sum + amount, 0) }];
}

export interface PlacedNode extends Node {
  x: number;
  y: number;
  height: number;
}

export interface PlacedBand {
  from: PlacedNode;
  to: PlacedNode;
  amount: number;
  /** Its outline. */
  path: string;
}

export interface Placed {
  nodes: PlacedNode[];
  bands: PlacedBand[];
  width: number;
  height: number;
}

export const NODE_PX = 12;
const GAP_PX = 6;
const WHOLE_PX = 200;

/** Where everything stands. A node has room for a line of text, however little it is. */
export function placed({ layers, bands }: Flow, { width, least_px }: { width: number; least_px: number }): Placed {
  const whole = Math.max(...layers.map((nodes) => nodes.reduce((sum, { amount }) => sum + amount, 0)), 0);
  const scale = whole > 0 ? WHOLE_PX / whole : 0;
  const places = new Map<Node, PlacedNode>();
  let height = 0;
  layers.forEach((nodes, layer) => {
    let y = 0;
    for (const node of nodes) {
      places.set(node, { ...node, x: layers.length > 1 ? (layer * (width - NODE_PX)) / (layers.length - 1) : 0, y, height: Math.max(1, node.amount * scale) });
      y += Math.max(least_px, node.amount * scale) + GAP_PX;
    }
    height = Math.max(height, y - GAP_PX);
  });
  const left = new Map<Node, number>();
  const right = new Map<Node, number>();
  const at = (node: Node) => places.get(node)!.y;
  const inOrder = [...bands].sort((one, other) => at(one.from) - at(other.from) || at(one.to) - at(other.to));
  const drawn = inOrder.map((band) => {
    const [from, to] = [places.get(band.from)!, places.get(band.to)!];
    const thick = band.amount * scale;
    const y0 = from.y + (left.get(band.from) ?? 0);
    const y1 = to.y + (right.get(band.to) ?? 0);
    left.set(band.from, y0 - from.y + thick);
    right.set(band.to, y1 - to.y + thick);
    return { from, to, amount: band.amount, path: ribbon(from.x + NODE_PX, y0, to.x, y1, thick) };
  });
  return { nodes: [...places.values()], bands: drawn, width, height };
}

function ribbon(x0: number, y0: number, x1: number, y1: number, thick: number): string {
  const middle = (x0 + x1) / 2;
  const [a, b, c, d, e, f, g] = [x0, y0, middle, x1, y1, y1 + thick, y0 + thick].map((value) => Math.round(value * 10) / 10);
  return `M${a} ${b}C${c} ${b} ${c} ${e} ${d} ${e}L${d} ${f}C${c} ${f} ${c} ${g} ${a} ${g}Z`;
}
