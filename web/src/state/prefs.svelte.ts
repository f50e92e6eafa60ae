// What belongs to the reader and not to the view: it stays out of the URL, so a
// shared link does not force one's theme on another.

export type Theme = 'system' | 'light' | 'dark';
const THEMES: ReadonlyArray<Theme> = ['system', 'light', 'dark'];

class Prefs {
  theme: Theme = $state(readTheme());
  /** Single-key shortcuts can be switched off, as WCAG 2.1.4 asks. */
  keys = $state(read('keys') !== 'off');

  /** With which month the fiscal year begins, 1 to 12. A link holds it, so that it means the same to the next reader. */
  fiscalMonth = $state(readMonth());

  constructor() {
    this.#apply();
  }

  cycleTheme(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length]!;
    write('theme', this.theme);
    this.#apply();
  }

  setKeys(on: boolean): void {
    this.keys = on;
    write('keys', on ? 'on' : 'off');
  }

  setFiscalMonth(month: number): void {
    this.fiscalMonth = month;
    write('fiscal-month', String(month));
  }

  #apply(): void {
    if (this.theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = this.theme;
  }
}

function readTheme(): Theme {
  return THEMES.find((theme) => theme === read('theme')) ?? 'system';
}

function readMonth(): number {
  const month = Number(read('fiscal-month'));
  return Number.isInteger(month) && month >= 1 && month <= 12 ? month : 1;
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`tallybook.${name}`);
  } catch {
    // Storage can be forbidden; the page then simply forgets.
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`tallybook.${name}`, value);
  } catch {
    // As above.
  }
}

export const prefs = new Prefs();
