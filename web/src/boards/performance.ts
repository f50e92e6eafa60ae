import type { Board } from './board';

const STEPS = ['day', 'duration_from_ms'];
/** Cells, and the percentiles that are drawn through them. */
const SPREAD = ['timed', 'p50_ms', 'p95_ms', 'p99_ms'];

export const performance: Board = {
  name: 'performance',
  title: 'Performance',
  about: 'How long requests and tools take: how many were quick, how many slow, and since when. Times are the client’s own.',
  panels: [
    { id: 'speed', title: 'How long it took', show: 'figures', width: 'whole', report: 'performance', by: ['day'],
      figures: ['requests', 'p50_request_ms', 'p95_request_ms', 'p99_request_ms', 'p95_ttft_ms', 'output_tokens_per_s', 'tool_runs', 'p95_tool_ms'] },
    { id: 'requests', title: 'Requests by duration', about: 'A cell narrows the page to its day and duration, a bar at the side to its duration. The lines go through the percentiles of each day.',
      show: 'spread', width: 'whole', report: 'durations', by: STEPS, where: ['kind=request'], figures: SPREAD },
    { id: 'days', title: 'Request durations by day', show: 'course', width: 'whole', report: 'performance', by: ['day'],
      figures: ['p50_request_ms', 'p95_request_ms', 'p99_request_ms'] },
    { id: 'models', title: 'By model', show: 'table', width: 'whole', report: 'performance', by: ['model'], choices: ['model', 'speed', 'effort', 'app_version', 'team'],
      figures: ['requests', 'p50_request_ms', 'p95_request_ms', 'p99_request_ms', 'p95_ttft_ms', 'output_tokens_per_s'], order: '-requests' },
    { id: 'tools', title: 'Tools by duration', show: 'spread', width: 'whole', report: 'durations', by: STEPS, where: ['kind=tool'], figures: SPREAD },
    { id: 'slow', title: 'Tools by the time they took', show: 'table', width: 'whole', report: 'durations', by: ['tool_name'], where: ['kind=tool'],
      figures: ['spent_ms', 'timed', 'p50_ms', 'p95_ms', 'p99_ms', 'longest_ms', 'prompts'], order: '-spent_ms' },
  ],
};
