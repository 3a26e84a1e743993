/**
 * What crosses the wire, by the names of the platform's API (docs/reference). Only the fields that are read here.
 */

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type ParameterKind = 'string' | 'integer' | 'number' | 'boolean' | 'json';

export interface Parameter {
  name: string;
  kind: ParameterKind;
  default: Value;
  required: boolean;
  choices: Value[];
  minimum: number | null;
  maximum: number | null;
  description: string;
}

export interface Entrypoint {
  kind: string;
  path: string;
  function: string;
  command: string[];
  style: string;
}

export interface Detected {
  entrypoint: Entrypoint;
  title: string;
  parameters: Parameter[];
}

export interface Package {
  name: string;
  version: string;
  change: 'base' | 'added' | 'changed' | 'removed';
  base_version: string;
}

export interface CodeFile {
  path: string;
  size: number;
}

export interface Warning {
  code: string;
  path: string;
  message: string;
  blocks: boolean;
}

/** What a save would contain. Sizes in bytes, uncompressed. */
export interface Preview {
  base_name: string;
  base_digest: string;
  packages: Package[];
  packages_size: number;
  code: CodeFile[];
  code_size: number;
  left_out: Warning[];
  warnings: Warning[];
  git: { url: string; branch: string; commit: string; dirty: boolean };
  suggested_model: string;
  suggested_label: string;
  entrypoints: Detected[];
}

export interface Version {
  id: string;
  model: string;
  owner: string;
  number: number;
  label: string;
  message: string;
  digest: string;
  size_over_base: number;
  seconds: number;
  created: string;
  entrypoint: Entrypoint;
  parameters: Parameter[];
  same_as: number | null;
}

export interface SaveRequest {
  path: string;
  model: string;
  label: string;
  message: string;
  entrypoint: Entrypoint;
  parameters: Parameter[];
  exclude: string[];
  accept_warnings: boolean;
}

/** A save as the notebook server knows it. */
export interface SaveJob {
  id: string;
  path: string;
  model: string;
  label: string;
  state: 'requested' | 'scanning' | 'pushing' | 'verifying' | 'saved' | 'failed';
  done_bytes: number;
  total_bytes: number;
  reason: string;
  hint: string;
  version: Version | null;
}

export interface Model {
  id: string;
  name: string;
  owner: string;
  updated: string;
  latest_version: number | null;
}

export interface Hardware {
  name: string;
  title: string;
  cpu: number;
  memory_mb: number;
  gpu: number;
  price_per_hour: number;
  deprecated: boolean;
}

export interface Space {
  fixed: Record<string, Value>;
  grid: Record<string, Value[]>;
  points: Record<string, Value>[];
}

/** `amount` in dollars; null where nothing is known of how long a run takes. */
export interface Estimate {
  runs: number;
  price_per_hour: number;
  seconds_per_run: number | null;
  amount: number | null;
  elapsed_seconds: number | null;
}

export interface Metric {
  key: string;
  last: number;
}

export interface Run {
  id: string;
  model: string;
  owner: string;
  version: number;
  state: string;
  target: string;
  parameters: Record<string, Value>;
  created: string;
  started: string | null;
  ended: string | null;
  sweep: string | null;
  sweep_index: number | null;
  verdict: { what: string; hint: string } | null;
  seconds: number | null;
  cost: { amount: number };
  metrics: Metric[];
  waiting_for: string;
}

export interface Sweep {
  id: string;
  state: string;
  counts: Record<string, number>;
  total: number;
  cost: { amount: number };
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Status {
  environment: string;
  user: string;
  hardware: string;
  price_per_hour: number | null;
  dashboard_url: string;
  error: { message: string; hint: string } | null;
}
