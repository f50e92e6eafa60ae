// Where this reader can go: what they may not see is not offered.

import { GROUPS, type Place } from '../boards/places';
import { me } from './me.svelte';

class Offered {
  groups = $derived(GROUPS.map(({ title, places }) => ({ title, places: places.filter(isOffered) })).filter(({ places }) => places.length > 0));
  places = $derived<ReadonlyArray<Place>>(this.groups.flatMap(({ places }) => places));
}

/** Everybody has a page Access; in the navigation it is for who manages it, the others come by their name. */
function isOffered({ route }: Place): boolean {
  return !me.isStranger && (route.page === 'access' ? me.may('manage') : me.reaches(route.page));
}

export const offered = new Offered();
