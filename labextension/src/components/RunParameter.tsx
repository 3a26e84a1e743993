import * as React from 'react';

import { Choice, Mode } from '../space';
import { Parameter, Value } from '../types';
import { offeredValues, parseList, showValue } from '../values';

interface RunParameterProps {
  parameter: Parameter;
  choice: Choice;
  problem: string | undefined;
  onChange: (part: Partial<Choice>) => void;
}

/** One parameter: a switch value · list · range, and the input that belongs to it. */
export function RunParameter(props: RunParameterProps): JSX.Element {
  const { parameter, choice, problem } = props;
  const numeric = parameter.kind === 'integer' || parameter.kind === 'number';
  const modes: Mode[] = numeric ? ['value', 'list', 'range'] : ['value', 'list'];
  const noteId = `modelyard-param-${parameter.name}-note`;
  const note = problem ?? parameter.description;
  return (
    <fieldset className={problem ? 'yard-RunParameter yard-wrong' : 'yard-RunParameter'}>
      <legend>{parameter.name}</legend>
      <div className="yard-switch">
        {modes.map(mode => (
          <label key={mode}>
            <input
              type="radio"
              name={`modelyard-mode-${parameter.name}`}
              value={mode}
              aria-label={`${parameter.name}: ${mode}`}
              checked={choice.mode === mode}
              onChange={() => props.onChange({ mode })}
            />
            <span>{mode}</span>
          </label>
        ))}
      </div>
      <div aria-describedby={note ? noteId : undefined}>
        {choice.mode === 'value' && <ValueInput {...props} />}
        {choice.mode === 'list' && <ListInput {...props} />}
        {choice.mode === 'range' && <RangeInput {...props} />}
      </div>
      {note && (
        <p id={noteId} className="yard-note">
          {note}
        </p>
      )}
    </fieldset>
  );
}

function ValueInput({ parameter, choice, onChange }: RunParameterProps): JSX.Element {
  const offered = offeredValues(parameter);
  const common = {
    className: 'jp-mod-styled',
    'aria-label': parameter.name,
    value: choice.value
  };
  if (offered.length > 0) {
    return (
      <select {...common} onChange={event => onChange({ value: event.target.value })}>
        {parameter.default === null && <option value="">not given</option>}
        {offered.map(value => (
          <option key={showValue(value)}>{showValue(value)}</option>
        ))}
      </select>
    );
  }
  return <input {...common} spellCheck={false} onChange={event => onChange({ value: event.target.value })} />;
}

function ListInput(props: RunParameterProps): JSX.Element {
  const { parameter, choice, onChange } = props;
  if (offeredValues(parameter).length > 0) {
    return <OfferedList {...props} />;
  }
  return (
    <input
      className="jp-mod-styled"
      aria-label={`${parameter.name} values, separated by commas`}
      placeholder="a, b, c"
      spellCheck={false}
      value={choice.list}
      onChange={event => onChange({ list: event.target.value })}
    />
  );
}

/** Boxes to tick where the values are known. */
function OfferedList({ parameter, choice, onChange }: RunParameterProps): JSX.Element {
  const chosen = new Set(readTexts(parameter, choice.list));
  const offered = offeredValues(parameter);
  const toggle = (value: Value, on: boolean): void => {
    const kept = offered.filter(one => (one === value ? on : chosen.has(showValue(one))));
    onChange({ list: JSON.stringify(kept) });
  };
  return (
    <div className="yard-boxes">
      {offered.map(value => (
        <label key={showValue(value)}>
          <input
            type="checkbox"
            checked={chosen.has(showValue(value))}
            onChange={event => toggle(value, event.target.checked)}
          />
          {showValue(value)}
        </label>
      ))}
    </div>
  );
}

function readTexts(parameter: Parameter, list: string): string[] {
  return parseList(parameter.kind, list).map(showValue);
}

function RangeInput({ parameter, choice, onChange }: RunParameterProps): JSX.Element {
  return (
    <div className="yard-range">
      {(['start', 'stop', 'step'] as const).map(part => (
        <label key={part}>
          <span>{part === 'start' ? 'from' : part === 'stop' ? 'to' : 'step'}</span>
          <input
            className="jp-mod-styled"
            aria-label={`${parameter.name} ${part}`}
            inputMode="decimal"
            value={choice[part]}
            onChange={event => onChange({ [part]: event.target.value })}
          />
        </label>
      ))}
    </div>
  );
}
