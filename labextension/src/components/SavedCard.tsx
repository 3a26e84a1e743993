import * as React from 'react';

import { formatBytes, formatSeconds, shortDigest } from '../format';
import { Version } from '../types';
import { CopyButton } from './CopyButton';

interface SavedCardProps {
  version: Version;
  dashboardUrl: string;
  onRun: (version: Version) => void;
  onAgain: () => void;
}

/** What came of a save, and what to do with it. */
export function SavedCard(props: SavedCardProps): JSX.Element {
  const { version } = props;
  const page = `${props.dashboardUrl}models/${version.owner}/${version.model}/versions/${version.number}`;
  return (
    <section className="yard-SavedCard" aria-label="Saved version" role="status">
      <h3>
        {version.model} v{version.number} <span className="yard-label">{version.label}</span>
      </h3>
      {version.same_as !== null && <p>Nothing had changed: it is the same image as v{version.same_as}.</p>}
      <dl>
        <dt>Size over base</dt>
        <dd>{formatBytes(version.size_over_base)}</dd>
        <dt>Time</dt>
        <dd>{formatSeconds(version.seconds)}</dd>
        <dt>Digest</dt>
        <dd>
          <code title={version.digest}>{shortDigest(version.digest)}</code>{' '}
          <CopyButton label="Copy digest" text={version.digest} />
        </dd>
      </dl>
      <div className="yard-buttons">
        <button type="button" className="jp-mod-styled jp-mod-accept" onClick={() => props.onRun(version)}>
          Run training
        </button>
        <button type="button" className="jp-mod-styled" onClick={props.onAgain}>
          Save again
        </button>
        {props.dashboardUrl && (
          <a href={page} target="_blank" rel="noreferrer">
            Open in the dashboard
          </a>
        )}
      </div>
    </section>
  );
}
