/** What the list reads out of runs. */
import { Parameter, Run } from './types';

const ENDED = new Set(['succeeded', 'failed', 'cancelled', 'timed_out', 'lost']);

export function hasEnded(state: string): boolean {
  return ENDED.has(state);
}

export function secondsSoFar(run: Run): number | null {
  if (run.seconds !== null && hasEnded(run.state)) {
    return run.seconds;
  }
  return run.started === null ? null : Math.max(0, (Date.now() - Date.parse(run.started)) / 1000);
}

/** The parameters that are not the same in all runs; those of a single run that were declared, up to three. */
export function variedParameters(parameters: Parameter[], runs: Run[]): string[] {
  const names = parameters.map(parameter => parameter.name);
  if (runs.length < 2) {
    return names.slice(0, 3);
  }
  return names.filter(name => new Set(runs.map(run => JSON.stringify(run.parameters[name]))).size > 1);
}
