// Keys in a table whose cells are buttons: one of them is in the tab order, the arrows reach the others.

const STEPS: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Moves to the neighbour of the cell that has the focus. A cell says where it is: `data-place="line/place"`. */
export function stepInGrid(event: KeyboardEvent): void {
  const from = (event.target as Element).closest<HTMLElement>('[data-place]');
  const by = STEPS[event.key];
  if (!from || !by || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const [line, place] = from.dataset['place']!.split('/').map(Number);
  const to = (event.currentTarget as Element).querySelector<HTMLElement>(`[data-place="${line! + by[0]}/${place! + by[1]}"]`);
  if (!to) return;
  event.preventDefault();
  to.focus();
}
