import * as React from 'react';

import { plural } from '../format';
import { Warning } from '../types';

/** What is not saved, each with the reason. */
export function LeftOut(props: { items: Warning[] }): JSX.Element | null {
  if (props.items.length === 0) {
    return null;
  }
  return (
    <details className="yard-LeftOut">
      <summary>Left out: {plural(props.items.length, 'item')}</summary>
      <ul>
        {props.items.map(item => (
          <li key={`${item.code} ${item.path}`}>
            <span className="yard-path">{item.path}</span>
            <span className="yard-reason">{item.message}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
