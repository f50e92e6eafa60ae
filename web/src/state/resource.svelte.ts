// A loaded answer that never flickers: while a new one is on its way, and when
// it fails, the old one stays, dimmed, and only the newest request may replace it.
// Where the server has an older answer and a new one takes longer, that is there first.

import { ApiError, isAbort } from '../api/client';

/** Whether more may have come in since it was made. */
interface Aged {
  is_older?: boolean;
}

export class Resource<T> {
  data: T | null = $state.raw(null);
  error: ApiError | null = $state.raw(null);
  loading = $state(false);
  /** Old data is on show while newer is missing. */
  stale = $derived(this.data !== null && (this.loading || this.error !== null));

  #current: AbortController | null = null;

  /** The fetcher is asked again, for an answer of now, when it has given an older one. */
  async load(fetcher: (signal: AbortSignal, mayBeOlder: boolean) => Promise<T>, quiet = false): Promise<void> {
    this.#current?.abort();
    const current = new AbortController();
    this.#current = current;
    // A refresh nobody asked for must not dim the page every half minute.
    this.loading = !quiet;
    try {
      for (const mayBeOlder of [true, false]) {
        const data = await fetcher(current.signal, mayBeOlder);
        if (this.#current !== current) return;
        this.data = data;
        this.error = null;
        if (!(data as Aged | null)?.is_older) break;
      }
    } catch (cause) {
      if (isAbort(cause) || this.#current !== current) return;
      this.error = asApiError(cause);
    }
    this.loading = false;
  }

  cancel(): void {
    this.#current?.abort();
    this.#current = null;
  }
}

function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  return new ApiError(String(cause), 'this page', 'Reload the page.', 0);
}
