import * as React from 'react';

import { formatBytes, plural } from '../format';
import { CodeFile } from '../types';

const SHOWN = 200;

/** The files of the code layer, without those that the user excluded. */
export function CodeFiles(props: { files: CodeFile[]; excluded: ReadonlySet<string> }): JSX.Element {
  const kept = props.files.filter(file => !props.excluded.has(file.path));
  const size = kept.reduce((sum, file) => sum + file.size, 0);
  return (
    <details className="yard-CodeFiles">
      <summary>
        Code: {plural(kept.length, 'file')} <span className="yard-size">{formatBytes(size)}</span>
      </summary>
      <ul>
        {kept.slice(0, SHOWN).map(file => (
          <li key={file.path}>
            <span className="yard-path">{file.path}</span>{' '}
            <span className="yard-size">{formatBytes(file.size)}</span>
          </li>
        ))}
        {kept.length > SHOWN && <li>and {plural(kept.length - SHOWN, 'more file')}</li>}
      </ul>
    </details>
  );
}
