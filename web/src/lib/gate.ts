// A page asks for many answers at once, and the server has few cores and one
// share of memory for all of them: more at a time come no sooner, and may be refused.

export class Gate {
  #free: number;
  #waiting: Array<() => void> = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Runs when there is room, in the order of asking; one that is given up leaves its place to the next. */
  async pass<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      this.#leave();
    }
  }

  #enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((enter) => this.#waiting.push(enter));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
