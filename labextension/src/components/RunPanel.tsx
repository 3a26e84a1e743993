import * as React from 'react';

import { Documents } from '../documents';
import { Platform } from '../platform';
import { asError, YardError } from '../request';
import { Hardware, Model, Version } from '../types';
import { useDocument } from '../useDocument';
import { Problem } from './Problem';
import { RunForm } from './RunForm';
import { RunList, Started } from './RunList';
import { VersionSelect } from './VersionSelect';

interface RunPanelProps {
  platform: Platform;
  documents: Documents;
  dashboardUrl: string;
  /** The hardware that the form begins with: this environment's. */
  hardware: string;
  user: string;
  visible: boolean;
  /** The version whose card asked for a run; a new object each time. */
  wanted: { version: Version } | null;
}

/** Run Training: choose a version, fill in its parameters, then watch the runs. */
export function RunPanel(props: RunPanelProps): JSX.Element {
  const { platform, visible, wanted } = props;
  const document = useDocument(props.documents);
  const [models, setModels] = React.useState<Model[] | null>(null);
  const [hardware, setHardware] = React.useState<Hardware[]>([]);
  const [model, setModel] = React.useState<Model | null>(null);
  const [versions, setVersions] = React.useState<Version[]>([]);
  const [version, setVersion] = React.useState<Version | null>(null);
  const [started, setStarted] = React.useState<Started | null>(null);
  const [error, setError] = React.useState<YardError | null>(null);

  const openVersions = React.useCallback(
    async (next: Model, number: number | null): Promise<void> => {
      const found = await platform.listVersions(next);
      setModel(next);
      setVersions(found);
      setVersion(now => {
        const chosen = found.find(one => one.number === number) ?? found[0] ?? null;
        // The same version stays the same object, so that looking again does not empty the form.
        return now !== null && chosen !== null && now.id === chosen.id ? now : chosen;
      });
    },
    [platform]
  );

  const look = React.useCallback(
    async (keep: Model | null, keepNumber: number | null, path: string): Promise<void> => {
      try {
        const [all, sizes, saves] = await Promise.all([
          platform.listModels(),
          platform.listHardware(),
          platform.listSaves().catch(() => [])
        ]);
        setModels(all);
        setHardware(sizes);
        const saved = saves.find(save => save.path === path && save.state === 'saved');
        const next =
          all.find(one => one.owner === keep?.owner && one.name === keep.name) ??
          all.find(one => one.name === saved?.model) ??
          [...all].sort((a, b) => b.updated.localeCompare(a.updated))[0];
        if (next) {
          await openVersions(next, keepNumber);
        }
        setError(null);
      } catch (reason) {
        setError(asError(reason));
      }
    },
    [platform, openVersions]
  );

  const path = document?.path ?? '';
  const kept = React.useRef<{ model: Model | null; number: number | null }>({ model: null, number: null });
  kept.current = { model, number: version?.number ?? null };
  React.useEffect(() => {
    if (!visible) {
      return;
    }
    if (wanted) {
      const { owner, model: name, number } = wanted.version;
      void look({ id: '', owner, name, updated: '', latest_version: null }, number, '');
    } else {
      void look(kept.current.model, kept.current.number, path);
    }
    // `path` only helps with the first choice; moving to another notebook must not change a form that is being filled in.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [visible, wanted, look]);

  const choose = (next: Model): void => {
    setStarted(null);
    openVersions(next, null).catch(reason => setError(asError(reason)));
  };

  return (
    <div className="yard-content">
      <h2>Run Training</h2>
      {error && (
        <Problem error={error} onRetry={() => void look(kept.current.model, kept.current.number, path)} />
      )}
      {models === null && error === null && <p role="status">Looking for models…</p>}
      {models?.length === 0 && <p>There is no saved model yet. Press Save Model in a notebook first.</p>}
      {models !== null && models.length > 0 && (
        <VersionSelect
          models={models}
          model={model}
          versions={versions}
          version={version}
          onModel={choose}
          onVersion={setVersion}
        />
      )}
      {version && hardware.length > 0 && (
        <RunForm
          key={version.id}
          platform={platform}
          version={version}
          hardware={hardware}
          preferred={props.hardware}
          user={props.user}
          visible={visible}
          onStarted={setStarted}
        />
      )}
      {version && (
        <RunList
          key={started?.id ?? `${version.owner}/${version.model}`}
          platform={platform}
          version={version}
          started={started}
          dashboardUrl={props.dashboardUrl}
          visible={visible}
          onShowAll={() => setStarted(null)}
        />
      )}
    </div>
  );
}
