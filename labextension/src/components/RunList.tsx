import * as React from 'react';

import { formatMoney, plural } from '../format';
import { Platform } from '../platform';
import { usePolling } from '../polling';
import { asError, YardError } from '../request';
import { hasEnded, variedParameters } from '../runs';
import { Run, Sweep, Version } from '../types';
import { Problem } from './Problem';
import { RunRow } from './RunRow';

/** What this panel has started last. */
export interface Started {
  kind: 'run' | 'sweep';
  id: string;
}

interface RunListProps {
  platform: Platform;
  version: Version;
  started: Started | null;
  dashboardUrl: string;
  visible: boolean;
  onShowAll: () => void;
}

const SHOWN = 100;
const RECENT = 20;

/** The runs that were just started, or else the model's latest; live while one of them is active. */
export function RunList(props: RunListProps): JSX.Element {
  const { platform, version, started } = props;
  const [runs, setRuns] = React.useState<Run[] | null>(null);
  const [sweep, setSweep] = React.useState<Sweep | null>(null);
  const [error, setError] = React.useState<YardError | null>(null);

  const look = async (): Promise<void> => {
    try {
      if (started?.kind === 'run') {
        setRuns([await platform.readRun(started.id)]);
      } else if (started?.kind === 'sweep') {
        const [found, page] = await Promise.all([
          platform.readSweep(started.id),
          platform.listRuns({ sweep: started.id, limit: SHOWN })
        ]);
        setSweep(found);
        setRuns([...page.items].sort((a, b) => (a.sweep_index ?? 0) - (b.sweep_index ?? 0)));
      } else {
        const query = { owner: version.owner, model: version.model, limit: RECENT };
        setRuns((await platform.listRuns(query)).items);
      }
      setError(null);
    } catch (reason) {
      setError(asError(reason));
    }
  };
  const settled =
    runs !== null && runs.every(run => hasEnded(run.state)) && (sweep === null || sweep.state !== 'running');
  usePolling(look, 1000, props.visible && !settled);
  // Runs may have been started elsewhere while the panel was closed.
  const latest = React.useRef(look);
  latest.current = look;
  React.useEffect(() => {
    if (props.visible) {
      void latest.current();
    }
  }, [props.visible]);

  const act = async (action: Promise<unknown>): Promise<void> => {
    try {
      await action;
      await look();
    } catch (reason) {
      setError(asError(reason));
    }
  };

  const varied = variedParameters(version.parameters, runs ?? []);
  return (
    <section className="yard-RunList" aria-labelledby="modelyard-runs">
      <header>
        <h3 id="modelyard-runs">{started ? 'Started' : `Latest runs of ${version.model}`}</h3>
        {started && (
          <button type="button" className="jp-mod-styled yard-small" onClick={props.onShowAll}>
            All runs
          </button>
        )}
      </header>
      {sweep && (
        <SweepLine
          sweep={sweep}
          dashboardUrl={props.dashboardUrl}
          onCancel={() => void act(platform.cancelSweep(sweep.id))}
        />
      )}
      {error && <Problem error={error} />}
      {runs?.length === 0 && !sweep && <p className="yard-note">None yet.</p>}
      <ul>
        {(runs ?? []).map(run => (
          <RunRow
            key={run.id}
            run={run}
            varied={varied}
            dashboardUrl={props.dashboardUrl}
            onCancel={() => void act(platform.cancelRun(run.id))}
          />
        ))}
      </ul>
      {sweep && sweep.total > SHOWN && (
        <p className="yard-note">
          The first {SHOWN} of {plural(sweep.total, 'run')}; the sweep’s page has all of them.
        </p>
      )}
    </section>
  );
}

function SweepLine(props: { sweep: Sweep; dashboardUrl: string; onCancel: () => void }): JSX.Element {
  const { sweep } = props;
  const counts = Object.entries(sweep.counts).filter(([, count]) => count > 0);
  const ended = counts.reduce((sum, [state, count]) => sum + (hasEnded(state) ? count : 0), 0);
  return (
    <div className="yard-SweepLine">
      <p role="status">
        {ended} of {plural(sweep.total, 'run')} ended
        {counts.length > 0 &&
          ` (${counts.map(([state, count]) => `${count} ${state.replace('_', ' ')}`).join(', ')})`}
        , {formatMoney(sweep.cost.amount)}
        {sweep.state === 'running' ? ' so far' : ''}
      </p>
      <progress aria-label="Sweep progress" max={sweep.total || 1} value={ended} />
      <div className="yard-buttons">
        {sweep.state === 'running' && (
          <button type="button" className="jp-mod-styled yard-small" onClick={props.onCancel}>
            Cancel all
          </button>
        )}
        <a href={`${props.dashboardUrl}sweeps/${sweep.id}`} target="_blank" rel="noreferrer">
          Sweep’s page
        </a>
      </div>
    </div>
  );
}
