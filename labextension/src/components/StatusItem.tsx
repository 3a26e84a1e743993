import { TextItem } from '@jupyterlab/statusbar';
import * as React from 'react';

import { formatMoney } from '../format';
import { Status } from '../types';

/** In the status bar: the hardware of this environment and what an hour of it costs. */
export function StatusItem(props: { status: Status | null }): JSX.Element | null {
  const { status } = props;
  if (status === null || !status.hardware) {
    return null;
  }
  const price = status.price_per_hour === null ? '' : `, ${formatMoney(status.price_per_hour)}/h`;
  return (
    <TextItem
      source={`${status.hardware}${price}`}
      title={`Environment ${status.environment} on hardware ${status.hardware}`}
    />
  );
}
