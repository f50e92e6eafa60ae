import { Shortcuts } from '../lib/keys';
import { prefs } from './prefs.svelte';

/** The page's shortcuts; App listens, and each page adds its own while it is open. */
export const shortcuts = new Shortcuts(() => prefs.keys);
