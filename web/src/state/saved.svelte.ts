// The questions that the reader keeps, in the browser alone.

export interface SavedQuestion {
  name: string;
  sql: string;
}

const KEY = 'tallybook.questions';
const MOST = 100;

class SavedQuestions {
  questions: ReadonlyArray<SavedQuestion> = $state.raw(read());
  /** The browser would not keep them. */
  failed = $state(false);

  /** A name stands for one question: the newer takes the place of the older. */
  put(name: string, sql: string): void {
    this.#write([{ name, sql }, ...this.questions.filter((own) => own.name !== name)].slice(0, MOST));
  }

  drop(name: string): void {
    this.#write(this.questions.filter((own) => own.name !== name));
  }

  #write(questions: ReadonlyArray<SavedQuestion>): void {
    this.questions = questions;
    try {
      localStorage.setItem(KEY, JSON.stringify(questions));
      this.failed = false;
    } catch {
      this.failed = true;
    }
  }
}

function read(): SavedQuestion[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isQuestion).slice(0, MOST) : [];
  } catch {
    // What cannot be read is as if it were not there; the next one that is saved takes its place.
    return [];
  }
}

function isQuestion(value: unknown): value is SavedQuestion {
  const { name, sql } = (value ?? {}) as Partial<SavedQuestion>;
  return typeof name === 'string' && typeof sql === 'string';
}

export const saved = new SavedQuestions();
