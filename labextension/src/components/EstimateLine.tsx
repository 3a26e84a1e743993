import * as React from 'react';

import { formatMoney, formatSeconds, plural } from '../format';
import { Platform } from '../platform';
import { asError, YardError } from '../request';
import { Launch } from '../snippets';
import { Estimate } from '../types';

/** “3 × 2 = 6 runs, about $0.01, ≈ 2 min at 2 in parallel”, asked for anew 250 ms after the last change. */
export function EstimateLine(props: {
  platform: Platform;
  launch: Launch;
  ready: boolean;
}): JSX.Element | null {
  const { platform, ready } = props;
  const [estimate, setEstimate] = React.useState<Estimate | null>(null);
  const [error, setError] = React.useState<YardError | null>(null);
  const asked = JSON.stringify(props.launch);
  React.useEffect(() => {
    if (!ready) {
      return;
    }
    let overtaken = false;
    const timer = window.setTimeout(() => {
      platform.estimate(JSON.parse(asked) as Launch).then(
        answer => {
          if (!overtaken) {
            setEstimate(answer);
            setError(null);
          }
        },
        reason => {
          if (!overtaken) {
            setEstimate(null);
            setError(asError(reason));
          }
        }
      );
    }, 250);
    return () => {
      overtaken = true;
      window.clearTimeout(timer);
    };
  }, [platform, asked, ready]);

  if (!ready || (estimate === null && error === null)) {
    return null;
  }
  return (
    <p className={error ? 'yard-EstimateLine yard-wrong' : 'yard-EstimateLine'} role="status">
      {error ? `${error.message} ${error.hint}` : estimate && describe(props.launch, estimate)}
    </p>
  );
}

function describe(launch: Launch, estimate: Estimate): string {
  const sizes = Object.values(launch.space.grid).map(values => values.length);
  const product = sizes.length > 1 ? `${sizes.join(' × ')} = ` : '';
  const runs = `${product}${plural(estimate.runs, 'run')}`;
  if (estimate.amount === null || estimate.elapsed_seconds === null) {
    return `${runs} at ${formatMoney(estimate.price_per_hour)} per hour; how long one takes is known after the first.`;
  }
  const together = estimate.runs > 1 ? ` at ${launch.parallelism} in parallel` : '';
  return `${runs}, about ${formatMoney(estimate.amount)}, ≈ ${formatSeconds(estimate.elapsed_seconds)}${together}`;
}
