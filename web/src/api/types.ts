// The wire types of the JSON API, as the pages read them. Times are epoch
// milliseconds, money is USD. An absent value arrives as null or not at all.

export type Maybe<T> = T | null | undefined;

export interface Totals {
  cost_usd: number;
  requests: number;
  prompts: number;
  sessions: number;
  active_people: number;
  errors: number;
  tool_calls: number;
  tool_failures: number;
  tool_rejections: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_creation_tokens: number;
}

export interface Series {
  time_ms: number[];
  cost_usd: number[];
  requests: number[];
  errors: number[];
}

export interface PersonRow {
  person: string | null;
  cost_usd: number;
  requests: number;
  prompts: number;
  sessions: number;
  tokens: number;
}

export interface ModelRow {
  model: string | null;
  cost_usd: number;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_creation_tokens: number;
}

export interface ToolRow {
  tool_name: string | null;
  calls: number;
  failures: number;
  rejections: number;
  p95_duration_ms: Maybe<number>;
}

export interface ProductRow {
  product: string | null;
  cost_usd: number;
  requests: number;
}

export interface Overview {
  from_ms: number;
  to_ms: number;
  step_ms: number;
  totals: Totals;
  /** The same totals for the equally long period just before. */
  previous: Totals;
  series: Series;
  people: PersonRow[];
  models: ModelRow[];
  tools: ToolRow[];
  products: ProductRow[];
}

export interface Session {
  session_id: string;
  person: Maybe<string>;
  product: Maybe<string>;
  app_version: Maybe<string>;
  terminal_type: Maybe<string>;
  start_ms: number;
  end_ms: number;
  prompts: number;
  requests: number;
  cost_usd: number;
  tokens: number;
  tool_calls: number;
  errors: number;
  models: string[];
}

export interface Prompt {
  prompt_id: string;
  session_id: Maybe<string>;
  person: Maybe<string>;
  product: Maybe<string>;
  time_ms: number;
  end_ms: Maybe<number>;
  prompt: Maybe<string>;
  prompt_length: Maybe<number>;
  prompt_kind: Maybe<string>;
  cost_usd: number;
  requests: number;
  tokens: number;
  tool_calls: number;
  errors: number;
}

export interface SessionPage {
  sessions: Session[];
  next_before_ms: number | null;
}

export interface SessionDetail {
  session: Session;
  prompts: Prompt[];
}

export interface PromptPage {
  prompts: Prompt[];
  next_before_ms: number | null;
}

export interface PromptTotals {
  cost_usd: number;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_creation_tokens: number;
  tool_calls: number;
  errors: number;
}

export interface ReplayEvent {
  time_ms: number;
  event: string;
  sequence?: Maybe<number>;
  agent_id?: Maybe<string>;
  agent_name?: Maybe<string>;
  model?: Maybe<string>;
  cost_usd?: Maybe<number>;
  input_tokens?: Maybe<number>;
  output_tokens?: Maybe<number>;
  cache_read_tokens?: Maybe<number>;
  cache_creation_tokens?: Maybe<number>;
  duration_ms?: Maybe<number>;
  ttft_ms?: Maybe<number>;
  request_id?: Maybe<string>;
  query_source?: Maybe<string>;
  speed?: Maybe<string>;
  effort?: Maybe<string>;
  tool_name?: Maybe<string>;
  tool_use_id?: Maybe<string>;
  success?: Maybe<boolean>;
  decision?: Maybe<string>;
  decision_source?: Maybe<string>;
  error?: Maybe<string>;
  error_type?: Maybe<string>;
  status_code?: Maybe<number | string>;
  attempt?: Maybe<number>;
  mcp_server_name?: Maybe<string>;
  mcp_tool_name?: Maybe<string>;
  skill_name?: Maybe<string>;
  plugin_name?: Maybe<string>;
  prompt?: Maybe<string>;
  prompt_length?: Maybe<number>;
  response?: Maybe<string>;
  tool_input?: unknown;
  tool_parameters?: unknown;
  attributes?: Maybe<Record<string, unknown>>;
}

export interface Replay {
  prompt_id: string;
  session_id: Maybe<string>;
  person: Maybe<string>;
  product: Maybe<string>;
  start_ms: number;
  end_ms: number;
  totals: PromptTotals;
  events: ReplayEvent[];
}

export interface LiveItem {
  time_ms: number;
  received_ms: number;
  product?: Maybe<string>;
  event: string;
  person?: Maybe<string>;
  session_id?: Maybe<string>;
  prompt_id?: Maybe<string>;
  model?: Maybe<string>;
  cost_usd?: Maybe<number>;
  tokens?: Maybe<number>;
  tool_name?: Maybe<string>;
  success?: Maybe<boolean>;
  decision?: Maybe<string>;
  error?: Maybe<string>;
}

export interface Fates {
  received: number;
  accepted: number;
  deduplicated: number;
  quarantined: number;
  rejected: number;
}

export interface Status {
  version: string;
  started_ms: number;
  http: string;
  grpc: string;
  demo: boolean;
  access: 'open' | 'closed';
  fates: { logs: Fates; metrics: Fates; traces: Fates };
  last_received_ms: number | null;
  buffer_rows: number;
  parts: number;
}

/** What became of the items of a signal: the last four add up to what was received. */
export interface Fate {
  received: number;
  accepted: number;
  deduplicated: number;
  quarantined: number;
  rejected: number;
}

export interface Ledger {
  since_ms: number;
  settled: boolean;
  signals: { logs: Fate; metrics: Fate; traces: Fate };
  refused_requests: Array<{ signal: string; reason: string; retryable: boolean; requests: number }>;
}
