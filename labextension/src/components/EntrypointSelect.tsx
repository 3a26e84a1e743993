import * as React from 'react';

import { Detected } from '../types';
import { Field } from './Field';

interface EntrypointSelectProps {
  detected: Detected[];
  chosen: Detected | null;
  onChoose: (detected: Detected | null) => void;
}

/** What a run starts: one of the entrypoints that were found in the code. */
export function EntrypointSelect(props: EntrypointSelectProps): JSX.Element {
  const key = (detected: Detected): string => JSON.stringify(detected.entrypoint);
  return (
    <Field id="modelyard-entrypoint" label="Entrypoint">
      <select
        className="jp-mod-styled"
        value={props.chosen ? key(props.chosen) : ''}
        onChange={event =>
          props.onChoose(props.detected.find(one => key(one) === event.target.value) ?? null)
        }
      >
        {props.detected.length === 0 && <option value="">None found</option>}
        {props.detected.map(one => (
          <option key={key(one)} value={key(one)}>
            {one.title}
          </option>
        ))}
      </select>
    </Field>
  );
}
