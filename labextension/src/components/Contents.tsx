import * as React from 'react';

import { shortDigest } from '../format';
import { Preview } from '../types';
import { CodeFiles } from './CodeFiles';
import { LeftOut } from './LeftOut';
import { Packages } from './Packages';
import { Warnings } from './Warnings';

interface ContentsProps {
  preview: Preview;
  excluded: ReadonlySet<string>;
  accepted: boolean;
  dirty: boolean;
  onExclude: (path: string, exclude: boolean) => void;
  onAccept: (accept: boolean) => void;
  onLookAgain: () => void;
}

/** What will be saved, seen before the button is pressed. */
export function Contents(props: ContentsProps): JSX.Element {
  const { preview, excluded } = props;
  const blocked = preview.warnings.some(warning => warning.blocks && !excluded.has(warning.path));
  return (
    <section className="yard-Contents" aria-labelledby="modelyard-contents">
      <header>
        <h3 id="modelyard-contents">What will be saved</h3>
        <button type="button" className="jp-mod-styled yard-small" onClick={props.onLookAgain}>
          Look again
        </button>
      </header>
      {props.dirty && (
        <p className="yard-note">Seen on disk: unsaved changes of the open file are not in here yet.</p>
      )}
      <p className="yard-line">
        Base: {preview.base_name} <code title={preview.base_digest}>{shortDigest(preview.base_digest)}</code>
      </p>
      <Packages packages={preview.packages} size={preview.packages_size} />
      <CodeFiles files={preview.code} excluded={excluded} />
      <LeftOut items={preview.left_out} />
      <Warnings warnings={preview.warnings} excluded={excluded} onExclude={props.onExclude} />
      {blocked && (
        <label className="yard-accept">
          <input
            type="checkbox"
            id="modelyard-accept"
            checked={props.accepted}
            onChange={event => props.onAccept(event.target.checked)}
          />
          I looked at them: save them all the same
        </label>
      )}
    </section>
  );
}
