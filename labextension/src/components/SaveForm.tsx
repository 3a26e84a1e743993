import * as React from 'react';

import { OpenDocument } from '../documents';
import { readDrafts, toDrafts } from '../drafts';
import { labelProblem, modelNameProblem } from '../names';
import { Platform } from '../platform';
import { asError, YardError } from '../request';
import { Detected, Preview, SaveRequest } from '../types';
import { Contents } from './Contents';
import { EntrypointSelect } from './EntrypointSelect';
import { Field } from './Field';
import { Draft, ParameterTable } from './ParameterTable';
import { Problem } from './Problem';
import { UnsavedChanges } from './UnsavedChanges';

interface SaveFormProps {
  platform: Platform;
  document: OpenDocument;
  visible: boolean;
  busy: boolean;
  /** Rejects with a YardError. */
  onSave: (request: SaveRequest) => Promise<void>;
}

/** What to save, under which name; everything below the names is computed from the files on disk. */
export function SaveForm(props: SaveFormProps): JSX.Element {
  const { platform, document, visible, busy } = props;
  const [preview, setPreview] = React.useState<Preview | null>(null);
  const [names, setNames] = React.useState<string[]>([]);
  const [model, setModel] = React.useState('');
  const [label, setLabel] = React.useState('');
  const [message, setMessage] = React.useState('');
  const [excluded, setExcluded] = React.useState<ReadonlySet<string>>(new Set());
  const [accepted, setAccepted] = React.useState(false);
  const [chosen, setChosen] = React.useState<Detected | null>(null);
  const [drafts, setDrafts] = React.useState<Draft[]>([]);
  const [error, setError] = React.useState<YardError | null>(null);
  const [asking, setAsking] = React.useState(false);
  const edited = React.useRef({ model: false, label: false, parameters: false });
  const latest = React.useRef(0);

  const choose = (detected: Detected | null): void => {
    setChosen(detected);
    setDrafts(toDrafts(detected?.parameters ?? []));
    edited.current.parameters = false;
  };

  const path = document.path;
  const look = React.useCallback(async (): Promise<void> => {
    const turn = ++latest.current; // an answer that was overtaken by a newer question is dropped
    try {
      const [seen, known] = await Promise.all([
        platform.preview(path),
        platform.listModelNames().catch(() => [])
      ]);
      if (turn !== latest.current) {
        return;
      }
      setPreview(seen);
      setNames(known);
      setModel(now => (edited.current.model ? now : seen.suggested_model));
      setLabel(now => (edited.current.label ? now : seen.suggested_label));
      if (!edited.current.parameters) {
        choose(seen.entrypoints[0] ?? null);
      }
      setError(null);
    } catch (reason) {
      if (turn === latest.current) {
        setError(asError(reason));
      }
    }
  }, [platform, path]);

  // Looked at again when the panel is opened, when a save has ended, and when the document was written.
  const dirty = document.isDirty();
  React.useEffect(() => {
    if (visible && !busy) {
      void look();
    }
  }, [visible, busy, dirty, look]);

  const read = readDrafts(drafts, chosen?.parameters ?? []);
  const reason = firstProblem(preview, model, label, chosen, read.problems, excluded, accepted);

  const save = async (): Promise<void> => {
    setAsking(false);
    setError(null);
    if (chosen === null) {
      return;
    }
    try {
      if (document.isDirty()) {
        await document.save();
      }
      await props.onSave({
        path,
        model,
        label,
        message,
        entrypoint: chosen.entrypoint,
        parameters: read.parameters,
        exclude: [...excluded],
        accept_warnings: accepted
      });
    } catch (failure) {
      setError(asError(failure));
    }
  };

  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (reason || busy) {
      return;
    }
    if (document.isDirty()) {
      setAsking(true);
    } else {
      void save();
    }
  };

  const exclude = (file: string, leaveOut: boolean): void => {
    const next = new Set(excluded);
    if (leaveOut) {
      next.add(file);
    } else {
      next.delete(file);
    }
    setExcluded(next);
  };

  return (
    <form className="yard-SaveForm" onSubmit={submit} noValidate>
      <p className="yard-document">{path}</p>
      <Field id="modelyard-model" label="Model name" problem={model ? modelNameProblem(model) : ''}>
        <input
          className="jp-mod-styled"
          list="modelyard-models"
          autoComplete="off"
          spellCheck={false}
          value={model}
          onChange={event => {
            edited.current.model = true;
            setModel(event.target.value);
          }}
        />
      </Field>
      <datalist id="modelyard-models">
        {names.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Field id="modelyard-label" label="Version label" problem={label ? labelProblem(label) : ''}>
        <input
          className="jp-mod-styled"
          autoComplete="off"
          spellCheck={false}
          value={label}
          onChange={event => {
            edited.current.label = true;
            setLabel(event.target.value);
          }}
        />
      </Field>
      <Field id="modelyard-message" label="Message (optional)">
        <input
          className="jp-mod-styled"
          autoComplete="off"
          maxLength={2000}
          value={message}
          onChange={event => setMessage(event.target.value)}
        />
      </Field>
      {preview === null && error === null && <p role="status">Looking at what would be saved…</p>}
      {preview && (
        <>
          <EntrypointSelect
            detected={preview.entrypoints}
            chosen={chosen}
            onChoose={detected => choose(detected)}
          />
          <ParameterTable
            drafts={drafts}
            problems={read.problems}
            onChange={next => {
              edited.current.parameters = true;
              setDrafts(next);
            }}
          />
          <Contents
            preview={preview}
            excluded={excluded}
            accepted={accepted}
            dirty={dirty}
            onExclude={exclude}
            onAccept={setAccepted}
            onLookAgain={() => void look()}
          />
        </>
      )}
      {error && <Problem error={error} onRetry={preview ? undefined : () => void look()} />}
      {asking && <UnsavedChanges path={path} onSave={() => void save()} onCancel={() => setAsking(false)} />}
      {!asking && (
        <div className="yard-footer">
          <button
            type="submit"
            id="modelyard-save"
            className="jp-mod-styled jp-mod-accept"
            disabled={reason !== '' || busy}
            aria-describedby={reason ? 'modelyard-save-reason' : undefined}
          >
            Save
          </button>
          {reason && (
            <p id="modelyard-save-reason" className="yard-note">
              {reason}
            </p>
          )}
        </div>
      )}
    </form>
  );
}

/** Why Save can't be pressed yet; empty when it can. */
function firstProblem(
  preview: Preview | null,
  model: string,
  label: string,
  chosen: Detected | null,
  problems: Record<number, string>,
  excluded: ReadonlySet<string>,
  accepted: boolean
): string {
  if (preview === null) {
    return 'Waiting for what would be saved.';
  }
  const blocking = preview.warnings.filter(warning => warning.blocks && !excluded.has(warning.path));
  return (
    modelNameProblem(model) ||
    labelProblem(label) ||
    (chosen === null ? 'There is nothing to run: open a notebook or a Python file.' : '') ||
    Object.values(problems)[0] ||
    (blocking.length > 0 && !accepted
      ? 'Look at the warnings: leave the files out, or say that they are fine.'
      : '')
  );
}
