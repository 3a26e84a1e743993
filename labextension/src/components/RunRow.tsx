import * as React from 'react';

import { formatMoney, formatNumber, formatSeconds } from '../format';
import { hasEnded, secondsSoFar } from '../runs';
import { Run } from '../types';
import { showValue } from '../values';

const METRICS = 3;

interface RunRowProps {
  run: Run;
  varied: string[];
  dashboardUrl: string;
  onCancel: () => void;
}

/** One run: state, what is particular about it, how long, its metrics, its cost. */
export function RunRow(props: RunRowProps): JSX.Element {
  const { run, varied } = props;
  const title =
    varied.map(name => `${name}=${showValue(run.parameters[name] ?? null)}`).join(', ') || `v${run.version}`;
  const seconds = secondsSoFar(run);
  const cancelling = run.target === 'cancelled' && !hasEnded(run.state);
  return (
    <li className="yard-RunRow" data-run={run.id} data-state={run.state}>
      <div className="yard-first">
        <span className={`yard-state yard-state-${run.state}`}>
          {cancelling ? 'cancelling' : run.state.replace('_', ' ')}
        </span>
        <a href={`${props.dashboardUrl}runs/${run.id}`} target="_blank" rel="noreferrer">
          {title}
        </a>
        <a
          href={`${props.dashboardUrl}runs/${run.id}#log`}
          target="_blank"
          rel="noreferrer"
          aria-label={`Log of ${title}`}
        >
          Log
        </a>
        {!hasEnded(run.state) && !cancelling && (
          <button
            type="button"
            className="jp-mod-styled yard-small"
            aria-label={`Cancel ${title}`}
            onClick={props.onCancel}
          >
            Cancel
          </button>
        )}
      </div>
      <div className="yard-second">
        {seconds !== null && <span>{formatSeconds(seconds)}</span>}
        {run.metrics.slice(0, METRICS).map(metric => (
          <span key={metric.key}>
            {metric.key} <strong>{formatNumber(metric.last)}</strong>
          </span>
        ))}
        {run.cost.amount > 0 && <span>{formatMoney(run.cost.amount)}</span>}
        {run.state === 'queued' && run.waiting_for && <span>{run.waiting_for}</span>}
      </div>
      {run.verdict && run.state !== 'succeeded' && (
        <p className="yard-verdict">
          {run.verdict.what} {run.verdict.hint}
        </p>
      )}
    </li>
  );
}
