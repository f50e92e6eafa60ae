// A short list of named things that the reader keeps, in the browser alone.

const MOST = 100;

export interface Named {
  name: string;
}

export class Kept<T extends Named> {
  items: ReadonlyArray<T> = $state.raw([]);
  /** The browser would not keep them. */
  failed = $state(false);

  constructor(
    readonly key: string,
    readonly isItem: (value: unknown) => value is T,
  ) {
    this.items = this.#read();
    // Another window may have kept something in the meantime.
    addEventListener('storage', (event) => {
      if (event.key === key) this.items = this.#read();
    });
  }

  /** A name stands for one thing: the newer takes the place of the older. */
  put(item: T): void {
    this.#write([item, ...this.items.filter(({ name }) => name !== item.name)].slice(0, MOST));
  }

  /** Under another name, in its place; whatever had that name before is gone. */
  rename(from: string, to: string): void {
    const others = this.items.filter(({ name }) => name === from || name !== to);
    this.#write(others.map((item) => (item.name === from ? { ...item, name: to } : item)));
  }

  drop(name: string): void {
    this.#write(this.items.filter((item) => item.name !== name));
  }

  #read(): T[] {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(this.key) ?? '[]');
      return Array.isArray(kept) ? kept.filter(this.isItem).slice(0, MOST) : [];
    } catch {
      // What cannot be read is as if it were not there; the next one that is kept takes its place.
      return [];
    }
  }

  #write(items: ReadonlyArray<T>): void {
    this.items = items;
    try {
      localStorage.setItem(this.key, JSON.stringify(items));
      this.failed = false;
    } catch {
      this.failed = true;
    }
  }
}
