import * as React from 'react';

import { formatMoney, formatNumber } from '../format';
import { Hardware } from '../types';
import { Field } from './Field';

interface HardwareSelectProps {
  hardware: Hardware[];
  value: string;
  onChange: (name: string) => void;
}

/** Where each run runs, with its price. */
export function HardwareSelect(props: HardwareSelectProps): JSX.Element {
  return (
    <Field id="modelyard-hardware" label="Hardware of each run">
      <select
        className="jp-mod-styled"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        {props.hardware.map(one => (
          <option key={one.name} value={one.name}>
            {describe(one)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function describe(one: Hardware): string {
  const memory =
    one.memory_mb >= 1024
      ? `${formatNumber(one.memory_mb / 1024)} GiB`
      : `${formatNumber(one.memory_mb)} MiB`;
  const gpu = one.gpu > 0 ? `, ${one.gpu} GPU` : '';
  const title = one.title || one.name;
  return `${title}: ${formatNumber(one.cpu)} CPU, ${memory}${gpu}, ${formatMoney(one.price_per_hour)}/h`;
}
