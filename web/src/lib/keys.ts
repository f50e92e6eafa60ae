// Single-key shortcuts. Keys with a modifier and keys typed into a field belong
// to the browser and to the field. There is one listener for the whole page:
// with two, `g p` (go to prompts) would also be `p` (previous) to the replay.

export type Bindings = Record<string, () => void>;

type Key = Pick<KeyboardEvent, 'key' | 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'defaultPrevented' | 'target' | 'timeStamp'> & {
  preventDefault(): void;
};

const SEQUENCE_MS = 1200;

export class Shortcuts {
  /** By key (`?`, `j`, `ArrowLeft`) or by two keys in a row (`g o`); the newest set wins. */
  #sets: Bindings[] = [];
  #prefix = '';
  #prefix_ms = 0;

  constructor(readonly enabled: () => boolean) {}

  /** Adds bindings until the returned function is called. */
  add(bindings: Bindings): () => void {
    this.#sets.unshift(bindings);
    return () => {
      this.#sets = this.#sets.filter((set) => set !== bindings);
    };
  }

  handle(event: Key): void {
    if (!this.enabled() || isTaken(event)) return;
    const inSequence = this.#prefix !== '' && event.timeStamp - this.#prefix_ms < SEQUENCE_MS;
    const action = this.#find(inSequence ? `${this.#prefix} ${event.key}` : event.key);
    this.#prefix = '';
    if (action) {
      event.preventDefault();
      action();
    } else if (this.#startsSequence(event.key)) {
      this.#prefix = event.key;
      this.#prefix_ms = event.timeStamp;
    }
  }

  #find(name: string): (() => void) | undefined {
    return this.#sets.find((set) => Object.hasOwn(set, name))?.[name];
  }

  #startsSequence(key: string): boolean {
    return this.#sets.some((set) => Object.keys(set).some((name) => name.startsWith(`${key} `)));
  }
}

function isTaken(event: Key): boolean {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return true;
  // Shift makes another sign of a letter, and a selection of an arrow.
  if (event.shiftKey && event.key.startsWith('Arrow')) return true;
  const target = event.target as { closest?: (selector: string) => unknown } | null;
  return Boolean(target?.closest?.('input, textarea, select, [contenteditable], dialog, [data-keys="own"]'));
}
