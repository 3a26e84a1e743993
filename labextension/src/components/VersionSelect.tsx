import * as React from 'react';

import { Model, Version } from '../types';
import { Field } from './Field';

interface VersionSelectProps {
  models: Model[];
  model: Model | null;
  versions: Version[];
  version: Version | null;
  onModel: (model: Model) => void;
  onVersion: (version: Version) => void;
}

/** The model and one of its versions, newest first. */
export function VersionSelect(props: VersionSelectProps): JSX.Element {
  const { models, model, versions, version } = props;
  const key = (one: Model): string => `${one.owner}/${one.name}`;
  const owners = new Set(models.map(one => one.owner));
  return (
    <div className="yard-pair">
      <Field id="modelyard-run-model" label="Model">
        <select
          className="jp-mod-styled"
          value={model ? key(model) : ''}
          onChange={event => {
            const next = models.find(one => key(one) === event.target.value);
            if (next) {
              props.onModel(next);
            }
          }}
        >
          {models.map(one => (
            <option key={key(one)} value={key(one)}>
              {owners.size > 1 ? key(one) : one.name}
            </option>
          ))}
        </select>
      </Field>
      <Field id="modelyard-run-version" label="Version">
        <select
          className="jp-mod-styled"
          value={version?.id ?? ''}
          onChange={event => {
            const next = versions.find(one => one.id === event.target.value);
            if (next) {
              props.onVersion(next);
            }
          }}
        >
          {versions.map((one, i) => (
            <option key={one.id} value={one.id}>
              v{one.number} {one.label}
              {i === 0 ? ' (latest)' : ''}
            </option>
          ))}
        </select>
      </Field>
    </div>
  );
}
