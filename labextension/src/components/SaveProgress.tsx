import * as React from 'react';

import { formatBytes } from '../format';
import { SaveJob } from '../types';

const STAGE: Record<SaveJob['state'], string> = {
  requested: 'Starting',
  scanning: 'Finding what changed',
  pushing: 'Packing and storing',
  verifying: 'Reading it back',
  saved: 'Saved',
  failed: 'Failed'
};

/** The stage, and bytes once they are known. */
export function SaveProgress(props: { job: SaveJob }): JSX.Element {
  const { done_bytes: done, total_bytes: total, state, model } = props.job;
  return (
    <div className="yard-SaveProgress" role="status">
      <p>
        <strong>Saving {model}</strong>: {STAGE[state]}
        {total > 0 && `, ${formatBytes(done)} of ${formatBytes(total)}`}
      </p>
      <progress aria-label="Save progress" max={total || 1} value={total > 0 ? done : undefined} />
      <p className="yard-note">You can go on working or close this page; the save goes on.</p>
    </div>
  );
}
