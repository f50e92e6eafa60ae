// What reports there are. It never changes while a server runs, so it is asked once.

import { fetchReports } from '../api/client';
import type { ReportAbout } from '../api/reports';
import { Resource } from './resource.svelte';

class ReportCatalogue {
  readonly resource = new Resource<ReportAbout[]>();

  /** Asks unless it is known or being asked. */
  load(): void {
    if (this.resource.data || this.resource.loading) return;
    void this.resource.load(async (signal) => (await fetchReports(signal)).reports);
  }
}

export const catalogue = new ReportCatalogue();
