import type { Board } from './board';

export const connectors: Board = {
  name: 'connectors',
  title: 'Connectors',
  about: 'The MCP servers that agents reach: how much they are used, how often they fail, how long they take.',
  panels: [
    { id: 'use', title: 'Use', show: 'figures', width: 'whole', report: 'connectors', by: ['day'],
      figures: ['calls', 'failure_share', 'refusals', 'p95_duration_ms', 'connections', 'connection_failure_share', 'people'] },
    { id: 'days', title: 'Calls by day', show: 'course', width: 'whole', report: 'connectors', by: ['day'], figures: ['calls'] },
    { id: 'servers', title: 'By connector', about: 'Without a name: the client was not told to send details (OTEL_LOG_TOOL_DETAILS).',
      show: 'table', width: 'whole', report: 'connectors', by: ['mcp_server_name'],
      figures: ['calls', 'failures', 'failure_share', 'p95_duration_ms', 'connections', 'failed_connections', 'people'], order: '-calls', rows: 15 },
    { id: 'tools', title: 'By tool of the connector', show: 'table', width: 'half', report: 'connectors', by: ['mcp_server_name', 'mcp_tool_name'],
      where: ['kind=call'], figures: ['calls', 'failures', 'p95_duration_ms'], order: '-calls' },
    { id: 'connections', title: 'Connections', show: 'table', width: 'half', report: 'connectors', by: ['transport_type', 'server_scope'],
      where: ['kind=connection'], figures: ['connections', 'failed_connections', 'p95_connection_ms'], order: '-connections' },
    { id: 'versions', title: 'Failures by version of the client', show: 'table', width: 'half', report: 'connectors', by: ['product', 'app_version'],
      figures: ['failures', 'failed_connections', 'disconnections'], order: '-failures' },
    { id: 'codes', title: 'Why connections failed', show: 'table', width: 'half', report: 'connectors', by: ['error_code'],
      where: ['kind=connection', 'outcome=failed'], figures: ['failed_connections', 'people'], order: '-failed_connections' },
  ],
};
