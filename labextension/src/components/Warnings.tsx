import * as React from 'react';

import { Warning } from '../types';

interface WarningsProps {
  warnings: Warning[];
  excluded: ReadonlySet<string>;
  onExclude: (path: string, exclude: boolean) => void;
}

/** What looks like data or a secret, by file, each with a box that leaves the file out. */
export function Warnings(props: WarningsProps): JSX.Element | null {
  const paths = [...new Set(props.warnings.map(warning => warning.path))];
  if (paths.length === 0) {
    return null;
  }
  return (
    <fieldset className="yard-Warnings">
      <legend>Look at these before saving</legend>
      {paths.map(path => {
        const own = props.warnings.filter(warning => warning.path === path);
        const blocks = own.some(warning => warning.blocks) && !props.excluded.has(path);
        return (
          <div key={path} className={blocks ? 'yard-Warning yard-blocks' : 'yard-Warning'}>
            {own.map(warning => (
              <p key={warning.code + warning.message}>{warning.message}</p>
            ))}
            {path && (
              <label>
                <input
                  type="checkbox"
                  checked={props.excluded.has(path)}
                  onChange={event => props.onExclude(path, event.target.checked)}
                />
                Leave out <span className="yard-path">{path}</span>
              </label>
            )}
          </div>
        );
      })}
    </fieldset>
  );
}
