import * as React from 'react';

import { YardError } from '../request';

/** An error where it happened: the sentence, and what to do next. */
export function Problem(props: { error: YardError; onRetry?: () => void }): JSX.Element {
  return (
    <div className="yard-Problem" role="alert">
      <p>{props.error.message}</p>
      {props.error.hint && <p className="yard-hint">{props.error.hint}</p>}
      {props.onRetry && (
        <button type="button" className="jp-mod-styled yard-small" onClick={props.onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
