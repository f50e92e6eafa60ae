import type { Board } from './board';

export const errors: Board = {
  name: 'errors',
  title: 'Errors',
  about: 'What failed for good, with which status, and what it cost in time. Errors that a retry cured are not reported by clients.',
  panels: [
    { id: 'failed', title: 'Failed', show: 'figures', width: 'whole', report: 'errors', by: ['day'],
      figures: ['errors', 'failed_requests', 'request_error_share', 'tool_failures', 'failed_connections', 'lost_ms', 'people'] },
    { id: 'days', title: 'Errors by day', show: 'course', width: 'whole', report: 'errors', by: ['day'], figures: ['errors'] },
    { id: 'kinds', title: 'By kind', show: 'table', width: 'whole', report: 'errors', by: ['kind', 'status_code', 'error_type'], where: ['kind!='],
      figures: ['errors', 'retries', 'lost_ms', 'people', 'sessions'], order: '-errors', rows: 20 },
    { id: 'models', title: 'Failed requests', show: 'table', width: 'half', report: 'errors', by: ['model'],
      choices: ['model', 'product', 'app_version', 'team'], figures: ['failed_requests', 'request_error_share', 'retries'], order: '-failed_requests' },
    { id: 'tools', title: 'Failures of tools', show: 'table', width: 'half', report: 'errors', by: ['tool_name'], where: ['kind=tool'],
      figures: ['tool_failures', 'people', 'sessions'], order: '-tool_failures' },
    { id: 'sessions', title: 'Sessions to look at', about: 'Those in which most failed. A session’s menu opens it.', show: 'table', width: 'whole', report: 'errors',
      by: ['session_id', 'product'], where: ['kind!='],
      figures: ['errors', 'failed_requests', 'tool_failures', 'failed_connections', 'retries', 'lost_ms'], order: '-errors', rows: 10 },
  ],
};
