import { UUID } from '@lumino/coreutils';
import * as React from 'react';

import { Platform } from '../platform';
import { asError, YardError } from '../request';
import { asCli, asPython, isSweep, Launch } from '../snippets';
import { Choice, Choices, firstChoices, readSpace } from '../space';
import { Hardware, Version } from '../types';
import { CopyButton } from './CopyButton';
import { EstimateLine } from './EstimateLine';
import { Field } from './Field';
import { HardwareSelect } from './HardwareSelect';
import { Problem } from './Problem';
import { Started } from './RunList';
import { RunParameter } from './RunParameter';

interface RunFormProps {
  platform: Platform;
  version: Version;
  hardware: Hardware[];
  preferred: string;
  user: string;
  visible: boolean;
  onStarted: (started: Started) => void;
}

/** The parameters of one version, where to run them, and what that would cost. */
export function RunForm(props: RunFormProps): JSX.Element {
  const { platform, version, hardware } = props;
  const preferred = hardware.find(one => one.name === props.preferred) ?? hardware[0];
  const [choices, setChoices] = React.useState<Choices>(() => firstChoices(version));
  const [size, setSize] = React.useState(preferred.name);
  const [parallelism, setParallelism] = React.useState('2');
  const [timeout, setTimeout] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<YardError | null>(null);
  const key = React.useRef('');

  const { space, problems, isSweep: sweeping } = readSpace(version.parameters, choices);
  const parallelProblem = sweeping ? wholeProblem(parallelism, 'Parallel runs') : '';
  const timeoutProblem = timeout ? wholeProblem(timeout, 'The timeout') : '';
  const reason =
    Object.entries(problems).map(([name, problem]) => `${name}: ${problem}`)[0] ||
    parallelProblem ||
    timeoutProblem;
  const launch: Launch = {
    model: version.model,
    owner: version.owner,
    version: version.number,
    space,
    hardware: size,
    parallelism: sweeping ? Number(parallelism) : 1,
    timeoutSeconds: timeout ? Number(timeout) * 60 : null
  };

  const change = (name: string, part: Partial<Choice>): void => {
    setChoices({ ...choices, [name]: { ...choices[name], ...part } });
  };

  const submit = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    if (reason || busy) {
      return;
    }
    setBusy(true);
    setError(null);
    // Kept over a failure: pressing Run again after a lost answer must not start everything twice.
    const body = JSON.stringify(launch);
    key.current = key.current.startsWith(body) ? key.current : `${body} ${UUID.uuid4()}`;
    const once = key.current.slice(body.length + 1);
    try {
      if (isSweep(launch)) {
        props.onStarted({ kind: 'sweep', id: (await platform.submitSweep(launch, once)).id });
      } else {
        props.onStarted({ kind: 'run', id: (await platform.submitRun(launch, once)).id });
      }
      key.current = '';
    } catch (failure) {
      setError(asError(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form className="yard-RunForm" onSubmit={event => void submit(event)} noValidate>
      {version.parameters.length === 0 && <p className="yard-line">This version has no parameters.</p>}
      {version.parameters.map(parameter => (
        <RunParameter
          key={parameter.name}
          parameter={parameter}
          choice={choices[parameter.name]}
          problem={problems[parameter.name]}
          onChange={part => change(parameter.name, part)}
        />
      ))}
      <HardwareSelect hardware={hardware} value={size} onChange={setSize} />
      {sweeping && (
        <Field id="modelyard-parallelism" label="Parallel runs" problem={parallelProblem}>
          <input
            className="jp-mod-styled"
            inputMode="numeric"
            value={parallelism}
            onChange={event => setParallelism(event.target.value)}
          />
        </Field>
      )}
      <details className="yard-advanced">
        <summary>Advanced</summary>
        <Field
          id="modelyard-timeout"
          label="Timeout in minutes"
          problem={timeoutProblem}
          hint="A run that takes longer is stopped. Empty: no limit."
        >
          <input
            className="jp-mod-styled"
            inputMode="numeric"
            value={timeout}
            onChange={event => setTimeout(event.target.value)}
          />
        </Field>
      </details>
      <EstimateLine platform={platform} launch={launch} ready={props.visible && reason === ''} />
      {error && <Problem error={error} />}
      <div className="yard-buttons">
        <button
          type="submit"
          id="modelyard-run"
          className="jp-mod-styled jp-mod-accept"
          disabled={reason !== '' || busy}
          aria-describedby={reason ? 'modelyard-run-reason' : undefined}
        >
          {sweeping && !reason ? `Run all ${countRuns(launch).toLocaleString('en')}` : 'Run'}
        </button>
        <CopyButton label="Copy as CLI" text={asCli(launch, props.user)} disabled={reason !== ''} />
        <CopyButton label="Copy as Python" text={asPython(launch, props.user)} disabled={reason !== ''} />
      </div>
      {reason && (
        <p id="modelyard-run-reason" className="yard-note">
          {reason}
        </p>
      )}
    </form>
  );
}

function countRuns(launch: Launch): number {
  return Object.values(launch.space.grid).reduce((product, values) => product * values.length, 1);
}

function wholeProblem(text: string, what: string): string {
  return /^[1-9]\d{0,5}$/.test(text.trim()) ? '' : `${what} must be a whole number of at least 1.`;
}
