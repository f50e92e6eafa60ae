import type { Board } from './board';

export const health: Board = {
  name: 'health',
  title: 'Data health',
  people: 'Name the people who have gone silent',
  about: 'Who reports and who has gone silent, what became of every item, and whether events and metrics agree.',
  panels: [
    { id: 'coverage', title: 'Coverage', show: 'figures', width: 'whole', report: 'coverage', by: ['product', 'app_version'],
      figures: ['clients', 'people', 'overdue_clients', 'incomplete_clients', 'faulty_clients', 'sequence_gaps', 'identity_missing', 'quarantined'] },
    { id: 'fates', title: 'What became of every item', about: 'Since the server started: each received item has exactly one fate.',
      show: 'fates', width: 'half', report: '', by: [], figures: [] },
    { id: 'quarantine', title: 'In quarantine', about: 'Received in the range and not understood; kept as they came.',
      show: 'quarantine', width: 'half', report: '', by: [], figures: [] },
    { id: 'silent', title: 'Gone silent', about: 'Silent for longer than their own rhythm explains.', show: 'table', width: 'whole', report: 'coverage',
      by: ['product', 'machine'], named: ['person', 'product', 'machine'], where: ['overdue=true'], figures: ['last_seen', 'shortest_silence_s', 'sessions', 'sequence_gaps'],
      order: '-shortest_silence_s', rows: 15 },
    { id: 'versions', title: 'Clients by version', show: 'table', width: 'whole', report: 'coverage', by: ['product', 'app_version'],
      figures: ['clients', 'people', 'incomplete_clients', 'faulty_clients', 'sequence_gaps', 'identity_missing', 'quarantined'], order: '-clients', rows: 15 },
    { id: 'agreement', title: 'Events against metrics', about: 'The same told twice is compared and never added.', show: 'figures', width: 'whole',
      report: 'reconciliation', by: ['product', 'verdict'], figures: ['comparisons', 'agreement_share', 'differing', 'difference_usd'] },
    { id: 'verdicts', title: 'By verdict', show: 'table', width: 'whole', report: 'reconciliation', by: ['product', 'verdict'],
      figures: ['comparisons', 'events_usd', 'metrics_usd', 'difference_usd', 'events_tokens', 'metrics_tokens'], order: '-comparisons' },
  ],
};
