import * as React from 'react';

import { Documents } from '../documents';
import { Platform } from '../platform';
import { usePolling } from '../polling';
import { asError, YardError } from '../request';
import { SaveJob, SaveRequest, Version } from '../types';
import { useDocument } from '../useDocument';
import { Problem } from './Problem';
import { SavedCard } from './SavedCard';
import { SaveForm } from './SaveForm';
import { SaveProgress } from './SaveProgress';

interface SavePanelProps {
  platform: Platform;
  documents: Documents;
  dashboardUrl: string;
  visible: boolean;
  onRun: (version: Version) => void;
}

const running = (job: SaveJob | null): boolean =>
  job !== null && job.state !== 'saved' && job.state !== 'failed';

/** Save Model: the form, then the progress, then the card. The job is the server's; this only looks at it. */
export function SavePanel(props: SavePanelProps): JSX.Element {
  const { platform, visible } = props;
  const document = useDocument(props.documents);
  const [job, setJob] = React.useState<SaveJob | null>(null);
  const [lost, setLost] = React.useState<YardError | null>(null);

  // A save that was started before this page was loaded is picked up again.
  React.useEffect(() => {
    if (visible) {
      platform.listSaves().then(
        saves => setJob(now => now ?? saves.find(running) ?? null),
        () => undefined // the form says so when it asks for the preview
      );
    }
  }, [platform, visible]);

  const look = async (): Promise<void> => {
    try {
      setJob(await platform.readSave(job?.id ?? ''));
      setLost(null);
    } catch (reason) {
      setLost(asError(reason));
    }
  };
  usePolling(look, 300, visible && running(job));

  const begin = async (request: SaveRequest): Promise<void> => setJob(await platform.beginSave(request));

  return (
    <div className="yard-content">
      <h2>Save Model</h2>
      {lost && <Problem error={lost} />}
      {job && running(job) && <SaveProgress job={job} />}
      {job?.state === 'saved' && job.version && (
        <SavedCard
          version={job.version}
          dashboardUrl={props.dashboardUrl}
          onRun={props.onRun}
          onAgain={() => setJob(null)}
        />
      )}
      {job?.state === 'failed' && (
        <Problem error={new YardError(`The save failed: ${job.reason}`, job.hint)} />
      )}
      {document === null && !running(job) && (
        <p>
          Open the notebook or the file that trains your model; then this panel shows what a save would hold.
        </p>
      )}
      {document !== null && (
        <div hidden={running(job) || job?.state === 'saved'}>
          <SaveForm
            key={document.path}
            platform={platform}
            document={document}
            visible={visible}
            busy={running(job)}
            onSave={begin}
          />
        </div>
      )}
    </div>
  );
}
